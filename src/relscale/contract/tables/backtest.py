"""Contract of the table `backtest`."""

from relscale.contract.table import DOMAIN_KEY, Table, floats, text

BACKTEST = Table(
    name="backtest",
    description="Predictions of budgets that were held out of the fit.",
    key=(*DOMAIN_KEY, "estimator", "quantity", "held_out_budget"),
    columns={
        **text(*DOMAIN_KEY, "estimator", "quantity", "held_out_budget"),
        **floats("horizon", "predicted", "observed", "ci_low", "ci_high", "error_percent"),
    },
)
