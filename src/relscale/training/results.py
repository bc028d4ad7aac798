"""The files of a training job: model, curves and record. Light imports: no torch.

Read `save_run` first. The record is written last, so that a job that was killed or ran out of disk
leaves no run that looks finished.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from relscale.files import read_json, write_json, write_text
from relscale.plan.run_spec import RunSpec
from relscale.text.end_of_text import end_of_text_in
from relscale.training.curve import curve_csv, speed_csv
from relscale.training.loop import Outcome
from relscale.training.record import RunRecord
from relscale.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """The input files of a training job, and what else defines the bytes of its outputs."""

    spec: RunSpec
    """Spec of the run."""
    manifest: Path
    """Manifest of the corpus's tokens."""
    tokenizer: Path
    """The tokenizer's file, copied into the model's folder."""
    defined_by: Sequence[str]
    """Digests of code and libraries."""


@dataclass(frozen=True, kw_only=True)
class RunOutputs:
    """The output files of a training job."""

    record: Path
    curve: Path
    speed: Path
    model: Path
    """Folder; empty for a diverged run."""


def save_run(
    outcome: Outcome, trainer: Trainer, inputs: RunInputs, outputs: RunOutputs, checkpoints: Path
) -> None:
    """Write model, curves and record; the model's folder of a diverged run is empty.

    Args:
        outcome: of the training.
        trainer: the trained model.
        inputs: of the job.
        outputs: of the job; those of an earlier one are replaced, its record is removed first.
        checkpoints: folder of the run's checkpoints, for messages.

    Raises:
        ValueError: if a file cannot be written; there is no record then.
    """
    spec, trained = inputs.spec, outcome.excluded_reason is None
    record = RunRecord(
        columns=spec.columns,
        spec=spec,
        excluded_reason=outcome.excluded_reason,
        epochs=outcome.epochs,
        implementation=trainer.name,
        status=outcome.status,
        defined_by=list(inputs.defined_by),
        final_loss_nats_per_token=outcome.curve[-1].loss_nats_per_token if trained else None,
    )
    try:
        _remove_temporaries(outputs)
        outputs.record.unlink(missing_ok=True)
        with replacing_folder(outputs.model) as model:
            if trained:
                trainer.save(model)
                _save_tokenizer(inputs.tokenizer, model, spec.shape.context_length)
        write_text(outputs.curve, curve_csv(spec.name, outcome.curve))
        write_text(outputs.speed, speed_csv(spec.name, outcome.curve))
        write_json(outputs.record, record.model_dump(mode="json"))
    except (OSError, SafetensorError) as error:
        raise ValueError(
            f"{outputs.record.parent}: the run has ended, but its results cannot be written: "
            f"{error}; called again, the job resumes from the last checkpoint in {checkpoints}"
        ) from error


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `path`, and rename it when the block succeeds."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove_temporaries(outputs: RunOutputs) -> None:
    """Remove temporary files and folders of killed processes."""
    for path in (outputs.record, outputs.curve, outputs.speed, outputs.model):
        for left in path.parent.glob(f".{path.name}.*.tmp"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _save_tokenizer(tokenizer: Path, folder: Path, context_length: int) -> None:
    """Copy the tokenizer into a model's folder, with the settings that `transformers` reads."""
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    token, number = end_of_text_in(read_json(tokenizer), str(tokenizer))
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"bos_token_id": number, "eos_token_id": number})
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": token,
        "bos_token": token,
        "model_max_length": context_length,
    }
    write_json(folder / "tokenizer_config.json", settings)
