"""Contract of the table `suite_contrast_points`."""

from relscale.contract.table import STATUS, Table, floats, text

SUITE_CONTRAST_POINTS = Table(
    name="suite_contrast_points",
    description="Gaps between two suites at each matched budget, with the values of both.",
    key=("treatment", "baseline", "family", "metric", "domain", "budget"),
    columns={
        **text("treatment", "baseline", "family", "metric", "domain", "budget"),
        **floats(
            "compute",
            "treatment_value",
            "baseline_value",
            "gap",
            "gap_ci_low",
            "gap_ci_high",
            "fitted_gap",
            "fitted_gap_ci_low",
            "fitted_gap_ci_high",
        ),
        **STATUS,
    },
)
