"""Contract of the table `scores`."""

from relscale.contract.table import STATUS, Table, floats, text

SCORES = Table(
    name="scores",
    description="Registered predictions next to the values of the trained models.",
    key=("corpus", "family", "model", "metric", "domain", "baseline"),
    columns={
        **text("corpus", "family", "model", "metric", "domain", "baseline", "law"),
        **floats("observed", "value", "ci_low", "ci_high", "error_percent"),
        **text("covered"),
        **floats("interval_score_percent", "last_value_error_percent", "power_law_error_percent"),
        **text("power_law_covered"),
        **floats("power_law_interval_score_percent"),
        **STATUS,
    },
)
