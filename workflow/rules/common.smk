"""What all stages share: the checked configuration, the plan, names of places, specs and digests. Functions only."""

import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE_CODE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE_CODE))

from relscale.checkpoints import model_files, read_checkpoints
from relscale.config import figure_families, load_config, merged, read_yaml
from relscale.plan import plan_suite
from relscale.settings.families import domains_of
from relscale.digests import canonical_json, spec_digest
from relscale.provenance import code_digest, lock_digest
from relscale.training_needs import train_needs

# The stages run this checkout's package with the interpreter that Snakemake runs with, unless it deploys environments itself. One thread
# a process: tiny models lose to the barriers between threads. Fixed hashing keeps outputs the same bytes.
INTERPRETER = "" if workflow.deployment_settings.deployment_method else f"PATH={Path(sys.executable).parent}:$PATH "
shell.prefix(f"export {INTERPRETER}PYTHONPATH={SOURCE_CODE} PYTHONHASHSEED=0 RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false; ")


def read_experiment():
    """Return the checked experiment and its runs, or checkpoints; a bad configuration ends here, before any job."""
    overlays = [Path(name) for name in workflow.overwrite_configfiles]
    # In the order in which they are merged; Snakemake lists the workflow's own file last, and puts the overlays' keys first.
    paths = [*(Path(name) for name in workflow.configfiles if Path(name) not in overlays), *overlays]
    try:
        files = [(os.path.relpath(path), read_yaml(path)) for path in paths]
        experiment = load_config(merged([*(content for _, content in files), config]), files)
        if experiment.checkpoints is None:
            return experiment, plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
        rows = read_checkpoints(Path(experiment.checkpoints.table))
        if experiment.figures.corpus not in (suites := {row.suite for row in rows}):
            raise ValueError(
                f"figures.corpus = {experiment.figures.corpus!r}: no suite of {experiment.checkpoints.table}, which has {suites}"
            )
        return experiment, rows
    except ValueError as error:
        raise WorkflowError(str(error)) from None


EXPERIMENT, PLANNED = read_experiment()
TRAINED = EXPERIMENT.checkpoints is None
SUITES = list(dict.fromkeys(run.corpus for run in PLANNED))
RUNS = {run.run: run for run in PLANNED}
RESULTS = f"results/{EXPERIMENT.experiment}"
SHARED = "results/shared"
FAMILIES = EXPERIMENT.evaluate
LAW_TABLES = ["points", "absolute", "absolute_fits", "surface", "relative", "decomposition", "two_stage", "predictions", "backtest"]
# Families whose prompts are set side by side: the choice among answers is scored.
PROMPTS = {
    name: EXPERIMENT.families[name].prompt
    for name in FAMILIES
    if EXPERIMENT.families[name].kind == "questions" and "choice_loss_nats" in EXPERIMENT.families[name].metrics
}
SUITE_LAWS = ["optima", *(["correlation"] if "language" in FAMILIES else []), *(["prompts"] if PROMPTS else [])]
CORPORA_TABLES = ["corpora"] if TRAINED else []
TABLES = ["suite.csv", "bill.txt", "sources.csv", "losses.parquet", "losses.csv", "items.parquet"]
TABLES += [f"{table}.csv" for table in CORPORA_TABLES]
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
TRAINING_LOCK = lock_digest(["torch", "numpy", "tokenizers", "safetensors"])


def dump(model):
    """Return a configuration model as plain values."""
    return model.model_dump(mode="json")


def source_spec(name):
    """Return what defines a source's bytes: not its licence and citation, nor where a local copy of a package lies."""
    source = EXPERIMENT.sources[name]
    beside = {"licence", "citation", "path"} if source.kind == "package" else {"licence", "citation"}
    return {"name": name, **source.model_dump(mode="json", exclude=beside)}


def source_key(name):
    """Return the folder's name of a source."""
    return f"{name}-{spec_digest(source_spec(name))}"


SOURCES_BY_KEY = {source_key(name): name for name in EXPERIMENT.sources}


def source_manifest(name):
    """Return the manifest of a source."""
    return f"{SHARED}/sources/{source_key(name)}/manifest.json"


def family_sources(family):
    """Return the sources that a family's text is read from."""
    settings = EXPERIMENT.families[family]
    if settings.kind == "continuation":
        return family_sources(settings.documents)
    if settings.kind == "validation":
        return []
    return [settings.source, *([settings.shots_source] if getattr(settings, "shots_source", None) else [])]


SHARDED = {name: settings for name, settings in EXPERIMENT.corpora.sharded.items() if name in EXPERIMENT.suite.corpora}


def corpus_sources(corpus):
    """Return the sources that are fetched to make a corpus and to decontaminate it, sorted; a sharded one reads its text where it is."""
    names = set()
    if corpus not in SHARDED:
        names.update(component.source for component in EXPERIMENT.corpora.mixtures[corpus].components)
    for family in EXPERIMENT.corpora.decontaminate_against:
        names.update(family_sources(family))
    return sorted(names)


def evaluation_text(family):
    """Return where a family's text stands: a new domain, metric or baseline of a family of documents or questions changes no corpus."""
    settings = EXPERIMENT.families[family]
    keys = {
        "documents": {"kind", "source", "reader"},
        "questions": {"kind", "source", "file"},
        "pairs": {"kind", "source", "domains"},
        "risk": {"kind", "source", "file"},
    }
    further = {"form"} if settings.kind == "questions" and settings.form != "embedded" else set()
    return settings.model_dump(mode="json", include=keys[settings.kind] | further)


def evaluation_texts():
    """Return where the text stands that is removed from all corpora."""
    return {name: evaluation_text(name) for name in EXPERIMENT.corpora.decontaminate_against}


def corpus_spec(corpus):
    """Return what defines a corpus's documents."""
    corpora = EXPERIMENT.corpora
    return {
        "corpus": corpus,
        "mixture": dump(corpora.mixtures[corpus]),
        "corpora": corpora.model_dump(mode="json", exclude={"mixtures", "sharded"}),
        "decontaminate_against": evaluation_texts(),
    }


def component_spec(corpus, component):
    """Return what defines the shards of a component: not its weight, so that another mixture of the same text tokenizes nothing."""
    settings = SHARDED[corpus].components[component]
    share = settings.validation_share or SHARDED[corpus].validation_share
    return {
        "name": component,
        "component": settings.model_dump(mode="json", exclude={"weight"}) | {"validation_share": share},
        "source": {key: value for key, value in source_spec(settings.source).items() if key != "name"},
        "window_words": EXPERIMENT.corpora.window_words,
        "decontaminate_against": evaluation_texts(),
    }


@cache
def component_key(corpus, component):
    """Return the folder's name of a component's shards."""
    beside = [source_spec(name) for name in corpus_sources(corpus)]
    return f"{component}-{spec_digest([component_spec(corpus, component), beside, TOKENIZER_KEY])}"


@cache
def corpus_key(corpus):
    """Return the folder's name of a corpus: a digest of its spec and of its sources."""
    if corpus in SHARDED:
        parts = [component_key(corpus, component) for component in SHARDED[corpus].components]
        return f"{corpus}-{spec_digest([corpus, dump(SHARDED[corpus]), parts])}"
    return f"{corpus}-{spec_digest([corpus_spec(corpus), [source_spec(name) for name in corpus_sources(corpus)]])}"


CORPORA = list(dict.fromkeys([*SUITES, *EXPERIMENT.tokenizer.trained_on])) if TRAINED else []
SOURCES = sorted(
    {name for corpus in CORPORA for name in corpus_sources(corpus)} | {name for family in FAMILIES for name in family_sources(family)}
)
TOKENIZER_SPEC = EXPERIMENT.tokenizer.model_dump(mode="json", exclude_none=True)
TOKENIZER_KEY = spec_digest([TOKENIZER_SPEC, [corpus_key(corpus) for corpus in EXPERIMENT.tokenizer.trained_on]])
CORPORA_BY_KEY = {corpus_key(corpus): corpus for corpus in CORPORA if corpus not in SHARDED}
SHARDED_BY_KEY = {corpus_key(corpus): corpus for corpus in SHARDED}
COMPONENTS_BY_KEY = {component_key(corpus, part): (corpus, part) for corpus in SHARDED for part in SHARDED[corpus].components}
TOKENIZER = f"{SHARED}/tokenizers/{TOKENIZER_KEY}/tokenizer.json"

LISTED_SOURCES = sorted({*SOURCES, *(SHARDED[corpus].components[part].source for corpus, part in COMPONENTS_BY_KEY.values())})


def documents(corpus, name):
    """Return a file of a corpus's documents."""
    return f"{SHARED}/corpora/{corpus_key(corpus)}/{name}"


def tokens(corpus, name):
    """Return a file of a corpus's tokens."""
    return documents(corpus, f"tokens-{TOKENIZER_KEY}/{name}")


def component_folder(corpus, component):
    """Return the folder of a component's shards."""
    return f"{SHARED}/components/{component_key(corpus, component)}"


def shard_files(corpus, ending):
    """Return one file of every shard of a sharded corpus."""
    return [
        f"{component_folder(corpus, name)}/{index:05d}.{ending}"
        for name, settings in SHARDED[corpus].components.items()
        for index in range(settings.shards)
    ]


def sharded_component(wildcards):
    """Return the settings of a component."""
    corpus, component = COMPONENTS_BY_KEY[wildcards.component_key]
    return SHARDED[corpus].components[component]


def decontamination_sources(wildcards):
    """Return the sources of the texts that are removed from a component."""
    return corpus_sources(COMPONENTS_BY_KEY[wildcards.component_key][0])


def sharded_spec(corpus):
    """Return what the manifest of a sharded corpus is made by."""
    return {"corpus": corpus, "settings": dump(SHARDED[corpus])}


def sharded_folders(corpus):
    """Return the folder of each component of a sharded corpus, by name."""
    return [f"{component}={component_folder(corpus, component)}" for component in SHARDED[corpus].components]


def training_tokens(corpus):
    """Return the files that training maps, where Snakemake may look at them: of a sharded corpus, its manifest names them with their sums."""
    return [] if corpus in SHARDED else ancient(tokens(corpus, "train.bin"))


def validation_documents(corpus):
    """Return the held-out documents of a corpus."""
    return tokens(corpus, "validation.parquet") if corpus in SHARDED else documents(corpus, "validation.parquet")


def family_spec(family, corpus=None):
    """Return what defines a family's requests; `corpus` for the validation family, which each corpus has its own of."""
    settings = EXPERIMENT.families[family]
    spec = {
        "family": family,
        "context_length": EXPERIMENT.suite.recipe.context_length,
        "settings": settings.model_dump(mode="json", exclude={"baseline"}),
    }
    if settings.kind == "continuation":
        spec["documents"] = EXPERIMENT.families[settings.documents].model_dump(mode="json", exclude={"baseline"})
    if corpus is not None:
        spec["corpus"] = corpus
    return spec


def family_key(family, corpus=None):
    """Return the folder's name of a family's requests."""
    origin = [source_spec(name) for name in family_sources(family)] if corpus is None else corpus_key(corpus)
    return f"{family}-{spec_digest([family_spec(family, corpus), origin, TOKENIZER_KEY])}"


def corpus_of_family(family, corpus):
    """Return the corpus for families whose text depends on it, else None."""
    return corpus if EXPERIMENT.families[family].kind == "validation" else None


REQUESTS_BY_KEY = {
    family_key(family, corpus_of_family(family, corpus)): (family, corpus_of_family(family, corpus))
    for family in FAMILIES
    for corpus in CORPORA[: len(SUITES)]
}


def requests(family, corpus, name):
    """Return a file of the requests that a corpus's runs are scored on."""
    return f"{SHARED}/families/{family_key(family, corpus_of_family(family, corpus))}/{name}"


def needs_overlap_search(family):
    """Tell families whose text was not removed from the corpora: their items are searched there instead."""
    settings = EXPERIMENT.families[family]
    name = settings.documents if settings.kind == "continuation" else family
    return settings.kind != "validation" and name not in EXPERIMENT.corpora.decontaminate_against


def runs_of(corpus, budget):
    """Return the names of the runs of one IsoFLOP curve."""
    return [run.run for run in PLANNED if (run.corpus, run.budget) == (corpus, budget)]


CELLS = list(dict.fromkeys((run.corpus, run.budget) for run in PLANNED))


def evaluation_files(family, kind):
    """Return one file of every evaluation of a family."""
    return [f"{RESULTS}/evaluations/{family}/{corpus}-{budget}-{kind}.parquet" for corpus, budget in CELLS]


def is_two_stage(family):
    """Tell families of choices among a fixed number of options of which both metrics of the two-stage law are there."""
    settings, axes = EXPERIMENT.families[family], EXPERIMENT.laws.two_stage
    metrics = {*settings.metrics, *(["bits_per_byte"] if settings.kind == "questions" else [])}
    return settings.kind in {"continuation", "questions"} and {axes.loss_metric, axes.accuracy_metric} <= metrics


def outside_models(family):
    """Return the table of models that are no runs, for families with a two-stage law."""
    path = EXPERIMENT.laws.two_stage.outside_models
    return [path] if path is not None and is_two_stage(family) else []


def law_spec(family):
    """Return what the laws of a family depend on beside its losses."""
    settings = EXPERIMENT.families[family]
    spec = dump(EXPERIMENT.laws) | {"family": family, "baseline": settings.baseline, "metrics": settings.metrics}
    axes = spec.pop("two_stage")
    if is_two_stage(family):
        options = settings.num_options if settings.kind == "continuation" else 4
        spec |= {"chance": 1 / options, "loss_metric": axes["loss_metric"], "accuracy_metric": axes["accuracy_metric"]}
    return spec


def local_copy(wildcards):
    """Return where a source's bytes may be taken from: a resource, since it is no part of what the source is."""
    return getattr(EXPERIMENT.sources[SOURCES_BY_KEY[wildcards.source_key]], "path", None) or ""


def local_files(wildcards):
    """Return the files of a local source, so that an edit of one makes what is built on it stale."""
    return source_files(SOURCES_BY_KEY[wildcards.source_key])


def source_files(name):
    """Return the files of a source, if it is local; of one that is not there yet none: planning needs no text, the job says what is missing."""
    source = EXPERIMENT.sources[name]
    path = Path(source.path) if source.kind == "local" else None
    if path is None or not path.exists():
        return []
    return sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else [str(path)]


def most_tokens():
    """Return the most tokens that a run of each corpus is trained on."""
    return {corpus: max(run.tokens for run in PLANNED if run.corpus == corpus) for corpus in EXPERIMENT.suite.corpora}


@cache
def train_resources(name):
    """Return the resources of a training job, as the plan estimates them."""
    return train_needs(RUNS[name], EXPERIMENT.training, EXPERIMENT.costs).resources()


def gpus_allowed():
    """Return how many GPUs the call allows, or None; Snakemake would silently give a job no more than that."""
    given = workflow.global_resources.get("gpu")
    return None if given is None else given.value


@cache
def array_resources(gpus):
    """Return what each task of an array of runs gets: what the most demanding run of this number of GPUs needs."""
    needed = [train_resources(name) for name in RUNS]
    return {key: max(one[key] for one in needed if one["gpu"] == gpus) for key in ("gpu", "mem_mb", "gpu_mem_mb", "runtime")}


def run_resources(wildcards):
    """Return the resources of a run's job: runs of the same number of GPUs are one array, whose tasks SLURM gives the same.

    Raises:
        WorkflowError: where the call allows fewer GPUs than the run needs.
    """
    gpus, allowed = train_resources(wildcards.run)["gpu"], gpus_allowed()
    if allowed is not None and gpus > allowed:
        raise WorkflowError(
            f"run {wildcards.run} needs {gpus} GPU(s), and this call allows {allowed}: --resources gpu={gpus} (make: GPUS={gpus})"
        )
    return array_resources(gpus)


def runs_with(*gpus):
    """Return the names of the runs that need one of these numbers of GPUs."""
    return [name for name in RUNS if train_resources(name)["gpu"] in gpus]


def requests_source(wildcards):
    """Return the sources that a family's text is read from, or the validation documents of its corpus."""
    family, corpus = REQUESTS_BY_KEY[wildcards.requests_key]
    if corpus is not None:
        return [validation_documents(corpus)]
    return [source_manifest(name) for name in family_sources(family)]


def text_options(kind, paths):
    """Return the options under which a stage takes a family's texts: the second source is that of solved questions."""
    return [word for pair in zip(["--validation" if kind == "validation" else "--source", "--shots-source"], paths) for word in pair]


def overlaps(wildcards):
    """Return the overlap search of a family and corpus, where one is needed."""
    searched = needs_overlap_search(wildcards.family) and wildcards.corpus not in SHARDED
    return f"{RESULTS}/evaluations/{wildcards.family}/overlaps-{wildcards.corpus}.json" if searched else []


FIGURE_FAMILIES = figure_families(FAMILIES)
PAPER_FAMILIES = [family for family in ("knowledge", "language", "behaviour", "risk") if family in FAMILIES]
COMPARED = [family for family in FAMILIES if EXPERIMENT.families[family].baseline]
TEASER = [family for family in EXPERIMENT.figures.teaser if family in FAMILIES]
CATEGORIES = {
    "figure": "1 Figures of the paper",
    "isoflop": "2 Diagnostics",
    "loss": "2 Diagnostics",
    "residuals": "2 Diagnostics",
    "backtest": "2 Diagnostics",
    "estimators": "2 Diagnostics",
    "detectable": "2 Diagnostics",
    "topics": "1 Figures of the paper",
    "paper": "3 Beside the paper",
}


def law_files(families, *kinds):
    """Return named law tables of families, as the figures take them."""
    return {kind: [f"{RESULTS}/laws/{family}/{kind}.csv" for family in families] for kind in kinds}


def figure_tables(figure):
    """Return the tables that a figure is drawn from, by the name that the figure gives them."""
    optimum_by, choice = EXPERIMENT.laws.optimum_by, [name for name in FAMILIES if EXPERIMENT.families[name].kind == "continuation"]
    reference = "workflow/reference"
    if figure in FIGURE_FAMILIES:
        covariates = {"covariates": [f"{reference}/{EXPERIMENT.figures.covariates}"]} if figure == "figure5_language" else {}
        return law_files([FIGURE_FAMILIES[figure]], "points", "absolute", "relative") | covariates
    optimum_losses = {"losses": [f"{RESULTS}/evaluations/{optimum_by}/losses.parquet"], "optima": [f"{RESULTS}/laws/optima.csv"]}
    return {
        "figure1_teaser": lambda: law_files(TEASER, "points", "relative"),
        "figure2_pipeline": lambda: optimum_losses
        | {"losses": [f"{RESULTS}/evaluations/{family}/losses.parquet" for family in [optimum_by, *choice]]}
        | law_files([optimum_by], "points", "absolute")
        | law_files(choice, "two_stage", "predictions"),
        "figure3_prompts": lambda: {"losses": [f"{RESULTS}/tables/losses.parquet"], "prompts": [f"{reference}/paper_prompts.csv"]},
        "figure6_size_or_data": lambda: law_files([EXPERIMENT.figures.size_or_data], "decomposition"),
        "isoflop_curves": lambda: optimum_losses,
        "loss_curves": lambda: {"curve": [f"{RESULTS}/tables/curves.csv"], "suite": [f"{RESULTS}/tables/suite.csv"]},
        "isoflop_metrics": lambda: {
            "losses": [f"{RESULTS}/tables/losses.parquet"],
            "optima": [f"{RESULTS}/laws/optima.csv"],
            "points": [f"{RESULTS}/laws/points.csv"],
        },
        "residuals": lambda: law_files(COMPARED, "points", "absolute", "relative"),
        "backtest": lambda: law_files(COMPARED, "backtest"),
        "detectable": lambda: law_files(COMPARED, "relative"),
        "estimators": lambda: law_files(TEASER, "relative"),
        "paper_beside": lambda: law_files(PAPER_FAMILIES, "points", "relative") | {"published": [f"{reference}/paper_slopes.csv"]},
    }[figure]()


def family_view(family):
    """Return what a figure is told of a family."""
    settings = EXPERIMENT.families[family]
    return {"family": family, "metric": settings.metrics[0], "baseline": settings.baseline or "", "domains": domains_of(settings)}


def window():
    """Return the tokens that models see at once; 0 where each checkpoint has its own."""
    return EXPERIMENT.suite.recipe.context_length if TRAINED else EXPERIMENT.checkpoints.max_length or 0


def figure_spec(figure):
    """Return what a figure is told beside its tables."""
    laws, figures = EXPERIMENT.laws, EXPERIMENT.figures
    common = {"corpora": SUITES, "labels": figures.labels}
    by_law = common | {"estimator": laws.estimators[0]}
    drawn = by_law | {"compute": laws.compute, "extrapolate_decades": figures.extrapolate_decades}
    if figure in FIGURE_FAMILIES:
        spec = drawn | family_view(FIGURE_FAMILIES[figure]) | {"paper_line": figures.paper_line}
        return spec | {"covariate_label": figures.covariate_label} if figure == "figure5_language" else spec
    titled = [family_view(family) | {"title": EXPERIMENT.figures.labels.get(family, "")} for family in TEASER]
    compared = [family_view(family) | {"title": EXPERIMENT.figures.labels.get(family, "")} for family in COMPARED]
    published = {"knowledge": "knowledge", "language": "language", "behaviour": "risk", "risk": "risk"}
    return {
        "figure1_teaser": lambda: drawn | {"corpus": figures.corpus, "families": titled, "paper_line": figures.paper_line},
        "figure2_pipeline": lambda: common
        | {
            "corpus": figures.corpus,
            "family": laws.optimum_by,
            "compute": laws.compute,
            "extrapolate_decades": figures.extrapolate_decades,
        },
        "figure3_prompts": lambda: common | {"compute": laws.compute, "window": window()},
        "figure6_size_or_data": lambda: common | family_view(figures.size_or_data),
        "isoflop_curves": lambda: common | {"family": laws.optimum_by, "compute": laws.compute},
        "loss_curves": lambda: common | {"budgets": [budget.label for budget in EXPERIMENT.suite.budgets]},
        "isoflop_metrics": lambda: common
        | {
            "families": [
                {"family": family, "metrics": EXPERIMENT.families[family].metrics, "domain": EXPERIMENT.families[family].baseline or ""}
                for family in FAMILIES
            ],
            "compute": laws.compute,
        },
        "residuals": lambda: by_law | {"families": compared, "compute": laws.compute},
        "backtest": lambda: by_law | {"families": compared},
        "detectable": lambda: by_law | {"families": compared},
        "estimators": lambda: by_law | {"families": titled},
        "paper_beside": lambda: by_law
        | {"families": [family_view(family) | {"paper": published[family]} for family in PAPER_FAMILIES], "pairs": figures.paper_corpora},
    }[figure]()


def optima_spec():
    """Return what the compute-optimal points depend on beside the losses."""
    laws = EXPERIMENT.laws
    metrics = EXPERIMENT.families[laws.optimum_by].metrics
    return {"family": laws.optimum_by, "optimum_by": laws.optimum_by, "metrics": metrics, "compute": laws.compute, "level": laws.level}


def prompts_spec():
    """Return what the table of prompts depends on beside its tables."""
    return {"prompts": PROMPTS, "compute": EXPERIMENT.laws.compute, "window": window(), "level": EXPERIMENT.laws.level}


def correlation_spec():
    """Return what the correlation with a covariate depends on beside its tables."""
    covariate = EXPERIMENT.figures.covariates.removesuffix(".csv")
    return {"covariate": covariate, "level": EXPERIMENT.laws.level, "seed": EXPERIMENT.laws.seed}


def any_of(names):
    """Return a wildcard constraint: exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    source_key=any_of(SOURCES_BY_KEY),
    corpus_key=any_of(CORPORA_BY_KEY),
    sharded_key=any_of(SHARDED_BY_KEY),
    component_key=any_of(COMPONENTS_BY_KEY),
    shard=r"\d{5}",
    requests_key=any_of(REQUESTS_BY_KEY),
    run=any_of(RUNS),
    family=any_of(FAMILIES),
    corpus=any_of(SUITES),
    budget=any_of(dict.fromkeys(run.budget for run in PLANNED)),
    law_table=any_of(LAW_TABLES),
    figure=any_of(FIGURES),
    page=any_of(PAGES),
