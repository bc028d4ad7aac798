"""Asks Snakemake, many times in one process, which jobs it would run: a line of JSON in, a line of
JSON out.

Started in a copy of the checkout with the copy's package; a dry run for each question would spend
most of its time on starting. A question is {"overlay": a configuration to merge or null,
"versions": {library: version to pretend}}; the answer lists all jobs.
"""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version as installed
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.io import is_flagged
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings
from staleness import forget_code

from relscale.provenance import code as provenance


def state_of(versions):
    """Return the versions, and sizes and times of the package's files: digests depend on both."""
    files = (path for path in Path("src").rglob("*") if path.suffix != ".pyc" and path.is_file())
    stats = {path: path.stat() for path in files}
    return versions, {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


def pretend(versions):
    """Pretend versions of libraries, and drop what was remembered of the package's files."""
    provenance.version = lambda name: versions.get(name) or installed(name)
    forget_code()


def plan(files, options):
    """Return all jobs, each with its rule, its places and whether Snakemake would run it now."""
    with SnakemakeApi(
        OutputSettings(dryrun=True, quiet={Quietness.ALL}, enable_file_logging=False)
    ) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=options, configfiles=tuple(files)),
            snakefile=Path("workflow/Snakefile").absolute(),
        )
        planned = workflow.dag(DAGSettings())
        try:
            planned.execute_workflow(executor="dryrun")
        except Exception as error:
            api.print_exception(error)
            raise
        dag = workflow._workflow.dag
        # Not needrun_jobs(): to a dry run, its jobs are finished by now.
        return [
            {
                "rule": job.rule.name,
                "wildcards": dict(job.wildcards_dict),
                "inputs": [str(path) for path in job.input if not is_flagged(path, "ancient")],
                "ancient": [str(path) for path in job.input if is_flagged(path, "ancient")],
                "outputs": [str(path) for path in job.output],
                "params": json.loads(json.dumps(dict(job.params.items()), default=list)),
                "shell": job.rule.shellcmd or "",
                "needed": dag.needrun(job),
            }
            for job in dag.jobs
        ]


def main():
    """Answer until there are no more questions."""
    base, options = sys.argv[1], json.loads(sys.argv[2])
    last = None
    for line in sys.stdin:
        question, said = json.loads(line), io.StringIO()
        files = [Path(base).absolute()]
        if question["overlay"] is not None:
            files.append(Path("experiments/overlay.yaml").absolute())
            files[-1].write_text(json.dumps(question["overlay"]))
        # Digests of all modules take longer than all else, and most questions edit none.
        if (state := state_of(question["versions"])) != last:
            pretend(question["versions"])
            last = state
        try:
            with redirect_stdout(said), redirect_stderr(said):
                answer = {"jobs": plan(files, options)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}\n{said.getvalue()}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
