"""Behaviour: the probability of the wanted text of each pair above, its change relative to the
baseline below."""

from typing import Any

from matplotlib.figure import Figure

from relscale.figures.kit.command import Tables, main, settings
from relscale.figures.kit.family import FAMILY_DEFAULTS, family_figure


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `points`, `absolute` and `relative`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(
        spec, {**FAMILY_DEFAULTS, "family": "behaviour", "metric": "choice_probability_per_byte"}
    )
    return family_figure(tables, chosen)[0]


if __name__ == "__main__":
    main(draw)
