"""Format `lm_eval`: result files of lm-evaluation-harness, `results_<date>.json`.

One file per model or checkpoint. Since version 0.4 the keys of a task's metrics are
`<metric>,<filter>`, such as `acc,none`, with the standard error as `acc_stderr,none`; before, they
were `acc` and `acc_stderr`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relscale.importers.cells import measured, whole
from relscale.importers.importer import (
    Imported,
    ImportedRun,
    ImportedValue,
    Importer,
    ImportOptions,
    listing,
)
from relscale.importers.input_files import input_files, read_object
from relscale.importers.logged_names import metric_name

FAMILY = "tasks"
"""Family of the values, if the user names none."""
NO_FILTER = "none"
"""Filter of metrics of the unfiltered answers, which the name of the metric leaves out."""
_STDERR = "_stderr"
_NOT_METRICS = ("alias", "name", "sample_len", "sample_count", "samples", " ")
_FILE = re.compile(r"results.*\.json")
_ARGUMENT = re.compile(r"(?:^|,)(pretrained|model|revision)=([^,]*)")


def _read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    files, left_out = input_files(
        paths, lambda name: _FILE.fullmatch(name) is not None, "file results*.json"
    )
    runs: dict[str, ImportedRun] = {}
    values: list[ImportedValue] = []
    decisions: list[str] = []
    shots: dict[str, tuple[Any, str]] = {}
    skipped: dict[str, None] = {}
    for file in files:
        results = read_object(file.path, ("results",), "a result file of lm-evaluation-harness")
        name = _run_name(results, file.path)
        runs.setdefault(name, ImportedRun(run=name, where=str(file.path)))
        values += _values(name, file.path, results, options, skipped)
        _compare_shots(results, file.path, shots)
        decisions += _remarks(results, file.path)
    if skipped:
        left_out.append(f"entries without a number: {listing(list(skipped))}")
    return Imported(
        runs=list(runs.values()),
        values=values,
        decisions=list(dict.fromkeys(decisions)),
        left_out=left_out,
    )


def _run_name(results: Mapping[str, Any], path: Path) -> str:
    """Return the name of a run: the model, and its revision if one is given.

    Raises:
        ValueError: naming the file, if it does not state the model.
    """
    config = _mapping(results, "config", path)
    arguments = config.get("model_args")
    if isinstance(arguments, str):
        arguments = dict(_ARGUMENT.findall(arguments))
    elif not isinstance(arguments, dict):
        arguments = {}
    name = results.get("model_name") or arguments.get("pretrained") or arguments.get("model")
    if not isinstance(name, str):
        raise ValueError(f"{path}: has no model_name, and config.model_args has no pretrained=")
    revision = arguments.get("revision")
    return f"{name}@{revision}" if revision not in (None, "", "main") else name


def _values(
    run: str,
    path: Path,
    results: Mapping[str, Any],
    options: ImportOptions,
    skipped: dict[str, None],
) -> list[ImportedValue]:
    """Return the values of all tasks and groups of a file.

    Raises:
        ValueError: naming file, task and key, for an entry of another type, or if there is none.
    """
    values = []
    samples = _mapping(results, "n-samples", path)
    tasks = _mapping(results, "results", path)
    for task in tasks:
        entries = _mapping(tasks, task, path)
        filtered = any("," in key for key in entries)
        counts = samples.get(task)
        items = counts.get("effective") if isinstance(counts, dict) else None
        for key, entry in entries.items():
            metric, _, kind = key.partition(",")
            if key in _NOT_METRICS or metric.endswith(_STDERR) or (filtered and not kind):
                continue
            where = f"{path}: results[{task!r}]"
            if isinstance(entry, str) and not entry.strip():
                skipped[f"{task}: {key}"] = None
                continue
            value = measured(entry, where, key)
            error = f"{metric}{_STDERR},{kind}" if kind else f"{metric}{_STDERR}"
            finite = math.isfinite(value)
            values.append(
                ImportedValue(
                    run=run,
                    where=where,
                    family=options.family or FAMILY,
                    domain=task,
                    metric=metric_name(metric) if kind in ("", NO_FILTER) else key,
                    value=value if finite else math.nan,
                    standard_error=measured(entries.get(error, math.nan), where, error),
                    num_items=whole(items, where, "n-samples"),
                    excluded_reason=None if finite else f"{key} is {entry}",
                )
            )
    if not values:
        raise ValueError(f"{path}: results: no task has a metric")
    return values


def _compare_shots(
    results: Mapping[str, Any], path: Path, shots: dict[str, tuple[Any, str]]
) -> None:
    """Check that a task has the same number of examples in the prompt in all files.

    Raises:
        ValueError: naming task and files.
    """
    for task, number in _mapping(results, "n-shot", path).items():
        first, where = shots.setdefault(task, (number, str(path)))
        if first != number:
            raise ValueError(
                f"{path}: task {task!r} has {number} shots, and {first} in {where}: import them "
                "as different families, or choose tasks with --domain"
            )


def _remarks(results: Mapping[str, Any], path: Path) -> list[str]:
    """Return remarks on limits, and on groups that contain other tasks."""
    remarks = []
    limit = _mapping(results, "config", path).get("limit")
    if limit is not None:
        remarks.append(f"{path}: only {limit} items of each task were evaluated (limit)")
    groups = [name for name, tasks in _mapping(results, "group_subtasks", path).items() if tasks]
    if groups:
        remarks.append(f"domains that are groups of other domains: {listing(groups)}")
    return remarks


def _mapping(values: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    """Return an object of a file; an empty one if it is missing.

    Raises:
        ValueError: naming file and key, if it is something else.
    """
    found = values.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{path}: {key} is {str(found)[:60]!r}, not an object")
    return found


IMPORTER = Importer(
    name="lm_eval",
    description="results*.json of lm-evaluation-harness, one per model or checkpoint",
    read=_read,
)
