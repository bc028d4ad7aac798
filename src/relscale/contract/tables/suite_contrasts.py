"""Contract of the table `suite_contrasts`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

SUITE_CONTRASTS = Table(
    name="suite_contrasts",
    description="Relative laws of one suite against another at matched compute, one per domain, "
    "metric and scale.",
    key=("treatment", "baseline", "family", "metric", "domain", "scale"),
    columns={
        **text("treatment", "baseline", "family", "metric", "domain", "scale", "compute"),
        **floats(
            "reference_compute",
            "gamma",
            "gamma_ci_low",
            "gamma_ci_high",
            "dbeta",
            "standard_error",
            "dof",
            "ci_low",
            "ci_high",
            "ci_level",
        ),
        **text("ci_method"),
        **floats(
            "change",
            "change_standard_error",
            "change_ci_low",
            "change_ci_high",
            "p_difference",
            "p_equivalence",
            "p_difference_adjusted",
            "p_equivalence_adjusted",
            "p_crosses",
            "p_crosses_adjusted",
            "p_side",
            "p_side_adjusted",
            "margin",
            "detectable_dbeta",
            "gap_first",
            "gap_last",
            "r2",
            "lack_of_fit_p",
            "budget_sd",
            "item_share",
            "replication",
        ),
        **integers("num_runs", "num_budgets"),
        **text("faster", "verdict", "scales_agree"),
        **STATUS,
    },
)
