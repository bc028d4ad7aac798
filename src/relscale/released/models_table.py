"""The table of released models: reading it before any work, and finding the folders of its models.

Light imports.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from relscale.config.released import ReleasedModelRow
from relscale.contract.columns import label_of_budgets
from relscale.contract.csv_text import read_csv_text
from relscale.contract.units import unit_error
from relscale.files import read_json
from relscale.plan.architectures import architecture_of
from relscale.plan.planned_run import Run
from relscale.released.model_folder import FETCHED

COLUMNS = tuple(ReleasedModelRow.model_fields)
OLD_NAMES = {"suite": "corpus"}
"""Names of columns in older tables, which are still read."""
NEEDED = ("corpus", "run", "budget", "model", "tokens")
PUBLISHED_TABLE = "models.csv"
"""Name of the table that `relscale publish` writes next to the model folders."""
RELEASED_NAMES = {
    "commonpile": "comma-mix",
    "dclm": "dclm-default",
    "nemotron": "nemo-wider-depth-adapt",
}
"""Corpora of experiments/paper.yaml by the words for them in the names of the paper's released
models."""


def read_released(path: Path) -> list[ReleasedModelRow]:
    """Return the rows of a table of released models.

    Raises:
        ValueError: with one line per problem: file, line, column, value, and the right form.
    """
    if not path.is_file():
        raise ValueError(f"{path}: not a readable table of released models: no such file")
    problems: list[str] = []
    table = read_csv_text(path, problems)
    header = [OLD_NAMES.get(name, name) for name in table.header]
    records = [
        (line, dict(zip(header, cells, strict=True)))
        for line, cells in zip(table.lines, table.rows, strict=True)
    ]
    unknown, missing = (
        [name for name in header if name not in COLUMNS],
        [name for name in NEEDED if name not in header],
    )
    if unknown or missing or not (records or problems):
        wrong = [f"unknown column(s) {', '.join(unknown)}"] if unknown else []
        wrong += [f"missing column(s) {', '.join(missing)}"] if missing else []
        raise ValueError(
            f"{path}: {'; '.join(wrong) or 'has no row'}; the columns are {', '.join(COLUMNS)}"
        )
    rows: list[ReleasedModelRow] = []
    for line, record in records:
        try:
            rows.append(
                ReleasedModelRow.model_validate(
                    {key: value for key, value in record.items() if value}
                )
            )
        except ValidationError as error:
            for item in error.errors():
                column = str(item["loc"][0])
                problems.append(
                    f"line {line}: {column} = {record.get(column, '')!r}: {item['msg']}"
                )
        else:
            problems += _contradictions(rows[-1], f"line {line}")
    names = Counter((row.corpus, row.run) for row in rows)
    problems += [
        f"corpus {corpus!r} has {count} runs named {run!r}"
        for (corpus, run), count in names.items()
        if count > 1
    ]
    if problems:
        raise ValueError(
            f"{len(problems)} problem(s) in {path}:\n"
            + "\n".join(f"  {problem}" for problem in problems)
        )
    labels = label_of_budgets([row.budget for row in rows])
    return [row.model_copy(update={"budget": labels[row.budget]}) for row in rows]


def _contradictions(row: ReleasedModelRow, where: str) -> list[str]:
    """Return the problems of a row with values that are valid one by one."""
    axes = {"forward_flops": row.forward_flops, "training_flops": row.training_flops}
    known = {axis: value for axis, value in axes.items() if value is not None}
    if not known:
        return [f"{where}: one of forward_flops and training_flops is needed"]
    if row.num_params_total is None:
        return []
    found = [
        unit_error(where, axis, value, row.num_params_total, row.tokens)
        for axis, value in known.items()
    ]
    return [problem for problem in found if problem]


def find_model(model: str, folder: str | None) -> str:
    """Return the folder or the Hub id of a row's `model`.

    Args:
        model: a folder, a Hub id, or the beginning of a folder's name and "*".
        folder: the folder in which models are looked up; none for whole paths.

    Raises:
        ValueError: if a name that ends in "*" matches no folder or several.
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
            f"model {model!r}: {len(found)} folders in {place.parent} match ({which}); "
            "exactly one must match"
        )
    return str(found[0])


def model_files(model: str, folder: str | None) -> list[str]:
    """Return the local files of a row's model: an edit of one makes its evaluation stale.

    A model on the Hub has none.
    """
    try:
        place = Path(find_model(model, folder))
    except ValueError:
        return []  # the first job reports it
    return (
        sorted(str(path) for pattern in FETCHED for path in place.glob(pattern))
        if place.is_dir()
        else []
    )


def released_names(runs: Iterable[Run]) -> list[ReleasedModelRow]:
    """Return the table of the paper's released models, one row per planned run.

    The names follow the scheme of the paper's models and end in a hash that the plan does not know,
    written as "*". They were not compared with the Hub.

    Raises:
        ValueError: if the recipe or the corpus of a run is not one of the paper's.
    """
    rows = []
    for run in runs:
        if run.recipe != "marin2025" or run.corpus not in RELEASED_NAMES:
            corpora = ", ".join(RELEASED_NAMES)
            raise ValueError(
                f"run {run.run}: only runs of recipe marin2025 on {corpora} were released"
            )
        columns = run.columns().model_dump()
        budget = f"{float(run.budget):.0e}".replace("e+", "ep")
        size = f"d{run.shape.width}-L{run.shape.layers}-B{run.batch_size}"
        name = f"isoflop-{budget}-{size}-{RELEASED_NAMES[run.corpus]}"
        kept = {key: columns[key] for key in COLUMNS if key in columns}
        rows.append(ReleasedModelRow.model_validate({**kept, "model": f"{name}-*"}))
    return rows


def models_of_runs(experiment: str, runs: Sequence[Run]) -> list[ReleasedModelRow]:
    """Return the table of released models of planned runs.

    They are the paper's models if all runs are the paper's, else those that `relscale publish`
    writes.
    """
    papers = all(run.recipe == "marin2025" and run.corpus in RELEASED_NAMES for run in runs)
    return released_names(runs) if papers else published_names(experiment, runs)


def published_folder(experiment: str, run: str) -> str:
    """Return the name of the folder that `relscale publish` writes for a run."""
    return f"{experiment}-{run}"


def published_names(experiment: str, runs: Iterable[Run]) -> list[ReleasedModelRow]:
    """Return the table of the models that `relscale publish` writes for planned runs.

    Runs of an architecture that `transformers` does not have are left out. A run without weights
    gets no folder, which a plan cannot know; remove its row.

    Args:
        experiment: name of the experiment.
        runs: its planned runs.

    Raises:
        ValueError: if `transformers` has the architecture of no run.
    """
    everything = list(runs)
    written = [run for run in everything if architecture_of(run.shape).in_transformers]
    if everything and not written:
        names = ", ".join(sorted({run.shape.architecture for run in everything}))
        raise ValueError(
            f"suite.recipe.architecture = {names}: transformers has no such architecture, so no "
            "run can be published as a released model"
        )
    return [_published(experiment, run.columns().model_dump()) for run in written]


def published_models(experiment: str, folders: Sequence[Path]) -> list[ReleasedModelRow]:
    """Return the table of published models, from the record in each model's folder.

    Args:
        experiment: name of the experiment.
        folders: folders that `relscale.hub.publish` wrote.
    """
    return [
        _published(experiment, read_json(folder / "record.json")["columns"]) for folder in folders
    ]


def _published(experiment: str, columns: Mapping[str, Any]) -> ReleasedModelRow:
    """Return the row of a model from the columns of its run.

    Of the two counts of FLOPs, it has the one that the budget counts; the other follows from it.
    """
    other = {"forward_flops", "training_flops"} - {columns["budget_counts"]}
    kept = {key: columns[key] for key in COLUMNS if key in columns and key not in other}
    model = published_folder(experiment, columns["run"])
    return ReleasedModelRow.model_validate({**kept, "model": model})


def released_csv(rows: Iterable[ReleasedModelRow]) -> str:
    """Return a table of released models as CSV, without columns that are empty in every row."""
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
