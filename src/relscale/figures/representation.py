"""Representation: level and slope against the share of a domain's text in the corpus."""

from relscale.figures.context import Context, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Shown

_TABLE = suite_law("representation")


def _paths(context: Context) -> list[str]:
    """Return the table where the experiment asks the question."""
    return _TABLE(context) if context.asks_representation else []


FIGURE = Figure(
    name="representation",
    category=Category.DIAGNOSTICS,
    caption=(
        "Does the share of a domain's text in the corpus change how fast models improve on it? "
        "Rows: level (at the middle of the budgets) and slope dbeta in log compute. Left: each "
        "domain's own loss against its share of the corpus. Middle: the ratio of the two domains' "
        "losses against the ratio of their shares. Right: the difference in differences between "
        "the corpora that lean to either domain, by estimator and on the scale of reducible "
        "losses (identified or assumed floors). Bars: 95 % intervals of runs and items; lines: "
        "least squares through the corpora, with their slopes below. Within the grey band a slope "
        "changes the ratio over the observed compute by less than the margin. Source: "
        "laws/representation.csv."
    ),
    tables={"representation": _paths},
    settings=Shown,
    settings_of=lambda context: Shown(corpora=context.corpora, labels=dict(context.labels)),
)
