"""TensorBoard files of a run, if the configuration asks for them."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from relscale.training.curve import CurvePoint


def tensorboard_writer(folder: Path) -> Callable[[CurvePoint], None]:
    """Return a function that writes a row of the loss curve into a folder for TensorBoard.

    The x axis is the number of tokens seen.

    Raises:
        ValueError: if the package that writes the files is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError(
            f"training.tensorboard = true: {error}; install the extra: "
            "pip install 'relscale[tensorboard]'"
        ) from error
    writer = SummaryWriter(str(folder))

    def write(point: CurvePoint) -> None:
        values = asdict(point)
        tokens = values.pop("tokens")
        for name, value in values.items():
            writer.add_scalar(name, value, tokens)
        writer.flush()

    return write
