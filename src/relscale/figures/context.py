"""The parts of an experiment that figures need: families, corpora, labels, paths of tables.

A declaration turns a `Context` into paths and settings. `relscale.figures.experiment` makes the
context of a configured experiment; drawing does not import that module, so that an edit of the
configuration models does not redraw the figures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from relscale.config.arm_facts import ArmFacts
from relscale.figures.settings import (
    ComparedSettings,
    Compute,
    FamilySettings,
    FamilyView,
    StatedDirections,
)

FamilySettingsType = TypeVar("FamilySettingsType", bound=FamilySettings)

PAPER_FAMILIES = {
    "knowledge": "knowledge",
    "language": "language",
    "behaviour": "risk",
    "risk": "risk",
}
"""Family of the paper that each of ours is compared with."""


@dataclass(frozen=True, kw_only=True)
class FamilyFacts:
    """A family of the configuration."""

    name: str
    metrics: tuple[str, ...]
    """Its metrics; figures show the first."""
    baseline: str
    """The domain that others are compared with; empty if they are not compared."""
    domains: tuple[str, ...]
    """Its domains, in the order of their colours; further ones of the tables follow."""
    has_two_stage: bool = False
    """Whether it has a two-stage law."""
    shows_sigmoid_best: bool = False
    """Whether its two-stage law is shown rather than that of other families."""
    compares_prompts: bool = False
    """Whether its prompt format is compared with others."""
    sums_by_bucket: bool = False
    """Whether its losses are summed by bucket and by position."""
    has_control: bool = False
    """Whether a control is scored on it in the metric that figures show."""

    @property
    def view(self) -> FamilyView:
        """The family as the figures show it."""
        return FamilyView(
            family=self.name,
            metric=self.metrics[0],
            baseline=self.baseline,
            domains=self.domains,
        )


@dataclass(frozen=True, kw_only=True)
class Context:
    """An experiment as the figures see it."""

    results: str
    """Folder of the experiment's results."""
    reference: str = "workflow/reference"
    """Folder of published numbers."""
    families: tuple[FamilyFacts, ...]
    """Families of the configuration."""
    evaluated: tuple[str, ...]
    """Names of the families that the runs are evaluated on, in order."""
    corpora: tuple[str, ...]
    """Corpora that runs or released models were trained on, in the order of their markers; empty
    if only the tables know them."""
    budgets: tuple[str, ...] = ()
    """Labels of the budgets, by rising compute."""
    arms: Mapping[str, ArmFacts] = field(default_factory=dict)
    """Arms among the corpora, with their changes."""
    window: int = 0
    """Tokens of a model's context; 0 if each released model has its own."""

    estimator: str
    """Estimator of the relative laws whose verdicts count."""
    compute: Compute
    """Axis of the laws."""
    optimum_by: str
    """Family whose loss places the compute-optimal point."""

    corpus: str
    """Corpus of figures that show only one; empty if each figure chooses."""
    family_laws: str = ""
    """Family of the figure `family_laws`; empty for the first one with a baseline."""
    labels: Mapping[str, str]
    """Words to draw instead of keys."""
    teaser: tuple[str, ...]
    """Families of the teaser; those that are not evaluated are left out."""
    size_or_data: str
    """Family whose slopes are split into size and data."""
    covariates: str
    """File of the covariates in the folder of published numbers."""
    covariate_label: str
    """Axis label of the covariate."""
    years: Mapping[str, int] = field(default_factory=dict)
    """Year of the text of domains of the family `centuries`."""
    paper_corpora: Mapping[str, str]
    """Corpus of the paper that each of ours is compared with."""
    extrapolate_decades: float
    """Decades of compute beyond the data over which laws are drawn."""
    paper_line: bool
    """Whether to draw the paper's straight line in addition to the law."""
    asks_representation: bool = False
    """Whether there is a table of corpora that differ in shares (`laws/representation.csv`)."""
    directions: StatedDirections = field(default_factory=StatedDirections)
    """Directions of metrics that a losses table states."""

    def view(self, name: str) -> FamilyView:
        """Return a family as the figures show it.

        Raises:
            ValueError: if there is no family of that name.
        """
        return self.family(name).view

    def family(self, name: str) -> FamilyFacts:
        """Return a family of the configuration.

        Raises:
            ValueError: if there is no family of that name.
        """
        for family in self.families:
            if family.name == name:
                return family
        known = ", ".join(family.name for family in self.families)
        raise ValueError(f"family {name!r}: not configured; the choices are {known}")

    def views(self, names: Sequence[str]) -> tuple[FamilyView, ...]:
        """Return families as the figures show them."""
        return tuple(self.view(name) for name in names)

    @property
    def compared_families(self) -> tuple[str, ...]:
        """Evaluated families whose domains are compared with a baseline."""
        return tuple(name for name in self.evaluated if self.family(name).baseline)

    @property
    def two_stage_families(self) -> tuple[str, ...]:
        """Evaluated families with a two-stage law; the first one is shown."""
        found = [name for name in self.evaluated if self.family(name).has_two_stage]
        return tuple(sorted(found, key=lambda name: not self.family(name).shows_sigmoid_best))

    @property
    def compares_prompts(self) -> bool:
        """Whether there is a table of prompt formats (`laws/prompts.csv`)."""
        return any(self.family(name).compares_prompts for name in self.evaluated)

    @property
    def teaser_families(self) -> tuple[str, ...]:
        """Families of the teaser that are evaluated."""
        return tuple(name for name in self.teaser if name in self.evaluated)

    @property
    def paper_families(self) -> tuple[str, ...]:
        """Evaluated families that the paper has, too."""
        return tuple(name for name in PAPER_FAMILIES if name in self.evaluated)


Paths = Callable[[Context], list[str]]
"""Returns the paths of a table in an experiment."""
Families = Callable[[Context], Sequence[str]]
"""Returns names of families in an experiment."""


def compared(context: Context) -> Sequence[str]:
    """Return the families whose domains are compared with a baseline."""
    return context.compared_families


def teaser(context: Context) -> Sequence[str]:
    """Return the families of the teaser that are evaluated."""
    return context.teaser_families


def bucket_family(context: Context) -> str:
    """Return the first evaluated family with sums by bucket, else the first with a baseline.

    The latter has empty tables of buckets. Empty if there is none.
    """
    summed = [name for name in context.evaluated if context.family(name).sums_by_bucket]
    return next(iter([*summed, *context.compared_families, *context.evaluated]), "")


def behaviour_family(context: Context) -> str:
    """Return the family of behaviour: the paper's AI risk if it is evaluated, else `behaviour`."""
    return "risk" if "risk" in context.evaluated else "behaviour"


def law_tables(families: Families, *tables: str) -> dict[str, Paths]:
    """Return the tables `laws/<family>/<table>.csv` of families, by name."""
    return {table: _law_table(families, table) for table in tables}


def _law_table(families: Families, table: str) -> Paths:
    return lambda context: [
        f"{context.results}/laws/{name}/{table}.csv" for name in families(context)
    ]


def family_tables(family: Callable[[Context], str]) -> dict[str, Paths]:
    """Return the tables of the figure of one family, with its control behind the runs.

    The table of controls has no path without a control in the metric of the figure.
    """

    def families(context: Context) -> list[str]:
        return [family(context)]

    return {
        **law_tables(families, "points", "absolute", "relative", "curves"),
        "control_slopes": _control_table(family),
    }


def _control_table(family: Callable[[Context], str]) -> Paths:
    def found(context: Context) -> list[str]:
        shown = family(context)
        known = any(each.has_control for each in context.families if each.name == shown)
        return suite_law("control_slopes")(context) if known else []

    return found


def family_losses(families: Families) -> Paths:
    """Return the losses tables of families."""
    return lambda context: [
        f"{context.results}/evaluations/{name}/losses.parquet" for name in families(context)
    ]


def suite_law(table: str) -> Paths:
    """Return the table `laws/<table>.csv`, which holds the rows of all families."""
    return lambda context: [f"{context.results}/laws/{table}.csv"]


def suite_table(file: str) -> Paths:
    """Return a file of `tables/`."""
    return lambda context: [f"{context.results}/tables/{file}"]


def reference_table(file: str) -> Paths:
    """Return a file of the folder of published numbers."""
    return lambda context: [f"{context.reference}/{file}"]


def settings_of_family(
    model: type[FamilySettingsType], context: Context, family: str
) -> FamilySettingsType:
    """Return the settings of a figure that shows the laws of one family."""
    view = context.view(family)
    return model(
        corpora=context.corpora,
        labels=dict(context.labels),
        family=family,
        metric=view.metric,
        baseline=view.baseline,
        domains=view.domains,
        estimator=context.estimator,
        compute=context.compute,
        extrapolate_decades=context.extrapolate_decades,
        paper_line=context.paper_line,
    )


def compared_settings(
    context: Context, families: Sequence[str], metric: str = ""
) -> ComparedSettings:
    """Return the settings of a figure that compares families.

    Args:
        context: the experiment.
        families: names of the families.
        metric: the metric of all families; empty for the first metric of each.
    """
    changes = {"metric": metric} if metric else {}
    return ComparedSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        families=tuple(view.model_copy(update=changes) for view in context.views(families)),
        estimator=context.estimator,
    )
