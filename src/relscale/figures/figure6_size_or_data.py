"""Size or data: the slopes of the gap on model size and on tokens."""

from relscale.figures.context import Context, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilyView, Shown


class SizeOrDataSettings(Shown, FamilyView):
    """Settings of the figure of size and data."""

    family: str = "language"


def _settings_of(context: Context) -> SizeOrDataSettings:
    view = context.view(context.size_or_data)
    return SizeOrDataSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        family=view.family,
        metric=view.metric,
        baseline=view.baseline,
        domains=view.domains,
    )


FIGURE = Figure(
    name="figure6_size_or_data",
    category=Category.PAPER,
    caption=(
        "Does model size or data move the gap? Top: slopes of log G on log parameters "
        "(transformer and head) and on log tokens, from one regression over all runs, with 95 % "
        "intervals. Bottom: the paper's two slices of the runs, size at approximately fixed "
        "tokens and tokens at fixed size: points of 100 (1 - G) per tenfold size or tokens, "
        "without intervals. In both blocks the treatment gains to the same side. Source: "
        "laws/decomposition.csv."
    ),
    tables=law_tables(lambda context: [context.size_or_data], "decomposition"),
    settings=SizeOrDataSettings,
    settings_of=_settings_of,
    family=lambda context: context.size_or_data,
)
