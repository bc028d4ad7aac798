"""Checksums of the files that each job read and wrote.

They distinguish a changed file from one that was only touched, copied or checked out again.
Snakemake's records have no checksums. Therefore, when a call of the workflow ends, the checksums of
the jobs that it ran are noted in one file of the experiment,
`benchmarks/results/<experiment>/checksums.json`. A file whose inode has not changed since is not
read again.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter, ValidationError

from relscale.config.base import Model
from relscale.files import read_json, sha256_of, write_json
from relscale.provenance.dag import Job

STAMP = ".snakemake_timestamp"
"""Snakemake's file in an output folder; it only shows when the job ended."""
SLACK_S = 5
"""An output modified more than this many seconds after its job's record was changed after the job;
Snakemake writes the record last."""
WHOLE_MB = 64
"""The checksum of a larger file is of its size and this many pieces of 1 MB, evenly spaced; weights
that were trained again differ in all of them."""


class NotedJob(Model):
    """The checksums of one job's files when they were noted."""

    noted_s: float
    """Time in seconds since 1970, by the clock of the disk."""
    record: str | None
    """Checksum of the job's record, None if it has no record."""
    read: dict[str, str]
    """Checksum of each input, by path."""
    wrote: dict[str, str]
    """Checksum of each output, by path."""


NOTED_JOBS = TypeAdapter(dict[str, NotedJob])


def checksums_place(experiment: str) -> Path:
    """Return the path of an experiment's checksums, relative to the checkout."""
    return Path("benchmarks/results", experiment, "checksums.json")


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file or folder.

    That of a folder is of its files' names and checksums, that of a large file of its size and
    evenly spaced pieces.
    """
    if path.is_dir():
        listed = [
            f"{checksum(file)}  {file.relative_to(path)}\n"
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
    """Return the time of the last modification of a file, or of a folder and all its files."""
    return max(file.stat().st_mtime for file in {path, *files_in(path)})


@dataclass(frozen=True, kw_only=True)
class Checksums:
    """The noted checksums of an experiment's jobs, and the present ones, each computed once."""

    folder: Path
    """The checkout."""
    place: Path
    """File of the noted checksums, relative to the checkout."""
    jobs: dict[str, NotedJob] = field(default_factory=dict)
    """Noted jobs, by their first output."""
    _known: dict[str, str] = field(default_factory=dict)
    _changed_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, place: Path) -> "Checksums":
        """Read the noted checksums; there are none if the file does not exist.

        Raises:
            ValueError: naming the file, if it does not hold checksums.
        """
        if not (folder / place).is_file():
            return cls(folder=folder, place=place)
        content = read_json(folder / place)
        try:
            return cls(folder=folder, place=place, jobs=NOTED_JOBS.validate_python(content))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"])) or "the file"
            raise ValueError(
                f"{folder / place}: does not hold checksums of jobs ({where}: {problem['msg']}); "
                "without this file results are compared by their times"
            ) from None

    @classmethod
    def read_or_begin(cls, folder: Path, place: Path) -> "Checksums":
        """Read the noted checksums; there are none if the file is damaged.

        This is for writing the file again.
        """
        try:
            return cls.read(folder, place)
        except ValueError:
            return cls(folder=folder, place=place)

    def of(self, path: str) -> str:
        """Return the present checksum of a file or folder."""
        if path not in self._known:
            self._known[path] = checksum(self.folder / path)
        return self._known[path]

    def of_all(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the present checksums of files and folders, by path."""
        return {path: self.of(path) for path in paths}

    def changed(self, noted: Mapping[str, str], noted_s: float) -> list[str]:
        """Return the existing files that differ from their noted checksums.

        Args:
            noted: checksums by path.
            noted_s: when they were noted.
        """
        return [
            path
            for path, before in noted.items()
            if (self.folder / path).exists() and not self._same(path, before, noted_s)
        ]

    def _same(self, path: str, before: str, noted_s: float) -> bool:
        if path not in self._changed_s:
            place = self.folder / path
            # Nobody can set the time of a change, unlike that of a modification. The time of the
            # folder shows whether a file replaced another.
            self._changed_s[path] = max(
                file.stat().st_ctime for file in (place.parent, place, *files_in(place))
            )
        return self._changed_s[path] < noted_s or self.of(path) == before

    def now_s(self) -> float:
        """Return the present time by the clock of the disk, which may differ from the machine's."""
        with NamedTemporaryFile(dir=(self.folder / self.place).parent) as file:
            return os.fstat(file.fileno()).st_mtime


def note(jobs: Iterable[Job], checksums: Checksums) -> int:
    """Note the checksums of all jobs that ran since theirs were last noted.

    A job is left out if one of its outputs is empty, or if the times of its files show a change
    after it ran: an edit must not count as the job's output.

    Args:
        jobs: those of a finished or failed call, or of the whole workflow.
        checksums: those noted before; the object is not changed, its file is.

    Returns:
        The number of jobs noted now.
    """
    (checksums.folder / checksums.place).parent.mkdir(parents=True, exist_ok=True)
    noted, now_s = dict(checksums.jobs), checksums.now_s()
    for job in jobs:
        record = [job.record] if job.record else []
        paths = (*job.inputs, *job.outputs, *record)
        if not all((checksums.folder / path).exists() for path in paths) or _noted(job, checksums):
            continue
        noted.pop(job.outputs[0], None)
        if not (_empty(job, checksums.folder) or _out_of_order(job, job.inputs, checksums.folder)):
            noted[job.outputs[0]] = NotedJob(
                noted_s=now_s,
                record=checksums.of(job.record) if job.record else None,
                read=checksums.of_all(job.inputs),
                wrote=checksums.of_all(job.outputs),
            )
    if noted != checksums.jobs:
        write_json(checksums.folder / checksums.place, NOTED_JOBS.dump_python(noted, mode="json"))
    return sum(job.noted_s == now_s for job in noted.values())


def changed_files(job: Job, inputs: Sequence[str], checksums: Checksums) -> list[str]:
    """List problems with a job's files: empty or modified outputs, changed inputs.

    Args:
        job: the job; files that do not exist are skipped.
        inputs: the inputs to compare.
        checksums: those of the experiment.
    """
    found = _empty(job, checksums.folder)
    if (noted := _noted(job, checksums)) is None:
        return found + _out_of_order(job, inputs, checksums.folder)
    wrote = {path: noted.wrote.get(path, "") for path in job.outputs}
    read = {path: noted.read[path] for path in inputs if path in noted.read}
    found += [
        f"{path}: differs from the job's output (another checksum)"
        for path in checksums.changed(wrote, noted.noted_s)
    ]
    return found + [
        f"input {path}: changed since the job read it (another checksum)"
        for path in checksums.changed(read, noted.noted_s)
    ]


def _noted(job: Job, checksums: Checksums) -> NotedJob | None:
    """Return the noted checksums of a job, None if it ran again since."""
    noted = checksums.jobs.get(job.outputs[0])
    if noted is None:
        return None
    if job.record is not None:
        if not (checksums.folder / job.record).is_file():
            return None
        return noted if checksums.of(job.record) == noted.record else None
    log = checksums.folder / job.log if job.log else None
    if log is None or not log.is_file() or log.stat().st_mtime <= noted.noted_s:
        return noted
    # The log may be new only because it was copied.
    changed = checksums.changed({**noted.read, **noted.wrote}, noted.noted_s)
    return None if changed else noted


def _empty(job: Job, folder: Path) -> list[str]:
    """List the outputs that are empty files; no job writes one."""
    return [
        f"{path}: is empty"
        for path in job.outputs
        if (folder / path).is_file() and not (folder / path).stat().st_size
    ]


def _out_of_order(job: Job, inputs: Iterable[str], folder: Path) -> list[str]:
    """List the files whose times contradict the job's order: inputs, then outputs, then record."""
    times = {path: modified_s(folder / path) for path in job.outputs if (folder / path).exists()}
    if len(times) < len(job.outputs):
        return []
    found, unproven = [], "and no checksum shows that it is the same"
    if job.record is not None and (folder / job.record).is_file():
        ended = (folder / job.record).stat().st_mtime
        found += [
            f"{path}: changed {modified - ended:.0f} s after the job ended, {unproven}"
            for path, modified in times.items()
            if modified > ended + SLACK_S
        ]
    first = min(times, key=times.__getitem__)
    younger = [
        path
        for path in inputs
        if (folder / path).exists() and modified_s(folder / path) > times[first]
    ]
    return found + [f"input {path}: newer than {first}, {unproven}" for path in younger]
