"""Draw topics: absolute laws (top) and relative laws (bottom), one column per corpus."""

from matplotlib.figure import Figure

from relscale.figures.kit.family import family_figure
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.tables import Tables
from relscale.figures.topics import FIGURE, TopicsSettings


def draw(tables: Tables, settings: TopicsSettings) -> Figure:
    """Draw the figure from points, absolute and relative."""
    return family_figure(tables, settings)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
