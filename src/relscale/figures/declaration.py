"""How a figure is declared: one `Figure` per module of `relscale.figures`.

Light imports: the workflow reads the declarations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from relscale.figures.context import Context, Paths
from relscale.figures.settings import Shown

SettingsType = TypeVar("SettingsType", bound=Shown)


class Category(StrEnum):
    """Categories of the report, in its order."""

    PAPER = "1 Figures of the paper"
    DIAGNOSTICS = "2 Diagnostics"
    COMPARISON = "3 Comparison with the paper"


@dataclass(frozen=True, kw_only=True)
class Figure(Generic[SettingsType]):
    """A figure: the tables that it is drawn from, its settings, and its place in the report."""

    name: str
    """Name of the declaring module, of the drawing module and of the files."""
    category: Category
    """Category in the report."""
    caption: str
    """Caption in the report, as reStructuredText."""
    caption_of_table: str = ""
    """Caption in an experiment with a losses table, where the other one describes test texts that
    are scored here; empty if it fits both."""
    tables: Mapping[str, Paths]
    """For each table, a function that returns its paths in an experiment; rows are concatenated.

    The keys are those of `relscale.figures.kit.tables.COLUMNS`. A table without a path is drawn as
    an empty table.
    """
    settings: type[SettingsType]
    """Model of the settings; the defaults draw the figure from any tables."""
    settings_of: Callable[[Context], SettingsType]
    """Returns the settings in an experiment."""
    family: Callable[[Context], str] | None = None
    """Returns the one family that the figure shows, which must be evaluated; None if it shows
    whichever families are there."""
    needs_runs: bool = False
    """Whether the figure shows the training of runs, which released models do not have."""

    def settings_in(self, context: Context) -> SettingsType:
        """Return the settings in an experiment, with the directions that its table states."""
        return self.settings_of(context).model_copy(update=dict(context.directions))

    def paths(self, context: Context) -> dict[str, list[str]]:
        """Return the paths of the tables in an experiment, without tables that have none."""
        found = {table: paths(context) for table, paths in self.tables.items()}
        return {table: paths for table, paths in found.items() if paths}

    def caption_in(self, *, of_table: bool) -> str:
        """Return the caption in an experiment.

        Args:
            of_table: whether its losses are read from a table.
        """
        return (self.caption_of_table if of_table else "") or self.caption

    @property
    def drawing(self) -> str:
        """Module that draws the figure; its code digest is that of the figure."""
        return f"relscale.figures.draw.{self.name}"
