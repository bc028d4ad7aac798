"""What the rules for checkpoints share: specs and digests of texts and of the checkpoints to score. Functions only."""


def texts_spec(family):
    """Return what defines a family's texts: its tokens are each checkpoint's own matter."""
    settings = EXPERIMENT.families[family]
    return {"family": family, "settings": settings.model_dump(mode="json", exclude={"baseline"})}


def texts_key(family):
    """Return the folder's name of a family's texts."""
    return f"{family}-{spec_digest([texts_spec(family), [source_spec(name) for name in family_sources(family)]])}"


TEXTS_BY_KEY = {} if TRAINED else {texts_key(family): family for family in FAMILIES}


def texts(family, name):
    """Return a file of a family's texts."""
    return f"{SHARED}/texts/{texts_key(family)}/{name}"


def checkpoints_of(corpus, budget):
    """Return the checkpoints of one IsoFLOP curve, as they stand in the table."""
    return [row for row in PLANNED if (row.corpus, row.budget) == (corpus, budget)]


def checkpoints_spec(wildcards):
    """Return what an evaluation of checkpoints depends on beside its texts and the models' files."""
    released = EXPERIMENT.checkpoints
    return texts_spec(wildcards.family) | {
        "checkpoints": [dump(row) for row in checkpoints_of(wildcards.corpus, wildcards.budget)],
        **released.model_dump(include={"folder", "max_length", "stride", "dtype"}),
    }


def checkpoint_files(wildcards):
    """Return the files of an IsoFLOP curve's models that are here."""
    rows = checkpoints_of(wildcards.corpus, wildcards.budget)
    return [name for row in rows for name in model_files(row.model, EXPERIMENT.checkpoints.folder)]


EVALUATION = "relscale.stages.evaluate_checkpoints"
EVALUATION_LOCK = lock_digest(["torch", "transformers", "tokenizers", "safetensors"])


def evaluation_record(wildcards):
    """Return the record of an evaluation of checkpoints."""
    return f"{RESULTS}/evaluations/{wildcards.family}/{wildcards.corpus}-{wildcards.budget}-record.json"


wildcard_constraints:
    texts_key=any_of(TEXTS_BY_KEY),
