"""Contract of the table `two_stage`."""

from relscale.contract.table import Table

TWO_STAGE = Table(
    name="two_stage",
    description="Accuracy as a sigmoid of the loss.",
    key=(
        "corpus",
        "family",
        "domain",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "domain": "text",
        "loss_metric": "text",
        "accuracy_metric": "text",
        "chance": "float",
        "ceiling": "float",
        "steepness": "float",
        "steepness_ci_low": "float",
        "steepness_ci_high": "float",
        "midpoint": "float",
        "midpoint_ci_low": "float",
        "midpoint_ci_high": "float",
        "r2": "float",
        "rms_residual": "float",
        "isotonic_rms_residual": "float",
        "isotonic_p": "float",
        "loss_min": "float",
        "loss_max": "float",
        "accuracy_min": "float",
        "accuracy_max": "float",
        "num_runs": "int",
        "status": "text",
        "remarks": "text",
    },
)
