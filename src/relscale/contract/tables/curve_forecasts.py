"""Contract of the table `curve_forecasts`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

CURVE_FORECASTS = Table(
    name="curve_forecasts",
    description="The end of every training curve, predicted from its beginning.",
    key=("corpus", "budget", "run"),
    columns={
        **text("corpus", "budget", "run"),
        **floats("observed", "forecast", "ci_low", "ci_high", "ci_level", "last_value"),
        **floats("error_percent", "last_value_error_percent", "best_other"),
        **text("decision"),
        **integers("num_points"),
        **STATUS,
    },
    digits=6,
)
