"""Stage `tuned`: relative laws on tuned frontiers, next to those of the default settings."""

from pathlib import Path

import pandas as pd

from relscale.contract.io import read_table, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.tuned import TUNED
from relscale.contract.tables.tuned_sizes import TUNED_SIZES
from relscale.laws.spec import TunedSpec
from relscale.laws.tuned import choose, tuned_laws
from relscale.runtime import run


def main(*, spec: TunedSpec, losses: Path, items: Path, out_laws: Path, out_sizes: Path) -> None:
    """Read losses and items of all families, choose settings, fit laws, write two tables."""
    table, per_item = read_table(losses, LOSSES_REQUIRED), read_table(items)
    optimum = table[table["family"] == spec.optimum_by]
    laws, sizes = [], []
    for frontier, members in spec.frontiers.items():
        by = optimum[optimum["metric"] == spec.metric]
        chosen = choose(by, members, frontier)
        sizes.append(chosen)
        for each in spec.laws:
            mine = table[table["family"] == each.family]
            of_family = per_item[per_item["family"] == each.family]
            laws.append(tuned_laws(mine, of_family, optimum, chosen, each))
    write_table(pd.concat(laws, ignore_index=True), out_laws, TUNED)
    write_table(pd.concat(sizes, ignore_index=True), out_sizes, TUNED_SIZES)


if __name__ == "__main__":
    run(main)
