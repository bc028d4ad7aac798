"""Certificate of an experiment's results: values that readers cite, and everything they come from.

`certify` collects it from the records and files of the jobs, `write` and `read` keep it in a folder
of small text files: `certificate.json` (settings, code, libraries, checksums by rule), `runs.csv`
(step and weights of each run), `relative.csv` and `absolute.csv` (rounded values). The repository
has the certificates of published results; `relscale.provenance.published` compares with them.
"""

import csv
import io
import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue, ValidationError

from relscale.config.base import Model
from relscale.contract.table import Table
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.relative import RELATIVE
from relscale.files import read_json, write_json, write_text
from relscale.provenance.checksums import Checksums, changed_files
from relscale.provenance.dag import Job
from relscale.provenance.digests import canonical_json, spec_digest
from relscale.provenance.job_records import read_benchmark_record, read_own_record

PUBLISHED = Path("experiments/published")
"""Folder of the certificates of published results, one folder per experiment."""
NAME = "certificate.json"
RUNS = "runs.csv"
RUN_COLUMNS = ("run", "status", "step", "weights")
DIGITS = 6
"""Significant digits of the values in a certificate."""
LISTED_VALUES, LISTED_LETTERS = 8, 300
"""Of a setting with more distinct values, or longer ones, a digest is kept."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the workflow whose results are compared as a whole."""

    name: str
    after: tuple[str, ...]
    """Stages whose results it reads."""
    rules: Mapping[str, tuple[str, ...]]
    """Its rules, each with the names of the outputs that are certified. `FILE[KEY]` is the value of
    a key in a JSON file."""


STAGES = (
    Stage(name="text", after=(), rules={"source": ("manifest.json[files]",)}),
    Stage(
        name="documents",
        after=("text",),
        rules={"documents": ("train.parquet", "validation.parquet")},
    ),
    Stage(
        name="tokenizer",
        after=("documents",),
        rules={"tokenizer": ("tokenizer.json",), "given_tokenizer": ("tokenizer.json",)},
    ),
    Stage(
        name="tokens",
        after=("text", "documents", "tokenizer"),
        rules={
            "shard_plan": (),
            "shard": (),
            "sharded_corpus": ("manifest.json[sha256]",),
            "shards": ("manifest.json[sha256]",),
        },
    ),
    Stage(
        name="requests",
        after=("text", "documents", "tokenizer", "tokens"),
        rules={"family": ("manifest.json[sha256]",), "texts": ("texts.parquet",)},
    ),
    Stage(
        name="plan",
        after=(),
        rules={"suite": ("suite.csv",), "released_models": ("suite.csv",)},
    ),
    Stage(name="weights", after=("plan", "tokenizer", "tokens"), rules={"train": ()}),
    Stage(
        name="losses",
        after=("requests", "plan", "weights"),
        rules={
            "overlap": (),
            "evaluate": (),
            "evaluate_released": (),
            "family_losses": (),
            "losses": ("losses.csv",),
        },
    ),
    Stage(
        name="laws",
        after=("losses",),
        rules={
            "optima": (".csv",),
            "laws": (".csv",),
            "law_table": (".csv",),
            "prompts": (".csv",),
            "correlation": (".csv",),
            "other_baselines": (".csv",),
        },
    ),
)
"""From text to laws. Pages and figures show the tables of the last one; checks decide nothing."""
CERTIFIED = {rule: names for stage in STAGES for rule, names in stage.rules.items()}


@dataclass(frozen=True, kw_only=True)
class ValueTable:
    """The columns of a table of laws that readers cite."""

    table: Table
    numbers: tuple[str, ...]
    """Columns that are rounded."""
    words: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns other than the key."""
        return (*self.numbers, *self.words)

    @property
    def file(self) -> str:
        """Name of the file in a certificate's folder and in the folder of the laws."""
        return f"{self.table.name}.csv"


VALUE_TABLES = (
    ValueTable(table=RELATIVE, numbers=("dbeta",), words=("verdict", "status")),
    ValueTable(table=ABSOLUTE, numbers=("exponent", "r2"), words=("status",)),
)
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


def rule_of(job: Job) -> str:
    """Return the rule of a job; those of training that differ in resources are one."""
    return "train" if job.rule.startswith("train_") else job.rule


def certify(experiment: str, jobs: Sequence[Job], checksums: Checksums) -> Certificate:
    """Collect the certificate of the results in a checkout.

    Args:
        experiment: its name.
        jobs: all jobs of the workflow.
        checksums: those of the experiment, with the folder of results and records.

    Raises:
        ValueError: naming a table of laws that does not exist or lacks columns, or a damaged
            manifest.
    """
    results = checksums.folder / "results" / experiment
    values = {each.table.name: _values(each, results / "laws") for each in VALUE_TABLES}
    own: dict[str, list[Job]] = {}
    for job in jobs:
        if rule_of(job) in CERTIFIED:
            own.setdefault(rule_of(job), []).append(job)
    made = {path for job in jobs for path in job.outputs}
    return Certificate(
        facts=Facts(
            experiment=experiment,
            platform={
                "machine": platform.machine(),
                "python": platform.python_version(),
                "system": platform.system(),
            },
            rules={rule: _rule_facts(own[rule], made, checksums) for rule in sorted(own)},
        ),
        runs=_runs(own.get("train", []), results, checksums),
        values=values,
        problems={
            rule: found for rule in sorted(own) if (found := _problems(own[rule], checksums))
        },
    )


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
            for key, row in _rows(folder / RUNS, RUN_COLUMNS[:1], RUN_COLUMNS[1:]).items()
        }
        if (folder / RUNS).is_file()
        else {}
    )
    return Certificate(
        facts=facts,
        runs=runs,
        values={each.table.name: _values(each, folder) for each in VALUE_TABLES},
    )


def rounded(text: str) -> str:
    """Return a number of a table with six significant digits; an empty value stays empty."""
    return f"{float(text):.{DIGITS}g}" if text else ""


def _rows(path: Path, key: Sequence[str], columns: Sequence[str]) -> Rows:
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


def _values(each: ValueTable, folder: Path) -> Rows:
    """Read the cited columns of a table of laws."""
    rows = _rows(folder / each.file, each.table.key, each.columns)
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


def _rule_facts(jobs: Sequence[Job], made: set[str], checksums: Checksums) -> RuleFacts:
    params = [_recorded(job, checksums.folder) for job in jobs]
    settings: dict[str, set[str]] = {}
    for each in params:
        for key, value in _leaves(_spec(each)):
            settings.setdefault(key, set()).add(value)
    return RuleFacts(
        code=_distinct(params, "code"),
        command=_distinct(params, "command"),
        libraries=_distinct(params, "lock"),
        settings={key: _listed(sorted(values)) for key, values in sorted(settings.items())},
        inputs={
            path: checksums.of(path)
            for path in sorted({path for job in jobs for path in job.inputs} - made)
            if (checksums.folder / path).exists()
        },
        files=_files(jobs, checksums),
    )


def _recorded(job: Job, folder: Path) -> Mapping[str, JsonValue]:
    """Return the params of a job when it ran; empty if it left no usable record."""
    try:
        if job.record is not None and (folder / job.record).is_file():
            return read_benchmark_record(folder / job.record).params
        for path in job.outputs:
            if Path(path).name == "record.json" and (folder / path).is_file():
                own = read_own_record(folder / path)
                defined = zip(("code", "lock"), own.defined_by or [], strict=False)
                return {"spec": canonical_json(own.spec), **dict(defined)}
    except ValueError:
        return {}
    return {}


def _spec(params: Mapping[str, JsonValue]) -> JsonValue:
    try:
        spec: JsonValue = json.loads(str(params.get("spec", "{}")))
    except json.JSONDecodeError:
        return {}
    return spec


def _leaves(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of a spec, joined by dots, with their values as JSON."""
    if isinstance(value, dict) and (value or not path):
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{key}" if path else key)
    else:
        yield path, canonical_json(value)


def _listed(values: Sequence[str]) -> str:
    text = ", ".join(values)
    if len(values) <= LISTED_VALUES and len(text) <= LISTED_LETTERS:
        return text
    return f"{len(values)} value(s) with the digest {spec_digest(list(values))}"


def _distinct(params: Iterable[Mapping[str, JsonValue]], name: str) -> str:
    return "; ".join(sorted({str(each[name]) for each in params if each.get(name)}))


def _files(jobs: Sequence[Job], checksums: Checksums) -> dict[str, str]:
    """Return the checksums of certified outputs; equal names (of several corpora) share one."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        for path in job.outputs:
            for pattern in CERTIFIED[rule_of(job)]:
                ending, _, key = pattern.partition("[")
                if path.endswith(ending):
                    name = _without_digests(path)
                    found.setdefault(name, []).append(_sum(path, key.rstrip("]"), checksums))
    return {
        name: sums[0] if len(sums) == 1 else _together(sums) for name, sums in sorted(found.items())
    }


def _together(sums: Sequence[str]) -> str:
    return spec_digest(sorted(sums)) if all(sums) else ""


def _sum(path: str, key: str, checksums: Checksums) -> str:
    if not (checksums.folder / path).exists():
        return ""
    if not key:
        return checksums.of(path)
    content = read_json(checksums.folder / path)
    if not isinstance(content, dict) or key not in content:
        raise ValueError(f"{checksums.folder / path}: is not a manifest (the key {key} is missing)")
    return spec_digest(content[key])


def _without_digests(path: str) -> str:
    """Return the name of a result for readers: without digests, as other settings have others."""
    parts = Path(path).parts[2:]  # without results/<experiment> or results/shared
    plain = [re.sub(r"(^|-)[0-9a-f]{16}$", "", part) for part in parts]
    return "/".join(part for part in plain if part)


def _runs(jobs: Sequence[Job], results: Path, checksums: Checksums) -> dict[str, RunFacts]:
    table = results / "tables/implementations.csv"
    if not jobs:
        return {}
    rows = _rows(table, ("run",), ("status", "implementation"))
    weights = {
        job.wildcards["run"]: f"{path}/model.safetensors"
        for job in jobs
        for path in job.outputs
        if path.endswith("/model")
    }
    return {
        name: RunFacts(
            status=row["status"],
            step=row["implementation"],
            weights=checksums.of(weights[name])
            if name in weights and (checksums.folder / weights[name]).is_file()
            else "",
        )
        for (name,), row in rows.items()
    }


def _problems(jobs: Sequence[Job], checksums: Checksums) -> list[str]:
    return [problem for job in jobs for problem in changed_files(job, (), checksums)]
