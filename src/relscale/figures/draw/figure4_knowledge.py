"""Draw knowledge: absolute laws of groups of subjects (top) and their relative laws (bottom)."""

from matplotlib.figure import Figure

from relscale.figures.figure4_knowledge import FIGURE, KnowledgeSettings
from relscale.figures.kit.family import family_figure
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.tables import Tables


def draw(tables: Tables, settings: KnowledgeSettings) -> Figure:
    """Draw the figure from points, absolute and relative."""
    return family_figure(tables, settings)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
