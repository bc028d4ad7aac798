"""Draw the slopes of the paper and ours: a row per domain, a column per pair of corpora."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import footer
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.clipped import note_cuts, slope_limits
from relscale.figures.kit.compared import family_title, laws_of, nothing_to_show, with_metrics
from relscale.figures.kit.forest import FamilyForests, Group, absent, family_forests, scale_slopes
from relscale.figures.kit.isoflop import budget_text
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.panels import NO_INTERVAL, Mark, slope_row
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import colours, markers, words
from relscale.figures.kit.tables import Tables
from relscale.figures.paper_comparison import FIGURE, PaperFamilyView, PaperSettings

PAPER_NAMES = {"knowledge": "MMLU", "language": "ICE", "risk": "AI risk"}
"""Names of the paper's families."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A family of ours and its counterpart in the paper."""

    family: PaperFamilyView
    ours: pd.DataFrame
    """Rows of relative.csv of the family."""
    theirs: pd.DataFrame
    """Rows of paper_slopes.csv of the paper's family."""
    group: Group
    """The rows of the figure."""


def draw(tables: Tables, settings: PaperSettings) -> Figure:
    """Draw the figure from relative, published, and points (for the range of compute)."""
    relative = pick(tables["relative"], estimator=settings.estimator)
    published = tables["published"]
    pairs = [
        _pair(family, relative, published, settings.labels)
        for family in with_metrics(settings.families, relative)
    ]
    corpora = ordered(settings.corpora, relative["corpus"]) or list(settings.pairs)
    has_rows = any(pair.group.rows for pair in pairs)
    if (not len(relative) and not len(published)) or not has_rows:
        return nothing_to_show("neither published slopes nor relative laws in the tables")
    foot = settings.remark or _difference(tables["points"], has_laws=len(relative) > 0)
    titles = {corpus: _column_title(corpus, settings) for corpus in corpora}
    drawn = family_forests(
        [pair.group for pair in pairs],
        corpora,
        labels={**settings.labels, **titles},
        foot=foot,
    )
    for pair in pairs:
        theirs = pair.theirs[pair.theirs["corpus"].isin(list(settings.pairs.values()))]
        limits = slope_limits(pair.ours, also=numbers(theirs, "dbeta"))
        for axes in drawn.row(pair.group.key):
            scale_slopes(axes, limits)
        for corpus in corpora if pair.group.rows else []:
            _column(
                drawn.panels[(pair.group.key, corpus)],
                pick(pair.ours, corpus=corpus),
                pick(theirs, corpus=settings.pairs.get(corpus, "")),
                pair.group,
                drawn,
                markers(corpora)[corpus],
            )
    for axes in drawn.last:
        axes.set_xlabel("Slope dβ")
    _legend(drawn.figure)
    footer(drawn.figure, foot)
    note_cuts(drawn.figure)
    return drawn.figure


def _column_title(corpus: str, settings: PaperSettings) -> str:
    theirs = settings.pairs.get(corpus, "no counterpart")
    return f"{words(corpus, settings.labels, 20)} | {theirs}"


def _pair(
    family: PaperFamilyView,
    relative: pd.DataFrame,
    published: pd.DataFrame,
    labels: Mapping[str, str],
) -> Pair:
    """Return a family with its rows: our treatments first, then domains that only the paper has."""
    ours = laws_of(family, relative)
    theirs = pick(published, family=family.paper or family.family)
    baseline = family.baseline or (str(ours["baseline"].iloc[0]) if len(ours) else "")
    domains = ordered(family.domains, ours["treatment"], ours["baseline"])
    paper_domains = ordered([], theirs["domain"])
    rows = [name for name in domains if name != baseline]
    rows += [name for name in paper_domains if name not in rows]
    group = Group(
        key=family.family,
        title=family.title or _title(family, baseline, theirs, labels),
        rows=tuple(rows),
        colour={**dict.fromkeys(paper_domains, "#444444"), **colours(domains, baseline)},
    )
    return Pair(family=family, ours=ours, theirs=theirs, group=group)


def _title(
    family: PaperFamilyView, baseline: str, theirs: pd.DataFrame, labels: Mapping[str, str]
) -> str:
    """Return the family and its baseline, with those of the paper if they differ."""
    paper = family.paper or family.family
    their_baseline = str(theirs["baseline"].iloc[0]) if len(theirs) and "baseline" in theirs else ""
    differs = paper != family.family or their_baseline not in ("", baseline)
    there = ""
    if differs and baseline and their_baseline:
        there = f"; paper: {PAPER_NAMES.get(paper, paper)} against {words(their_baseline)}"
    against = words(baseline or their_baseline, labels)
    return f"{family_title(family, labels)} (against {against}{there})"


def _column(
    axes: Axes,
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    group: Group,
    drawn: FamilyForests,
    marker: str,
) -> None:
    """Draw the slopes of one family on one corpus; a domain of both has two slopes in its row."""
    both = set(ours["treatment"].astype(str)) & set(theirs["domain"].astype(str))
    for _, row in theirs.iterrows():
        name = str(row["domain"])
        y = drawn.height[(group.key, name)] - (0.2 if name in both else 0.0)
        mark = Mark(colour=group.colour[name], marker="D", filled=False, size=3.4)
        slope_row(axes, y, float(row["dbeta"]), NO_INTERVAL, mark)
    for _, row in ours.iterrows():
        name = str(row["treatment"])
        y = drawn.height[(group.key, name)] + (0.2 if name in both else 0.0)
        if not pd.notna(row["dbeta"]):
            absent(axes, y)
        interval = (float(row["ci_low"]), float(row["ci_high"]))
        mark = Mark(colour=group.colour[name], marker=marker)
        slope_row(axes, y, float(row["dbeta"]), interval, mark)


def _difference(points: pd.DataFrame, *, has_laws: bool) -> str:
    """Return the sentence on the difference between the paper's experiment and ours."""
    if not has_laws:
        return "No relative laws in the tables: only the published slopes are shown."
    budgets = sorted(set(numbers(points, "training_flops")))
    ours = "an unknown range of compute"
    if budgets:
        first, last = (budget_text(str(budget)) for budget in (budgets[0], budgets[-1]))
        ours = f"{first} to {last} training FLOPs"
    return (
        "Not a replication: the paper spans 10¹⁸ to 10²⁰ forward FLOPs (read from its plots, "
        f"without intervals), ours {ours}; corpora, evaluation sets and metrics differ too. Only "
        "the method is the same."
    )


def _legend(figure: Figure) -> None:
    handles = [
        Line2D(
            [],
            [],
            color="#444444",
            linestyle="none",
            marker="D",
            markersize=3.4,
            markerfacecolor="white",
            markeredgewidth=0.8,
        ),
        Line2D([], [], color="#444444", marker="o", markersize=3.8, linewidth=1.0),
    ]
    top_legend(figure, handles, ["paper", "here, with interval"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
