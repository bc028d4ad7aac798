"""Contract of the table `prompts`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

PROMPTS = Table(
    name="prompts",
    description="Share of the loss that compute explains, and accuracy, under each prompt.",
    key=("corpus", "family", "domain"),
    columns={
        **text("corpus", "family", "prompt", "metric", "domain"),
        **floats("exponent", "exponent_ci_low", "exponent_ci_high"),
        **floats("r2", "ci_low", "ci_high"),
        **integers("num_runs", "runs_at_chance"),
        **floats(
            "truncated_share",
            "accuracy",
            "accuracy_minus_traditional",
            "accuracy_minus_traditional_low",
            "accuracy_minus_traditional_high",
        ),
        **STATUS,
    },
)
