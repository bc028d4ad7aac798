"""Contract of the table `decomposition`."""

from relscale.contract.table import GAP_KEY, STATUS, Table, floats, integers, text

DECOMPOSITION = Table(
    name="decomposition",
    description="Slopes of every gap in model size and in data.",
    key=(*GAP_KEY,),
    columns={
        **text(*GAP_KEY, "baseline"),
        **floats(
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
        ),
        **integers("num_runs"),
        **STATUS,
    },
)
