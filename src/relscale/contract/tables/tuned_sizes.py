"""Contract of the table `tuned_sizes`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

TUNED_SIZES = Table(
    name="tuned_sizes",
    description="The settings with the lowest validation loss at each size of each budget.",
    key=("corpus", "frontier", "budget", "num_params_total"),
    columns={
        **text("corpus", "frontier", "budget"),
        **integers("num_params_total", "num_members"),
        **text("chosen"),
        **floats("value", "value_tuned"),
        **STATUS,
    },
)
