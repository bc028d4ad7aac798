"""Write which step trained each run of a suite, and warn if they differ."""

from pathlib import Path

from relscale.runtime import run
from relscale.training.implementations import write_implementations


def main(*, record: list[Path], out: Path) -> None:
    """Write the table from the records of all runs."""
    write_implementations(record, out)


if __name__ == "__main__":
    run(main)
