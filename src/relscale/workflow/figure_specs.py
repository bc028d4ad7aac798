"""The figures of an experiment: their tables and specs, from their declarations."""

from relscale import figures
from relscale.config.base import Model
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
        own_files=experiment.own_files,
    )


def figure_tables(experiment: PlannedExperiment, name: str) -> dict[str, list[str]]:
    """Return the paths of the tables that a figure is drawn from, by the table's name."""
    return figures.find(name).paths(figure_context(experiment))


def figure_spec(experiment: PlannedExperiment, name: str) -> Model:
    """Return the spec of a figure."""
    settings: Model = figures.find(name).settings_in(figure_context(experiment))
    return settings


def compared_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families whose domains are compared with a baseline."""
    return [name for name in experiment.families if experiment.family(name).baseline]
