"""Reading a trained run as a model that scores: natively where that is built and knows the architecture, with torch otherwise."""

from pathlib import Path

from relscale.evaluation.language_model import LanguageModel
from relscale.evaluation.native_model import read_native_model
from relscale.training.folder import read_config
from relscale.training.native_library import supports


def read_run(folder: Path) -> LanguageModel:
    """Return the model of a trained run from its folder.

    Raises:
        ValueError: naming the file, where the folder holds no such model.
    """
    if supports(*read_config(folder)):
        return read_native_model(folder)
    from relscale.evaluation.torch_model import read_torch_model  # slow to import

    return read_torch_model(folder)
