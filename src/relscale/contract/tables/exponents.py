"""Contract of the table `exponents`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

EXPONENTS = Table(
    name="exponents",
    description="How the optimal size and data grow with compute, by approach.",
    key=("corpus", "family", "approach"),
    columns={
        **text("corpus", "family", "approach", "counted_params", "compute", "optimum_by"),
        **floats(
            "params_exponent",
            "params_exponent_ci_low",
            "params_exponent_ci_high",
            "tokens_exponent",
            "tokens_exponent_ci_low",
            "tokens_exponent_ci_high",
            "ci_level",
            "tokens_per_param_lowest",
            "tokens_per_param_highest",
            "surface_bias",
        ),
        **text("ci_method"),
        **integers("num_points"),
        **STATUS,
    },
)
