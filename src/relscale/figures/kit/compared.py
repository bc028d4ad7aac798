"""Figures that compare families: which families they show, each in which metric, and its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd
from matplotlib.figure import Figure

from relscale.figures.kit.axes import grid
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.forest import Group
from relscale.figures.kit.labels import empty
from relscale.figures.kit.metrics import PREFERRED
from relscale.figures.kit.style import PAGE_WIDTH_IN, capital, colours, words
from relscale.figures.settings import ComparedSettings, FamilyView

View = TypeVar("View", bound=FamilyView)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The relative laws of the families that a figure shows in rows."""

    families: list[FamilyView]
    groups: list[Group]
    """The rows of each family, in the order of `families`."""
    corpora: list[str]
    estimators: list[str]
    """The estimator of the verdicts is the first."""
    shown: pd.DataFrame
    """Rows of relative.csv of these families, each in its metric."""

    def rows_of(self, corpus: str) -> list[tuple[pd.DataFrame, Group]]:
        """Return the laws of each family on one corpus, and its group."""
        rows = pick(self.shown, corpus=corpus)
        return [
            (pick(rows, family=family.family, metric=family.metric), group)
            for family, group in zip(self.families, self.groups, strict=True)
        ]


def compare(relative: pd.DataFrame, settings: ComparedSettings) -> Comparison | None:
    """Return the relative laws that a figure shows in rows; None if there are none.

    Args:
        relative: relative.csv.
        settings: settings of the figure.
    """
    families = shown_families(settings.families, relative)
    groups = [family_group(family, relative, settings.labels) for family in families]
    if not len(relative) or not any(group.rows for group in groups):
        return None
    return Comparison(
        families=families,
        groups=groups,
        corpora=ordered(settings.corpora, relative["corpus"]),
        estimators=ordered([settings.estimator], relative["estimator"]),
        shown=pd.concat([laws_of(family, relative) for family in families]),
    )


def shown_families(families: Sequence[FamilyView], table: pd.DataFrame) -> list[FamilyView]:
    """Return the given families, or else all of the table, sorted; each with its metric."""
    every = [FamilyView(family=name) for name in ordered([], table["family"])]
    return with_metrics(families or every, table)


def with_metrics(families: Sequence[View], table: pd.DataFrame) -> list[View]:
    """Return families with the metric that each is shown in.

    A family without a configured metric is shown in its preferred metric of the table.
    """
    metrics = [
        family.metric or preferred_metric(pick(table, family=family.family)) for family in families
    ]
    return [
        family.model_copy(update={"metric": metric})
        for family, metric in zip(families, metrics, strict=True)
    ]


def preferred_metric(rows: pd.DataFrame) -> str:
    """Return the metric in which a family is shown if none is configured."""
    metrics = set(rows["metric"].astype(str))
    return next((name for name in PREFERRED if name in metrics), min(metrics, default=""))


def laws_of(family: FamilyView, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a family in its metric."""
    return pick(table, family=family.family, metric=family.metric)


def family_group(family: FamilyView, relative: pd.DataFrame, labels: Mapping[str, str]) -> Group:
    """Return the rows of a family: its treatments in the order of its domains, in their colours."""
    rows = laws_of(family, relative)
    baseline = family.baseline or (str(rows["baseline"].iloc[0]) if len(rows) else "")
    domains = ordered(family.domains, rows["treatment"], rows["baseline"])
    return Group(
        key=family.family,
        title=f"{family_title(family, labels)} (against {words(baseline, labels, 24)})",
        rows=tuple(name for name in domains if name != baseline),
        colour=colours(domains, baseline),
    )


def family_title(family: FamilyView, labels: Mapping[str, str]) -> str:
    """Return the heading of a family: its title, or else its label."""
    return family.title or capital(words(family.family, labels, 40))


def nothing_to_show(text: str) -> Figure:
    """Return the figure of empty tables: a frame with a sentence about the missing data."""
    made = grid(
        row_heights_in=[1.4], column_widths_in=[PAGE_WIDTH_IN - 0.4], left_in=0.2, right_in=0.2
    )
    empty(made.rows[0][0], text)
    return made.figure
