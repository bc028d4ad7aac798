"""Contract of the table `contrasts`."""

from relscale.contract.table import STATUS, Table, floats, text

CONTRASTS = Table(
    name="contrasts",
    description="Slopes of each domain against the mean of its family and against each other "
    "domain, by the first estimator.",
    key=("corpus", "family", "metric", "kind", "domain", "other", "estimator"),
    columns={
        **text("corpus", "family", "metric", "kind", "domain", "other", "estimator"),
        **floats(
            "dbeta",
            "standard_error",
            "dof",
            "ci_low",
            "ci_high",
            "p_difference",
            "p_difference_adjusted",
        ),
        **text("faster"),
        **STATUS,
    },
)
