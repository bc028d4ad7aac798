"""Specs of the laws: of one family, of the compute-optimal points, and of tables made from laws."""

from typing import Any

from relscale.config.analysis import SuiteContrast
from relscale.contract.law_tables import FAMILY_TABLES
from relscale.contract.metrics import METRICS
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.laws.conditions_spec import ConditionsSpec, CurveForecastsSpec
from relscale.laws.spec import (
    BaselinesSpec,
    CorrelationSpec,
    FamilyContrasts,
    LawSpec,
    OptimaSpec,
    PromptsSpec,
    RepresentationSpec,
    SuiteContrastsSpec,
    TunedSpec,
)
from relscale.plan.accounting import count_parameters
from relscale.plan.planned_run import Run
from relscale.planner.named_model import NamedModel, RegisterSpec
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.family_kinds import two_stage_options
from relscale.workflow.statistics_specs import has_statistics

LAW_TABLES = tuple(table.name for table in FAMILY_TABLES)
"""Tables of laws that each family has, and that are gathered over all families."""
SUITE_CONTRAST_TABLES = (SUITE_CONTRASTS.name, SUITE_CONTRAST_POINTS.name)
"""Tables of the contrasts between suites."""
OF_SUITE_CONTRASTS = (
    *("compute", "optimum_by", "margin_share", "margin_floor", "level", "draws", "seed"),
)
"""Keys of the laws that decide contrasts between suites."""


def has_two_stage_law(experiment: PlannedExperiment, family: str) -> bool:
    """Return whether the two-stage law applies to a family."""
    axes = experiment.settings.laws.two_stage
    return two_stage_options(experiment.family(family), axes) is not None


def two_stage_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families with a two-stage law; the first has the clearest sigmoid."""
    found = [name for name in experiment.families if has_two_stage_law(experiment, name)]
    return sorted(found, key=lambda name: not experiment.family(name).options_alike)


def prompt_families(experiment: PlannedExperiment) -> dict[str, str]:
    """Return the prompt of each evaluated family whose prompts are compared."""
    prompts = {name: experiment.family(name).compared_prompt() for name in experiment.families}
    return {name: prompt for name, prompt in prompts.items() if prompt is not None}


def has_covariate(experiment: PlannedExperiment) -> bool:
    """Return whether slopes are correlated with a covariate of their domains.

    A losses table may have any family of the name `language`, so that its figure decides.
    """
    shown = "figure5_language" in experiment.settings.figures.names
    return "language" in experiment.families and (shown or not experiment.from_table)


def has_suite_contrasts(experiment: PlannedExperiment) -> bool:
    """Return whether suites are compared with each other."""
    return bool(experiment.settings.laws.suite_contrasts)


def frontiers(experiment: PlannedExperiment) -> dict[str, tuple[str, ...]]:
    """Return the members of each tuned frontier; none if nothing is trained."""
    if not experiment.trained:
        return {}
    return {name: tuple(members) for name, members in experiment.settings.tuning.items()}


def tuned_spec(experiment: PlannedExperiment) -> TunedSpec:
    """Return the spec of the laws on tuned frontiers."""
    optimum_by = experiment.settings.laws.optimum_by
    return TunedSpec(
        frontiers=frontiers(experiment),
        optimum_by=optimum_by,
        metric=experiment.family(optimum_by).metrics[0],
        laws=tuple(
            law_spec(experiment, name)
            for name in experiment.families
            if experiment.family(name).baseline
        ),
    )


def has_arms(experiment: PlannedExperiment) -> bool:
    """Return whether corpora of the suite are also trained with changed settings."""
    return experiment.trained and bool(experiment.settings.suite.arms)


def suite_tables(experiment: PlannedExperiment) -> list[str]:
    """Return the tables of laws that are made once for the whole suite."""
    tables = ["optima"]
    if has_covariate(experiment):
        tables.append("correlation")
    if prompt_families(experiment):
        tables.append("prompts")
    if experiment.registered_budgets:
        tables.append("scores")
    if experiment.settings.laws.representation is not None:
        tables.append("representation")
    if experiment.controls:
        tables += ["controls", "control_slopes"]
    if has_statistics(experiment):
        tables.append("statistics_exponents")
    if has_suite_contrasts(experiment):
        tables += SUITE_CONTRAST_TABLES
    if frontiers(experiment):
        tables += ["tuned", "tuned_sizes"]
    if has_arms(experiment):
        tables.append("conditions")
    if "curve_forecasts" in experiment.settings.figures.names:
        tables.append("curve_forecasts")
    return tables


def outside_models(experiment: PlannedExperiment, family: str) -> list[str]:
    """Return the table of models outside the suite, for a family with a two-stage law."""
    path = experiment.settings.laws.two_stage.outside_models
    return [path] if path is not None and has_two_stage_law(experiment, family) else []


def law_spec(experiment: PlannedExperiment, family: str) -> LawSpec:
    """Return the spec of a family's laws."""
    laws, settings = experiment.settings.laws, experiment.family(family)
    options = two_stage_options(settings, laws.two_stage)
    axes = {} if options is None else laws.two_stage.model_dump(exclude={"outside_models"})
    return LawSpec(
        **laws.model_dump(
            exclude={"two_stage", "register_largest", "representation", "suite_contrasts"}
        ),
        **axes,
        family=family,
        baseline=settings.baseline,
        metrics=tuple(settings.metrics),
        chance=None if options is None else 1 / options,
        paired_items=settings.pairs_items,
        **_stated(experiment),
    )


def _stated(experiment: PlannedExperiment) -> dict[str, Any]:
    """Return the directions of metrics that a losses table states."""
    table = experiment.settings.losses
    return {
        "higher_is_better": () if table is None else tuple(table.higher_is_better),
        "lower_is_better": () if table is None else tuple(table.lower_is_better),
    }


def baselines_spec(experiment: PlannedExperiment, family: str) -> BaselinesSpec:
    """Return the spec of a family's relative laws against each of its other domains."""
    settings = experiment.family(family)
    spec = dict(law_spec(experiment, family))
    if settings.of_table:
        most = experiment.settings.figures.explorer_baselines
        return BaselinesSpec(**spec, baselines=(), all_up_to=most)
    # Sorted: the order of the keys of a configuration decides colours, but no law.
    others = sorted(set(settings.domain_names()) - {settings.baseline})
    return BaselinesSpec(**spec, baselines=tuple(others))


def predict_spec(experiment: PlannedExperiment, family: str) -> RegisterSpec:
    """Return the spec of the predictions of the largest budgets' runs on a family."""
    spec = law_spec(experiment, family)
    return RegisterSpec(
        laws=spec.model_copy(update={"metrics": spec.metrics[:1]}),
        models={
            corpus: tuple(
                _named(experiment.run_by_name[run])
                for run in experiment.runs_of(corpus, budgets[-1])
            )
            for corpus, budgets in experiment.registered_budgets.items()
        },
    )


def _named(run: Run) -> NamedModel:
    """Return a run as the laws see its size: parameters of transformer and head."""
    parameters = count_parameters(run.shape)
    counted = parameters.transformer + parameters.head
    return NamedModel(name=run.run, params=counted, tokens=run.tokens)


def contrasts_of_family(experiment: PlannedExperiment, family: str) -> tuple[SuiteContrast, ...]:
    """Return the suites that are compared on a family: those that are scored on the same texts.

    The held-out text of a validation family is that of the corpus, which arms may share.
    """
    contrasts = experiment.settings.laws.suite_contrasts
    if experiment.family(family).kind != "validation":
        return contrasts
    corpus_of = experiment.corpus_of
    return tuple(
        each for each in contrasts if corpus_of(each.treatment) == corpus_of(each.baseline)
    )


def contrasted_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families on which suites are compared."""
    return [name for name in experiment.families if contrasts_of_family(experiment, name)]


def suite_contrasts_spec(experiment: PlannedExperiment) -> SuiteContrastsSpec:
    """Return the spec of the contrasts between suites, over all families."""
    laws = experiment.settings.laws
    families = [
        FamilyContrasts(
            laws=LawSpec(
                **laws.model_dump(include=set(OF_SUITE_CONTRASTS)),
                family=name,
                metrics=tuple(experiment.family(name).metrics),
                **_stated(experiment),
            ),
            contrasts=contrasts_of_family(experiment, name),
        )
        for name in contrasted_families(experiment)
    ]
    return SuiteContrastsSpec(families=tuple(families))


def optima_spec(experiment: PlannedExperiment) -> OptimaSpec:
    """Return the spec of the compute-optimal points."""
    laws = experiment.settings.laws
    return OptimaSpec(
        family=laws.optimum_by,
        optimum_by=laws.optimum_by,
        metrics=tuple(experiment.family(laws.optimum_by).metrics),
        compute=laws.compute,
        level=laws.level,
        **_stated(experiment),
    )


def conditions_spec(experiment: PlannedExperiment) -> ConditionsSpec:
    """Return the spec of the laws of training conditions."""
    laws, suite = experiment.settings.laws, experiment.settings.suite
    metrics = experiment.family(laws.optimum_by).metrics
    return ConditionsSpec(
        family=laws.optimum_by,
        metrics=tuple(
            name for name in metrics if name not in METRICS or METRICS[name].lower_is_better
        ),
        compute=laws.compute,
        level=laws.level,
        arms={name: arm.facts for name, arm in suite.arms.items()},
    )


def curve_forecasts_spec(experiment: PlannedExperiment) -> CurveForecastsSpec:
    """Return the spec of the forecasts of training curves."""
    return CurveForecastsSpec(level=experiment.settings.laws.level)


def prompts_spec(experiment: PlannedExperiment) -> PromptsSpec:
    """Return the spec of the comparison of prompts."""
    laws = experiment.settings.laws
    return PromptsSpec(
        prompts=prompt_families(experiment),
        compute=laws.compute,
        window=experiment.window,
        level=laws.level,
    )


def representation_family(experiment: PlannedExperiment) -> str:
    """Return the family of the question of representation.

    Raises:
        ValueError: if the configuration asks no such question.
    """
    asked = experiment.settings.laws.representation
    if asked is None:
        raise ValueError(f"{experiment.name}: has no laws.representation")
    return asked.family


def representation_spec(experiment: PlannedExperiment) -> RepresentationSpec:
    """Return the spec of the table `representation`."""
    spec = law_spec(experiment, representation_family(experiment))
    asked = experiment.settings.laws.representation
    return RepresentationSpec.model_validate({**dict(spec), "representation": asked})


def correlation_spec(experiment: PlannedExperiment) -> CorrelationSpec:
    """Return the spec of the correlation of slopes with a covariate."""
    laws = experiment.settings.laws
    covariate = experiment.settings.figures.covariates.removesuffix(".csv")
    return CorrelationSpec(covariate=covariate, level=laws.level, seed=laws.seed)
