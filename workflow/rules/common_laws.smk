"""What the laws are told beside their losses. Functions only."""


def is_two_stage(family):
    """Tell families of choices among a fixed number of options of which both metrics of the two-stage law are there."""
    settings, axes = EXPERIMENT.families[family], EXPERIMENT.laws.two_stage
    metrics = {*settings.metrics, *(["bits_per_byte"] if settings.kind == "questions" else [])}
    return (
        settings.kind in {"continuation", "questions"}
        and {axes.loss_metric, axes.accuracy_metric} <= metrics
    )


def outside_models(family):
    """Return the table of models that are no runs, for families with a two-stage law."""
    path = EXPERIMENT.laws.two_stage.outside_models
    return [path] if path is not None and is_two_stage(family) else []


def law_spec(family):
    """Return what the laws of a family depend on beside its losses."""
    settings = EXPERIMENT.families[family]
    spec = dump(EXPERIMENT.laws) | {
        "family": family,
        "baseline": settings.baseline,
        "metrics": settings.metrics,
    }
    axes = spec.pop("two_stage")
    if is_two_stage(family):
        options = settings.num_options if settings.kind == "continuation" else 4
        spec |= {
            "chance": 1 / options,
            "loss_metric": axes["loss_metric"],
            "accuracy_metric": axes["accuracy_metric"],
        }
    return spec


def optima_spec():
    """Return what the compute-optimal points depend on beside the losses."""
    laws = EXPERIMENT.laws
    metrics = EXPERIMENT.families[laws.optimum_by].metrics
    return {
        "family": laws.optimum_by,
        "optimum_by": laws.optimum_by,
        "metrics": metrics,
        "compute": laws.compute,
        "level": laws.level,
    }


def prompts_spec():
    """Return what the table of prompts depends on beside its tables."""
    return {
        "prompts": PROMPTS,
        "compute": EXPERIMENT.laws.compute,
        "window": window(),
        "level": EXPERIMENT.laws.level,
    }


def correlation_spec():
    """Return what the correlation with a covariate depends on beside its tables."""
    covariate = EXPERIMENT.figures.covariates.removesuffix(".csv")
    return {"covariate": covariate, "level": EXPERIMENT.laws.level, "seed": EXPERIMENT.laws.seed}
