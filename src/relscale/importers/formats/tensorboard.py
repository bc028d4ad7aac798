"""Format `tensorboard`: folders of event files, one folder per run."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from relscale.importers.curves import LoggedValue, last_values, tokens_at
from relscale.importers.event_files import read_scalars
from relscale.importers.importer import (
    Imported,
    ImportedRun,
    Importer,
    ImportOptions,
    listing,
)
from relscale.importers.input_files import input_files
from relscale.importers.logged_names import LoggedNames

FAMILY = "evaluations"
"""Family of the values, if the user names none."""
MARK = "tfevents"
"""Part of the name of every event file."""


def _read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    files, left_out = input_files(paths, lambda name: MARK in name, "event file (*tfevents*)")
    names = LoggedNames(options)
    logged: list[tuple[float, LoggedValue]] = []
    cut, others = [], 0
    places: dict[str, str] = {}
    for file in files:
        if MARK not in file.path.name:
            raise ValueError(f"{file.path}: the name of an event file contains {MARK}")
        events = read_scalars(file.path)
        others += events.num_others
        cut += [str(file.path)] if events.cut else []
        places.setdefault(file.folder, str(file.path.parent))
        for one in events.scalars:
            if key := names.split(one.tag):
                value = LoggedValue(
                    run=file.folder,
                    domain=key[0],
                    metric=key[1],
                    step=one.step,
                    value=one.value,
                    where=f"{file.path}: {one.tag}",
                )
                logged.append((one.wall_time, value))
    if not logged:
        raise ValueError(f"{files[0].path}: {names.problem()}")
    # A resumed run logs some steps again; the later entry counts.
    logged.sort(key=lambda pair: pair[0])
    last = last_values([value for _, value in logged], options.family or FAMILY)
    runs = [ImportedRun(run=name, where=where) for name, where in places.items()]
    without = [run.run for run in runs if run.run not in last.steps]
    runs = [
        dataclasses.replace(run, tokens=tokens_at(last.steps[run.run], run, options.x_is_tokens))
        for run in runs
        if run.run in last.steps
    ]
    left_out += names.left_out() + last.notes
    if without:
        left_out.append(f"{len(without)} run(s) without an evaluation: {listing(without)}")
    if others:
        left_out.append(f"{others} summaries that are not scalars")
    decisions = list(last.decisions)
    if cut:
        decisions.append(f"the last record is incomplete, those before it count: {listing(cut)}")
    return Imported(runs=runs, values=last.values, decisions=decisions, left_out=left_out)


IMPORTER = Importer(
    name="tensorboard",
    description="folders of TensorBoard event files, one folder per run",
    read=_read,
)
