"""Contract of the table `predicted`."""

from relscale.contract.table import STATUS, Table
from relscale.contract.tables.curves import LABELS, READING

PREDICTED = Table(
    name="predicted",
    description="Losses and gaps of named models, predicted by the laws that `auto` chooses.",
    key=("corpus", "family", "metric", "domain", "quantity", "path", "compute", "params"),
    columns={**LABELS, **READING, **STATUS},
)
