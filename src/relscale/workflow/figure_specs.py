"""The tables that each figure is drawn from, its spec, and its category in the report."""

from typing import Any

from relscale.config.families import domains_of
from relscale.config.figures import figure_families
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.law_specs import prompt_families, two_stage_families
from relscale.workflow.layout import Layout

REFERENCE = "workflow/reference"
"""Folder of published numbers that figures show next to ours."""
FORMATS = ("svg", "pdf", "png")
"""Files of each figure."""
PAPER_FAMILIES = {
    "knowledge": "knowledge",
    "language": "language",
    "behaviour": "risk",
    "risk": "risk",
}
"""The paper's family that each of ours is compared with."""
CATEGORIES = {
    "figure": "1 Figures of the paper",
    "topics": "1 Figures of the paper",
    "isoflop": "2 Diagnostics",
    "loss": "2 Diagnostics",
    "residuals": "2 Diagnostics",
    "backtest": "2 Diagnostics",
    "estimators": "2 Diagnostics",
    "detectable": "2 Diagnostics",
    "paper": "3 Beside the paper",
}
"""Category in the report, by the beginning of a figure's name."""

Tables = dict[str, list[str]]
"""Paths of tables by the name that a figure gives them."""


def category(figure: str) -> str:
    """Return the category of a figure in the report."""
    return next(name for start, name in CATEGORIES.items() if figure.startswith(start))


def compared_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families whose domains are compared with a baseline."""
    return [name for name in experiment.families if experiment.family(name).baseline]


def teaser_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families that the teaser shows."""
    return [name for name in experiment.settings.figures.teaser if name in experiment.families]


def paper_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families that the paper has, too."""
    return [name for name in PAPER_FAMILIES if name in experiment.families]


def family_view(experiment: PlannedExperiment, family: str) -> dict[str, Any]:
    """Return a family as figures and pages show it: its main metric, baseline and domains."""
    settings = experiment.family(family)
    return {
        "family": family,
        "metric": settings.metrics[0],
        "baseline": settings.baseline or "",
        "domains": domains_of(settings),
    }


def figure_tables(experiment: PlannedExperiment, layout: Layout, figure: str) -> Tables:
    """Return the tables that a figure is drawn from."""
    shown = figure_families(experiment.families)
    if figure in shown:
        tables = _law_tables(layout, [shown[figure]], "points", "absolute", "relative")
        if figure == "figure5_language":
            tables["covariates"] = [f"{REFERENCE}/{experiment.settings.figures.covariates}"]
        return tables
    return _TABLES[figure](experiment, layout)


def figure_spec(experiment: PlannedExperiment, figure: str) -> dict[str, Any]:
    """Return the spec of a figure."""
    shown, figures = figure_families(experiment.families), experiment.settings.figures
    if figure in shown:
        spec = _drawn(experiment) | family_view(experiment, shown[figure])
        spec["paper_line"] = figures.paper_line
        if figure == "figure5_language":
            spec["covariate_label"] = figures.covariate_label
        return spec
    return _SPECS[figure](experiment)


def _law_tables(layout: Layout, families: list[str], *kinds: str) -> Tables:
    return {kind: [layout.law_table(family, kind) for family in families] for kind in kinds}


def _suite_table(layout: Layout, name: str) -> list[str]:
    return [f"{layout.results}/tables/{name}"]


def _optima(layout: Layout) -> list[str]:
    return [f"{layout.results}/laws/optima.csv"]


def _teaser_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return _law_tables(layout, teaser_families(experiment), "points", "relative")


def _pipeline_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    optimum_by, choice = experiment.settings.laws.optimum_by, two_stage_families(experiment)[:1]
    losses = [layout.family_table(family, "losses") for family in [optimum_by, *choice]]
    return (
        {"losses": losses, "optima": _optima(layout)}
        | _law_tables(layout, [optimum_by], "points", "absolute")
        | _law_tables(layout, choice, "two_stage", "predictions")
    )


def _prompts_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    tables = {
        "losses": _suite_table(layout, "losses.parquet"),
        "prompts": [f"{REFERENCE}/paper_prompts.csv"],
    }
    if prompt_families(experiment):
        tables["own_prompts"] = [f"{layout.results}/laws/prompts.csv"]
    return tables


def _size_or_data_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return _law_tables(layout, [experiment.settings.figures.size_or_data], "decomposition")


def _isoflop_curves_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    losses = layout.family_table(experiment.settings.laws.optimum_by, "losses")
    return {"losses": [losses], "optima": _optima(layout)}


def _loss_curves_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return {
        "curve": _suite_table(layout, "curves.csv"),
        "suite": _suite_table(layout, "suite.csv"),
    }


def _isoflop_metrics_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return {
        "losses": _suite_table(layout, "losses.parquet"),
        "optima": _optima(layout),
        "points": [f"{layout.results}/laws/points.csv"],
    }


def _residuals_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return _law_tables(layout, compared_families(experiment), "points", "absolute", "relative")


def _backtest_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return _law_tables(layout, compared_families(experiment), "backtest")


def _detectable_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return _law_tables(layout, compared_families(experiment), "relative")


def _estimators_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    return _law_tables(layout, teaser_families(experiment), "relative")


def _paper_beside_tables(experiment: PlannedExperiment, layout: Layout) -> Tables:
    tables = _law_tables(layout, paper_families(experiment), "points", "relative")
    return tables | {"published": [f"{REFERENCE}/paper_slopes.csv"]}


def _common(experiment: PlannedExperiment) -> dict[str, Any]:
    return {"corpora": experiment.corpora, "labels": experiment.settings.figures.labels}


def _by_law(experiment: PlannedExperiment) -> dict[str, Any]:
    return _common(experiment) | {"estimator": experiment.settings.laws.estimators[0]}


def _drawn(experiment: PlannedExperiment) -> dict[str, Any]:
    return _by_law(experiment) | {
        "compute": experiment.settings.laws.compute,
        "extrapolate_decades": experiment.settings.figures.extrapolate_decades,
    }


def _views(experiment: PlannedExperiment, families: list[str]) -> list[dict[str, Any]]:
    return [family_view(experiment, family) for family in families]


def _teaser_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    figures = experiment.settings.figures
    return _drawn(experiment) | {
        "corpus": figures.corpus,
        "families": _views(experiment, teaser_families(experiment)),
        "paper_line": figures.paper_line,
    }


def _pipeline_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    laws, figures = experiment.settings.laws, experiment.settings.figures
    return _common(experiment) | {
        "corpus": figures.corpus,
        "family": laws.optimum_by,
        "choice_family": "".join(two_stage_families(experiment)[:1]),
        "compute": laws.compute,
        "extrapolate_decades": figures.extrapolate_decades,
    }


def _prompts_figure_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    return _common(experiment) | {
        "compute": experiment.settings.laws.compute,
        "window": experiment.window,
    }


def _size_or_data_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    family = experiment.settings.figures.size_or_data
    return _common(experiment) | family_view(experiment, family)


def _isoflop_curves_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    laws = experiment.settings.laws
    return _common(experiment) | {"family": laws.optimum_by, "compute": laws.compute}


def _loss_curves_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    budgets = [budget.label for budget in experiment.settings.suite.budgets]
    return _common(experiment) | {"budgets": budgets}


def _isoflop_metrics_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    families = [
        {
            "family": name,
            "metrics": experiment.family(name).metrics,
            "domain": experiment.family(name).baseline or "",
        }
        for name in experiment.families
    ]
    return _common(experiment) | {
        "families": families,
        "compute": experiment.settings.laws.compute,
    }


def _residuals_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    return _compared_spec(experiment) | {"compute": experiment.settings.laws.compute}


def _compared_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    return _by_law(experiment) | {"families": _views(experiment, compared_families(experiment))}


def _estimators_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    return _by_law(experiment) | {"families": _views(experiment, teaser_families(experiment))}


def _paper_beside_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    families = [
        family_view(experiment, name) | {"paper": PAPER_FAMILIES[name]}
        for name in paper_families(experiment)
    ]
    return _by_law(experiment) | {
        "families": families,
        "pairs": experiment.settings.figures.paper_corpora,
    }


_TABLES = {
    "figure1_teaser": _teaser_tables,
    "figure2_pipeline": _pipeline_tables,
    "figure3_prompts": _prompts_tables,
    "figure6_size_or_data": _size_or_data_tables,
    "isoflop_curves": _isoflop_curves_tables,
    "loss_curves": _loss_curves_tables,
    "isoflop_metrics": _isoflop_metrics_tables,
    "residuals": _residuals_tables,
    "backtest": _backtest_tables,
    "detectable": _detectable_tables,
    "estimators": _estimators_tables,
    "paper_beside": _paper_beside_tables,
}
_SPECS = {
    "figure1_teaser": _teaser_spec,
    "figure2_pipeline": _pipeline_spec,
    "figure3_prompts": _prompts_figure_spec,
    "figure6_size_or_data": _size_or_data_spec,
    "isoflop_curves": _isoflop_curves_spec,
    "loss_curves": _loss_curves_spec,
    "isoflop_metrics": _isoflop_metrics_spec,
    "residuals": _residuals_spec,
    "backtest": _compared_spec,
    "detectable": _compared_spec,
    "estimators": _estimators_spec,
    "paper_beside": _paper_beside_spec,
}
