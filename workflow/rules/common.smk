"""What all stages share: the checked configuration, the plan, names of places, specs and digests. Functions only."""

import os
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

SOURCE_CODE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE_CODE))

from relscale.config import ConfigError, load_config
from relscale.plan import plan_suite
from relscale.provenance import canonical_json, code_digest, lock_digest, spec_digest

# The stages run with this interpreter and this checkout's package, wherever Snakemake was started from. One thread a process: tiny
# models lose to the barriers between threads. Fixed hashing keeps outputs the same bytes.
shell.prefix(
    f"export PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={SOURCE_CODE} PYTHONHASHSEED=0 "
    "RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false; "
)


def read_experiment():
    """Return the checked experiment and its runs; a bad configuration ends here, before any job."""
    files = [(os.path.relpath(name), yaml.safe_load(Path(name).read_text()) or {}) for name in dict.fromkeys(map(str, workflow.configfiles))]
    try:
        experiment = load_config(config, files)
        return experiment, plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    except ValueError as error:
        raise WorkflowError(str(error)) from None


EXPERIMENT, PLANNED = read_experiment()
RUNS = {run.run: run for run in PLANNED}
RESULTS = f"results/{EXPERIMENT.experiment}"
SHARED = "results/shared"
FAMILIES = EXPERIMENT.evaluate
LAW_TABLES = ["points", "absolute", "relative", "decomposition", "two_stage", "backtest"]
TABLES = ["suite.csv", "bill.txt", "sources.csv", "corpora.csv", "losses.parquet", "losses.csv", "items.parquet"]
FORMATS = ["svg", "pdf", "png"]
FIGURES = EXPERIMENT.figures.names
PAGES = []
TRAINING_LOCK = lock_digest(["torch", "numpy", "tokenizers", "safetensors"])


def dump(model):
    """Return a configuration model as plain values."""
    return model.model_dump(mode="json")


def source_spec(name):
    """Return what defines a source's bytes: not where a local copy of a package lies, which is no part of the result."""
    spec = {"name": name, **dump(EXPERIMENT.sources[name])}
    if spec["kind"] == "package":
        del spec["path"]
    return spec


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
    return [settings.source] if settings.kind != "validation" else []


def corpus_sources(corpus):
    """Return the sources that a corpus is made and decontaminated with, sorted."""
    names = {component.source for component in EXPERIMENT.corpora.mixtures[corpus].components}
    for family in EXPERIMENT.corpora.decontaminate_against:
        names.update(family_sources(family))
    return sorted(names)


def corpus_spec(corpus):
    """Return what defines a corpus's documents."""
    corpora = EXPERIMENT.corpora
    return {
        "corpus": corpus,
        "mixture": dump(corpora.mixtures[corpus]),
        "corpora": corpora.model_dump(mode="json", exclude={"mixtures"}),
        "decontaminate_against": {name: dump(EXPERIMENT.families[name]) for name in corpora.decontaminate_against},
    }


def corpus_key(corpus):
    """Return the folder's name of a corpus: a digest of its spec and of its sources."""
    return f"{corpus}-{spec_digest([corpus_spec(corpus), [source_spec(name) for name in corpus_sources(corpus)]])}"


CORPORA = list(dict.fromkeys([*EXPERIMENT.suite.corpora, *EXPERIMENT.tokenizer.trained_on]))
CORPORA_BY_KEY = {corpus_key(corpus): corpus for corpus in CORPORA}
TOKENIZER_KEY = spec_digest([dump(EXPERIMENT.tokenizer), [corpus_key(corpus) for corpus in EXPERIMENT.tokenizer.trained_on]])
TOKENIZER = f"{SHARED}/tokenizers/{TOKENIZER_KEY}/tokenizer.json"


def documents(corpus, name):
    """Return a file of a corpus's documents."""
    return f"{SHARED}/corpora/{corpus_key(corpus)}/{name}"


def tokens(corpus, name):
    """Return a file of a corpus's tokens."""
    return documents(corpus, f"tokens-{TOKENIZER_KEY}/{name}")


def family_spec(family, corpus=None):
    """Return what defines a family's requests; `corpus` for the validation family, which each corpus has its own of."""
    settings = EXPERIMENT.families[family]
    spec = {"family": family, "context_length": EXPERIMENT.suite.recipe.context_length, "settings": dump(settings)}
    if settings.kind == "continuation":
        spec["documents"] = dump(EXPERIMENT.families[settings.documents])
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
    for corpus in EXPERIMENT.suite.corpora
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


def law_spec(family):
    """Return what the laws of a family depend on beside its losses."""
    settings = EXPERIMENT.families[family]
    spec = dump(EXPERIMENT.laws) | {"family": family, "baseline": settings.baseline, "metrics": settings.metrics}
    if settings.kind == "continuation":
        spec["chance"] = 1 / settings.num_options
    return spec


def local_copy(wildcards):
    """Return where a source's bytes may be taken from: a resource, since it is no part of what the source is."""
    return getattr(EXPERIMENT.sources[SOURCES_BY_KEY[wildcards.source_key]], "path", None) or ""


def local_files(wildcards):
    """Return the files of a local source, so that an edit of one makes what is built on it stale."""
    source = EXPERIMENT.sources[SOURCES_BY_KEY[wildcards.source_key]]
    if source.kind != "local":
        return []
    path = Path(source.path)
    return sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else [str(path)]


def most_tokens():
    """Return the most tokens that a run of each corpus is trained on."""
    return {corpus: max(run.tokens for run in PLANNED if run.corpus == corpus) for corpus in EXPERIMENT.suite.corpora}


def train_resources(run):
    """Return the resources of a training job: one core for `cpu_small`, a GPU for `marin2025`."""
    parameters = run.columns()["num_params_total"]
    if run.recipe == "cpu_small":
        return {"gpu": 0, "mem_mb": 1000, "runtime": 60}
    return {"gpu": 1, "mem_mb": 16_000 + 40 * parameters // 2**20, "runtime": 7 * 24 * 60}


def requests_source(wildcards):
    """Return the source that a family's text is read from, or the validation documents of its corpus."""
    family, corpus = REQUESTS_BY_KEY[wildcards.requests_key]
    if corpus is not None:
        return documents(corpus, "validation.parquet")
    return source_manifest(family_sources(family)[0])


def overlaps(wildcards):
    """Return the overlap search of a family and corpus, where one is needed."""
    return f"{RESULTS}/evaluations/{wildcards.family}/overlaps-{wildcards.corpus}.json" if needs_overlap_search(wildcards.family) else []


def any_of(names):
    """Return a wildcard constraint: exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    source_key=any_of(SOURCES_BY_KEY),
    corpus_key=any_of(CORPORA_BY_KEY),
    requests_key=any_of(REQUESTS_BY_KEY),
    run=any_of(RUNS),
    family=any_of(FAMILIES),
    corpus=any_of(EXPERIMENT.suite.corpora),
    budget=any_of(dict.fromkeys(run.budget for run in PLANNED)),
    law_table=any_of(LAW_TABLES),
    figure=any_of(FIGURES),
    page=any_of(PAGES),
