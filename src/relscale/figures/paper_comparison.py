"""The slopes of the paper and ours."""

from pydantic import Field

from relscale.figures.context import PAPER_FAMILIES, Context, law_tables, reference_table
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilyView, Shown


class PaperFamilyView(FamilyView):
    """A family of ours, and the family of the paper that it is compared with."""

    paper: str = ""
    """The paper's family; empty for the same name."""


class PaperSettings(Shown):
    """Settings of the comparison with the paper."""

    families: tuple[PaperFamilyView, ...] = (
        PaperFamilyView(family="knowledge", paper="knowledge"),
        PaperFamilyView(
            family="language", paper="language", title="Language: news outlets here, ICE there"
        ),
        PaperFamilyView(family="behaviour", paper="risk", title="Behaviour here, AI risk there"),
    )
    """Families to show."""
    pairs: dict[str, str] = Field(
        default={"curated": "CommonPile", "web": "DCLM", "web_synthetic": "Nemotron"}
    )
    """Corpus of the paper that each of ours is compared with."""
    estimator: str = "joint"
    """Estimator of our slopes."""
    remark: str = ""
    """Footer; empty for a sentence on the difference between the experiments."""


def _settings_of(context: Context) -> PaperSettings:
    families = (
        PaperFamilyView(**context.view(name).model_dump(), paper=PAPER_FAMILIES[name])
        for name in context.paper_families
    )
    return PaperSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        families=tuple(families),
        pairs=dict(context.paper_corpora),
        estimator=context.estimator,
    )


FIGURE = Figure(
    name="paper_comparison",
    category=Category.COMPARISON,
    caption=(
        "The paper's slopes dbeta (open; read from its figures, 1e18 to 1e20 forward FLOPs, "
        "without intervals) and ours (filled, 95 % intervals). This is not a replication: "
        "compute differs by orders of magnitude, and corpora, test texts and metrics differ. The "
        "nearest counterpart of AI risk is behaviour, that of the International Corpus of English "
        "is of news outlets. Source: workflow/reference/paper_slopes.csv and laws/relative.csv."
    ),
    tables={
        **law_tables(lambda context: context.paper_families, "points", "relative"),
        "published": reference_table("paper_slopes.csv"),
    },
    settings=PaperSettings,
    settings_of=_settings_of,
)
