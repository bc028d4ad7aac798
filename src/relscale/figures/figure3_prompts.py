"""Predictability: the share of each metric's variance that compute explains."""

from relscale.figures.context import Context, reference_table, suite_law, suite_table
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Compute, Shown


class PromptsSettings(Shown):
    """Settings of the figure of predictability and prompt formats."""

    families: tuple[str, ...] = ()
    """Families to show; empty for all."""
    metrics: tuple[str, ...] = ()
    """Metrics to show; empty for all."""
    compute: Compute = "training_flops"
    """Compute that explains the variance."""
    window: int = 0
    """Tokens of a model's context; 0 if unknown."""
    prompt_window: int = 2048
    """Tokens that the three prompt formats need."""


def _prompts_table(context: Context) -> list[str]:
    return suite_law("prompts")(context) if context.compares_prompts else []


def _settings_of(context: Context) -> PromptsSettings:
    return PromptsSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        compute=context.compute,
        window=context.window,
    )


FIGURE = Figure(
    name="figure3_prompts",
    category=Category.PAPER,
    caption=(
        "Left: share of the variance of each metric that compute explains (R2 of a log-log line "
        "over all runs of a corpus; one point per domain). Right: three prompt formats of "
        "multiple-choice questions. If a family scores them, their share and their accuracy "
        "relative to the traditional prompt have 95 % intervals; they need windows of 2,048 "
        "tokens, which models of the default scale do not have. Grey: the paper's shares (arXiv "
        "2510.24626, figure 3, read from the plot). Source: tables/losses.parquet, "
        "laws/prompts.csv."
    ),
    tables={
        "losses": suite_table("losses.parquet"),
        "prompts": reference_table("paper_prompts.csv"),
        "own_prompts": _prompts_table,
    },
    settings=PromptsSettings,
    settings_of=_settings_of,
)
