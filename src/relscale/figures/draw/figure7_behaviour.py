"""Draw behaviour: the probability of the wanted text (top) and its relative change (bottom)."""

from matplotlib.figure import Figure

from relscale.figures.figure7_behaviour import FIGURE, BehaviourSettings
from relscale.figures.kit.family import family_figure
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.tables import Tables


def draw(tables: Tables, settings: BehaviourSettings) -> Figure:
    """Draw the figure from points, absolute and relative."""
    return family_figure(tables, settings)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
