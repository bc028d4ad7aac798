"""What the rules for released models share: specs and digests of texts and of the models to score. Functions only."""


def texts_spec(family):
    """Return what defines a family's texts: each model tokenizes them itself."""
    settings = EXPERIMENT.families[family]
    return {"family": family, "settings": settings.model_dump(mode="json", exclude={"baseline"})}


def texts_key(family):
    """Return the folder's name of a family's texts."""
    return f"{family}-{spec_digest([texts_spec(family), [source_spec(name) for name in family_sources(family)]])}"


TEXTS_BY_KEY = {} if TRAINED else {texts_key(family): family for family in FAMILIES}


def texts(family, name):
    """Return a file of a family's texts."""
    return f"{SHARED}/texts/{texts_key(family)}/{name}"


def released_of(corpus, budget):
    """Return the released models of one IsoFLOP curve, in the order of the table."""
    return [row for row in PLANNED if (row.corpus, row.budget) == (corpus, budget)]


def released_spec(wildcards):
    """Return what an evaluation of released models depends on beside its texts and the models' files."""
    released = EXPERIMENT.released
    return texts_spec(wildcards.family) | {
        "models": [dump(row) for row in released_of(wildcards.corpus, wildcards.budget)],
        **released.model_dump(include={"folder", "max_length", "stride", "dtype"}),
    }


def released_files(wildcards):
    """Return the files of an IsoFLOP curve's models that are here."""
    rows = released_of(wildcards.corpus, wildcards.budget)
    return [name for row in rows for name in model_files(row.model, EXPERIMENT.released.folder)]


EVALUATION = "relscale.stages.evaluate_released"
EVALUATION_LOCK = lock_digest(["torch", "transformers", "tokenizers", "safetensors"])


def evaluation_record(wildcards):
    """Return the record of an evaluation of released models."""
    return f"{RESULTS}/evaluations/{wildcards.family}/{wildcards.corpus}-{wildcards.budget}-record.json"


wildcard_constraints:
    texts_key=any_of(TEXTS_BY_KEY),
