"""Section `figures`: which figures are drawn, and the choices in them."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from relscale.config.base import NUMBER, WHOLE, ByLabel, Flag, Label, Model, Name, Unique
from relscale.config.figure_name import FigureName

Year = Annotated[int, Field(ge=1, le=3000), WHOLE]
"""A year of the common era."""


class Figures(Model):
    """Which figures are drawn, and the choices in them."""

    names: Unique[FigureName]
    """Figures to draw (modules of `relscale.figures`)."""
    corpus: Label | None = None
    """Corpus of the figures that show only one; if left out, the second or the only one."""
    family_laws: Name | None = None
    """Family of the figure `family_laws`; the first one with a baseline if left out."""
    teaser: Annotated[Unique[Name], Field(min_length=1)]
    """Families of figure 1 and of the comparison of estimators; a family that is not evaluated is
    left out."""
    size_or_data: Name
    """Family whose slopes figure 6 splits into model size and data."""
    covariates: str = "internet_users_outlets.csv"
    """Table in workflow/reference to correlate with the slopes of the language family (columns
    `domain`, `value`)."""
    covariate_label: str = "Population online, 1999 (%)"
    """Axis label of the covariate."""
    years: ByLabel[Year] = {}
    """Year of the text of each domain of the family `centuries`, for the figure of that name."""
    paper_corpora: dict[Name, str] = {}
    """Corpus of the paper that each of our corpora is compared with."""
    labels: ByLabel[str] = {}
    """Display names of domains, corpora and families."""
    extrapolate_decades: Annotated[float, Field(ge=0), NUMBER] = 1.0
    """Decades of compute beyond the data over which laws are drawn, in a lighter colour."""
    explorer_baselines: Annotated[int, Field(ge=1), WHOLE] = 12
    """The explorer offers every domain of a family as baseline, with a fit for each, if the family
    has at most this number of domains."""
    paper_line: Flag = False
    """Also draw the paper's straight line: least squares of the reduction on log compute."""


FIGURE_FAMILIES = {
    "centuries": "centuries",
    "figure4_knowledge": "knowledge",
    "figure5_language": "language",
    "figure7_behaviour": "behaviour",
    "topics": "topics",
}
"""Figures that show one family of a fixed name."""


TABLE_FIGURES = (
    "figure1_teaser",
    "family_laws",
    "loss_to_loss",
    "floors_and_rates",
    "residuals",
    "backtest",
    "forecast",
    "estimators",
    "detectable",
)
"""Figures of an experiment with a losses table by default."""
ALSO_OF_TABLES = (
    "figure4_knowledge",
    "figure5_language",
    "figure6_size_or_data",
    "figure7_behaviour",
    "isoflop_curves",
    "isoflop_metrics",
    "representation",
    "exponents",
    "classical_errors",
    "suite_contrasts",
)
"""Figures that a losses table allows, too: they need a family of their name, a table of covariates
for it, or budgets with several sizes."""
NOT_OF_TABLES = {
    "centuries": "shows translations that are scored here; family_laws shows any family",
    "figure2_pipeline": "shows how a suite with IsoFLOP curves and a multiple choice becomes laws",
    "figure3_prompts": "compares prompts of questions that are scored here",
    "topics": "shows texts of our topics that are scored here; family_laws shows any family",
    "buckets": "shows losses by bucket of texts that are scored here",
    "positions": "shows losses by position in texts that are scored here",
    "loss_curves": "shows the training of runs, which a losses table does not have",
    "controls": "shows controls that are trained and scored on texts here",
    "corpus_statistics": "shows statistics of texts that are read here",
    "training_conditions": "shows arms of a suite, which a losses table does not have",
    "tuned_frontier": "shows arms of a suite, which a losses table does not have",
    "curve_forecasts": "shows the training of runs, which a losses table does not have",
    "paper_comparison": "compares families that are scored here with those of the paper",
}
"""Figures that a losses table does not allow, with the reasons."""


def figure_families(evaluate: Iterable[str]) -> dict[str, str]:
    """Return the family that each figure of one family shows.

    Figure 7 shows the paper's family, `risk`, if it is evaluated, else `behaviour`.
    """
    return FIGURE_FAMILIES | ({"figure7_behaviour": "risk"} if "risk" in evaluate else {})
