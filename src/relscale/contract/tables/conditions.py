"""Contract of the table `conditions`."""

from relscale.contract.table import Table
from relscale.contract.tables.classical import CLASSICAL_LAWS

CONDITIONS = Table(
    name="conditions",
    description="Laws of training conditions: repetition, quality, shape and batch.",
    key=CLASSICAL_LAWS.key,
    columns=CLASSICAL_LAWS.columns,
    digits=CLASSICAL_LAWS.digits,
)
