"""Spec of the stage that reads a losses table. Light imports: the Snakefile builds it."""

from relscale.config.base import Label, Model
from relscale.config.losses import LossesTable


class LossesTableSpec(Model):
    """How a losses table becomes the losses of the families."""

    table: LossesTable
    """The file, and how its columns become ours."""
    families: dict[str, list[Label]]
    """Families to write, each with the domains that it must have."""
