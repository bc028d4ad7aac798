"""Contract of the table `prompts`."""

from relscale.contract.table import Table

PROMPTS = Table(
    name="prompts",
    description="Share of the loss that compute explains, and accuracy, under each prompt.",
    key=(
        "corpus",
        "family",
        "domain",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "prompt": "text",
        "metric": "text",
        "domain": "text",
        "r2": "float",
        "ci_low": "float",
        "ci_high": "float",
        "num_runs": "int",
        "runs_at_chance": "int",
        "truncated_share": "float",
        "accuracy": "float",
        "accuracy_minus_traditional": "float",
        "accuracy_minus_traditional_low": "float",
        "accuracy_minus_traditional_high": "float",
        "status": "text",
        "remarks": "text",
    },
)
