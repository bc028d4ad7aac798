"""Contract of the table `predictions`."""

from relscale.contract.table import STATUS, Table, floats, text

PREDICTIONS = Table(
    name="predictions",
    description="Accuracy predicted from compute, by both stages.",
    key=("corpus", "family", "domain", "kind", "from_budget", "model"),
    columns={
        **text(
            "corpus",
            "family",
            "domain",
            "loss_metric",
            "accuracy_metric",
            "estimator",
            "kind",
            "from_budget",
            "budget",
            "model",
        ),
        **floats("params", "tokens", "compute", "observed_loss"),
        **text("step1"),
        **floats("horizon", "calibration", "loss", "accuracy", "ci_low", "ci_high", "observed"),
        **STATUS,
    },
)
