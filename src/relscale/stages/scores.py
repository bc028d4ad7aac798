"""Stage `scores`: score the registered predictions by the runs of the largest budgets."""

from pathlib import Path

import pandas as pd

from relscale.contract.io import read_table, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.scores import SCORES
from relscale.laws.spec import LawSpec
from relscale.planner.given_table import GivenTable
from relscale.planner.registered import Register
from relscale.planner.scored import score_in
from relscale.runtime import run


def main(*, register: list[Path], losses: Path, items: Path, out: Path) -> None:
    """Read registers of any families and corpora and the losses of all runs, write the scores."""
    rows, per_item = read_table(losses, LOSSES_REQUIRED), read_table(items)
    scores = []
    for path in register:
        found = Register.read(path)
        spec = LawSpec.read(found.settings)
        mine = rows["family"].astype(str).isin([spec.family, spec.optimum_by])
        table = GivenTable(
            frame=rows[mine & (rows["corpus"].astype(str) == found.corpus)],
            where=str(losses),
            spec=spec,
            items=per_item[per_item["family"].astype(str) == spec.family],
        )
        scores.append(score_in(found, table).table)
    write_table(pd.concat(scores, ignore_index=True), out, SCORES)


if __name__ == "__main__":
    run(main)
