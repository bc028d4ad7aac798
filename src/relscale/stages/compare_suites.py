"""Stage `compare_suites`: the suites of two corpora compared on the domains of all families."""

from pathlib import Path

import pandas as pd

from relscale.contract.io import read_table, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.laws.spec import SuiteContrastsSpec
from relscale.laws.suite_contrasts.fit import fit_suite_contrasts
from relscale.runtime import run


def main(
    *,
    spec: SuiteContrastsSpec,
    losses: list[Path],
    items: list[Path],
    optimum_losses: Path,
    out_laws: Path,
    out_points: Path,
) -> None:
    """Fit the contrasts of every family and write their laws and points.

    `losses` and `items` have one path per family of the spec, in the same order.

    Raises:
        ValueError: if a number of paths differs from that of the families, or as
            `fit_suite_contrasts`.
    """
    for name, paths in (("--losses", losses), ("--items", items)):
        if len(paths) != len(spec.families):
            raise ValueError(f"{name}: {len(paths)} path(s) for {len(spec.families)} families")
    optimum = read_table(optimum_losses, LOSSES_REQUIRED)
    found = [
        fit_suite_contrasts(
            read_table(path, LOSSES_REQUIRED),
            family.laws,
            family.contrasts,
            items=read_table(of_items),
            optimum_losses=optimum,
            where=str(path),
        )
        for family, path, of_items in zip(spec.families, losses, items, strict=True)
    ]
    laws = pd.concat([each.laws for each in found], ignore_index=True)
    points = pd.concat([each.points for each in found], ignore_index=True)
    write_table(laws, out_laws, SUITE_CONTRASTS)
    write_table(points, out_points, SUITE_CONTRAST_POINTS)


if __name__ == "__main__":
    run(main)
