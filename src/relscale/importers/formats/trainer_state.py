"""Format `trainer_state`: `trainer_state.json` of the Trainer of Hugging Face transformers."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relscale.importers.cells import measured, whole
from relscale.importers.curves import LoggedValue, last_values
from relscale.importers.importer import Imported, ImportedRun, Importer, ImportOptions, listing
from relscale.importers.input_files import InputFile, input_files, read_object
from relscale.importers.logged_names import LoggedNames

FAMILY = "evaluations"
"""Family of the values, if the user names none."""
FILE = "trainer_state.json"
KEYS = ("log_history", "global_step")
"""Keys that the file must have."""
_CHECKPOINT = re.compile(r"checkpoint-\d+")
_TIMES = re.compile(r".*_(runtime|per_second|preparation_time)")
"""Keys of the evaluation's speed."""


def _read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    files, left_out = input_files(paths, lambda name: name == FILE, f"file {FILE}")
    chosen: dict[str, tuple[InputFile, dict[str, Any]]] = {}
    older = 0
    for file in files:
        state = read_object(file.path, KEYS, "a Trainer's state")
        name = _run_name(file)
        if name in chosen:
            older += 1
            if _global_step(file, state) <= _global_step(*chosen[name]):
                continue
        chosen[name] = (file, state)
    if older:
        left_out.append(f"{older} file(s) of earlier checkpoints of the same run")
    names = LoggedNames(options)
    logged: list[LoggedValue] = []
    runs = []
    for name, (file, state) in chosen.items():
        logged += _logged(name, file.path, state["log_history"], names)
        runs.append(_run(name, file, state, options))
    if not logged:
        raise ValueError(f"{files[0].path}: log_history: {names.problem()}")
    last = last_values(logged, options.family or FAMILY)
    if without := [run.run for run in runs if run.run not in last.steps]:
        left_out.append(f"{len(without)} run(s) without an evaluation: {listing(without)}")
    decisions = list(last.decisions)
    if any(run.training_flops is not None for run in runs):
        decisions.append(
            "training_flops is total_flos, the Trainer's estimate: 6 x parameters without "
            "embeddings x tokens"
        )
    early = [
        name
        for name, (file, state) in chosen.items()
        if name in last.steps and last.steps[name] < _global_step(file, state)
    ]
    if early:
        decisions.append(f"the last evaluation is before the last step in {listing(early)}")
    left_out += names.left_out() + last.notes
    return Imported(runs=runs, values=last.values, decisions=decisions, left_out=left_out)


def _run_name(file: InputFile) -> str:
    """Return the name of a run: its folder; a checkpoint's folder belongs to the run above it."""
    *above, last = file.folder.split("/")
    if not _CHECKPOINT.fullmatch(last):
        return file.folder
    return "/".join(above) or file.path.resolve().parent.parent.name


def _global_step(file: InputFile, state: Mapping[str, Any]) -> int:
    return whole(state["global_step"], str(file.path), "global_step") or 0


def _run(
    name: str, file: InputFile, state: Mapping[str, Any], options: ImportOptions
) -> ImportedRun:
    """Return the facts of a run. 0 tokens or FLOPs mean that the Trainer did not count them."""
    where = str(file.path)
    step = _global_step(file, state)
    planned = state.get("max_steps")
    planned = planned if isinstance(planned, int) and planned > 0 else step
    flops = measured(state.get("total_flos") or math.nan, where, "total_flos")
    tokens = step if options.x_is_tokens else state.get("num_input_tokens_seen")
    return ImportedRun(
        run=name,
        where=where,
        tokens=whole(tokens or None, where, "num_input_tokens_seen"),
        training_flops=flops if flops > 0 else None,
        excluded_reason=f"unfinished: step {step} of {planned}" if step < planned else None,
    )


def _logged(name: str, path: Path, history: object, names: LoggedNames) -> list[LoggedValue]:
    """Return the evaluations of a log.

    Raises:
        ValueError: naming file, entry and key, for an entry that is not an object or has no step,
            or a value that is not a number.
    """
    if not isinstance(history, list):
        raise ValueError(f"{path}: log_history must be a list of objects")
    values = []
    for index, entry in enumerate(history):
        where = f"{path}: log_history[{index}]"
        if not isinstance(entry, dict):
            raise ValueError(f"{where}: is {entry!r}, not an object")
        for key, value in entry.items():
            if _TIMES.fullmatch(key) or (split := names.split(key)) is None:
                continue
            if "step" not in entry:
                raise ValueError(f"{where}: has {key}, but no step")
            values.append(
                LoggedValue(
                    run=name,
                    domain=split[0],
                    metric=split[1],
                    step=measured(entry["step"], where, "step"),
                    value=measured(value, where, key),
                    where=f"{where}: {key}",
                )
            )
    return values


IMPORTER = Importer(
    name="trainer_state",
    description="trainer_state.json of the Hugging Face Trainer, one file or folder per run",
    read=_read,
)
