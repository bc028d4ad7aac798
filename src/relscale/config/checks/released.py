"""Checks of experiments with released models: nothing may need a run of our own."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem


def check_released(sections: Sections) -> list[Problem]:
    """Check that released models are not asked for something that only trained runs have."""
    if sections.released is None:
        return []
    problems: list[Problem] = []
    families, figures = sections.families or {}, sections.figures
    for index, name in enumerate(sections.evaluate or ()):
        if name in families and families[name].needs_suite:
            kind = families[name].kind
            message = (
                f"a family of kind {kind} needs the corpus and tokenizer of trained runs, "
                "but released models are evaluated: leave it out"
            )
            problems.append((("evaluate", index), message))
    if figures is not None and "loss_curves" in figures.names:
        key = ("figures", "names", figures.names.index("loss_curves"))
        problems.append((key, "released models have no loss curves: leave it out"))
    if figures is not None and "controls" in figures.names:
        key = ("figures", "names", figures.names.index("controls"))
        message = "controls need the corpora of trained runs, which released models do not have"
        problems.append((key, f"{message}: leave it out"))
    return problems
