"""Which job made a file of the results: inputs, settings, code, log, time, how to make it again.

Read `Origins` and `explain_file` first. The jobs are those that the workflow plans now; their past
is read from the records that they left.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from relscale.config.yaml_files import read_document
from relscale.provenance.checkout import verified
from relscale.provenance.dag import Job
from relscale.provenance.job_records import read_benchmark_record
from relscale.provenance.verify import Finding

SHOWN = 60
"""Settings, inputs and reasons that are listed; further ones are counted."""
SHOWN_APART = ("code", "command", "lock")
"""Params with lines of their own."""
_LONGEST = 300


class JobCost(BaseModel):
    """Time and memory in Snakemake's record of a job; further keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    s: JsonValue = None
    """Wall time in seconds."""
    cpu_time: JsonValue = None
    """CPU time in seconds."""
    max_rss: JsonValue = None
    """Largest resident set in MiB."""


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The jobs of one experiment with their state."""

    folder: Path
    """The checkout."""
    overlays: Sequence[Path]
    """Paths of the experiment's overlays."""
    findings: Sequence[Finding]
    """The state of each job."""

    @classmethod
    def read(cls, folder: Path, overlays: Sequence[Path]) -> "Workflow":
        """Plan the workflow and compare every job with its records; takes seconds."""
        _, findings = verified([*overlays], folder)
        return cls(folder=folder, overlays=overlays, findings=findings)

    def maker(self, path: str) -> Finding | None:
        """Return the job that writes a file, or the folder that the file is in."""
        for finding in self.findings:
            if any(path == out or path.startswith(f"{out}/") for out in finding.job.outputs):
                return finding
        return None

    def readers(self, path: str) -> list[str]:
        """Return the names of the jobs that read a file."""
        return [finding.job.name for finding in self.findings if path in finding.job.inputs]


@dataclass(frozen=True, kw_only=True)
class Origins:
    """Explains files of a checkout; the workflow of an experiment is planned once."""

    folder: Path
    """The checkout."""
    overlays: Sequence[Path] = ()
    """Overlays of the experiment; those of its name if none are given."""
    _planned: dict[tuple[Path, ...], Workflow] = field(default_factory=dict)

    def is_result(self, path: Path) -> bool:
        """Return whether a file is in the results of one experiment of the checkout."""
        try:
            return bool(experiment_of(inside(path, self.folder)))
        except ValueError:
            return False

    def of(self, path: Path, family: str = "") -> str:
        """Describe the job that made a file; see `explain_file`.

        Args:
            path: the file.
            family: a family whose table is followed if the job only joins tables.

        Raises:
            ValueError: if the file is outside of the checkout, its experiment is not known, or no
                job writes it.
        """
        name = inside(path, self.folder)
        experiment = experiment_of(name)
        if not self.overlays and not experiment:
            raise ValueError(
                f"{name}: is not in the results of one experiment; name the overlays of an "
                "experiment that uses it after the file (config.yaml: the default experiment)"
            )
        found = self.overlays or overlays_of(experiment, self.folder)
        overlays = tuple(one for one in found if one.name != "config.yaml")
        if overlays not in self._planned:
            self._planned[overlays] = Workflow.read(self.folder, overlays)
        return explain_file(name, self._planned[overlays], family)


def experiment_of(path: str) -> str:
    """Return the experiment of a path inside a checkout, "" if it is not part of one's results.

    Examples:
        >>> experiment_of("results/tiny/laws/relative.csv")
        'tiny'
        >>> experiment_of("results/shared/corpora/web-0123/train.parquet")
        ''
    """
    parts = Path(path).parts
    for start in (("results",), ("logs",), ("benchmarks", "results")):
        if parts[: len(start)] == start and len(parts) > len(start) + 1:
            name = parts[len(start)]
            return "" if name == "shared" else name
    return ""


def overlays_of(experiment: str, folder: Path) -> list[Path]:
    """Return the overlay in `experiments/` that has the name of an experiment.

    Returns:
        The overlay's path; none for the experiment of config.yaml.

    Raises:
        ValueError: naming the experiment, if no overlay or several have its name.
    """
    named = {path: _name_in(folder / path) for path in _configurations(folder)}
    if named.pop(Path("config.yaml"), None) == experiment:
        return []
    found = [path for path, name in named.items() if name == experiment]
    if len(found) == 1:
        return [folder / found[0]]
    problem = "no overlay" if not found else ", ".join(map(str, found))
    raise ValueError(
        f"{experiment}: {problem} in {folder / 'experiments'} with `experiment: {experiment}`; "
        "name the overlays of the experiment, in order"
    )


def _configurations(folder: Path) -> Iterator[Path]:
    if (folder / "config.yaml").is_file():
        yield Path("config.yaml")
    for path in sorted((folder / "experiments").rglob("*.yaml")):
        yield path.relative_to(folder)


def _name_in(path: Path) -> object:
    """Return the experiment that a configuration names; None if it cannot be read."""
    try:
        return read_document(path)[0].get("experiment")
    except ValueError:
        return None


def inside(path: Path, folder: Path) -> str:
    """Return a path relative to a checkout, with slashes.

    Raises:
        ValueError: if it is not inside.
    """
    place = path if path.is_absolute() else Path.cwd() / path
    for root in (folder.absolute(), folder.resolve()):
        for each in (place, place.resolve()):
            if each.is_relative_to(root):
                return each.relative_to(root).as_posix()
    raise ValueError(f"{path}: is not in the checkout {folder.resolve()}: name it with --folder")


def explain_file(path: str, workflow: Workflow, through: str = "") -> str:
    """Describe the job that made a file.

    Args:
        path: the file, relative to the checkout.
        workflow: the jobs of its experiment.
        through: a family; if the job only joins tables, the job of this family's table follows.

    Raises:
        ValueError: if no job of the workflow writes the file.
    """
    finding = workflow.maker(path)
    if finding is None:
        readers = workflow.readers(path)
        use = f"; it is an input of {', '.join(readers[:3])}" if readers else ""
        files = ", ".join(map(str, workflow.overlays)) or "config.yaml alone"
        raise ValueError(f"{path}: no job writes it in the experiment of {files}{use}")
    text = "\n".join(_lines(path, finding, workflow)) + "\n"
    inner = [name for name in finding.job.inputs if through and f"/{through}/" in name]
    for name in inner[:1]:
        if workflow.maker(name) is not None:
            text += f"\nIts rows of family {through} are from\n\n{explain_file(name, workflow)}"
    return text


def _lines(path: str, finding: Finding, workflow: Workflow) -> Iterator[str]:
    job, folder = finding.job, workflow.folder
    yield path
    yield from _field("made by", f"job {job.name}")
    yield from _field("when", _when(job, folder))
    yield from _many("inputs", [_input(name, workflow) for name in job.inputs])
    params = _params(job, folder)
    yield from _many("settings", _settings(params))
    if "code" in params:
        yield from _field("code", f"digest {params['code']}")
    if "command" in params:
        yield from _field("command", f"digest {params['command']}")
    if params.get("lock"):
        yield from _field("libraries", str(params["lock"]))
    if job.log is not None:
        there = "" if (folder / job.log).is_file() else " (not there)"
        yield from _field("log", f"{job.log}{there}")
    if job.record is not None:
        there = "" if (folder / job.record).is_file() else " (not there)"
        yield from _field("record", f"{job.record}{there}")
    yield from _many("state", _state(finding))
    yield from _many("again", _again(job, workflow))


def _field(name: str, text: str) -> Iterator[str]:
    yield f"  {name:<10} {text}"


def _many(name: str, texts: Sequence[str]) -> Iterator[str]:
    for place, text in enumerate(texts[:SHOWN]):
        yield f"  {'' if place else name:<10} {text}"
    if len(texts) > SHOWN:
        yield f"  {'':<10} and {len(texts) - SHOWN} more"


def _when(job: Job, folder: Path) -> str:
    """Return when a job ended, and its cost, as text."""
    record = None if job.record is None else folder / job.record
    if record is not None and record.is_file():
        ended, cost = record.stat().st_mtime, _cost(record)
    else:
        outputs = [folder / out for out in job.outputs if (folder / out).exists()]
        if not outputs:
            return "not yet: its outputs do not exist"
        ended, cost = max(out.stat().st_mtime for out in outputs), "by the time of its output"
    time = datetime.fromtimestamp(ended, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{time}, {cost}" if cost else time


def _cost(record: Path) -> str:
    """Return time and memory of the last run of a job, "" if the record does not have them."""
    try:
        cost = JobCost.model_validate_json(record.read_bytes().strip().splitlines()[-1])
    except (IndexError, ValidationError):
        return ""
    words = {"s": "{:.1f} s", "cpu_time": "{:.1f} CPU-s", "max_rss": "{:,.0f} MiB of memory"}
    values = {name: value for name, value in cost if isinstance(value, int | float)}
    return ", ".join(words[name].format(value) for name, value in values.items())


def _params(job: Job, folder: Path) -> Mapping[str, JsonValue]:
    """Return the params with which a job ran; those of today if it left no usable record."""
    if job.record is not None and (folder / job.record).is_file():
        try:
            return read_benchmark_record(folder / job.record).params
        except ValueError:
            return job.params
    return job.params


def _settings(params: Mapping[str, JsonValue]) -> list[str]:
    """Return the settings of a job as `key: value`."""
    known = {
        name: value for name, value in params.items() if name not in ("code", "command", "lock")
    }
    found = []
    for name, value in known.items():
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError:
            parsed = value
        path = "" if name == "spec" and isinstance(parsed, dict) else name
        found += [f"{key}: {_short(inner)}" for key, inner in _leaves(parsed, path)]
    return found


def _leaves(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    """Yield the keys of a setting, joined by dots, with their values."""
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    for key in sorted(value):
        yield from _leaves(value[key], f"{path}.{key}" if path else key)


def _short(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _input(path: str, workflow: Workflow) -> str:
    maker = workflow.maker(path)
    origin = f"made by {maker.job.name}" if maker else "not made by a job"
    return f"{path} ({origin})"


def _state(finding: Finding) -> list[str]:
    """Return whether a job's results are up to date, and the reasons if they are not."""
    if finding.fresh:
        return ["fresh: its record agrees with the present settings and code"]
    problems = finding.problems()
    problems += [f"made from results of {name}, which is stale" for name in finding.follows]
    return [f"stale: {problem}" for problem in problems]


def _shown(path: Path, folder: Path) -> str:
    """Return a path as a command in the checkout takes it."""
    try:
        return inside(path, folder)
    except ValueError:
        return str(path.absolute())


def _again(job: Job, workflow: Workflow) -> list[str]:
    """Return the command that makes a job's outputs again."""
    words = ["snakemake", "--cores", "1"]
    if workflow.overlays:
        words += ["--configfile", *(_shown(path, workflow.folder) for path in workflow.overlays)]
    command = shlex.join([*words, "--", job.outputs[0]])
    return [
        command,
        "runs it, and the jobs before it, if they are stale; with --force before -- it runs anyway",
    ]
