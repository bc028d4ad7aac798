"""Centuries: the laws of translations of one text, and their slopes by the year of the text."""

from pydantic import Field

from relscale.figures.context import Context, family_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


class CenturiesSettings(FamilySettings):
    """Settings of the figure of centuries."""

    family: str = "centuries"
    years: dict[str, int] = Field(default={})
    """Year of the text of each domain."""


def _settings_of(context: Context) -> CenturiesSettings:
    settings = settings_of_family(CenturiesSettings, context, "centuries")
    return settings.model_copy(update={"years": dict(context.years)})


FIGURE = Figure(
    name="centuries",
    category=Category.PAPER,
    caption=(
        "English of six centuries: the same verses in translations of different age. Error at the "
        "compute-optimal point of each budget with the absolute law (top), its change against the "
        "translation of 2000 with the relative law, 95 % interval and verdict on the ratio scale "
        "(middle), and the slopes dbeta with 95 % intervals by the year of the text (bottom; above "
        "zero the gap widens). Verses are paired, so that what a verse adds to both translations "
        "cancels. A translation is one text by few people, in the spelling of its edition: a slope "
        "is not the rate of a century. Hollow diamonds, where the experiment has controls: n-gram "
        "models that have read the text of the compute-optimal runs. Source: laws/points.csv, "
        "laws/absolute.csv, laws/relative.csv, laws/curves.csv, "
        "laws/control_slopes.csv."
    ),
    tables=family_tables(lambda context: "centuries"),
    settings=CenturiesSettings,
    settings_of=_settings_of,
    family=lambda context: "centuries",
)
