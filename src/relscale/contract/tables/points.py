"""Contract of the table `points`."""

from relscale.contract.table import STATUS, Table, floats, text

POINTS = Table(
    name="points",
    description="E and G at the compute-optimal point of each budget: the laws are fitted "
    "through them.",
    key=("corpus", "family", "metric", "domain", "estimator", "budget"),
    columns={
        **text("corpus", "family", "metric", "domain", "estimator", "budget"),
        **floats(
            "forward_flops",
            "training_flops",
            "value",
            "standard_error",
            "gap",
            "gap_standard_error",
        ),
        **STATUS,
    },
)
