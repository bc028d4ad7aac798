"""The checked experiment of a `relscale run`, and the options of Snakemake that run it.

`prepared` finds every mistake in the configuration before anything is written or started.
"""

import os
import shlex
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from relscale.config.load import read_yaml
from relscale.plan.bill import Bill, bill_of, duration
from relscale.plan.cost import disk
from relscale.released.bill import released_bill
from relscale.runner.progress import Expected
from relscale.runner.rule_seconds import rule_seconds
from relscale.workflow.downloads import missing_sources
from relscale.workflow.experiment import PlannedExperiment, read_experiment
from relscale.workflow.layout import Layout
from relscale.workflow.listings import Listings
from relscale.workflow.scheduling import Scheduling

CONFIGURATION = Path("config.yaml")
STYLESHEET = "workflow/report/report.css"
MEM_MB = 4000
"""Memory of all jobs together on one machine, in MB, if none is given."""
GIVEN_ELSEWHERE = {
    "--configfile": "name the file as an overlay",
    "--configfiles": "name the file as an overlay",
    "--config": "write the keys to an overlay (`downloads`: --downloads)",
    "-C": "write the keys to an overlay (`downloads`: --downloads)",
    "--directory": "use --folder",
    "-d": "use --folder",
    "--profile": "give it before `--`",
    "--logger": "its logger is that of this command",
}
"""Options of Snakemake that `relscale run` must see, with the remedy."""
WITHOUT_JOBS = {"-n", "--dry-run", "--dryrun", "--unlock"}
"""Options with which Snakemake runs no job."""
TABLES = "tables"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where the jobs run, and how many at the same time."""

    cores: int | None = None
    """Cores; None for all of this machine, or the choice of a profile."""
    gpus: int | None = None
    """GPUs; None for one, or the choice of a profile."""
    mem_mb: int | None = None
    """Memory in MB; None for `MEM_MB`, or the choice of a profile."""
    profile: Path | None = None
    """Folder of a Snakemake profile, such as profiles/slurm; None for this machine."""
    downloads: Path | None = None
    """Folder of packages that were downloaded before."""

    def words(self) -> list[str]:
        """Return the options of Snakemake."""
        given = [f"gpu={self.gpus}"] if self.gpus is not None else []
        given += [f"mem_mb={self.mem_mb}"] if self.mem_mb is not None else []
        if self.profile is not None:
            words = ["--profile", str(self.profile.resolve())]
            words += ["--cores", str(self.cores)] if self.cores is not None else []
            return [*words, *(["--resources", *given] if given else [])]
        resources = [f"gpu={self.local_gpus}", f"mem_mb={self.mem_mb or MEM_MB}"]
        # After each timespan Snakemake looks at all ready jobs again, once per job that has
        # finished. With the default of one second that takes a tenth of a core.
        often = ["--max-jobs-per-timespan", "1000/10s"]
        return ["--cores", str(self.local_cores), "--resources", *resources, *often]

    @property
    def local_cores(self) -> int:
        """Cores that are used on this machine."""
        if self.cores is not None:
            return self.cores
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    @property
    def local_gpus(self) -> int:
        """GPUs that are used on this machine."""
        return 1 if self.gpus is None else self.gpus


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A checked experiment and how it is run."""

    folder: Path
    """The checkout."""
    experiment: PlannedExperiment
    """The experiment."""
    layout: Layout
    """Places of its results."""
    gpus_of_run: dict[str, int]
    """GPUs of each training run."""
    overlays: tuple[Path, ...]
    """The overlays, relative to the checkout where they are in it."""
    machine: Machine
    """Where the jobs run."""
    more: tuple[str, ...]
    """Further options and targets of Snakemake."""

    @property
    def configuration(self) -> list[str]:
        """Options of Snakemake that name the overlays."""
        names = [str(path) for path in self.overlays]
        downloads = self.machine.downloads
        return [
            *(["--configfile", *names] if names else []),
            *(["--config", f"downloads={downloads.resolve()}"] if downloads else []),
        ]

    @property
    def words(self) -> list[str]:
        """Options of Snakemake for the experiment."""
        # no option with any number of values comes last: a target could follow
        return [*self.configuration, *self.machine.words(), *self.more]

    @property
    def report_words(self) -> list[str]:
        """Options of Snakemake for its report."""
        page = f"{self.layout.results}/report.html"
        return [
            *self.configuration,
            *("--cores", "1", "--report", page, "--report-stylesheet", self._stylesheet),
        ]

    @property
    def _stylesheet(self) -> str:
        return f"{self.experiment.own_files}{STYLESHEET}"

    @property
    def only_shows(self) -> bool:
        """Whether Snakemake runs no job with the further options."""
        return bool(WITHOUT_JOBS & set(self.more))

    @property
    def front_page(self) -> Path:
        """The front page of the results."""
        return self.folder / self.layout.results / "index.html"

    def bill(self) -> Bill:
        """Return the cost of the suite's training."""
        return bill_of(self.experiment.runs, self.experiment.settings.costs, self.gpus_of_run)

    def expected(self) -> Expected:
        """Return the expectations of the plan about the jobs."""
        bill, runs = self.bill(), [run.run for run in self.experiment.runs]
        seconds = [
            total / devices
            for total, devices in zip(bill.device_seconds, bill.devices_of_run, strict=True)
        ]
        records = {run: self.folder / self.layout.run_file(run, "record.json") for run in runs}
        return Expected(
            run_seconds=dict(zip(runs, seconds, strict=True)),
            rule_seconds=rule_seconds(self.folder, self.experiment.name),
            missing=frozenset(run for run, record in records.items() if not record.is_file()),
            slots=None if self.machine.profile else self.machine.local_cores,
        )

    def head(self) -> list[str]:
        """Return the lines before the call: the experiment and its bill."""
        name, settings = self.experiment.name, self.experiment.settings
        files = ", ".join(map(str, [CONFIGURATION, *self.overlays]))
        lines = [f"experiment {name}: {files}; results in {self.layout.results}"]
        if settings.losses is not None:
            return [
                *lines,
                f"a table of losses is read, {settings.losses.path}; nothing is trained",
            ]
        if self.experiment.released:
            return [*lines, released_bill(self.experiment.released).strip()]
        bill, costs = self.bill(), settings.costs
        todo = len(self.expected().missing)
        lines.append(
            f"{bill.runs} runs on {bill.corpora} corpora ({todo} without results): "
            f"{bill.tokens:.3g} tokens, {bill.training_flops:.3g} training FLOPs"
        )
        devices = self._devices()
        text = f"training of all: {duration(bill.total_seconds)} on one {costs.device.upper()}"
        if devices and devices > 1:
            text += f", {duration(bill.wall_seconds(devices))} on {devices}"
        lines.append(f"{text}, as the plan expects")
        return [*lines, f"disk: {disk(self.experiment.runs)}", *self._fetched()]

    def _devices(self) -> int | None:
        if self.machine.profile:
            return None
        on_gpu = self.experiment.settings.costs.device == "gpu"
        return self.machine.local_gpus if on_gpu else self.machine.local_cores

    def _fetched(self) -> list[str]:
        """Return a line about the sources that are not there yet, if there are any."""
        missing = missing_sources(self.layout, self.folder)
        return [f"to fetch: {', '.join(missing)}"] if missing else []

    def places(self) -> list[str]:
        """Return the lines that say where the results are; only files that exist are named."""
        results = self.folder / self.layout.results
        named = {
            "front page": results / "index.html",
            "report": results / "report.html",
            "explorer": results / "explorer.html",
            "tables": results / TABLES,
            "laws": results / "laws",
        }
        return [
            f"{name + ':':<12}{os.path.relpath(path)}"
            for name, path in named.items()
            if path.exists()
        ]


def prepared(
    folder: Path, overlays: Sequence[Path], machine: Machine, more: Sequence[str] = ()
) -> Prepared:
    """Check the configuration and the options, and plan the experiment.

    Args:
        folder: the checkout.
        overlays: the overlays, merged in this order.
        machine: where the jobs run.
        more: further options and targets of Snakemake.

    Raises:
        ValueError: listing every mistake of the configuration, or naming the option, folder or
            overlay that cannot be used.
    """
    _check_options(folder, machine, more)
    _check_places(folder, overlays)
    relative = tuple(_from_checkout(path, folder) for path in overlays)
    downloads = {"downloads": str(machine.downloads.resolve())} if machine.downloads else {}
    with chdir(folder):  # paths in the configuration are relative to the checkout
        experiment = read_experiment([CONFIGURATION, *relative], downloads)
        _check_name(experiment.name, relative)
        layout = Layout(experiment=experiment)
        listings = Listings(experiment=experiment, layout=layout)
        listings.check()
        scheduling = Scheduling(experiment=experiment, layout=layout, listings=listings)
        gpus = {run: needed.gpu for run, needed in scheduling.alone.items()}
    return Prepared(
        folder=folder,
        experiment=experiment,
        layout=layout,
        gpus_of_run=gpus,
        overlays=relative,
        machine=machine,
        more=tuple(more),
    )


def _from_checkout(path: Path, folder: Path) -> Path:
    """Return the path of an overlay from the checkout; one outside of it is absolute."""
    whole, home = path.resolve(), folder.resolve()
    return whole.relative_to(home) if whole.is_relative_to(home) else whole


def _check_places(folder: Path, overlays: Sequence[Path]) -> None:
    """Check that overlays exist and the folder is a checkout, with the likely remedy.

    Raises:
        ValueError: naming the overlay as it was given, or the checkout that has it.
    """
    for path in overlays:
        if not path.exists():
            inside = folder / path
            remedy = f"; paths are relative to {Path.cwd()}, so name {inside}"
            raise ValueError(f"{path}: no such file{remedy if inside.exists() else ''}")
    if (folder / CONFIGURATION).exists():
        return
    for path in overlays:
        for home in path.resolve().parents:
            if (home / CONFIGURATION).is_file():
                raise ValueError(
                    f"{path}: is in the checkout {home}, and --folder is {folder.resolve()}: add "
                    f"--folder {shlex.quote(os.path.relpath(home))}"
                )


def _check_options(folder: Path, machine: Machine, more: Sequence[str]) -> None:
    """Check the options and folders of the command line.

    Raises:
        ValueError: naming the option or folder.
    """
    if not folder.is_dir():
        raise ValueError(f"--folder {folder}: no such folder")
    for option, place in (("--profile", machine.profile), ("--downloads", machine.downloads)):
        if place is not None and not place.is_dir():
            raise ValueError(f"{option} {place}: no such folder")
    for word in more:
        remedy = GIVEN_ELSEWHERE.get(word.partition("=")[0])
        if remedy is not None:
            raise ValueError(f"{word}: cannot be an option of Snakemake here: {remedy}")


def _check_name(name: str, overlays: Sequence[Path]) -> None:
    """Refuse overlays that leave the name of the default experiment.

    Raises:
        ValueError: naming the last overlay.
    """
    if overlays and name == read_yaml(CONFIGURATION).get("experiment"):
        raise ValueError(
            f"{overlays[-1]}: experiment = {name!r}: is the experiment of {CONFIGURATION}, whose "
            "results it would replace; add a line such as `experiment: "
            f"my_{overlays[-1].stem}`"
        )
