"""Checks of controls: the family that chooses the order of n-grams, and the figure of controls."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem

FIGURE = "controls"
METRIC = "bits_per_byte"


def check_order(sections: Sections) -> list[Problem]:
    """Check that the family that locates the optima has the metric of controls.

    It chooses the order of the n-grams for each size of text.
    """
    if not sections.controls or not sections.trained:
        return []
    if sections.laws is None or sections.families is None:
        return []
    name = sections.laws.optimum_by
    family = sections.families.get(name)
    if family is None or METRIC in family.reported_metrics():
        return []
    message = (
        f"controls are compared in {METRIC}, which laws.optimum_by = {name!r} does not have: add "
        f"it to families.{name}.metrics, take another family, or leave controls out"
    )
    return [(("controls",), message)]


def check_figure(sections: Sections) -> list[Problem]:
    """Check that there are controls where their figure is drawn."""
    figures = sections.figures
    if figures is None or FIGURE not in figures.names or not sections.trained:
        return []
    if sections.controls:
        return []
    key = ("figures", "names", figures.names.index(FIGURE))
    return [(key, "shows controls, and `controls` names none: add ngram, or leave the figure out")]
