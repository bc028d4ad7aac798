"""Contract of the table `buckets`."""

from relscale.contract.table import GAP_KEY, STATUS, Table, floats, integers, text

BUCKETS = Table(
    name="buckets",
    description="The relative law of each bucket of bytes, by a straight line, for families "
    "whose losses are summed by bucket.",
    key=(*GAP_KEY, "partition", "bucket"),
    columns={
        **text(*GAP_KEY, "partition", "bucket", "baseline", "estimator", "compute"),
        **floats(
            "byte_share",
            "baseline_byte_share",
            "loss_share",
            "baseline_loss_share",
            "gamma",
            "gap_first",
            "gap_last",
            "dbeta",
            "standard_error",
            "dof",
            "ci_low",
            "ci_high",
            "ci_level",
            "p_difference",
            "p_difference_adjusted",
        ),
        **text("ci_method"),
        **integers("num_items", "baseline_num_items", "num_runs"),
        **STATUS,
    },
)
