"""The columns of every table, in order: the contract between the stages.

Meanings, units and dtypes of the columns are in docs/DATA.md. This module imports nothing heavy, so that the plan can use it.
"""

from collections.abc import Iterable

SUITE_COLUMNS = (
    "corpus",
    "suite",
    "budget",
    "budget_counts",
    "recipe",
    "run",
    "seed",
    "width",
    "layers",
    "heads",
    "batch_size",
    "steps",
    "tokens",
    "learning_rate",
    "beta2",
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
    "attention_flops",
    "forward_flops",
    "training_flops",
)

LOSSES_COLUMNS = (
    "suite",
    "run",
    "seed",
    "recipe",
    "budget",
    "forward_flops",
    "training_flops",
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
    "tokens",
    "family",
    "domain",
    "metric",
    "unit",
    "error",
    "standard_error",
    "num_items",
    "num_bytes",
    "num_truncated",
    "at_chance",
    "excluded_reason",
)

LOSSES_REQUIRED = (
    "suite",
    "run",
    "budget",
    "num_params_total",
    "tokens",
    "family",
    "domain",
    "metric",
    "error",
)
"""What a losses table from outside must have, besides one of `forward_flops` and `training_flops`."""

ITEMS_COLUMNS = ("suite", "run", "family", "domain", "metric", "stratum", "item", "numerator", "denominator", "overlaps")

SOURCES_COLUMNS = ("source", "package", "version", "sha256", "num_files", "num_bytes", "licence", "citation")

CORPORA_COLUMNS = (
    "corpus",
    "component",
    "source",
    "documents_read",
    "bytes_read",
    "removed_too_short",
    "removed_exact_duplicate",
    "removed_near_duplicate",
    "removed_over_share",
    "paragraphs_decontaminated",
    "documents",
    "bytes",
    "documents_validation",
    "bytes_validation",
    "tokens",
    "tokens_validation",
)

OPTIMA_COLUMNS = (
    "suite",
    "budget",
    "estimator",
    "optimum_by",
    "optimum_tokens",
    "optimum_params",
    "error_metric",
    "error",
    "curvature",
    "num_runs",
    "status",
)

ABSOLUTE_COLUMNS = (
    "suite",
    "family",
    "domain",
    "metric",
    "estimator",
    "compute",
    "coefficient",
    "exponent",
    "offset",
    "standard_error",
    "ci_low",
    "ci_high",
    "r2",
    "num_points",
    "status",
)

RELATIVE_COLUMNS = (
    "suite",
    "family",
    "metric",
    "treatment",
    "baseline",
    "estimator",
    "compute",
    "reference_compute",
    "gamma",
    "gamma_ci_low",
    "gamma_ci_high",
    "dbeta",
    "standard_error",
    "dof",
    "ci_low",
    "ci_high",
    "ci_level",
    "ci_method",
    "p_difference",
    "p_equivalence",
    "p_difference_adjusted",
    "p_equivalence_adjusted",
    "margin",
    "detectable_dbeta",
    "gap_first",
    "gap_last",
    "reduction_slope_points_per_decade",
    "r2",
    "num_runs",
    "num_budgets",
    "faster",
    "verdict",
    "status",
)

POINTS_COLUMNS = (
    "suite",
    "family",
    "metric",
    "domain",
    "estimator",
    "budget",
    "forward_flops",
    "training_flops",
    "error",
    "standard_error",
    "gap",
    "gap_standard_error",
    "status",
)
"""E and G at each budget's compute-optimal point: what the laws are fitted through and what the figures draw as points."""

DECOMPOSITION_COLUMNS = (
    "suite",
    "family",
    "metric",
    "treatment",
    "baseline",
    "slope_params",
    "slope_params_standard_error",
    "slope_params_ci_low",
    "slope_params_ci_high",
    "slope_tokens",
    "slope_tokens_standard_error",
    "slope_tokens_ci_low",
    "slope_tokens_ci_high",
    "slice_params_points_per_decade",
    "slice_tokens_points_per_decade",
    "num_runs",
    "status",
)

TWO_STAGE_COLUMNS = (
    "suite",
    "family",
    "domain",
    "loss_metric",
    "accuracy_metric",
    "chance",
    "ceiling",
    "steepness",
    "steepness_ci_low",
    "steepness_ci_high",
    "midpoint",
    "midpoint_ci_low",
    "midpoint_ci_high",
    "r2",
    "loss_min",
    "loss_max",
    "accuracy_min",
    "accuracy_max",
    "num_runs",
    "status",
)

BACKTEST_COLUMNS = (
    "suite",
    "family",
    "domain",
    "metric",
    "estimator",
    "quantity",
    "held_out_budget",
    "predicted",
    "observed",
    "ci_low",
    "ci_high",
    "error_percent",
)

LOWER_IS_BETTER = frozenset({"bits_per_byte", "choice_loss_nats"})
METRIC_UNITS = {
    "bits_per_byte": "bits/byte",
    "choice_loss_nats": "nats",
    "choice_probability": "1",
    "choice_probability_per_byte": "1",
    "accuracy": "1",
    "accuracy_per_byte": "1",
}


def check_columns(where: str, present: Iterable[str], required: Iterable[str]) -> None:
    """Check that a table has the columns that it needs.

    Raises:
        ValueError: naming the table, the missing columns and those present.
    """
    present = list(present)
    missing = [column for column in required if column not in present]
    if missing:
        raise ValueError(f"{where}: missing column(s) {', '.join(missing)}; it has {', '.join(present)}")
