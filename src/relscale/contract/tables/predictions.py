"""Contract of the table `predictions`."""

from relscale.contract.table import STATUS, Table, floats, text

PREDICTIONS = Table(
    name="predictions",
    description="Accuracy predicted from compute, by both stages.",
    key=("corpus", "family", "domain", "kind", "model"),
    columns={
        **text(
            "corpus",
            "family",
            "domain",
            "loss_metric",
            "accuracy_metric",
            "estimator",
            "kind",
            "budget",
            "model",
        ),
        **floats("compute", "observed_loss", "loss", "accuracy", "ci_low", "ci_high", "observed"),
        **STATUS,
    },
)
