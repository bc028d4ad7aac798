"""Expected seconds of jobs that train nothing, by rule.

The records of earlier calls of the same experiment come first; for rules without a record, the jobs
of the tiny experiment on the reference machine. They are only a start: `progress` corrects them by
the jobs of the call.
"""

import json
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

RECORDS = Path("benchmarks/results")
"""Folder of the records that jobs leave (Snakemake's extended benchmarks), in a checkout."""
OF_TINY = {
    "documents": 4.5,
    "family": 1.8,
    "shards": 1.6,
    "tokenizer": 1.0,
    "optima": 1.6,
    "laws": 5.9,
    "other_baselines": 14.2,
    "correlation": 1.4,
    "ngram": 2.7,
    "control_tables": 2.6,
    "explorer": 2.6,
    "findings": 1.2,
    "front": 1.1,
    "figure1_teaser": 1.7,
    "figure2_pipeline": 1.8,
    "figure5_language": 2.9,
    "isoflop_curves": 1.8,
}
"""CPU-seconds of the longer jobs of the tiny experiment, measured on one core of a Xeon."""


def rule_seconds(folder: Path, experiment: str) -> dict[str, float]:
    """Return the expected seconds of a job by rule.

    Args:
        folder: the checkout.
        experiment: name of the experiment.
    """
    recorded: dict[str, list[float]] = defaultdict(list)
    for place in (experiment, "shared"):
        for path in (folder / RECORDS / place).rglob("*.jsonl"):
            with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
                record = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
                seconds = float(record["s"])
                recorded[str(record["rule_name"])].append(seconds)
    return OF_TINY | {rule: sum(some) / len(some) for rule, some in recorded.items()}
