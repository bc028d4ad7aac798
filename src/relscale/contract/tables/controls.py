"""Contract of the table `controls`."""

from relscale.contract.table import STATUS, Table, flags, floats, integers, text

CONTROLS = Table(
    name="controls",
    description="Losses and gaps of controls, by the size of the text that they were trained on.",
    key=("corpus", "control", "family", "metric", "domain", "order", "text_bytes"),
    columns={
        **text("corpus", "control", "family", "metric", "domain", "baseline"),
        **integers("order", "text_bytes"),
        **flags("best"),
        **floats("value", "standard_error", "gap", "gap_ci_low", "gap_ci_high"),
        **integers("num_items", "num_bytes"),
        **STATUS,
    },
)
