"""`relscale experiments`: each experiment with a sentence and its cost, without running any."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from relscale.config.experiment import Experiment
from relscale.config.load import load_experiment
from relscale.plan.cost import run_seconds
from relscale.plan.suite import plan_suite
from relscale.released.models_table import read_released

CONFIG = Path("config.yaml")
FOLDER = Path("experiments")
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_WIDTH = 100
_EDITOR = "yaml-language-server:"


@dataclass(frozen=True, kw_only=True)
class ListedExperiment:
    """An experiment of a checkout."""

    name: str
    """The name that `make` takes, EXPERIMENT=name."""
    path: Path
    """Its configuration, relative to the checkout."""
    sentence: str
    """The first sentence of the comment at its top."""
    cost: str
    """Its runs and the cost of training them; or the reason why it cannot be used."""


def list_experiments(folder: Path) -> list[ListedExperiment]:
    """Return the default experiment and the overlays of `experiments/`, sorted by path.

    Args:
        folder: the checkout.

    Raises:
        ValueError: if the folder has no config.yaml.
    """
    if not (folder / CONFIG).is_file():
        raise ValueError(
            f"{folder.resolve()}: has no {CONFIG}; change to a checkout of relscale, or write one "
            "with `relscale init DIR`"
        )
    overlays = sorted((folder / FOLDER).rglob("*.yaml"))
    return [_listed(folder, CONFIG)] + [
        _listed(folder, path.relative_to(folder)) for path in overlays
    ]


def _listed(folder: Path, path: Path) -> ListedExperiment:
    is_default = path == CONFIG
    name = "default" if is_default else path.relative_to(FOLDER).with_suffix("").as_posix()
    paths = [folder / CONFIG, *([] if is_default else [folder / path])]
    try:
        cost = cost_of(load_experiment(*paths), folder)
    except ValueError as error:
        first, *more = str(error).splitlines()
        cost = f"cannot be used: {more[0].strip() if more else first}"
    return ListedExperiment(name=name, path=path, sentence=first_sentence(folder / path), cost=cost)


def first_sentence(path: Path) -> str:
    """Return the first sentence of the comment at the top of a YAML file, "" without one.

    The line for editors does not count.
    """
    words = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if _EDITOR not in line:
            words.append(line.lstrip("# ").strip())
    return _SENTENCE.split(" ".join(words))[0] if words else ""


def cost_of(experiment: Experiment, folder: Path = Path()) -> str:
    """Return the runs of an experiment and the cost of training them, in words.

    The cost is that of `relscale plan`: the time of training under the assumptions in `costs`.

    Args:
        experiment: the experiment.
        folder: the checkout, for the table of released models.

    Raises:
        ValueError: if a table cannot be read.
    """
    if experiment.losses is not None:
        return f"trains nothing: laws of the table {experiment.losses.path}"
    if experiment.released is not None:
        rows = read_released(folder / experiment.released.table)
        families = len(experiment.evaluate)
        return (
            f"trains nothing: scores {len(rows):,} released models on {families} families "
            f"({'with' if experiment.released.gpu else 'without'} a GPU)"
        )
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    seconds = sum(run_seconds(run, experiment.costs) for run in runs)
    flops = sum(run.training_flops for run in runs)
    is_gpu = experiment.costs.device == "gpu"
    time = f"{seconds / 3600:,.0f} GPU-hours" if is_gpu else f"{seconds / 60:,.1f} CPU-minutes"
    return f"{len(runs):,} runs, {flops:.2g} FLOPs, {time} of training"


def listing_text(experiments: list[ListedExperiment]) -> str:
    """Return the list as text: name, sentence and cost of each experiment."""
    parts = []
    for each in experiments:
        words = [text for text in (each.sentence, each.cost) if text]
        parts += [f"{each.name}  ({each.path})", *(_indented(text) for text in words)]
    closing = (
        "Time is an estimate (section `costs` of the configuration). `relscale plan "
        "experiments/NAME.yaml` has it by budget, and with --calibrate the speed of this machine "
        "is measured. `make reproduce EXPERIMENT=NAME` runs an experiment."
    )
    return "\n".join([*parts, "", textwrap.fill(closing, _WIDTH)]) + "\n"


def _indented(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
