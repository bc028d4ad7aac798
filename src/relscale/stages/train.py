"""Train one run: a Hugging Face folder, a loss curve and a record.

A diverged run keeps its record, with the reason. A run that is stopped by SIGTERM saves a
checkpoint and ends with exit code 75 (try again); called again, it resumes from there. With
`--processes N` the stage starts N processes of itself, each with a GPU of its own where the recipe
trains on GPUs; torchrun can start them instead.
"""

import sys
from pathlib import Path

from relscale.plan.run_spec import RunSpec
from relscale.runtime import run
from relscale.training.launch import TRY_AGAIN, is_launched, launch
from relscale.training.loop import InterruptedRunError
from relscale.training.results import RunInputs, RunOutputs
from relscale.training.run import RunOptions, train_run


def main(
    *,
    spec: RunSpec,
    manifest: Path,
    tokenizer: Path,
    threads: int,
    processes: int = 1,
    checkpoints: Path,
    defined_by: list[str],
    every_steps: str = "",
    every_minutes: float = 10.0,
    tensorboard: str = "",
    out_record: Path,
    out_curve: Path,
    out_speed: Path,
    out_model: Path,
) -> None:
    """Train a run in one or several processes.

    0 processes, the value for a job without a GPU, means one.
    """
    if processes > 1 and not is_launched():
        if code := launch(processes, "relscale.stages.train", sys.argv[1:]):
            sys.exit(code)
        return
    inputs = RunInputs(spec=spec, manifest=manifest, tokenizer=tokenizer, defined_by=defined_by)
    outputs = RunOutputs(record=out_record, curve=out_curve, speed=out_speed, model=out_model)
    options = RunOptions(
        threads=threads,
        processes=max(1, processes),
        checkpoints=checkpoints,
        every_steps=int(every_steps) if every_steps else None,
        every_minutes=every_minutes,
        tensorboard=Path(tensorboard) if tensorboard else None,
    )
    try:
        train_run(inputs, outputs, options)
    except InterruptedRunError:
        sys.exit(TRY_AGAIN)


if __name__ == "__main__":
    run(main)
