"""Teaser: the relative laws of several families on one corpus."""

from relscale.figures.context import Context, law_tables, teaser
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Compute, FamilyView, Shown


class TeaserSettings(Shown):
    """Settings of the teaser."""

    corpus: str = ""
    """Corpus to show; empty for the second one, or the only one."""
    families: tuple[FamilyView, ...] = (
        FamilyView(family="knowledge"),
        FamilyView(family="language"),
        FamilyView(family="behaviour", metric="choice_probability_per_byte"),
    )
    """One family per panel; an empty metric means bits per byte."""
    estimator: str = "joint"
    """Estimator of the laws."""
    compute: Compute = "training_flops"
    """Axis of the laws."""
    extrapolate_decades: float = 1.0
    """Decades of compute beyond the data over which laws are drawn."""
    paper_line: bool = False
    """Whether to draw the paper's straight line in addition to the law."""


def _settings_of(context: Context) -> TeaserSettings:
    return TeaserSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        corpus=context.corpus,
        families=context.views(context.teaser_families),
        estimator=context.estimator,
        compute=context.compute,
        extrapolate_decades=context.extrapolate_decades,
        paper_line=context.paper_line,
    )


FIGURE = Figure(
    name="figure1_teaser",
    category=Category.PAPER,
    caption=(
        "Relative laws of several families on one corpus, with their verdicts. A point is at the "
        "percentage by which the error is below that of the baseline, 100 (1 - G) (for "
        "probabilities: above it, 100 (G - 1)), at the compute-optimal point of each budget. Lines "
        "are the fitted laws of the ratio G, dashed beyond the data. A grey wedge "
        "holds the changes since the lowest budget that count as small (the margin), a coloured "
        "fan the 95 % interval of the change. Source: laws/points.csv, laws/relative.csv, "
        "laws/curves.csv."
    ),
    tables=law_tables(teaser, "points", "relative", "curves"),
    settings=TeaserSettings,
    settings_of=_settings_of,
)
