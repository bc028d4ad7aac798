"""The jobs of the workflow as Snakemake would plan them now, without running any."""

import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue


@dataclass(frozen=True, kw_only=True)
class Job:
    """A Snakemake job as the workflow plans it now."""

    rule: str
    """Name of its rule."""
    wildcards: Mapping[str, str]
    """Its wildcards, by name."""
    params: Mapping[str, JsonValue]
    """Its params, by name."""
    inputs: tuple[str, ...]
    """Input files whose content counts; those that must only exist are left out."""
    outputs: tuple[str, ...]
    """Output files and folders."""
    record: str | None
    """Path of its benchmark; None for a job that only copies or shows tables."""
    log: str | None = None
    """Path of its log, which shows when a job without a record ran."""
    existing: tuple[str, ...] = ()
    """Input files that must only exist."""

    @property
    def name(self) -> str:
        """The rule with its wildcards."""
        return " ".join([self.rule, *(f"{key}={value}" for key, value in self.wildcards.items())])


def planned_jobs(overlays: Sequence[Path], folder: Path = Path()) -> list[Job]:
    """Return every job of the workflow, sorted by dependency; no job is run.

    Args:
        overlays: configuration files that are merged over config.yaml.
        folder: the checkout.

    Raises:
        ValueError: if an overlay does not exist, or Snakemake cannot plan the workflow.
    """
    for overlay in overlays:
        if not overlay.is_file():
            raise ValueError(f"{overlay}: no such file")
    from snakemake.api import SnakemakeApi
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        ResourceSettings,
    )

    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL}, enable_file_logging=False)
    output = io.StringIO()  # a dry run lists its jobs even if it is quiet
    with (
        _kept_from_other_handlers("snakemake"),
        redirect_stdout(output),
        redirect_stderr(output),
        SnakemakeApi(quiet) as api,
    ):
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(
                    configfiles=tuple(Path(name).absolute() for name in overlays)
                ),
                snakefile=(folder / "workflow/Snakefile").absolute(),
                workdir=folder.absolute(),
            )
            planned = workflow.dag(DAGSettings())
            planned.execute_workflow(executor="dryrun")
            dag = workflow._workflow.dag  # Snakemake has no public access to its jobs
        except Exception as error:
            api.print_exception(error)
            raise ValueError(
                f"{folder / 'Snakefile'}: cannot be planned: {output.getvalue().strip()}"
            ) from None
        return jobs_of(dag)


@contextmanager
def _kept_from_other_handlers(name: str) -> Iterator[None]:
    """Keep messages of a logger from the handlers of its parents.

    The command writes messages of every library to stderr, and a dry run lists all of its jobs.
    """
    logger = logging.getLogger(name)
    before = logger.propagate
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before


def jobs_of(dag: Any) -> list[Job]:
    """Return the jobs of Snakemake's graph that write files, sorted by dependency."""
    return [_job(job) for level in dag.toposorted() for job in level if job.output]


def _job(job: Any) -> Job:
    from snakemake.io import is_flagged

    counted = [str(path) for path in job.input if not is_flagged(path, "ancient")]
    existing = [str(path) for path in job.input if is_flagged(path, "ancient")]
    return Job(
        rule=job.rule.name,
        wildcards=dict(job.wildcards_dict),
        params={name: _plain(value) for name, value in job.params.items()},
        inputs=tuple(counted),
        outputs=tuple(map(str, job.output)),
        record=str(job.benchmark) if job.benchmark else None,
        log=str(job.log[0]) if job.log else None,
        existing=tuple(existing),
    )


def _plain(value: object) -> JsonValue:
    """Return a value as it is after writing it to JSON and reading it back."""
    plain: JsonValue = json.loads(json.dumps(value, default=list))
    return plain
