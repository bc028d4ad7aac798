"""Topics: slopes and levels of the gaps of encyclopaedia leads, by topic."""

from relscale.figures.context import family_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


class TopicsSettings(FamilySettings):
    """Settings of the figure of topics."""

    family: str = "topics"


FIGURE = Figure(
    name="topics",
    category=Category.PAPER,
    caption=(
        "Topics of encyclopaedia leads, ordered by slope. Top: slopes dbeta of the gaps with 95 % "
        "intervals, verdicts on the ratio scale and the margin of parallel gaps. Bottom: the "
        "percentage by which the error is below that of the baseline, by the fitted law at the "
        "lowest budget (hollow) and at the highest (filled), with the 95 % interval of the level. "
        "Small diamonds, where the experiment has controls: slope and level of n-gram models over "
        "the range of text that the compute-optimal runs have read. Source: laws/relative.csv, "
        "laws/control_slopes.csv."
    ),
    tables=family_tables(lambda context: "topics"),
    settings=TopicsSettings,
    settings_of=lambda context: settings_of_family(TopicsSettings, context, "topics"),
    family=lambda context: "topics",
)
