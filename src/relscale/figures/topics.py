"""Topics: the laws of encyclopaedia leads by topic."""

from relscale.figures.context import law_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


class TopicsSettings(FamilySettings):
    """Settings of the figure of topics."""

    family: str = "topics"


FIGURE = Figure(
    name="topics",
    category=Category.PAPER,
    caption=(
        "Topics of encyclopaedia leads: error at the compute-optimal point of each budget with "
        "the absolute law (top), and its reduction against the baseline with the relative law, "
        "95 % interval and verdict on the ratio scale (bottom); one column per corpus. Source: "
        "laws/points.csv, laws/absolute.csv, laws/relative.csv, laws/curves.csv."
    ),
    tables=law_tables(lambda context: ["topics"], "points", "absolute", "relative", "curves"),
    settings=TopicsSettings,
    settings_of=lambda context: settings_of_family(TopicsSettings, context, "topics"),
    family=lambda context: "topics",
)
