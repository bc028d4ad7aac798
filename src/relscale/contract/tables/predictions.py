"""Contract of the table `predictions`."""

from relscale.contract.table import Table

PREDICTIONS = Table(
    name="predictions",
    description="Accuracy predicted from compute, by both stages.",
    key=(
        "corpus",
        "family",
        "domain",
        "kind",
        "model",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "domain": "text",
        "loss_metric": "text",
        "accuracy_metric": "text",
        "estimator": "text",
        "kind": "text",
        "budget": "text",
        "model": "text",
        "compute": "float",
        "observed_loss": "float",
        "loss": "float",
        "accuracy": "float",
        "ci_low": "float",
        "ci_high": "float",
        "observed": "float",
        "status": "text",
        "remarks": "text",
    },
)
