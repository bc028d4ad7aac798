"""Contract of the table `relative`."""

from relscale.contract.table import GAP_KEY, STATUS, Table, floats, integers, text

RELATIVE = Table(
    name="relative",
    description="One relative law per corpus, metric, treatment, estimator, scale and path, with "
    "tests and verdict.",
    key=(*GAP_KEY, "baseline", "estimator", "scale", "path"),
    columns={
        **text(*GAP_KEY, "baseline", "estimator", "scale", "path", "law", "compute"),
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
            "reduction_slope_points_per_decade",
            "r2",
            "lack_of_fit_p",
            "budget_sd",
            "replication",
        ),
        **integers("num_runs", "num_budgets"),
        **text("faster", "verdict", "scales_agree"),
        **STATUS,
    },
)
