"""The jobs of the workflow, as it would give them now: asked of Snakemake without running any."""

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the workflow plans it now."""

    rule: str
    wildcards: Mapping[str, str]
    params: Mapping[str, Any]
    inputs: tuple[str, ...]
    """Input files whose content counts; those that are only asked to be there are left out."""
    outputs: tuple[str, ...]
    record: str | None
    """Where its record lies; a job that only copies or shows tables keeps none."""
    log: str | None = None
    """Where its log lies: of a job without a record this tells when it ran."""

    @property
    def name(self) -> str:
        """The rule with its wildcards."""
        return " ".join([self.rule, *(f"{key}={value}" for key, value in self.wildcards.items())])


def planned_jobs(overlays: Sequence[Path], folder: Path = Path()) -> list[Job]:
    """Return every job of the workflow in the order in which they depend on each other; none is
    run.

    Args:
        overlays: configuration files that are merged over config.yaml.
        folder: the checkout.

    Raises:
        ValueError: where an overlay is not there, or Snakemake cannot plan the workflow.
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
    said = io.StringIO()  # a dry run lists its jobs, however quiet it is
    with redirect_stdout(said), redirect_stderr(said), SnakemakeApi(quiet) as api:
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(
                    configfiles=tuple(Path(name).absolute() for name in overlays)
                ),
                snakefile=(folder / "Snakefile").absolute(),
                workdir=folder.absolute(),
            )
            planned = workflow.dag(DAGSettings())
            planned.execute_workflow(executor="dryrun")
            dag = workflow._workflow.dag  # Snakemake gives no other way to its jobs
        except Exception as error:
            api.print_exception(error)
            raise ValueError(
                f"{folder / 'Snakefile'}: cannot be planned: {said.getvalue().strip()}"
            ) from None
        return jobs_of(dag)


def jobs_of(dag: Any) -> list[Job]:
    """Return the jobs of Snakemake's graph that make files, in the order in which they depend on
    each other."""
    return [_job(job) for level in dag.toposorted() for job in level if job.output]


def _job(job: Any) -> Job:
    from snakemake.io import is_flagged

    counted = [str(path) for path in job.input if not is_flagged(path, "ancient")]
    return Job(
        rule=job.rule.name,
        wildcards=dict(job.wildcards_dict),
        params=_plain(dict(job.params.items())),
        inputs=tuple(counted),
        outputs=tuple(map(str, job.output)),
        record=str(job.benchmark) if job.benchmark else None,
        log=str(job.log[0]) if job.log else None,
    )


def _plain(value: Any) -> Any:
    """Return a value as it comes back from JSON."""
    return json.loads(json.dumps(value, default=list))
