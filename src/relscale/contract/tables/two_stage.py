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
            "floor",
            "floor_ci_low",
            "floor_ci_high",
            "ceiling",
            "ceiling_ci_low",
            "ceiling_ci_high",
            "steepness",
            "steepness_ci_low",
            "steepness_ci_high",
            "midpoint",
            "midpoint_ci_low",
            "midpoint_ci_high",
        ),
        **text("ci_method"),
        **floats(
            "r2",
            "rms_residual",
            "isotonic_rms_residual",
            "isotonic_p",
            "loss_min",
            "loss_max",
            "accuracy_min",
            "accuracy_max",
        ),
        **integers("num_runs", "runs_outside"),
        **text("emergence"),
        **STATUS,
    },
)
