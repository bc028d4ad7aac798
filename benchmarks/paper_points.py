"""Slopes and correlations of the published figures, from their digitised points, with intervals.

    python benchmarks/paper_points.py FOLDER

FOLDER contains `points.csv` (figures 4, 5 and 7 of arXiv 2510.24626: percent of a gap by corpus,
series and budget), `relative_slopes_dbeta.csv` (the slopes of the lines drawn there) and
`ice_internet_users_fig5c.csv` (figure 5c). Every slope is fitted again by least squares of log G on
log F over its points, mostly seven; its interval and p value are Student's with points - 2 degrees
of freedom, so that the scatter of the budgets is in them. Holm's adjustment is over all slopes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from relscale.laws.cells import Array
from relscale.laws.correlation import correlation
from relscale.laws.power import fit_power_law
from relscale.laws.verdict import holm

LEVEL = 0.05
PANEL = "b"
"""Panel of the relative gaps in all three figures."""
CORPORA = ("CommonPile", "DCLM", "Nemotron")


def read_slopes(folder: Path) -> pd.DataFrame:
    """Fit dbeta of every series; one row per figure, corpus and series."""
    points = pd.read_csv(folder / "points.csv")
    points = points[points["panel"] == PANEL]
    plotted = pd.read_csv(folder / "relative_slopes_dbeta.csv")
    key = ["figure", "corpus", "series"]
    rows = []
    for name, series in points.groupby(key, sort=False):
        # Figures 4 and 5 draw 100 (1 - G), figure 7 100 (G - 1).
        sign = 1.0 if name[0] == "Fig7" else -1.0
        log_gap = np.log(1 + sign * series["value"].to_numpy(dtype=float) / 100)
        log_compute = np.log(series["budget"].astype(float).to_numpy())
        law = fit_power_law(log_compute, log_gap)
        rows.append(
            {
                **dict(zip(key, name, strict=True)),
                "points": law.num_points,
                "dbeta": -law.exponent,
                "ci_low": -law.ci_high,
                "ci_high": -law.ci_low,
                "r2": law.r2,
                "p": 2 * float(stats.t.sf(abs(law.exponent) / law.standard_error, law.dof)),
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"].to_numpy())
    drawn = plotted[[*key, "dbeta_equiv_log10G_per_decade"]].rename(
        columns={"dbeta_equiv_log10G_per_decade": "drawn"}
    )
    return table.merge(drawn, on=key, how="left", validate="one_to_one")


def counts(slopes: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Count slopes that differ from zero, by figure and over all."""
    for name, part in [*slopes.groupby("figure", sort=False), ("all", slopes)]:
        yield {
            "figure": name,
            "slopes": len(part),
            "p < .05": int((part["p"] < LEVEL).sum()),
            "after Holm": int((part["p_holm"] < LEVEL).sum()),
            "largest |drawn - fitted|": float((part["drawn"] - part["dbeta"]).abs().max()),
            "median half-width": float((part["ci_high"] - part["ci_low"]).median() / 2),
        }


def correlations(folder: Path) -> Iterator[dict[str, object]]:
    """Correlate the slopes of figure 5c with log10 of the numbers of users.

    The one-sided alternative is that the gap falls faster where there are more users.
    """
    table = pd.read_csv(folder / "ice_internet_users_fig5c.csv")
    users = np.log10(table["english_speaking_internet_users"].to_numpy(dtype=float))
    for corpus in CORPORA:
        slope: Array = -table[f"plotted_slope_{corpus}_pct"].to_numpy(dtype=float)
        found = correlation(users, slope)
        yield {
            "corpus": corpus,
            **{
                key: found[key]
                for key in (
                    "n",
                    "pearson_r",
                    "ci_low",
                    "ci_high",
                    "p_one_sided",
                    "p_permutation_one_sided",
                    "spearman_r",
                    "spearman_p_two_sided",
                )
            },
        }


def show(table: pd.DataFrame) -> None:
    """Print a Markdown table."""
    shown = table.map(lambda value: f"{value:.4f}" if isinstance(value, float) else str(value))
    print("\n| " + " | ".join(shown.columns) + " |\n|" + "---|" * len(shown.columns))
    print("\n".join("| " + " | ".join(row) + " |" for row in shown.to_numpy()))


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    slopes = read_slopes(folder)
    show(slopes)
    show(pd.DataFrame(counts(slopes)))
    show(pd.DataFrame(correlations(folder)))


if __name__ == "__main__":
    main()
