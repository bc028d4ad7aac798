"""Contract of the table `relative`."""

from relscale.contract.table import GAP_KEY, STATUS, Table, floats, integers, text

RELATIVE = Table(
    name="relative",
    description="One relative law per corpus, metric, treatment and estimator, with tests and "
    "verdict.",
    key=(*GAP_KEY, "baseline", "estimator"),
    columns={
        **text(*GAP_KEY, "baseline", "estimator", "compute"),
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
        ),
        **integers("num_runs", "num_budgets"),
        **text("faster", "verdict"),
        **STATUS,
    },
)
