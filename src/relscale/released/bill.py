"""The plan of released models as text: which are scored, on which families. Light imports."""

from collections import Counter
from collections.abc import Sequence

from relscale.config.experiment import Experiment
from relscale.config.released import ReleasedModelRow


def released_bill(rows: Sequence[ReleasedModelRow]) -> str:
    """Return how many models and IsoFLOP curves a table has, as one line."""
    curves = {(row.corpus, row.budget) for row in rows}
    return (
        f"{len(rows)} released models of {len(curves)} IsoFLOP curves are scored; nothing is "
        "trained\n"
    )


def released_plan(rows: Sequence[ReleasedModelRow], experiment: Experiment) -> str:
    """Return the plan of an experiment that scores released models.

    It lists the models by corpus and budget, the families, and the jobs.

    Args:
        rows: the table of released models.
        experiment: the configuration; its `released` is set.
    """
    settings = experiment.released
    assert settings is not None
    curves = Counter((row.corpus, row.budget) for row in rows)
    width = max(16, *(len(corpus) + 2 for corpus, _ in curves))
    lines = [f"{'corpus':<{width}}{'budget':>8}{'models':>8}"]
    lines += [
        f"{corpus:<{width}}{budget:>8}{models:>8}" for (corpus, budget), models in curves.items()
    ]
    window = "each model's own" if settings.max_length is None else f"{settings.max_length:,}"
    where = "a GPU" if settings.gpu else "the CPU"
    return (
        "\n".join(lines)
        + f"\n{released_bill(rows)}"
        + f"families: {', '.join(experiment.evaluate)}; window: {window} tokens\n"
        + f"{len(curves) * len(experiment.evaluate)} scoring jobs on {where}, each with "
        + f"{settings.mem_mb:,} MB and up to {settings.runtime_minutes:,} minutes\n"
    )
