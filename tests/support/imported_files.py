"""Small files as other programs write them, for the tests of the importers."""

import csv
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LLM_LINE_HEADER = [
    *("Name", "Architecture", "Size", "Pretraining Data", "Directory", "Steps", "Tokenizer"),
    *("Train Loss", "Tokens", "C4 Validation Loss", "C4 Validation BPB"),
    *("The Pile UC Validation Loss", "The Pile UC Validation BPB"),
    *("ARC-Easy Accuracy", "ARC-Easy Loss", "ARC-Easy BPB", "MMLU Accuracy", "MMLU_stem Loss"),
    *("Hugging Face", "Intervention", "Intervention", "Overtraining"),
]
"""The first row of the header of llm-line's table, with fewer columns."""
LLM_LINE_KINDS = [*[""] * 19, "Size", "Tokenizer", ""]
"""The second row of the header."""


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    """Write rows as CSV and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)
    return path


def wandb_chart(
    path: Path, runs: Sequence[str], key: str, losses: Mapping[int, Sequence[object]]
) -> Path:
    """Write the export of a W&B chart: a column per run, with its extremes, and the x axis."""
    header = ["Step"]
    for run in runs:
        header += [f"{run} - {key}", f"{run} - {key}__MIN", f"{run} - {key}__MAX"]
    rows = [
        [step, *(cell for value in values for cell in (value, value, value))]
        for step, values in losses.items()
    ]
    return write_csv(path, [header, *rows])


def ladder_header(texts: Sequence[str] = ("c4_en", "ice")) -> list[str]:
    """Return the header of a file of the OLMo ladder, with fewer columns."""
    return [
        "_step",
        *(f"eval/{name}-validation/CrossEntropyLoss" for name in texts),
        "eval/downstream_bpb/mmlu_stem_test_rc_5shot_bpb",
        "eval/downstream_bpb/arc_easy_val_rc_5shot_bpb",
        "eval/downstream/arc_easy_val_rc_5shot_len_norm",
        "eval/downstream/boolq_val_rc_5shot_acc",
        "eval/downstream_soft/arc_easy_val_rc_5shot_soft",
        "throughput/total_tokens",
        "throughput/total_training_Gflops",
        "learning_rate_peak",
    ]


def ladder_row(step: int, loss: float, tokens: float, gigaflops: float) -> list[object]:
    """Return a row of a file of the OLMo ladder; the losses are `loss` and `loss` + 1."""
    values = [loss, loss + 1, 1.5, 1.25, 0.5, 0.625, 0.3]
    return [step, *values, float(tokens), gigaflops, 0.000972]


def lm_eval_results(model: str, accuracy: float) -> dict[str, object]:
    """Return the content of a result file of lm-evaluation-harness 0.4."""
    return {
        "results": {
            "mmlu": {"acc,none": accuracy, "acc_stderr,none": 0.004, "alias": "mmlu"},
            "mmlu_stem": {"acc,none": 0.25, "acc_stderr,none": "N/A", "alias": " - stem"},
            "gsm8k": {
                "alias": "gsm8k",
                "exact_match,strict-match": 0.125,
                "exact_match_stderr,strict-match": 0.01,
                "exact_match,flexible-extract": 0.25,
                "exact_match_stderr,flexible-extract": 0.02,
            },
            "wikitext": {
                "alias": "wikitext",
                "word_perplexity,none": 20.5,
                "word_perplexity_stderr,none": "N/A",
                "bits_per_byte,none": 0.875,
                "bits_per_byte_stderr,none": "N/A",
            },
            "suite": {" ": " ", "alias": "suite"},
        },
        "groups": {"mmlu": {"acc,none": accuracy, "acc_stderr,none": 0.004, "alias": "mmlu"}},
        "group_subtasks": {"mmlu": ["mmlu_stem"], "gsm8k": []},
        "configs": {"gsm8k": {"task": "gsm8k", "num_fewshot": 5}},
        "versions": {"gsm8k": 3.0},
        "n-shot": {"mmlu": 5, "mmlu_stem": 5, "gsm8k": 5, "wikitext": 0},
        "higher_is_better": {"gsm8k": {"exact_match": True}},
        "n-samples": {"mmlu_stem": {"original": 3018, "effective": 3018}},
        "config": {
            "model": "hf",
            "model_args": f"pretrained={model},dtype=bfloat16",
            "limit": None,
            "bootstrap_iters": 100000,
        },
        "git_hash": "0000000",
        "date": 1731655933.0,
        "model_source": "hf",
        "model_name": model,
        "model_name_sanitized": model.replace("/", "__"),
    }


def trainer_state(
    step: int, losses: Mapping[str, float], *, max_steps: int | None = None, tokens: int = 0
) -> dict[str, object]:
    """Return a Trainer's state whose last evaluation is at `step`, and an earlier one at half."""
    history: list[dict[str, object]] = []
    for at, worse in ((step // 2, 0.5), (step, 0.0)):
        history.append(
            {"epoch": at / step, "grad_norm": 0.4, "learning_rate": 1e-4, "loss": 3.0, "step": at}
        )
        for name, loss in losses.items():
            prefix = f"eval_{name}" if name else "eval"
            history.append(
                {
                    "epoch": at / step,
                    f"{prefix}_loss": loss + worse,
                    f"{prefix}_runtime": 12.5,
                    f"{prefix}_samples_per_second": 80.0,
                    f"{prefix}_steps_per_second": 10.0,
                    "step": at,
                }
            )
    return {
        "best_metric": None,
        "best_model_checkpoint": None,
        "epoch": 1.0,
        "eval_steps": step // 2,
        "global_step": step,
        "is_hyper_param_search": False,
        "is_local_process_zero": True,
        "is_world_process_zero": True,
        "log_history": history,
        "logging_steps": step // 2,
        "max_steps": max_steps or step,
        "num_input_tokens_seen": tokens,
        "num_train_epochs": 1,
        "save_steps": step,
        "stateful_callbacks": {},
        "total_flos": 1.2e18,
        "train_batch_size": 8,
        "trial_name": None,
        "trial_params": None,
    }


def write_json(path: Path, value: object) -> Path:
    """Write JSON as programs do, with NaN where a number is NaN, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
    return path


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 * (value & 1))
    return value ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Return a record of an event file."""

    def checksum(part: bytes) -> bytes:
        value = crc32c(part)
        rotated = ((value >> 15) | (value << 17)) & 0xFFFFFFFF
        return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)

    head = struct.pack("<Q", len(data))
    return head + checksum(head) + data + checksum(data)


def scalar_event(tag: str, step: int, value: float, wall_time: float = 0.0) -> bytes:
    """Return the record of one scalar (tags and steps below 128, so that varints have a byte)."""
    name = tag.encode()
    summary = bytes([0x0A, len(name)]) + name + b"\x15" + struct.pack("<f", value)
    inner = bytes([0x0A, len(summary)]) + summary
    event = b"\x09" + struct.pack("<d", wall_time) + bytes([0x10, step])
    return record(event + bytes([0x2A, len(inner)]) + inner)


def version_event() -> bytes:
    """Return the record that begins every event file."""
    return record(b"\x09" + struct.pack("<d", 0.0) + b"\x1a\x0dbrain.Event:2")


def run_facts(path: Path, runs: Iterable[str]) -> Path:
    """Write a table of runs in which the first has 1e8 parameters, the next twice as many, ..."""
    rows: list[list[object]] = [["run", "corpus", "num_params_total", "tokens"]]
    rows += [
        [run, "c", 100_000_000 * number, 2_000_000_000 * number]
        for number, run in enumerate(runs, start=1)
    ]
    return write_csv(path, rows)
