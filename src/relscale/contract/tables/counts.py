"""Contract of the table `counts`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

COUNTS = Table(
    name="counts",
    description="The exponent of the optimal size by way of counting parameters and FLOPs.",
    key=("corpus", "family", "counted_params", "counted_flops", "approach"),
    columns={
        **text("corpus", "family", "counted_params", "counted_flops", "approach"),
        **floats(
            "params_exponent",
            "params_exponent_ci_low",
            "params_exponent_ci_high",
            "ci_level",
            "left_out_error_percent",
        ),
        **integers("num_points"),
        **STATUS,
    },
)
