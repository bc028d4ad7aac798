"""Checks of experiments with a losses table: nothing may need text, a run or a model."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem
from relscale.config.figures import NOT_OF_TABLES
from relscale.contract.directions import known_direction


def check_losses(sections: Sections) -> list[Problem]:
    """Check that there are not released models as well."""
    if "losses" not in sections.given or "released" not in sections.given:
        return []
    message = "an experiment has either a losses table or released models: leave one out"
    return [(("losses",), message)]


def check_families(sections: Sections) -> list[Problem]:
    """Check that the families of a losses table are of kind `table`, and no others are."""
    problems: list[Problem] = []
    families, of_table = sections.families or {}, "losses" in sections.given
    for index, name in enumerate(sections.evaluate or ()):
        if name not in families or families[name].of_table == of_table:
            continue
        message = (
            f"a family of kind {families[name].kind} needs texts and models, but the losses are "
            "read from a table: use a family of kind table"
            if of_table
            else "a family of kind table needs a section `losses` with the table"
        )
        problems.append((("evaluate", index), message))
    return problems


def check_metrics(sections: Sections) -> list[Problem]:
    """Check that it is known of every metric whether a larger or a smaller value is better."""
    table, families = sections.losses, sections.families
    if table is None or families is None:
        return []
    stated = {*table.higher_is_better, *table.lower_is_better}
    message = (
        "whether a larger or a smaller value is better is not known from this name: list it in "
        "losses.higher_is_better or losses.lower_is_better"
    )
    return [
        (("families", name, "metrics", index), message)
        for name, family in families.items()
        if family.of_table
        for index, metric in enumerate(family.metrics)
        if known_direction(metric) is None and metric not in stated
    ]


def check_figures(sections: Sections) -> list[Problem]:
    """Check that a losses table is enough for every figure."""
    if "losses" not in sections.given or sections.figures is None:
        return []
    return [
        (
            ("figures", "names", index),
            f"cannot be drawn from a losses table: {NOT_OF_TABLES[name]}",
        )
        for index, name in enumerate(sections.figures.names)
        if name in NOT_OF_TABLES
    ]
