"""Contract of the table `predicted`."""

from relscale.contract.table import STATUS, Table
from relscale.contract.tables.curves import LABELS, READING

TWO_STAGES = "two_stages"
"""Value of the column `quantity` for an accuracy that is predicted through the task's loss."""

PREDICTED = Table(
    name="predicted",
    description="Losses and gaps of named models, predicted by the laws that `auto` chooses, and "
    "accuracies of tasks, predicted by both stages of the two-stage law.",
    key=("corpus", "family", "metric", "domain", "quantity", "path", "compute", "params"),
    columns={**LABELS, **READING, **STATUS},
)
