"""Contract of the table `curves`."""

from relscale.contract.table import STATUS, Table, flags, floats, text

LABELS = text(
    "corpus", "family", "metric", "domain", "baseline", "quantity", "scale", "path", "law"
)
"""First columns of a table of laws read at named places."""
READING = {
    **floats("compute", "params", "tokens", "value", "ci_low", "ci_high", "ci_level"),
    **flags("beyond"),
    **floats("horizon", "factor"),
}
"""A law read at one place."""

CURVES = Table(
    name="curves",
    description="The laws that `auto` chooses, read on a grid of compute inside the data and one "
    "decade beyond.",
    key=("corpus", "family", "metric", "domain", "quantity", "path", "compute"),
    columns={**LABELS, **READING, **STATUS},
)
