"""Draw the laws of one family: absolute laws (top), relative laws (bottom), a column per corpus."""

from matplotlib.figure import Figure

from relscale.figures.family_laws import FIGURE
from relscale.figures.kit.choose import ordered
from relscale.figures.kit.family import family_figure
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import FamilySettings


def draw(tables: Tables, settings: FamilySettings) -> Figure:
    """Draw the figure from points, absolute and relative."""
    return family_figure(tables, settings if settings.family else _first_family(tables, settings))


def _first_family(tables: Tables, settings: FamilySettings) -> FamilySettings:
    """Return the settings for the first family of the tables by name, and its metric."""
    rows = next((tables[name] for name in ("relative", "points") if len(tables[name])), None)
    if rows is None:
        return settings
    family = ordered([], rows["family"])[0]
    metrics = ordered([], rows.loc[rows["family"] == family, "metric"])
    metric = settings.metric if settings.metric in metrics else metrics[0]
    return settings.model_copy(update={"family": family, "metric": metric})


if __name__ == "__main__":
    run_figure(FIGURE, draw)
