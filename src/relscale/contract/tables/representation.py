"""Contract of the table `representation`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

REPRESENTATION = Table(
    name="representation",
    description="Level and slope of the gap between two domains, and of their losses, in corpora "
    "that differ in the shares of the two domains' text, and their differences between corpora.",
    key=(
        "corpus",
        "family",
        "metric",
        "subject",
        "kind",
        "scale",
        "floors",
        "estimator",
        "quantity",
    ),
    columns={
        **text(
            "corpus",
            "family",
            "metric",
            "subject",
            "kind",
            "scale",
            "floors",
            "estimator",
            "quantity",
        ),
        **floats(
            "log_share",
            "value",
            "standard_error",
            "dof",
            "ci_low",
            "ci_high",
            "p_difference",
            "margin",
            "item_share",
        ),
        **text("expected", "written", "agreement"),
        **integers("num_runs"),
        **STATUS,
    },
)
