"""What the rules share about evaluation: a family's requests, and the files that scoring leaves. Functions only."""


def family_spec(family, corpus=None):
    """Return what defines a family's requests; `corpus` for the validation family, which each corpus has its own of."""
    settings = EXPERIMENT.families[family]
    spec = {
        "family": family,
        "context_length": EXPERIMENT.suite.recipe.context_length,
        "settings": settings.model_dump(mode="json", exclude={"baseline"}),
    }
    if settings.kind == "continuation":
        spec["documents"] = EXPERIMENT.families[settings.documents].model_dump(
            mode="json", exclude={"baseline"}
        )
    if corpus is not None:
        spec["corpus"] = corpus
    return spec


def family_key(family, corpus=None):
    """Return the folder's name of a family's requests."""
    origin = (
        [source_spec(name) for name in family_sources(family)]
        if corpus is None
        else corpus_key(corpus)
    )
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


TOKENS_TO_SCORE = {
    name: tokens_to_score(EXPERIMENT.families[name], EXPERIMENT.suite.recipe.context_length)
    for name in FAMILIES
}
CELL_NEEDS = cells_needs(
    cells_of(PLANNED) if TRAINED else {}, TOKENS_TO_SCORE, EXPERIMENT.costs, EXPERIMENT.training
)


def scoring_needs(wildcards):
    """Return what an evaluation job asks for: the memory of its largest run, the time of all of them."""
    return CELL_NEEDS[wildcards.family, wildcards.corpus, wildcards.budget]


def requests_needs(wildcards):
    """Return what the job asks for that makes a family's requests."""
    family, _ = REQUESTS_BY_KEY[wildcards.requests_key]
    return family_needs(TOKENS_TO_SCORE[family])


def evaluation_files(family, kind):
    """Return one file of every evaluation of a family."""
    return [
        f"{RESULTS}/evaluations/{family}/{corpus}-{budget}-{kind}.parquet"
        for corpus, budget in CELLS
    ]


def requests_source(wildcards):
    """Return the sources that a family's text is read from, or the validation documents of its corpus."""
    family, corpus = REQUESTS_BY_KEY[wildcards.requests_key]
    if corpus is not None:
        return [validation_documents(corpus)]
    return [source_manifest(name) for name in family_sources(family)]


def text_options(kind, paths):
    """Return the options under which a stage takes a family's texts: the second source is that of solved questions."""
    return [
        word
        for pair in zip(
            ["--validation" if kind == "validation" else "--source", "--shots-source"], paths
        )
        for word in pair
    ]


def overlaps(wildcards):
    """Return the overlap search of a family and corpus, where one is needed."""
    searched = needs_overlap_search(wildcards.family) and wildcards.corpus not in SHARDED
    return (
        f"{RESULTS}/evaluations/{wildcards.family}/overlaps-{wildcards.corpus}.json"
        if searched
        else []
    )


wildcard_constraints:
    requests_key=any_of(REQUESTS_BY_KEY),
