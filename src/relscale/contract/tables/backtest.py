"""Contract of the table `backtest`."""

from relscale.contract.table import Table

BACKTEST = Table(
    name="backtest",
    description="Predictions of budgets that were held out of the fit.",
    key=(
        "corpus",
        "family",
        "domain",
        "metric",
        "estimator",
        "quantity",
        "held_out_budget",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "domain": "text",
        "metric": "text",
        "estimator": "text",
        "quantity": "text",
        "held_out_budget": "text",
        "predicted": "float",
        "observed": "float",
        "ci_low": "float",
        "ci_high": "float",
        "error_percent": "float",
    },
)
