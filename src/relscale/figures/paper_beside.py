"""The paper's slopes beside ours: dbeta of each treatment, a row a domain, a column a pair of
corpora; how the two experiments differ."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import footer, footer_height_in, top_legend
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.compared import chosen_families, family_title, nothing_to_show
from relscale.figures.kit.forest import Forest, Group, absent, forest, slope_axis
from relscale.figures.kit.isoflop import budget_text
from relscale.figures.kit.panels import slope_row
from relscale.figures.kit.style import PAGE_WIDTH_IN, colours, markers, words

FAMILIES: list[dict[str, Any]] = [
    {"family": "knowledge", "paper": "knowledge"},
    {"family": "language", "paper": "language", "title": "Language: news here, ICE there"},
    {"family": "behaviour", "paper": "risk", "title": "Behaviour here, AI risk there"},
]
PAPER_NAMES = {"knowledge": "MMLU", "language": "ICE", "risk": "AI risk"}
PAIRS = {"curated": "CommonPile", "web": "DCLM", "web_synthetic": "Nemotron"}
DEFAULTS: dict[str, Any] = {
    "families": FAMILIES,
    "corpora": [],
    "labels": {},
    "pairs": PAIRS,
    "estimator": "joint",
    "remark": "",
}
"""Keys of the spec: `families` lists {family, metric, baseline, domains, title, paper: the family's
name in the published table}; `pairs` says which of our corpora stands beside which of the paper's;
`remark` replaces the sentence about the difference."""


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `relative` and `published` (workflow/reference/paper_slopes.csv), and
    `points` for the range of compute.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    relative = pick(table(tables, "relative"), estimator=chosen["estimator"])
    published = table(tables, "published")
    own = [
        {key: value for key, value in family.items() if key != "paper"}
        for family in chosen["families"]
    ]
    families = chosen_families(own, relative)
    papers = [str(family.get("paper", family["family"])) for family in chosen["families"]]
    groups = [
        _group(family, paper, relative, published, chosen["labels"])
        for family, paper in zip(families, papers, strict=True)
    ]
    corpora = ordered(chosen["corpora"], relative["corpus"]) or list(chosen["pairs"])
    if (not len(relative) and not len(published)) or not any(group.rows for group in groups):
        return nothing_to_show("neither published slopes nor relative laws in the tables")
    foot = chosen["remark"] or _difference(table(tables, "points"), len(relative))
    beside = {
        corpus: f"{words(corpus, chosen['labels'], 20)} | {chosen['pairs'].get(corpus, 'no counterpart')}"
        for corpus in corpora
    }
    drawn = forest(
        groups,
        [beside[corpus] for corpus in corpora],
        labels=chosen["labels"],
        row_in=0.17,
        top_in=0.52,
        bottom_in=0.44 + footer_height_in(foot, PAGE_WIDTH_IN),
    )
    shown = [
        pick(relative, family=family["family"], metric=family["metric"]) for family in families
    ]
    ends = [
        float(value)
        for rows in shown
        for key in ("dbeta", "ci_low", "ci_high")
        for value in pd.to_numeric(rows[key]).dropna()
    ]
    ends += [float(value) for value in pd.to_numeric(published["dbeta"]).dropna()]
    for axes, corpus in zip(drawn.made.rows[0], corpora, strict=True):
        slope_axis(axes, ends, "Slope dβ")
        for group, rows, paper in zip(groups, shown, papers, strict=True):
            theirs = pick(published, family=paper, corpus=chosen["pairs"].get(corpus, ""))
            _column(axes, pick(rows, corpus=corpus), theirs, group, drawn, markers(corpora)[corpus])
    _legend(drawn.made.figure)
    footer(drawn.made.figure, foot)
    return drawn.made.figure


def _group(
    family: Mapping[str, Any],
    paper: str,
    relative: pd.DataFrame,
    published: pd.DataFrame,
    labels: Mapping[str, str],
) -> Group:
    """Return a family's rows: our treatments in their order and colours, then the domains that only
    the paper has."""
    ours = pick(relative, family=family["family"], metric=family["metric"])
    theirs = pick(published, family=paper)
    baseline = family["baseline"] or (str(ours["baseline"].iloc[0]) if len(ours) else "")
    domains = ordered(family["domains"], ours["treatment"], ours["baseline"])
    colour = {
        **dict.fromkeys(ordered([], theirs["domain"]), "#444444"),
        **colours(domains, baseline),
    }
    rows = [name for name in domains if name != baseline]
    rows += [name for name in ordered([], theirs["domain"]) if name not in rows]
    their_baseline = str(theirs["baseline"].iloc[0]) if len(theirs) and "baseline" in theirs else ""
    title = family["title"] or _title(family, paper, baseline, their_baseline, labels)
    return Group(title=title, rows=tuple(rows), colour=colour)


def _title(
    family: Mapping[str, Any],
    paper: str,
    baseline: str,
    their_baseline: str,
    labels: Mapping[str, str],
) -> str:
    """Say against which baseline, and where the paper's family or baseline is another than ours."""
    other = (
        PAPER_NAMES.get(paper, paper)
        if paper != family["family"] or their_baseline not in ("", baseline)
        else ""
    )
    there = (
        f"; paper: {other} against {words(their_baseline)}"
        if other and baseline and their_baseline
        else ""
    )
    return f"{family_title(family, labels)} (against {words(baseline or their_baseline, labels)}{there})"


def _column(
    axes: Axes, ours: pd.DataFrame, theirs: pd.DataFrame, group: Group, drawn: Forest, marker: str
) -> None:
    nothing = float("nan")
    both = set(ours["treatment"].astype(str)) & set(theirs["domain"].astype(str))
    for _, row in theirs.iterrows():
        name = str(row["domain"])
        y = drawn.height[(group.title, name)] - (0.2 if name in both else 0.0)
        slope_row(
            axes,
            y,
            float(row["dbeta"]),
            nothing,
            nothing,
            colour=group.colour[name],
            marker="D",
            filled=False,
            size=3.4,
        )
    for _, row in ours.iterrows():
        name = str(row["treatment"])
        y = drawn.height[(group.title, name)] + (0.2 if name in both else 0.0)
        if not pd.notna(row["dbeta"]):
            absent(axes, y)
        values = (float(row[key]) for key in ("dbeta", "ci_low", "ci_high"))
        slope_row(axes, y, *values, colour=group.colour[name], marker=marker)


def _difference(points: pd.DataFrame, laws: int) -> str:
    budgets = (
        sorted(pd.to_numeric(points["training_flops"]).dropna().unique()) if len(points) else []
    )
    ours = (
        f"{budget_text(str(budgets[0]))} to {budget_text(str(budgets[-1]))} training FLOPs"
        if budgets
        else "an unknown range of compute"
    )
    if not laws:
        return "No relative laws of our own in the tables: the published slopes stand alone."
    return (
        f"Not a replication: the paper spans 10¹⁸ to 10²⁰ forward FLOPs (read off its plots, no intervals), ours {ours}; "
        "corpora, evaluation sets and metrics differ too. Only the method is the same."
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
    main(draw)
