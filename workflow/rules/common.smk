"""What all stages share: the checked configuration, the plan, names of places, specs and digests. Functions only."""

import os
import re
import sys
from functools import cache
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError

SOURCE_CODE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE_CODE))

from relscale.released.models_table import model_files, read_released
from relscale.config.load import figure_families, load_config, merged, read_yaml
from relscale.plan.suite import plan_suite
from relscale.provenance.digests import canonical_json, spec_digest
from relscale.provenance.code import code_digest, is_recorded, lock_digest
from relscale.resources.evaluation import cells_needs, cells_of, family_needs, tokens_to_score
from relscale.text.local_files import listing_of, local_files
from relscale.resources.text import shard_minutes
from relscale.resources.training import array_needs, is_short, suite_needs

# The stages run this checkout's package with the interpreter that Snakemake runs with, unless it
# deploys environments itself. One thread a process: tiny models lose to the barriers between
# threads. Fixed hashing keeps outputs the same bytes.
INTERPRETER = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"PATH={quote(str(Path(sys.executable).parent))}:$PATH "
)
SETTINGS = f"PYTHONPATH={quote(str(SOURCE_CODE))} PYTHONHASHSEED=0 RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false"
shell.prefix(f"export {INTERPRETER}{SETTINGS}; ")


def read_experiment():
    """Return the checked experiment and its runs, or released models; a bad configuration ends here, before any job."""
    overlays = [Path(name) for name in workflow.overwrite_configfiles]
    # In the order in which they are merged; Snakemake lists the workflow's own file last, and puts
    # the overlays' keys first.
    paths = [
        *(Path(name) for name in workflow.configfiles if Path(name) not in overlays),
        *overlays,
    ]
    try:
        files = [(os.path.relpath(path), read_yaml(path)) for path in paths]
        experiment = load_config(merged([*(content for _, content in files), config]), files)
        if experiment.released is None:
            return experiment, plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
        rows = read_released(Path(experiment.released.table))
        if experiment.figures.corpus not in (corpora := {row.corpus for row in rows}):
            raise ValueError(
                f"figures.corpus = {experiment.figures.corpus!r}: no corpus of {experiment.released.table}, which has {corpora}"
            )
        return experiment, rows
    except ValueError as error:
        raise WorkflowError(str(error)) from None


EXPERIMENT, PLANNED = read_experiment()
TRAINED = EXPERIMENT.released is None
SUITES = list(dict.fromkeys(run.corpus for run in PLANNED))
RUNS = {run.run: run for run in PLANNED}
RESULTS = f"results/{EXPERIMENT.experiment}"
SHARED = "results/shared"
FAMILIES = EXPERIMENT.evaluate
LAW_TABLES = [
    "points",
    "absolute",
    "absolute_fits",
    "surface",
    "relative",
    "decomposition",
    "two_stage",
    "predictions",
    "backtest",
]
# Families whose prompts are set side by side: the choice among answers is scored.
PROMPTS = {
    name: EXPERIMENT.families[name].prompt
    for name in FAMILIES
    if EXPERIMENT.families[name].kind == "questions"
    and "choice_loss_nats" in EXPERIMENT.families[name].metrics
}
SUITE_LAWS = [
    "optima",
    *(["correlation"] if "language" in FAMILIES else []),
    *(["prompts"] if PROMPTS else []),
]
CORPORA_TABLES = ["corpora"] if TRAINED else []
TABLES = ["suite.csv", "bill.txt", "sources.csv", "losses.parquet", "losses.csv", "items.parquet"]
TABLES += ["preflight.json", *(f"{table}.csv" for table in CORPORA_TABLES)]
FORMATS = ["svg", "pdf", "png"]
FIGURES = EXPERIMENT.figures.names
PAGES = {
    "relative": f"{RESULTS}/laws/relative.csv",
    "absolute": f"{RESULTS}/laws/absolute.csv",
    "optima": f"{RESULTS}/laws/optima.csv",
    "decomposition": f"{RESULTS}/laws/decomposition.csv",
    "surface": f"{RESULTS}/laws/surface.csv",
    "two_stage": f"{RESULTS}/laws/two_stage.csv",
    "predictions": f"{RESULTS}/laws/predictions.csv",
    **({"correlation": f"{RESULTS}/laws/correlation.csv"} if "language" in FAMILIES else {}),
    **({"prompts": f"{RESULTS}/laws/prompts.csv"} if PROMPTS else {}),
    "backtest": f"{RESULTS}/laws/backtest.csv",
    "suite": f"{RESULTS}/tables/suite.csv",
    **{table: f"{RESULTS}/tables/{table}.csv" for table in CORPORA_TABLES},
    "sources": f"{RESULTS}/tables/sources.csv",
}


def after_preflight(record, spec, defined_by):
    """Have a job wait for the last check, if its record does not say that it was made as it would be now; the check is no input of it.

    An input would make finished jobs stale with each new check, and an ancient one hides from Snakemake whatever else is stale behind it.
    """
    if workflow.is_main_process and not is_recorded(Path(record), spec, defined_by):
        checkpoints.preflight.get()
    return []


def dump(model):
    """Return a configuration model as plain values."""
    return model.model_dump(mode="json")


def any_of(names):
    """Return a wildcard constraint: exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    run=any_of(RUNS),
    family=any_of(FAMILIES),
    corpus=any_of(SUITES),
    budget=any_of(dict.fromkeys(run.budget for run in PLANNED)),
    law_table=any_of(LAW_TABLES),
    figure=any_of(FIGURES),
    page=any_of(PAGES),
