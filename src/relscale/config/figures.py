"""Section `figures`: which figures are drawn, and the choices in them."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Model, Name, Unique

FigureName = Literal[
    "figure1_teaser",
    "figure2_pipeline",
    "figure3_prompts",
    "figure4_knowledge",
    "figure5_language",
    "figure6_size_or_data",
    "figure7_behaviour",
    "topics",
    "isoflop_curves",
    "loss_curves",
    "isoflop_metrics",
    "residuals",
    "backtest",
    "estimators",
    "detectable",
    "paper_beside",
]


class Figures(Model):
    """Which figures are drawn, and the choices in them."""

    names: Unique[FigureName]
    """Figures to draw (modules of relscale.figures)."""
    corpus: Name
    """The corpus of figures that show only one."""
    teaser: Annotated[Unique[Name], Field(min_length=1)]
    """Families of the teaser and of the comparison of estimators; those that are not evaluated are
    left out."""
    size_or_data: Name
    """Family whose slopes are split into size and data."""
    covariates: str = "internet_users_outlets.csv"
    """Table in workflow/reference that the slopes of the language family are set against (columns
    domain, value)."""
    covariate_label: str = "Population online, 1999 (%)"
    """What the covariate is, on the axis."""
    paper_corpora: dict[Name, str] = {}
    """Which corpus of the paper stands beside ours where the two are compared."""
    labels: dict[str, str] = {}
    """Words to draw for keys: domains, corpora, families."""
    extrapolate_decades: Annotated[float, Field(ge=0)] = 1.0
    """Decades of compute beyond the data over which laws are drawn, lighter."""
    explorer_baselines: Annotated[int, Field(ge=1)] = 12
    """The explorer offers every domain of a family as baseline, each fitted anew, where the family
    has no more domains than this."""
    paper_line: bool = False
    """Draw the paper's straight line (least squares of the reduction on log compute) beside the
    law."""
