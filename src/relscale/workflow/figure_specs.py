"""The figures of an experiment: their tables and specs, from their declarations."""

from typing import Any

from relscale import figures
from relscale.figures.context import Context
from relscale.figures.experiment import context_of
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.law_specs import has_two_stage_law

FORMATS = ("svg", "pdf", "png")
"""Files of each figure."""


def figure_context(experiment: PlannedExperiment) -> Context:
    """Return an experiment as the declarations of figures see it."""
    families = experiment.settings.families
    return context_of(
        experiment.settings,
        corpora=experiment.corpora,
        two_stage=[name for name in families if has_two_stage_law(experiment, name)],
    )


def figure_tables(experiment: PlannedExperiment, name: str) -> dict[str, list[str]]:
    """Return the paths of the tables that a figure is drawn from, by the table's name."""
    return figures.find(name).paths(figure_context(experiment))


def figure_spec(experiment: PlannedExperiment, name: str) -> dict[str, Any]:
    """Return the spec of a figure."""
    settings = figures.find(name).settings_of(figure_context(experiment))
    spec: dict[str, Any] = settings.model_dump(mode="json")
    return spec


def compared_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families whose domains are compared with a baseline."""
    return [name for name in experiment.families if experiment.family(name).baseline]


def family_view(experiment: PlannedExperiment, family: str) -> dict[str, Any]:
    """Return a family as pages show it: its main metric, baseline and domains."""
    settings = experiment.family(family)
    return {
        "family": family,
        "metric": settings.metrics[0],
        "baseline": settings.baseline or "",
        "domains": settings.domain_names(),
    }
