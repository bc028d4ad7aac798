"""Reading a trained run as a model that scores.

A run that was trained on a GPU is scored on one if there is one. Others are scored by the native
library if it supports them, else with torch.
"""

import logging
from pathlib import Path

from relscale.evaluation.language_model import LanguageModel
from relscale.evaluation.native_model import read_native_model
from relscale.training.folder import read_config
from relscale.training.native_build import covers, supports

log = logging.getLogger(__name__)


def read_run(folder: Path, trained_on: str = "cpu", trained_by: str = "") -> LanguageModel:
    """Return the model of a trained run from its folder.

    Args:
        folder: `config.json` and `model.safetensors`.
        trained_on: device that the run's recipe trains on, `cpu` or `gpu`. Models trained on a CPU
            are scored on one even if there is a GPU, whose bfloat16 would give other scores.
        trained_by: step that trained the run, as in its record. The scores of a suite of the native
            step are not divided between it and torch.

    Raises:
        ValueError: naming the file, if the folder has no such model, or if the native step trained
            the run and cannot be used here.
    """
    size = read_config(folder)
    support = supports(*size)
    if support and trained_on == "cpu":
        return read_native_model(folder)
    from relscale.evaluation.torch_model import has_gpu, read_torch_model  # slow to import

    if trained_on == "gpu" and has_gpu():
        return read_torch_model(folder, "cuda")
    if trained_on == "gpu":
        log.warning("%s: trained on a GPU, but there is none here; scored on the CPU", folder)
    if not support and covers(*size) and trained_by.startswith("native"):
        raise ValueError(
            f"{folder}: the native step trained the run, so it has to score it: {support.reason}"
        )
    if not support and covers(*size):
        log.warning("%s: scored with torch: %s", folder, support.reason)
    return read_native_model(folder) if support else read_torch_model(folder)
