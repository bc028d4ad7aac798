"""The table of checkpoints: reading it whole before any work, and finding the folders that it
means. Light imports."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from relscale.config.released import CheckpointRow
from relscale.plan.planned_run import Run

COLUMNS = tuple(CheckpointRow.model_fields)
OLD_NAMES = {"suite": "corpus"}
"""Columns of older tables, which are still read."""
NEEDED = ("corpus", "run", "budget", "model", "tokens")
RELEASED_NAMES = {
    "commonpile": "comma-mix",
    "dclm": "dclm-default",
    "nemotron": "nemo-wider-depth-adapt",
}
"""Corpora of experiments/paper.yaml, as they are called in the names of the released
checkpoints."""


def read_checkpoints(path: Path) -> list[CheckpointRow]:
    """Return the rows of a table of checkpoints.

    Raises:
        ValueError: with one line for each problem: file, line, column, value, and what would be
            right.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            header = [OLD_NAMES.get(name, name) for name in reader.fieldnames or ()]
            reader.fieldnames = header
            records = [(reader.line_num, record) for record in reader]
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable table of checkpoints: {error}") from error
    unknown, missing = (
        [name for name in header if name not in COLUMNS],
        [name for name in NEEDED if name not in header],
    )
    if unknown or missing or not records:
        what = [f"unknown column(s) {', '.join(unknown)}"] * bool(unknown) + [
            f"missing column(s) {', '.join(missing)}"
        ] * bool(missing)
        raise ValueError(
            f"{path}: {'; '.join(what) or 'has no row'}; the columns are {', '.join(COLUMNS)}"
        )
    rows: list[CheckpointRow] = []
    problems: list[str] = []
    for line, record in records:
        if None in record or None in record.values():
            problems.append(f"line {line}: the number of columns differs from the header's")
            continue
        try:
            rows.append(
                CheckpointRow.model_validate(
                    {key: value.strip() for key, value in record.items() if value.strip()}
                )
            )
        except ValidationError as error:
            for item in error.errors():
                column = str(item["loc"][0])
                problems.append(
                    f"line {line}: {column} = {record.get(column, '')!r}: {item['msg']}"
                )
        else:
            if rows[-1].forward_flops is None and rows[-1].training_flops is None:
                problems.append(f"line {line}: one of forward_flops and training_flops is needed")
    names = Counter((row.corpus, row.run) for row in rows)
    problems += [
        f"corpus {corpus!r} has {count} runs of the name {run!r}"
        for (corpus, run), count in names.items()
        if count > 1
    ]
    if problems:
        raise ValueError(
            f"{len(problems)} problem(s) in {path}:\n"
            + "\n".join(f"  {problem}" for problem in problems)
        )
    return rows


def find_model(model: str, folder: str | None) -> str:
    """Return the folder (or the hub's id) that a row's `model` means.

    Raises:
        ValueError: where a name that ends in "*" fits no folder or several.
    """
    if folder is None and not model.endswith("*"):
        return model
    place = Path(folder or ".") / model
    if not model.endswith("*"):
        return str(place)
    found = sorted(path for path in place.parent.glob(place.name) if path.is_dir())
    if len(found) != 1:
        which = ", ".join(path.name for path in found[:4]) or "none"
        raise ValueError(
            f"model {model!r}: {len(found)} folders of {place.parent} fit ({which}); exactly one must"
        )
    return str(found[0])


def model_files(model: str, folder: str | None) -> list[str]:
    """Return the files of a row's model that are here, so that an edit of one makes its evaluation
    stale; none for an id of the hub."""
    try:
        place = Path(find_model(model, folder))
    except ValueError:
        return []  # the first job says so
    return (
        sorted(str(path) for pattern in ("*.json", "*.safetensors") for path in place.glob(pattern))
        if place.is_dir()
        else []
    )


def released_names(runs: Iterable[Run]) -> list[CheckpointRow]:
    """Return the table of the paper's released checkpoints, one row a planned run, by the scheme of
    their names.

    The names end in a hash that a plan does not know: it stands as "*". They were not looked up in
    the hub.

    Raises:
        ValueError: where a run is of another recipe or corpus than the paper's.
    """
    rows = []
    for run in runs:
        if run.recipe != "marin2025" or run.corpus not in RELEASED_NAMES:
            raise ValueError(
                f"run {run.run}: only runs of recipe marin2025 on {', '.join(RELEASED_NAMES)} were released"
            )
        columns = run.columns().model_dump()
        budget = f"{float(run.budget):.0e}".replace("e+", "ep")
        name = f"isoflop-{budget}-d{run.shape.width}-L{run.shape.layers}-B{run.batch_size}-{RELEASED_NAMES[run.corpus]}"
        kept = {key: columns[key] for key in COLUMNS if key in columns}
        rows.append(CheckpointRow.model_validate({**kept, "model": f"{name}-*"}))
    return rows


def checkpoints_csv(rows: Iterable[CheckpointRow]) -> str:
    """Return a table of checkpoints as text: columns that no row has a value for are left out."""
    records = [row.model_dump() for row in rows]
    used = [name for name in COLUMNS if any(record[name] is not None for record in records)]
    lines = [",".join(used)]
    lines += [
        ",".join("" if record[name] is None else _plain(record[name]) for name in used)
        for record in records
    ]
    return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
