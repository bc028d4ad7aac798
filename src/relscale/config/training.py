"""Settings: how training is kept safe, and what it may take. Nothing here decides a result, so no
change of it makes a run stale."""

from typing import Annotated

from pydantic import Field

from relscale.config.base import Model, Positive


class Training(Model):
    """When a run is saved, so that it can go on after a kill; what it may take of a machine; what
    it writes beside its results."""

    checkpoint_every_steps: Positive | None = None
    """Save a checkpoint after so many steps; none goes by time alone."""
    checkpoint_every_minutes: Annotated[float, Field(gt=0)] = 10.0
    """Save a checkpoint after so many minutes."""
    gpus_per_run: Positive = 1
    """The most GPUs that one run may take: 1, 2, 4 or 8. It takes as few as its memory needs and as
    let it end within `hours_per_run`."""
    gpu_memory_gb: Annotated[float, Field(gt=0)] = 80.0
    """Memory of one GPU, in units of 1e9 bytes. A run that does not fit ends planning, before any
    job."""
    hours_per_run: Annotated[float, Field(gt=0)] = 48.0
    """The most hours that a job asks for, as the partition allows; a run takes more GPUs if it ends
    in time with them. One that takes longer goes on from its checkpoint in the next job."""
    tensorboard: bool = False
    """Write TensorBoard files of each run that is trained, to results/<experiment>/tensorboard;
    needs the extra `tensorboard`."""
