"""What the pages of a report are told: their specs. Functions only."""

# Libraries that decide numbers or pictures: the page of provenance shows their versions.
SHOWN_PACKAGES = [
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "tokenizers",
    "safetensors",
    "matplotlib",
    "vl-convert-python",
    "snakemake",
]


def baselines_spec(family):
    """Return what a family is fitted with once more, against each of its other domains."""
    settings = EXPERIMENT.families[family]
    spec = law_spec(family)
    return spec | {
        "baselines": [domain for domain in settings.domain_names() if domain != settings.baseline]
    }


def explored_families():
    """Return the families that the explorer has against other baselines, too."""
    return [
        family
        for family in COMPARED
        if len(EXPERIMENT.families[family].domain_names()) <= EXPERIMENT.figures.explorer_baselines
    ]


def findings_spec():
    """Return what the page of findings is told."""
    common = {
        "corpora": SUITES,
        "labels": EXPERIMENT.figures.labels,
        "compute": EXPERIMENT.laws.compute,
    }
    return common | {
        "families": [family_view(family) for family in COMPARED],
        "estimator": EXPERIMENT.laws.estimators[0],
    }


def explorer_spec():
    """Return what the explorer is told beside the tables; estimators are not among it."""
    families = [
        family_view(family) | {"metrics": EXPERIMENT.families[family].metrics}
        for family in FAMILIES
    ]
    return {
        "experiment": EXPERIMENT.experiment,
        "families": [
            {key: family[key] for key in ("family", "metrics", "baseline", "domains")}
            for family in families
        ],
        "corpora": SUITES,
        "labels": EXPERIMENT.figures.labels,
        "compute": EXPERIMENT.laws.compute,
        "extrapolate_decades": EXPERIMENT.figures.extrapolate_decades,
    }


def provenance_spec():
    """Return what the page of provenance is told: digests of shared folders, and the packages whose versions it shows."""
    corpora = {f"corpus {corpus}": corpus_key(corpus) for corpus in CORPORA}
    requests_keys = {
        f"requests of {family}" + (f", {corpus}" if corpus else ""): key
        for key, (family, corpus) in REQUESTS_BY_KEY.items()
    }
    digests = (
        {"tokenizer": TOKENIZER_KEY} | corpora | requests_keys
        if TRAINED
        else {f"texts of {name}": texts_key(name) for name in FAMILIES}
    )
    keys = [*SOURCES_BY_KEY, *CORPORA_BY_KEY, TOKENIZER_KEY, *REQUESTS_BY_KEY, *TEXTS_BY_KEY]
    return {
        "experiment": EXPERIMENT.experiment,
        "digests": digests,
        "packages": SHOWN_PACKAGES,
        "shared_keys": sorted(set(keys)),
    }
