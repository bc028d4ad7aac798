"""Stage `prompts`: loss explained by compute, and accuracy, under each prompt of the questions."""

from pathlib import Path

from relscale.contract.io import read_tables, write_table
from relscale.contract.losses import LOSSES_COLUMNS
from relscale.contract.tables.prompts import PROMPTS
from relscale.laws.prompts import prompt_table
from relscale.laws.spec import PromptsSpec
from relscale.runtime import run


def main(*, spec: PromptsSpec, losses: list[Path], out: Path) -> None:
    """Read the losses of the families, compare their prompts, write the table."""
    table = prompt_table(
        read_tables(losses, LOSSES_COLUMNS),
        spec.prompts,
        compute=spec.compute,
        window=spec.window,
        level=spec.level,
    )
    write_table(table, out, PROMPTS)


if __name__ == "__main__":
    run(main)
