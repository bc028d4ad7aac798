"""Reading a trained run as a model that scores: on a GPU where it was trained for one, natively
where that is possible, else with torch."""

from pathlib import Path

from relscale.evaluation.language_model import LanguageModel
from relscale.evaluation.native_model import read_native_model
from relscale.training.folder import read_config
from relscale.training.native_library import supports


def read_run(folder: Path, trained_on: str = "cpu") -> LanguageModel:
    """Return the model of a trained run from its folder.

    Args:
        folder: `config.json` and `model.safetensors`.
        trained_on: what the run's recipe trains on, `cpu` or `gpu`. Models of the CPU are scored
            there even where there is a GPU, whose bfloat16 would give other scores.

    Raises:
        ValueError: naming the file, where the folder holds no such model.
    """
    support = supports(*read_config(folder))
    if support and trained_on == "cpu":
        return read_native_model(folder)
    from relscale.evaluation.torch_model import has_gpu, read_torch_model  # slow to import

    if trained_on == "gpu" and has_gpu():
        return read_torch_model(folder, "cuda")
    if trained_on == "gpu":
        print(
            f"{folder}: of a recipe that trains on a GPU; none is here, so it is scored on the CPU",
            flush=True,
        )
    return read_native_model(folder) if support else read_torch_model(folder)
