"""Certificate of an experiment's results: values that readers cite, and everything they come from.

It is a folder of small text files: `certificate.json` (settings, code, libraries and checksums by
rule), `runs.csv` (step and weights of each run), `relative.csv` and `absolute.csv` (rounded
values). The repository has the certificates of published results. `relscale.provenance.certify`
collects one from a checkout, `relscale.provenance.published` compares two.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from relscale.config.base import Model
from relscale.files import read_json, write_json, write_text
from relscale.provenance.certified import VALUE_TABLES, ValueTable

PUBLISHED = Path("experiments/certified")
"""Folder of the certificates of published results, one folder per experiment."""
NAME = "certificate.json"
RUNS = "runs.csv"
RUN_COLUMNS = ("run", "status", "step", "weights")
DIGITS = 6
"""Significant digits of the values in a certificate."""
Rows = dict[tuple[str, ...], dict[str, str]]
"""Rows of a table: values by column, by the row's key."""


class RuleFacts(Model):
    """Everything that defined the jobs of one rule, and the checksums of their results.

    A fact of jobs that differ has all values, sorted. It is empty if no record has it.
    """

    code: str
    """Digest of the code."""
    command: str
    """Digest of the command."""
    libraries: str
    """Names and versions, as in `params.lock`."""
    settings: dict[str, str]
    """Values by key of the spec, as JSON."""
    inputs: dict[str, str]
    """Checksums of input files that no job makes."""
    files: dict[str, str]
    """Checksums of results, by name without digests; empty if the file does not exist."""


class RunFacts(Model):
    """One run of the suite."""

    status: str
    step: str
    """The program that computed the training steps, such as `native avx512`."""
    weights: str
    """Checksum of the weights; empty if the run has none, or they are not here."""


class Facts(Model):
    """Content of `certificate.json`."""

    experiment: str
    platform: dict[str, str]
    """Machine, system and version of Python that the certificate was made on."""
    rules: dict[str, RuleFacts]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Values and facts of one experiment's results."""

    facts: Facts
    runs: dict[str, RunFacts]
    values: dict[str, Rows]
    """Rows by the name of their table. Those of `certify` are not rounded."""
    problems: dict[str, list[str]] = field(default_factory=dict)
    """Modified, empty or missing files, by rule. They are not written."""


def published_folder(experiment: str, folder: Path) -> Path:
    """Return the folder of an experiment's published certificate."""
    return folder / PUBLISHED / experiment


def write(certificate: Certificate, folder: Path) -> list[Path]:
    """Write a certificate, rounded and sorted; files with the same content are kept.

    Returns:
        Its files.
    """
    runs = [
        (name, run.status, run.step, run.weights) for name, run in sorted(certificate.runs.items())
    ]
    texts = {RUNS: _csv(RUN_COLUMNS, runs)} if runs else {}
    for each in VALUE_TABLES:
        rows = [
            (
                *key,
                *(rounded(row[name]) for name in each.numbers),
                *(row[name] for name in each.words),
            )
            for key, row in sorted(certificate.values[each.table.name].items())
        ]
        texts[each.file] = _csv((*each.table.key, *each.columns), rows)
    facts = certificate.facts.model_dump(mode="json")
    if not (folder / NAME).is_file() or read_json(folder / NAME) != facts:
        write_json(folder / NAME, facts)
    for name, text in texts.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
    if not runs:
        (folder / RUNS).unlink(missing_ok=True)
    return [folder / NAME, *(folder / name for name in sorted(texts))]


def read(path: Path) -> Certificate:
    """Read a certificate from its folder, or from the path of its `certificate.json`.

    Raises:
        ValueError: naming the file and the problem.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / NAME).is_file() or (path.is_file() and path.name != NAME):
        raise ValueError(
            f"{path}: is not a certificate; it must be a folder with the file {NAME}, or that file"
        )
    try:
        facts = Facts.model_validate(read_json(folder / NAME))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "the file"
        raise ValueError(
            f"{folder / NAME}: is not a certificate ({where}: {problem['msg']})"
        ) from None
    runs = (
        {
            key[0]: RunFacts.model_validate(row)
            for key, row in keyed_rows(folder / RUNS, RUN_COLUMNS[:1], RUN_COLUMNS[1:]).items()
        }
        if (folder / RUNS).is_file()
        else {}
    )
    return Certificate(
        facts=facts,
        runs=runs,
        values={each.table.name: cited_rows(each, folder) for each in VALUE_TABLES},
    )


def rounded(text: str) -> str:
    """Return a number of a table with six significant digits; an empty value stays empty."""
    return f"{float(text):.{DIGITS}g}" if text else ""


def keyed_rows(path: Path, key: Sequence[str], columns: Sequence[str]) -> Rows:
    """Read some columns of a CSV table, by its key.

    Raises:
        ValueError: if the file does not exist, or naming the columns that it lacks.
    """
    if not path.is_file():
        raise ValueError(f"{path}: does not exist; `make reproduce` makes the results")
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = sorted({*key, *columns} - {*(reader.fieldnames or ())})
        if missing:
            raise ValueError(f"{path}: lacks the column(s) {', '.join(missing)}")
        return {
            tuple(row[name] or "" for name in key): {name: row[name] or "" for name in columns}
            for row in reader
        }


def cited_rows(each: ValueTable, folder: Path) -> Rows:
    """Read the cited columns of a table of laws.

    Raises:
        ValueError: naming the file, and the row of a value that is not a number.
    """
    rows = keyed_rows(folder / each.file, each.table.key, each.columns)
    for key, row in rows.items():
        for name in each.numbers:
            try:
                float(row[name] or 0)
            except ValueError:
                raise ValueError(
                    f"{folder / each.file}: {' '.join(key)}: {name} = {row[name]!r}: must be a "
                    "number"
                ) from None
    return rows


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
