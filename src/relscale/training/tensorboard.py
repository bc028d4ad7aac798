"""TensorBoard files of a run, for those who ask for them."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from relscale.training.curve import CurvePoint


def board(folder: Path) -> Callable[[CurvePoint], None]:
    """Return a function that writes each row of the loss curve, by tokens seen, into a folder that
    TensorBoard reads.

    Raises:
        ValueError: where the package that writes the files is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError(
            f"training.tensorboard = true: {error}; install the extra: pip install 'relscale[tensorboard]'"
        ) from error
    writer = SummaryWriter(str(folder))

    def write(point: CurvePoint) -> None:
        values = asdict(point)
        tokens = values.pop("tokens")
        for name, value in values.items():
            writer.add_scalar(name, value, tokens)
        writer.flush()

    return write
