"""What the figures that compare families share: which families, each in which metric, their rows of
the table, and the figure of none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from relscale.figures.kit.axes import empty, grid
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.command import settings
from relscale.figures.kit.forest import Group
from relscale.figures.kit.style import PAGE_WIDTH_IN, capital, colours, words

DEFAULTS: dict[str, Any] = {"families": [], "corpora": [], "labels": {}, "estimator": "joint"}
"""Keys of the spec: `families` is a list of `FAMILY`; empty for all in the table, each in its first
metric."""
FAMILY: dict[str, Any] = {"family": "", "metric": "", "baseline": "", "domains": [], "title": ""}
PREFERRED = ("bits_per_byte", "choice_probability_per_byte", "choice_loss_nats")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The relative laws of the families that a figure of rows shows."""

    families: list[dict[str, Any]]
    groups: list[Group]
    """One a family, in the same order."""
    corpora: list[str]
    estimators: list[str]
    """The one of the verdicts first."""
    shown: pd.DataFrame
    """Rows of relative.csv of these families, each in its metric."""

    def rows_of(self, corpus: str) -> list[tuple[pd.DataFrame, Group]]:
        """Return each family's rows on one corpus, with its group."""
        rows = pick(self.shown, corpus=corpus)
        return [
            (pick(rows, family=family["family"], metric=family["metric"]), group)
            for family, group in zip(self.families, self.groups, strict=True)
        ]


def compared(relative: pd.DataFrame, chosen: Mapping[str, Any]) -> Compared | None:
    """Return what a figure of rows shows of relative.csv; None where that is nothing.

    Args:
        relative: relative.csv.
        chosen: `DEFAULTS`, filled up.
    """
    families = chosen_families(chosen["families"], relative)
    groups = [family_group(family, relative, chosen["labels"]) for family in families]
    if not len(relative) or not any(group.rows for group in groups):
        return None
    return Compared(
        families=families,
        groups=groups,
        corpora=ordered(chosen["corpora"], relative["corpus"]),
        estimators=ordered([chosen["estimator"]], relative["estimator"]),
        shown=pd.concat(
            [
                pick(relative, family=family["family"], metric=family["metric"])
                for family in families
            ]
        ),
    )


def chosen_families(
    wanted: Sequence[Mapping[str, Any]], table: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return the families asked for; if none, all of the table, sorted, each in bits per byte or
    the first metric that it has."""
    families = [settings(family, FAMILY) for family in wanted] or [
        {**FAMILY, "family": name} for name in ordered([], table["family"])
    ]
    for family in families:
        family["metric"] = family["metric"] or first_metric(pick(table, family=family["family"]))
    return families


def first_metric(rows: pd.DataFrame) -> str:
    """Return the metric that a family is shown in where none is asked for: bits per byte, else the
    first that it has."""
    metrics = set(rows["metric"].astype(str))
    return next((name for name in PREFERRED if name in metrics), min(metrics, default=""))


def family_group(
    family: Mapping[str, Any], relative: pd.DataFrame, labels: Mapping[str, str]
) -> Group:
    """Return a family's rows: its treatments in the order of its domains, in their colours."""
    rows = pick(relative, family=family["family"], metric=family["metric"])
    baseline = family["baseline"] or (str(rows["baseline"].iloc[0]) if len(rows) else "")
    domains = ordered(family["domains"], rows["treatment"], rows["baseline"])
    return Group(
        title=f"{family_title(family, labels)} (against {words(baseline, labels, 24)})",
        rows=tuple(name for name in domains if name != baseline),
        colour=colours(domains, baseline),
    )


def family_title(family: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return the heading of a family: its title where the spec has one, else its label."""
    return str(family.get("title") or capital(words(family["family"], labels, 40)))


def nothing_to_show(text: str) -> Figure:
    """Return the figure of a table without rows: its frame, and what is missing."""
    made = grid(
        row_heights_in=[1.4], column_widths_in=[PAGE_WIDTH_IN - 0.4], left_in=0.2, right_in=0.2
    )
    empty(made.rows[0][0], text)
    return made.figure
