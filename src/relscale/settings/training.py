"""Settings: how training is kept safe. Nothing here decides a result, so no change of it makes a run stale."""

from typing import Annotated

from pydantic import Field

from relscale.settings.base import Model, Positive


class Training(Model):
    """When a run is saved, so that it can go on after a kill."""

    checkpoint_every_steps: Positive | None = None
    """Save a checkpoint after so many steps; none goes by time alone."""
    checkpoint_every_minutes: Annotated[float, Field(gt=0)] = 10.0
    """Save a checkpoint after so many minutes."""
