"""Checks of laws: metrics of the two-stage law, the family of the optima, contrasts of suites."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in

SUITE_FIGURE = "suite_contrasts"
"""The figure of contrasts between suites."""


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


def check_suite_contrasts(sections: Sections) -> list[Problem]:
    """Check that suites that are compared are trained, and scored on texts that all share."""
    laws, suite, figures = sections.laws, sections.suite, sections.figures
    if laws is None:
        return []
    if not laws.suite_contrasts:
        drawn = figures is not None and SUITE_FIGURE in figures.names
        text = f"is empty, and figures.names has {SUITE_FIGURE}: name two corpora to compare"
        return [(("laws", "suite_contrasts"), text)] if drawn else []
    if suite is None or not sections.trained:
        return []
    problems: list[Problem] = []
    families, evaluate = sections.families or {}, sections.evaluate or ()
    kinds = {families[name].kind for name in evaluate if name in families}
    for index, contrast in enumerate(laws.suite_contrasts):
        names = contrast.treatment, contrast.baseline
        for side, name in zip(("treatment", "baseline"), names, strict=True):
            key = ("laws", "suite_contrasts", index, side)
            problems += unless_in(key, name, "suite.corpora and suite.arms", suite.trained_names)
        known = set(names) <= set(suite.trained_names)
        if kinds == {"validation"} and known and len(set(map(suite.corpus_of, names))) > 1:
            text = "needs an evaluated family with the same texts for both, not validation alone"
            problems.append((("laws", "suite_contrasts", index), text))
    return problems
