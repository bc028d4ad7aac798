"""Section `figures`: which figures are drawn, and the choices in them."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from relscale.config.base import NUMBER, WHOLE, ByLabel, Flag, Model, Name, Unique
from relscale.config.figure_name import FigureName


class Figures(Model):
    """Which figures are drawn, and the choices in them."""

    names: Unique[FigureName]
    """Figures to draw (modules of `relscale.figures`)."""
    corpus: Name
    """Corpus of the figures that show only one."""
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
    "figure4_knowledge": "knowledge",
    "figure5_language": "language",
    "figure7_behaviour": "behaviour",
    "topics": "topics",
}
"""Figures that show one family of a fixed name."""


def figure_families(evaluate: Iterable[str]) -> dict[str, str]:
    """Return the family that each figure of one family shows.

    Figure 7 shows the paper's family, `risk`, if it is evaluated, else `behaviour`.
    """
    return FIGURE_FAMILIES | ({"figure7_behaviour": "risk"} if "risk" in evaluate else {})
