"""Language: the laws of news outlets (or of Englishes), and their slopes against a covariate."""

from relscale.figures.context import Context, family_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


class LanguageSettings(FamilySettings):
    """Settings of the figure of regional language."""

    family: str = "language"
    covariate_label: str = "Population online, 1999 (%)"
    """Axis label of the covariate."""


def _covariates(context: Context) -> list[str]:
    return [f"{context.reference}/{context.covariates}"]


def _settings_of(context: Context) -> LanguageSettings:
    settings = settings_of_family(LanguageSettings, context, "language")
    return settings.model_copy(update={"covariate_label": context.covariate_label})


FIGURE = Figure(
    name="figure5_language",
    category=Category.PAPER,
    caption=(
        "News outlets, one per country but three of the US: absolute laws (top), relative laws "
        "with verdicts on the ratio scale (middle), and the slopes dbeta with 95 % intervals "
        "against the share of the country's population that was online in 1999 (bottom; a "
        "negative slope means that the treatment improves faster). One outlet does not stand for "
        "the English of its country, and with fewer than ten of them the correlation is weak "
        "evidence: the covariate demonstrates the column of the table. The paper correlates slopes "
        "of the reduction, which have the opposite sign. Hollow diamonds, where the experiment "
        "has controls: n-gram models that have read the text of the compute-optimal runs. Source: "
        "``laws/*.csv``, World Bank."
    ),
    caption_of_table=(
        "Language: values of the table with absolute laws (top), relative laws with verdicts on "
        "the ratio scale (middle), and the slopes dbeta with 95 % intervals against the covariate "
        "(bottom; a negative slope means that the treatment improves faster). With fewer than ten "
        "domains the correlation is weak evidence. The paper correlates slopes of the "
        "reduction, which have the opposite sign. Source: ``laws/*.csv`` and the table of "
        "covariates."
    ),
    tables={
        **family_tables(lambda context: "language"),
        "covariates": _covariates,
    },
    settings=LanguageSettings,
    settings_of=_settings_of,
    family=lambda context: "language",
)
