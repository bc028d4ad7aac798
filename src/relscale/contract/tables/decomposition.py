"""Contract of the table `decomposition`."""

from relscale.contract.table import Table

DECOMPOSITION = Table(
    name="decomposition",
    description="Slopes of every gap in model size and in data.",
    key=(
        "corpus",
        "family",
        "metric",
        "treatment",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "metric": "text",
        "treatment": "text",
        "baseline": "text",
        "slope_params": "float",
        "slope_params_standard_error": "float",
        "slope_params_ci_low": "float",
        "slope_params_ci_high": "float",
        "slope_tokens": "float",
        "slope_tokens_standard_error": "float",
        "slope_tokens_ci_low": "float",
        "slope_tokens_ci_high": "float",
        "slice_params_points_per_decade": "float",
        "slice_tokens_points_per_decade": "float",
        "num_runs": "int",
        "status": "text",
        "remarks": "text",
    },
)
