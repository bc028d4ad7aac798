"""The columns of the table of prompts; meanings and units are in docs/reference/tables.md."""

PROMPTS_COLUMNS = (
    "corpus",
    "family",
    "prompt",
    "metric",
    "domain",
    "r2",
    "ci_low",
    "ci_high",
    "num_runs",
    "runs_at_chance",
    "truncated_share",
    "accuracy",
    "accuracy_minus_traditional",
    "accuracy_minus_traditional_low",
    "accuracy_minus_traditional_high",
    "status",
    "remarks",
)
