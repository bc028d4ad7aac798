"""Checks of laws: the metrics of the two-stage law, and the family that locates the optima."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in


def check_two_stage(sections: Sections) -> list[Problem]:
    """Check that evaluated continuation families have both metrics of the two-stage law."""
    laws, families = sections.laws, sections.families
    if laws is None or families is None:
        return []
    problems: list[Problem] = []
    for name in sections.evaluate or ():
        if name not in families or families[name].kind != "continuation":
            continue
        metrics = families[name].metrics
        for axis in ("loss_metric", "accuracy_metric"):
            key = ("laws", "two_stage", axis)
            value = getattr(laws.two_stage, axis)
            problems += unless_in(key, value, f"families.{name}.metrics", metrics)
    return problems


def check_optimum(sections: Sections) -> list[Problem]:
    """Check that the family that locates the optima is evaluated."""
    if sections.laws is None or sections.evaluate is None:
        return []
    key = ("laws", "optimum_by")
    return unless_in(key, sections.laws.optimum_by, "evaluate", sections.evaluate)
