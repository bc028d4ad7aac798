"""What each job read and wrote, as sums: how a changed file is told from one that was only touched,
copied or checked out.

Snakemake's records hold no sums. So when a call of the workflow ends, those of the jobs that it ran
are noted in one file of the experiment, `benchmarks/results/<experiment>/sums.json`; no job does
more for it. What has not changed since, as its inode says, is not read again.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from relscale.files import read_json, sha256_of, write_json
from relscale.provenance.dag import Job

STAMP = ".snakemake_timestamp"
"""Snakemake's own file in a folder that is a job's output; it tells only when the job ended."""
SLACK_S = 5
"""An output that is younger than its job's record by more was changed after the job; Snakemake
touches the record last."""
NOTED = {"noted_s", "record", "read", "wrote"}
WHOLE_MB = 64
"""A larger file is summed by its size and so many pieces of 1 MB, evenly spaced: weights trained
anew differ everywhere."""


def place_of_sums(experiment: str) -> Path:
    """Return where an experiment's sums lie in a checkout."""
    return Path("benchmarks/results", experiment, "sums.json")


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, that of its files' names and sums; of a large
    file, that of its size and pieces of it."""
    if path.is_dir():
        listed = [
            f"{sum_of(file)}  {file.relative_to(path)}\n"
            for file in files_in(path)
            if file.name != STAMP
        ]
        return hashlib.sha256("".join(listed).encode()).hexdigest()
    size, piece = path.stat().st_size, 2**20
    if size <= WHOLE_MB * piece:
        return sha256_of(path)
    digest = hashlib.sha256(f"{size} bytes\n".encode())
    with path.open("rb") as handle:
        for number in range(WHOLE_MB):
            handle.seek(number * (size - piece) // (WHOLE_MB - 1))
            digest.update(handle.read(piece))
    return digest.hexdigest()


def files_in(path: Path) -> list[Path]:
    """Return the files of a folder, sorted, or the file itself."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def modified_s(path: Path) -> float:
    """Return when a file was last modified; of a folder, when it or the newest of its files was."""
    return max(file.stat().st_mtime for file in {path, *files_in(path)})


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The sums of an experiment's jobs, as they were noted."""

    folder: Path
    """The checkout."""
    place: Path
    """Where they are noted, relative to the checkout."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By a job's first output: `noted_s` (when), `record` (sum of its record, or null), `read` and
    `wrote` (sums by path)."""
    _known: dict[str, str] = field(default_factory=dict)
    _changed_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, place: Path) -> "Sums":
        """Return what was noted; nothing, where nothing was.

        Raises:
            ValueError: naming the file, where it holds something else.
        """
        if not (folder / place).is_file():
            return cls(folder=folder, place=place)
        jobs = read_json(folder / place)
        if not isinstance(jobs, dict) or not all(
            isinstance(job, dict) and set(job) == NOTED for job in jobs.values()
        ):
            raise ValueError(
                f"{folder / place}: no sums of jobs; without this file results are compared by their times"
            )
        return cls(folder=folder, place=place, jobs=jobs)

    @classmethod
    def read_or_begin(cls, folder: Path, place: Path) -> "Sums":
        """Return what was noted; nothing, where the file holds something else: it is about to be
        written anew."""
        try:
            return cls.read(folder, place)
        except ValueError:
            return cls(folder=folder, place=place)

    def of(self, path: str) -> str:
        """Return the present sum of a file or folder."""
        if path not in self._known:
            self._known[path] = sum_of(self.folder / path)
        return self._known[path]

    def of_all(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the present sums of files and folders, by path."""
        return {path: self.of(path) for path in paths}

    def others(self, noted: Mapping[str, str], noted_s: float) -> list[str]:
        """Return those of these files that are there and are not what was noted of them at that
        time."""
        return [
            path
            for path, before in noted.items()
            if (self.folder / path).exists() and not self._same(path, before, noted_s)
        ]

    def _same(self, path: str, before: str, noted_s: float) -> bool:
        if path not in self._changed_s:
            place = self.folder / path
            # Unlike the time of modification nobody can set that of change. The folder's tells of a
            # file that was put in another's place.
            self._changed_s[path] = max(
                file.stat().st_ctime for file in (place.parent, place, *files_in(place))
            )
        return self._changed_s[path] < noted_s or self.of(path) == before

    def now_s(self) -> float:
        """Return the present time by the clock of the disk, which may not be this machine's."""
        with NamedTemporaryFile(dir=(self.folder / self.place).parent) as file:
            return os.fstat(file.fileno()).st_mtime


def note(jobs: Iterable[Job], sums: Sums) -> int:
    """Note the sums of what jobs read and wrote, of those that ran since theirs were noted last;
    return how many these are.

    They are noted only where no file is empty and the order of times shows none that was changed
    after its job: an edit does not become what the job wrote.

    Args:
        jobs: those of a finished or broken call, or of the whole workflow.
        sums: what was noted before; it stays as it is, its file is written anew.
    """
    (sums.folder / sums.place).parent.mkdir(parents=True, exist_ok=True)
    noted, now_s = dict(sums.jobs), sums.now_s()
    for job in jobs:
        record = [job.record] if job.record else []
        if not all(
            (sums.folder / path).exists() for path in (*job.inputs, *job.outputs, *record)
        ) or _noted(job, sums):
            continue
        noted.pop(job.outputs[0], None)
        if not (_empty(job, sums.folder) or _out_of_order(job, job.inputs, sums.folder)):
            read, wrote = sums.of_all(job.inputs), sums.of_all(job.outputs)
            noted[job.outputs[0]] = {
                "noted_s": now_s,
                "record": sums.of(job.record) if job.record else None,
                "read": read,
                "wrote": wrote,
            }
    if noted != sums.jobs:
        write_json(sums.folder / sums.place, noted)
    return sum(job["noted_s"] == now_s for job in noted.values())


def changed_files(job: Job, inputs: Sequence[str], sums: Sums) -> list[str]:
    """Return what speaks against a job's files: outputs that are empty or no longer what it wrote,
    inputs that are not what it read.

    Args:
        job: the job; files that are not there are passed over.
        inputs: those of its inputs that are looked at.
        sums: those of the experiment.
    """
    found = _empty(job, sums.folder)
    if (noted := _noted(job, sums)) is None:
        return found + _out_of_order(job, inputs, sums.folder)
    wrote = sums.others(
        {path: noted["wrote"].get(path, "") for path in job.outputs}, noted["noted_s"]
    )
    read = sums.others(
        {path: noted["read"][path] for path in inputs if path in noted["read"]}, noted["noted_s"]
    )
    found += [f"{path}: is not what the job wrote (another sum)" for path in wrote]
    return found + [
        f"input {path}: is not what it was when the job ran (another sum)" for path in read
    ]


def _noted(job: Job, sums: Sums) -> dict[str, Any] | None:
    """Return what was noted of a job, if it did not run again since."""
    noted = sums.jobs.get(job.outputs[0])
    if noted is None:
        return None
    if job.record is not None:
        return (
            noted
            if (sums.folder / job.record).is_file() and sums.of(job.record) == noted["record"]
            else None
        )
    log = sums.folder / job.log if job.log else None
    if log is None or not log.is_file() or log.stat().st_mtime <= noted["noted_s"]:
        return noted
    # A copied log is young, too.
    return None if sums.others({**noted["read"], **noted["wrote"]}, noted["noted_s"]) else noted


def _empty(job: Job, folder: Path) -> list[str]:
    """Return the outputs that are empty files; no job writes one."""
    return [
        f"{path}: is empty"
        for path in job.outputs
        if (folder / path).is_file() and not (folder / path).stat().st_size
    ]


def _out_of_order(job: Job, inputs: Iterable[str], folder: Path) -> list[str]:
    """Return the files whose times do not go with the job: it read its inputs, wrote its outputs,
    and then its record was written."""
    times = {path: modified_s(folder / path) for path in job.outputs if (folder / path).exists()}
    if len(times) < len(job.outputs):
        return []
    found, unproven = [], "and no sum shows that it is the same"
    if job.record is not None and (folder / job.record).is_file():
        ended = (folder / job.record).stat().st_mtime
        late = {
            path: modified - ended for path, modified in times.items() if modified > ended + SLACK_S
        }
        found += [
            f"{path}: changed {seconds:.0f} s after the job ended, {unproven}"
            for path, seconds in late.items()
        ]
    first = min(times, key=times.__getitem__)
    younger = [
        path
        for path in inputs
        if (folder / path).exists() and modified_s(folder / path) > times[first]
    ]
    return found + [f"input {path}: younger than {first}, {unproven}" for path in younger]
