"""Contract of the table `points`."""

from relscale.contract.table import Table

POINTS = Table(
    name="points",
    description="E and G at the compute-optimal point of each budget: the laws are fitted through them.",
    key=(
        "corpus",
        "family",
        "metric",
        "domain",
        "estimator",
        "budget",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "metric": "text",
        "domain": "text",
        "estimator": "text",
        "budget": "text",
        "forward_flops": "float",
        "training_flops": "float",
        "value": "float",
        "standard_error": "float",
        "gap": "float",
        "gap_standard_error": "float",
        "status": "text",
        "remarks": "text",
    },
)
