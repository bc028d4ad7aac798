"""Settings: checkpoints of training, and limits of its jobs.

Nothing here decides a result, so a change makes no run stale.
"""

from typing import Annotated

from pydantic import Field

from relscale.config.base import NUMBER, Flag, Model, Positive


class JobLimits(Model):
    """Limits of a run's job."""

    gpus_per_run: Positive = 1
    """Most GPUs per run: 1, 2, 4 or 8. A run takes the fewest that hold it in their memory and let
    it end within `hours_per_run`."""
    gpu_memory_gb: Annotated[float, Field(gt=0, le=100_000), NUMBER] = 80.0
    """Memory of one GPU, in units of 1e9 bytes. A run that does not fit is an error of planning,
    before any job."""
    hours_per_run: Annotated[float, Field(gt=0), NUMBER] = 48.0
    """Most hours that a job asks for, as the partition allows; a run takes more GPUs if it then
    ends in time. A longer run resumes from its checkpoint in the next job."""


class Training(JobLimits):
    """Checkpoints of a run, limits of its job, and additional outputs."""

    checkpoint_every_steps: Positive | None = None
    """Steps between checkpoints; without the key, checkpoints are saved by time only."""
    checkpoint_every_minutes: Annotated[float, Field(gt=0), NUMBER] = 10.0
    """Minutes between checkpoints."""
    tensorboard: Flag = False
    """Write TensorBoard files of each run that is trained, to results/<experiment>/tensorboard;
    needs the extra `tensorboard`."""
