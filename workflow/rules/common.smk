"""The planned experiment, the globals that all rules share, and functions that need Snakemake's.

Specs, places and resources are functions of `relscale.workflow`; rule files only call them.
"""

import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from relscale.figures import find as find_figure
from relscale.provenance.checksums import Checksums, checksums_place, note
from relscale.provenance.code import (
    code_digest,
    command_digest,
    is_recorded,
    keep_sources,
    lock_digest,
    versions_of,
)
from relscale.provenance.dag import jobs_of
from relscale.provenance.digests import canonical_json
from relscale.workflow import (
    control_specs,
    evaluation_specs,
    family_kinds,
    figure_specs,
    law_specs,
    page_specs,
    statistics_specs,
    suite_specs,
    text_specs,
    training_specs,
)
from relscale.workflow.experiment import module_experiment, read_experiment
from relscale.workflow.layout import SHARED, Layout
from relscale.workflow.listings import Listings
from relscale.workflow.scheduling import Scheduling
from relscale.workflow.shell import escaped, shell_prefix


def checked(function, *arguments):
    """Return a function's value; an error in the user's input ends the call with its message."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise WorkflowError(str(error)) from None


# The stages run this checkout's package with Snakemake's interpreter, unless Snakemake deploys
# environments itself.
INTERPRETER = None if workflow.deployment_settings.deployment_method else Path(sys.executable)
PREFIX = checked(shell_prefix, SOURCE_CODE, INTERPRETER, IS_MODULE)
if IS_MODULE:  # the workflow that imports this one keeps its prefix
    PREFIX = escaped(shell._process_prefix or "") + PREFIX
shell.prefix(PREFIX)


if IS_MODULE and workflow.is_main_process and not workflow.output_settings.benchmark_extended:
    raise WorkflowError(
        "the module of relscale needs the option --benchmark-extended, since its page of "
        "provenance reads the records of jobs: add `benchmark-extended: true` to "
        "profiles/default/config.yaml"
    )


def planned():
    """Return the checked experiment; a bad configuration ends here, before any job.

    Snakemake lists the workflow's own configuration file last, although it is merged first. It
    merges overlays with each other before, so that its `config` ignores a null that a later overlay
    gives a value again; therefore only the keys of `--config` are taken from Snakemake. The
    configuration of a module is an overlay, too.
    """
    if IS_MODULE:
        paths = workflow.modifier.path_modifier
        renamed = paths.prefix or paths._prefix_replacements
        experiment = module_experiment(config, OWN, renamed)
    else:
        overlays = [Path(name) for name in workflow.overwrite_configfiles]
        first = [Path(name) for name in workflow.configfiles if Path(name) not in overlays]
        experiment = read_experiment([*first, *overlays], workflow.config_settings.config, OWN)
    layout = Layout(experiment=experiment)
    listings = Listings(experiment=experiment, layout=layout)
    listings.check()
    scheduling = Scheduling(experiment=experiment, layout=layout, listings=listings)
    scheduling.check()
    return experiment, layout, listings, scheduling


EXPERIMENT, LAYOUT, LISTINGS, SCHEDULING = checked(planned)
RESULTS = LAYOUT.results
FAMILIES = EXPERIMENT.families
RUNS = EXPERIMENT.run_by_name
FIGURES = EXPERIMENT.settings.figures.names
PAGES = page_specs.table_pages(EXPERIMENT, LAYOUT)


def after_preflight(record, spec, defined_by):
    """Make a job wait for the last check, unless its record shows that it would not change.

    The check is not an input of the job: as an input it would make finished jobs stale whenever it
    is repeated, and as an `ancient` one it would hide other stale results from Snakemake.
    """
    if workflow.is_main_process and not is_recorded(Path(record), spec, defined_by):
        checkpoints.preflight.get()
    return []


def automatic_step():
    """Return the step of runs with `implementation: auto`; warn if it is not the usual one."""
    automatic = training_specs.automatic_step(
        Path(LAYOUT.run_file(run, "record.json")) for run in RUNS
    )
    if (
        automatic.warning
        and workflow.is_main_process
        and any(run.implementation == "auto" for run in RUNS.values())
    ):
        logger.warning(f"suite.recipe.implementation = 'auto': {automatic.warning}")
    return automatic


AUTOMATIC_STEP = automatic_step()


def training_resources(wildcards):
    """Return the resources of a run's training job.

    Raises:
        WorkflowError: if the run needs more GPUs than this call allows.
    """
    allowed = workflow.global_resources.get("gpu")
    return checked(SCHEDULING.training, wildcards.run, None if allowed is None else allowed.value)


def training_tokens(corpus):
    """Return the token file of a corpus; a sharded one has its checksums in the manifest."""
    if EXPERIMENT.corpus_of(corpus) in EXPERIMENT.sharded:
        return []
    return ancient(LAYOUT.tokens(corpus, "train.bin"))


def evaluation_resources(wildcards):
    """Return the resources of an evaluation job."""
    return SCHEDULING.evaluation(wildcards.family, wildcards.corpus, wildcards.budget)


def note_checksums():
    """Note the checksums of files that this call's jobs read and wrote.

    If that fails, the results are kept and later compared by their times.
    """
    place = checksums_place(EXPERIMENT.name)
    try:
        note(jobs_of(workflow.dag), Checksums.read_or_begin(Path(), place))
    except OSError as error:
        logger.warning(f"{place}: cannot note the checksums of results: {error}")


def note_commands():
    """Give each job a digest of its rule's command, so that `relscale verify` sees edits of it."""
    for each in workflow.modifier.rules:  # not those of a workflow that imports this one
        if each.shellcmd is not None:
            each.set_params(command=digest_of_command(each.shellcmd))


def digest_of_command(command):
    """Return a function that returns the digest of a command and of the prefix at that time.

    The paths of this machine in the prefix are left out.
    """
    ours = PREFIX.replace("{{", "{").replace("}}", "}")  # as Snakemake formats it

    def digest(wildcards):
        prefix = shell._process_prefix.replace(ours, shell_prefix(Path("src"), None))
        return command_digest(command, prefix)

    return digest


def verbatim(text):
    """Return a function that returns a text, in which Snakemake then replaces no `{word}`."""
    return lambda wildcards: text


def any_of(names):
    """Return a wildcard constraint that allows exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    run=any_of(dict.fromkeys(run.run for run in EXPERIMENT.suite)),
    family=any_of(FAMILIES),
    corpus=any_of(dict.fromkeys([*EXPERIMENT.corpora, *EXPERIMENT.read_corpora])),
    budget=any_of(dict.fromkeys(budget for _, budget in EXPERIMENT.curves)),
    law_table=any_of(law_specs.LAW_TABLES),
    figure=any_of(FIGURES),
    page=any_of(PAGES),
    source_key=any_of(LAYOUT.source_of_key),
    corpus_key=any_of(LAYOUT.corpus_of_key),
    sharded_key=any_of(LAYOUT.sharded_of_key),
    component_key=any_of(LAYOUT.component_of_key),
    requests_key=any_of(LAYOUT.requests_of_key),
    texts_key=any_of(LAYOUT.texts_of_key),
    shard=r"\d{5}",
