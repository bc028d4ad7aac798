"""Conditions of training: repeated and permuted tokens, the shape of a model, the batch."""

from pydantic import Field

from relscale.config.arm_facts import ArmFacts
from relscale.figures.context import Context, family_losses, suite_law, suite_table
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Shown


class ConditionsSettings(Shown):
    """Settings of the figure of training conditions."""

    corpus: str = ""
    """Corpus whose arms are shown; empty for that of the first arm."""
    arms: dict[str, ArmFacts] = Field(default={})
    """The arms by name."""
    metric: str = ""
    """Metric to show; empty for the first in the tables."""


def _settings_of(context: Context) -> ConditionsSettings:
    metrics = context.family(context.optimum_by).metrics
    return ConditionsSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        corpus=next((arm.corpus for arm in context.arms.values()), ""),
        arms=dict(context.arms),
        metric=metrics[0],
    )


FIGURE = Figure(
    name="training_conditions",
    category=Category.DIAGNOSTICS,
    caption=(
        "Loss under four conditions of training, with the laws where the data identify them. a: "
        "runs that repeat the first tokens of the corpus, at the size with the most runs. b: runs "
        "with permuted windows, a line per size of the largest budget. c: shapes of about the "
        "same number of parameters. d: one size with several batches; large marks are the best "
        "learning rate. Every mark is one point, seeds averaged. Source: the losses of the family "
        "that locates the optimum, and laws/conditions.csv."
    ),
    tables={
        "losses": family_losses(lambda context: [context.optimum_by]),
        "suite": suite_table("suite.csv"),
        "conditions": lambda context: suite_law("conditions")(context) if context.arms else [],
    },
    settings=ConditionsSettings,
    settings_of=_settings_of,
    needs_runs=True,
)
