"""The table of the steps that trained the runs of a suite. Light imports: no torch."""

import csv
import io
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from relscale.files import write_text
from relscale.training.record import read_record

IMPLEMENTATIONS_COLUMNS = ("run", "status", "implementation", "remarks")
logger = logging.getLogger(__name__)


def write_implementations(records: Sequence[Path], out: Path) -> None:
    """Write one row per run: its status and the step that trained it, from its record.

    If the runs were trained by several steps, this is logged as a warning, and each run that was
    not trained by the most frequent one has a remark.

    Args:
        records: record.json of each run.
        out: the table.

    Raises:
        ValueError: naming a record that cannot be read.
    """
    runs = [read_record(path) for path in records]
    counts = Counter(run.implementation for run in runs)
    usual = max(counts, key=lambda name: counts[name], default="")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(IMPLEMENTATIONS_COLUMNS)
    for run in runs:
        remark = "" if run.implementation == usual else f"most runs were trained by: {usual}"
        writer.writerow([run.spec.name, run.status, run.implementation, remark])
    write_text(out, text.getvalue())
    if len(counts) > 1:
        logger.warning(
            "%s: the runs of this suite were trained by different steps: %s; their losses differ "
            "by rounding, which training amplifies, in addition to what the suite compares",
            out,
            "; ".join(f"{name}: {count} runs" for name, count in counts.most_common()),
        )
