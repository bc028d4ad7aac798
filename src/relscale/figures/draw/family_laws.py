"""Draw the laws of one family: absolute laws (top), relative laws (bottom), a column per corpus."""

from matplotlib.figure import Figure

from relscale.figures.family_laws import FIGURE
from relscale.figures.kit.family import family_figure
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import FamilySettings


def draw(tables: Tables, settings: FamilySettings) -> Figure:
    """Draw the figure from points, absolute and relative."""
    return family_figure(tables, settings)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
