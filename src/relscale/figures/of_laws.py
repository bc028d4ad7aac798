"""Figures of laws that were fitted in this process, drawn by the modules that the workflow uses."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from matplotlib.figure import Figure as Drawing

from relscale.figures import find
from relscale.figures.isoflop_curves import IsoflopCurvesSettings
from relscale.figures.kit.runner import drawn
from relscale.figures.kit.style import styled
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings, FamilySettings, FamilyView, Shown
from relscale.laws.spec import FAMILY_MEAN, LawSpec

LAWS = "laws"
"""Name of the figure of absolute and relative laws of any family."""
FIGURES = {
    LAWS: "family_laws",
    **{
        name: name
        for name in (
            "estimators",
            "forecast",
            "backtest",
            "residuals",
            "detectable",
            "floors_and_rates",
            "loss_to_loss",
            "isoflop_curves",
        )
    },
}
"""Figures that the tables of one family are enough for, and the modules that draw them."""


def draw_laws(
    name: str,
    tables: Tables,
    spec: LawSpec,
    *,
    metric: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Drawing:
    """Draw a figure of one family.

    Args:
        name: a key of `FIGURES`.
        tables: law tables, `optima` and `losses`, by name.
        spec: how the laws were fitted.
        metric: metric to show; None for the first.
        labels: words to draw instead of keys.

    Raises:
        ValueError: for a figure or metric that is not there; the message lists the choices.
    """
    if name not in FIGURES:
        raise ValueError(f"figure {name!r}: unknown; the choices are {', '.join(FIGURES)}")
    if metric is not None and metric not in spec.metrics:
        raise ValueError(
            f"metric {metric!r}: was not fitted; the choices are {', '.join(spec.metrics)}"
        )
    figure = find(FIGURES[name])
    settings = _settings(figure.settings, spec, metric or spec.metrics[0], dict(labels or {}))
    with styled():
        return drawn(figure, import_module(figure.drawing).draw, tables, settings)


def _settings(model: type[Shown], spec: LawSpec, metric: str, labels: dict[str, str]) -> Shown:
    """Return the settings of a figure for the family of a spec."""
    view: dict[str, Any] = {
        "family": spec.family,
        "metric": metric,
        "baseline": spec.baseline or "",
    }
    known: dict[str, Any] = {
        "labels": labels,
        "higher_is_better": spec.higher_is_better,
        "lower_is_better": spec.lower_is_better,
    }
    if "compute" in model.model_fields:
        known["compute"] = spec.compute
    if issubclass(model, FamilySettings):
        known |= {**view, "estimator": spec.estimators[0]}
    elif issubclass(model, ComparedSettings):
        known |= {"families": (FamilyView(**view),), "estimator": spec.estimators[0]}
    elif issubclass(model, IsoflopCurvesSettings):
        mean = spec.optimum_by == FAMILY_MEAN
        known["family"] = spec.family if mean else spec.optimum_by
    return model(**known)
