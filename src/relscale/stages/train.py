"""Train one run: a Hugging Face folder, a loss curve and a record. A diverged run keeps its record,
with the reason.

A run that is stopped by SIGTERM saves a checkpoint and ends with exit code 75 (try again); called
again, it goes on from there. With `--processes N` the stage starts N of itself, each with a GPU of
its own where the recipe trains on GPUs; under torchrun it is one of them.
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from shutil import copyfile
from typing import Any

from tqdm import tqdm

from relscale.files import read_json, write_json, write_text
from relscale.provenance.digests import spec_digest
from relscale.runtime import run
from relscale.text.end_of_text import end_of_text_in
from relscale.training.build import join_team, make_step
from relscale.training.checkpoint import Checkpoints
from relscale.training.curve import CurvePoint, curve_csv, speed_csv
from relscale.training.launch import TRY_AGAIN, is_member, launch
from relscale.training.token_files import check_unchanged, read_tokens, stamps
from relscale.training.train_step import TrainingStep
from relscale.training.trainer import InterruptedRunError, Outcome, train


@contextmanager
def noticing(number: signal.Signals) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether the signal has come; meanwhile the signal does nothing
    else."""
    came: list[int] = []
    before = signal.signal(number, lambda seen, frame: came.append(seen))
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(number, before)


def save(
    outcome: Outcome, model: TrainingStep, spec: dict[str, Any], arguments: argparse.Namespace
) -> None:
    """Write model, curve and record; a diverged run has an empty folder for its model."""
    record = {
        "columns": spec["columns"],
        "spec": spec,
        "excluded_reason": outcome.excluded_reason,
        "epochs": outcome.epochs,
    }
    record |= {"step": model.name, "status": outcome.status, "defined_by": arguments.defined_by}
    arguments.out_model.mkdir(parents=True, exist_ok=True)
    if outcome.excluded_reason is None:
        record["final_loss_nats_per_token"] = outcome.curve[-1].loss_nats_per_token
        model.save(arguments.out_model)
        copyfile(arguments.tokenizer, arguments.out_model / "tokenizer.json")
        token, number = end_of_text_in(read_json(arguments.tokenizer), str(arguments.tokenizer))
        config = read_json(arguments.out_model / "config.json")
        write_json(
            arguments.out_model / "config.json",
            config | {"bos_token_id": number, "eos_token_id": number},
        )
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": token,
            "bos_token": token,
        }
        write_json(
            arguments.out_model / "tokenizer_config.json",
            {**settings, "model_max_length": spec["shape"]["context_length"]},
        )
    name = spec["columns"]["run"]
    write_text(arguments.out_curve, curve_csv(name, outcome.curve))
    write_text(arguments.out_speed, speed_csv(name, outcome.curve))
    write_json(arguments.out_record, record)


def arguments_of(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument(
        "--manifest", required=True, type=Path, help="manifest of the corpus's tokens"
    )
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument(
        "--processes",
        default=1,
        type=lambda text: max(1, int(text)),
        help="processes that train the run; 0 is one, too",
    )
    parser.add_argument(
        "--checkpoints",
        required=True,
        type=Path,
        help="folder of all runs' checkpoints, one folder each inside",
    )
    parser.add_argument(
        "--defined-by",
        required=True,
        nargs="*",
        help="what else defines the run's bytes: digests of code and libraries",
    )
    parser.add_argument(
        "--every-steps",
        type=lambda text: int(text) if text else None,
        help="save a checkpoint after so many steps",
    )
    parser.add_argument(
        "--every-minutes", type=float, default=10.0, help="save a checkpoint after so many minutes"
    )
    parser.add_argument(
        "--tensorboard", default="", help="folder of all runs' TensorBoard files; none writes none"
    )
    parser.add_argument("--out-record", required=True, type=Path)
    parser.add_argument("--out-curve", required=True, type=Path)
    parser.add_argument("--out-speed", required=True, type=Path)
    parser.add_argument("--out-model", required=True, type=Path)
    return parser.parse_args(argv)


def reporters(spec: dict[str, Any], tensorboard: str) -> Iterator[Callable[[CurvePoint], None]]:
    """Yield what is told of each new row of the curve: the terminal or log, and TensorBoard's files
    if they are wanted."""
    name = spec["columns"]["run"]
    bar = tqdm(total=spec["steps"], unit="step", disable=not sys.stderr.isatty())

    def show(point: CurvePoint) -> None:
        bar.update(point.step - bar.n)
        if (
            bar.disable
            and point.step * 10 // spec["steps"] > (point.step - 1) * 10 // spec["steps"]
        ):
            print(
                f"{name}: step {point.step} of {spec['steps']}, {point.loss_nats_per_token:.4f} nats per token",
                flush=True,
            )
        if point.step == spec["steps"]:
            bar.close()

    yield show
    if tensorboard:
        from relscale.training.tensorboard import board  # imports torch

        yield board(Path(tensorboard) / name)


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    args = arguments_of(argv)
    if args.processes > 1 and not is_member():
        if code := launch(
            args.processes, "relscale.stages.train", sys.argv[1:] if argv is None else argv
        ):
            sys.exit(code)
        return
    spec, name = args.spec, args.spec["columns"]["run"]
    stamped = stamps(args.manifest)
    tokens = read_tokens(args.manifest)
    team = join_team(spec, args.processes)
    model = make_step(spec, args.threads, team)
    told = list(reporters(spec, args.tensorboard)) if team.leads else []

    def progress(point: CurvePoint) -> None:
        for tell in told:
            tell(point)

    manifest = read_json(args.manifest)
    # Steps taken on a file that changed since stay out of what is gone on from, whatever the file
    # holds now.
    corpus = [manifest.get("components") or manifest["sha256"]["train.bin"], stamped]
    defined_by = [spec, corpus, model.name, args.threads, *args.defined_by]
    folder = args.checkpoints / f"{name}-{spec_digest(defined_by)}"
    checkpoints = Checkpoints(
        folder, every_steps=args.every_steps, every_minutes=args.every_minutes
    )
    try:
        with checkpoints.held() if team.leads else nullcontext(), noticing(signal.SIGTERM) as stop:
            team.any()  # the others wait until the leader holds the folder
            outcome = train(
                spec,
                tokens,
                model,
                progress=progress,
                checkpoints=checkpoints,
                stop=stop,
                team=team,
            )
            if team.leads:
                check_unchanged(args.manifest, stamped)
                if outcome.excluded_reason:
                    print(f"{name}: {outcome.excluded_reason}", file=sys.stderr)
                save(
                    outcome, model, spec, args
                )  # while the run is held, so that no other process writes the same files
    except InterruptedRunError as error:
        if team.leads:
            print(f"{name}: {error}; saved in {folder}", file=sys.stderr)
        sys.exit(TRY_AGAIN)
    team.close()


if __name__ == "__main__":
    run(main)
