"""Train one run: a Hugging Face folder, a loss curve and a record. A diverged run keeps its record, with the reason."""

import argparse
import json
import sys
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from relscale.architecture import Choices, RopeScaling, Shape
from relscale.command import run
from relscale.files import read_json, write_json, write_text
from relscale.training.curve import CURVE_COLUMNS, CurvePoint
from relscale.training.loop import DivergedError, train
from relscale.training.model import Decoder, save_decoder


def read_tokens(manifest_path: Path) -> np.ndarray:
    """Map the training tokens that a corpus's manifest describes, (num_tokens,), without reading them.

    Raises:
        ValueError: where the file's size is not what the manifest says.
    """
    manifest = read_json(manifest_path)
    path = manifest_path.parent / "train.bin"
    tokens = np.memmap(path, dtype=np.dtype(manifest["dtype"]).newbyteorder("<"), mode="r")
    if len(tokens) != manifest["tokens"]:
        raise ValueError(f"{path}: {len(tokens)} tokens; {manifest_path} says {manifest['tokens']}")
    return tokens


def make_decoder(spec: dict[str, Any]) -> Decoder:
    """Make the decoder of a run's spec on the device that its recipe trains on."""
    scaling = spec["choices"]["rope_scaling"]
    choices = Choices(**{**spec["choices"], "rope_scaling": RopeScaling(**scaling) if scaling else None})
    decoder = Decoder(Shape(**spec["shape"]), choices)
    on_gpu = spec["columns"]["recipe"] != "cpu_small" and torch.cuda.is_available()
    return decoder.to("cuda") if on_gpu else decoder


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--manifest", required=True, type=Path, help="manifest of the corpus's tokens")
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--out-record", required=True, type=Path)
    parser.add_argument("--out-curve", required=True, type=Path)
    parser.add_argument("--out-model", required=True, type=Path)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    spec = args.spec
    name: str = spec["columns"]["run"]
    tokens = read_tokens(args.manifest)
    decoder = make_decoder(spec)
    record: dict[str, Any] = {"columns": spec["columns"], "spec": spec, "excluded_reason": None}
    curve: list[CurvePoint] = []
    bar = tqdm(total=spec["steps"], unit="step", disable=not sys.stderr.isatty())

    def progress(point: CurvePoint) -> None:
        curve.append(point)
        bar.update(point.step - bar.n)
        if bar.disable and len(curve) % 10 == 0:
            print(f"{name}: step {point.step} of {spec['steps']}, {point.loss_nats_per_token:.4f} nats per token", flush=True)

    args.out_model.mkdir(parents=True, exist_ok=True)
    try:
        record["epochs"] = train(spec, tokens, decoder, progress)
    except DivergedError as error:
        record["excluded_reason"] = f"diverged: {error}"
        print(record["excluded_reason"], file=sys.stderr)
    else:
        record["final_loss_nats_per_token"] = curve[-1].loss_nats_per_token
        save_decoder(decoder, args.out_model)
        copyfile(args.tokenizer, args.out_model / "tokenizer.json")
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
        write_json(args.out_model / "tokenizer_config.json", {**settings, "model_max_length": spec["shape"]["context_length"]})
    bar.close()
    lines = [f"{name},{point.step},{point.tokens},{point.loss_nats_per_token:.6f}\n" for point in curve]
    write_text(args.out_curve, ",".join(CURVE_COLUMNS) + "\n" + "".join(lines))
    write_json(args.out_record, record)


if __name__ == "__main__":
    run(main)
