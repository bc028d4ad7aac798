"""Contract of the table `optima`."""

from relscale.contract.table import Table

OPTIMA = Table(
    name="optima",
    description="Compute-optimal point of every corpus, budget and estimator.",
    key=(
        "corpus",
        "budget",
        "estimator",
    ),
    columns={
        "corpus": "text",
        "budget": "text",
        "estimator": "text",
        "optimum_by": "text",
        "optimum_tokens": "float",
        "optimum_params": "float",
        "metric": "text",
        "value": "float",
        "curvature": "float",
        "num_runs": "int",
        "status": "text",
        "remarks": "text",
    },
)
