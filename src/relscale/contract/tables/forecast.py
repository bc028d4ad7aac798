"""Contract of the table `forecast`."""

from relscale.contract.table import STATUS, Table, floats, text

FORECAST = Table(
    name="forecast",
    description="Back-tests of the laws that `auto` chooses, by horizon.",
    key=(
        "corpus",
        "family",
        "metric",
        "domain",
        "quantity",
        "fitted_compute",
        "held_out_budget",
        "held_out_run",
    ),
    columns={
        **text("corpus", "family", "metric", "domain", "baseline", "quantity", "law"),
        **floats("fitted_compute"),
        **text("held_out_budget", "held_out_run", "horizon_class"),
        **floats(
            "horizon",
            "factor",
            "predicted",
            "observed",
            "ci_low",
            "ci_high",
            "error_percent",
            "error_constant_percent",
            "error_last_four_percent",
        ),
        **STATUS,
    },
)
