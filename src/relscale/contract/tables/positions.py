"""Contract of the table `positions`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

POSITIONS = Table(
    name="positions",
    description="Loss per token by position in the context, at the best size of each budget, for "
    "families whose losses are summed by position.",
    key=("corpus", "family", "domain", "budget", "first_position"),
    columns={
        **text("corpus", "family", "domain", "budget"),
        **integers("first_position", "last_position"),
        **floats("mean_position", "loss", "standard_error", "fitted"),
        **integers("num_tokens", "num_runs"),
        **STATUS,
    },
)
