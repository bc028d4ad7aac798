"""Contract of the table `optima`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

OPTIMA = Table(
    name="optima",
    description="Compute-optimal point of every corpus, budget and estimator.",
    key=("corpus", "budget", "estimator"),
    columns={
        **text("corpus", "budget", "estimator", "optimum_by"),
        **floats("optimum_tokens", "optimum_params"),
        **text("metric"),
        **floats("value", "curvature"),
        **integers("num_runs"),
        **STATUS,
    },
)
