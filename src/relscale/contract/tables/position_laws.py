"""Contract of the table `position_laws`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

POSITION_LAWS = Table(
    name="position_laws",
    description="The law of the loss per token over the position in the context, per domain and "
    "budget.",
    key=("corpus", "family", "domain", "budget"),
    columns={
        **text("corpus", "family", "domain", "budget"),
        **floats(
            "num_params_total",
            "loss_inf",
            "loss_inf_ci_low",
            "loss_inf_ci_high",
            "amplitude",
            "amplitude_ci_low",
            "amplitude_ci_high",
            "exponent",
            "exponent_ci_low",
            "exponent_ci_high",
            "ci_level",
            "loss_first",
            "loss_last",
            "condition",
            "left_out_error_percent",
            "simpler_left_out_error_percent",
        ),
        **integers("num_points", "num_runs"),
        **STATUS,
    },
)
