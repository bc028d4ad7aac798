"""Contract of the table `two_stage`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

TWO_STAGE = Table(
    name="two_stage",
    description="Accuracy as a sigmoid of the loss.",
    key=("corpus", "family", "domain"),
    columns={
        **text("corpus", "family", "domain", "loss_metric", "accuracy_metric"),
        **floats(
            "chance",
            "ceiling",
            "steepness",
            "steepness_ci_low",
            "steepness_ci_high",
            "midpoint",
            "midpoint_ci_low",
            "midpoint_ci_high",
            "r2",
            "rms_residual",
            "isotonic_rms_residual",
            "isotonic_p",
            "loss_min",
            "loss_max",
            "accuracy_min",
            "accuracy_max",
        ),
        **integers("num_runs"),
        **STATUS,
    },
)
