"""Contract of the table `families`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

FAMILIES = Table(
    name="families",
    description="Whether the slopes of all domains of a family are equal, per corpus, metric and "
    "estimator.",
    key=("corpus", "family", "metric", "estimator"),
    columns={
        **text("corpus", "family", "metric", "estimator"),
        **integers("num_domains"),
        **floats("statistic", "df1", "df2", "p_equal_slopes", "p_equal_slopes_adjusted"),
        **text("method"),
        **STATUS,
    },
)
