"""What the rules share about corpora and the tokenizer: their specs, keys and places. Functions only."""

SHARDED = {
    name: settings
    for name, settings in EXPERIMENT.corpora.sharded.items()
    if name in EXPERIMENT.suite.corpora
}


def corpus_sources(corpus):
    """Return the sources that are fetched to make a corpus and to decontaminate it, sorted; a sharded one reads its text where it is."""
    names = set()
    if corpus not in SHARDED:
        names.update(
            component.source for component in EXPERIMENT.corpora.mixtures[corpus].components
        )
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
        "component": settings.model_dump(mode="json", exclude={"weight"})
        | {"validation_share": share},
        "source": {
            key: value for key, value in source_spec(settings.source).items() if key != "name"
        },
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
    {name for corpus in CORPORA for name in corpus_sources(corpus)}
    | {name for family in FAMILIES for name in family_sources(family)}
)
TOKENIZER_SPEC = EXPERIMENT.tokenizer.model_dump(mode="json", exclude_none=True)
TOKENIZER_KEY = spec_digest(
    [TOKENIZER_SPEC, [corpus_key(corpus) for corpus in EXPERIMENT.tokenizer.trained_on]]
)
CORPORA_BY_KEY = {corpus_key(corpus): corpus for corpus in CORPORA if corpus not in SHARDED}
SHARDED_BY_KEY = {corpus_key(corpus): corpus for corpus in SHARDED}
COMPONENTS_BY_KEY = {
    component_key(corpus, part): (corpus, part)
    for corpus in SHARDED
    for part in SHARDED[corpus].components
}
TOKENIZER = f"{SHARED}/tokenizers/{TOKENIZER_KEY}/tokenizer.json"
TOKENIZER_MANIFEST = f"{SHARED}/tokenizers/{TOKENIZER_KEY}/manifest.json"

LISTED_SOURCES = sorted(
    {
        *SOURCES,
        *(SHARDED[corpus].components[part].source for corpus, part in COMPONENTS_BY_KEY.values()),
    }
)


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


@cache
def component_files(corpus, component):
    """Return the local files that a component is made of, looked at once; none of a dataset on the hub, whose commit says all."""
    settings = SHARDED[corpus].components[component]
    source = EXPERIMENT.sources[settings.source]
    return (
        local_files(Path(source.path), settings.files, settings.exclude)
        if source.kind == "local"
        else []
    )


@cache
def component_listing(key):
    """Return the name of the listing of a component's local files."""
    corpus, component = COMPONENTS_BY_KEY[key]
    source = EXPERIMENT.sources[SHARDED[corpus].components[component].source]
    if source.kind != "local":
        return ""
    return listing_of(
        component_files(corpus, component),
        Path(source.path),
        Path(f"{component_folder(corpus, component)}/plan.json"),
    )


def given_listing():
    """Return the name of the listing of a given tokenizer's file, as that of a source's; one of the hub has none."""
    path = EXPERIMENT.tokenizer.given.path
    return listing_of(local_files(Path(path)), Path(path), Path(TOKENIZER_MANIFEST)) if path else ""


@cache
def component_minutes(corpus, component):
    """Return the minutes that a shard of a component may take; text that no `max_tokens` bounds is measured where it is local and there."""
    settings = SHARDED[corpus].components[component]
    return shard_minutes(
        settings,
        EXPERIMENT.costs,
        component_files(corpus, component) if settings.max_tokens is None else [],
    )


def shard_runtime(wildcards):
    """Return the minutes that a shard may take."""
    return component_minutes(*COMPONENTS_BY_KEY[wildcards.component_key])


def decontamination_sources(wildcards):
    """Return the sources of the texts that are removed from a component."""
    return corpus_sources(COMPONENTS_BY_KEY[wildcards.component_key][0])


def sharded_spec(corpus):
    """Return what the manifest of a sharded corpus is made by."""
    return {"corpus": corpus, "settings": dump(SHARDED[corpus])}


def sharded_folders(corpus):
    """Return the folder of each component of a sharded corpus, by name."""
    return [
        f"{component}={component_folder(corpus, component)}"
        for component in SHARDED[corpus].components
    ]


def training_tokens(corpus):
    """Return the files that training maps, where Snakemake may look at them: of a sharded corpus, its manifest names them with their sums."""
    return [] if corpus in SHARDED else ancient(tokens(corpus, "train.bin"))


def validation_documents(corpus):
    """Return the held-out documents of a corpus."""
    return (
        tokens(corpus, "validation.parquet")
        if corpus in SHARDED
        else documents(corpus, "validation.parquet")
    )


wildcard_constraints:
    corpus_key=any_of(CORPORA_BY_KEY),
    sharded_key=any_of(SHARDED_BY_KEY),
    component_key=any_of(COMPONENTS_BY_KEY),
    shard=r"\d{5}",
