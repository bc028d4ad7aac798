"""Checkpoints and texts on which our scores must equal those of EleutherAI's lm-evaluation-harness,
and what it said of them.

    python tests/golden/reference_harness.py            # writes reference_harness.json next to
    this file; needs lm_eval and accelerate

Checkpoints are made here and are the same on every machine: weights from numpy's generator, a
tokenizer trained on the texts below.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from relscale.evaluation.exam_prompts import PROMPTS, ExamQuestion, prompt_items
from relscale.evaluation.texts import TextDocument, TextItem

GOLDEN = Path(__file__).with_suffix(".json")
KINDS = ("qwen3", "gpt2", "llama")
WINDOW = 320
SUBJECTS = ("abstract_algebra", "world_religions")
WORDS = [
    "of",
    "the",
    "and",
    "to",
    "in",
    "is",
    "that",
    "which",
    "number",
    "river",
    "naïve",
    "Ωmega",
    "中文",
    "question",
    "answer",
    "prime",
    "law",
    "state",
    "never",
    "because",
    "energy",
    "café",
    "bank",
    "letter",
    "seven",
    "cells",
    "market",
    "between",
    "history",
    "music",
    "🙂",
    "order",
    "theory",
]


def sentence(generator, size):
    return " ".join(WORDS[index] for index in generator.integers(0, len(WORDS), size)).capitalize()


def questions(subject):
    """Return twelve questions: answers from one word to most of the window, and a question that is
    longer than the window."""
    generator = np.random.default_rng([7, SUBJECTS.index(subject)])
    made = []
    for number in range(12):
        asked = sentence(generator, 400 if number == 8 else 4 + 2 * number) + "?"
        sizes = [1, 2, 30 if number in (7, 9) else 3, 80 if number == 9 else 1]
        answers = tuple(sentence(generator, size) for size in sizes)
        made.append(ExamQuestion(question=asked, answers=answers, gold=number % 4))
    return made


def items():
    """Return named lists of questions as texts."""
    named = {}
    for prompt in PROMPTS:
        named[prompt] = []
        for subject in SUBJECTS:
            rows = questions(subject)
            named[prompt] += prompt_items(
                prompt, rows[3:], rows[:3], subject=subject, domain="knowledge"
            )
    generator = np.random.default_rng(8)
    long = sentence(generator, 500)

    def item(name, context, *options):
        return TextItem(
            domain="edges", stratum="edges", item=name, context=context, options=options, gold=0
        )

    named["edges"] = [
        item("empty context", "", "The river", " the river", "é"),
        item("the prefix token itself in front", "", "</s> the river", "<s> the river"),
        item("the prefix token in the context", "<s> the river", " is", " never"),
        item("white space at the end", "The river \n ", "is", " is", "never is"),
        item("no space between", 'my answer would be "', "Yes", "No"),
        item("a merge across the end", "the r", "iver is the", "iver never is", "ichest 🙂"),
        item("half of a character's bytes are shared", "中", "文", "丮", "🙂"),
        item("as long as the window", "the", " " + long[:1700], " is"),
        item("the context is cut in one option only", long[:1500], " is", " " + long[:600]),
        item("the same option twice", "the river", " is", " is", " never"),
    ]
    return named


def documents():
    """Return documents: one token, shorter than a window, several windows, and odd bytes."""
    generator = np.random.default_rng(9)
    texts = [
        "a",
        "The river.",
        sentence(generator, 40),
        sentence(generator, 300),
        sentence(generator, 1000),
        "\n \t🙂" * 3,
        "<s> the",
    ]
    return [
        TextDocument(domain="documents", stratum="documents", item=str(number), text=text)
        for number, text in enumerate(texts)
    ]


def make_models(folder):
    """Make one folder a kind, as `save_pretrained` writes it."""
    import transformers

    for kind in KINDS:
        tokenizer = _tokenizer(begins=kind == "llama")
        sizes = {
            "vocab_size": len(tokenizer) + 5,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
        }
        if kind == "gpt2":
            config = transformers.GPT2Config(
                n_embd=48, n_layer=2, n_head=4, n_positions=WINDOW, **sizes
            )
        else:
            # Llama has fewer heads of keys than of queries, and tied embeddings.
            made = transformers.LlamaConfig if kind == "llama" else transformers.Qwen3Config
            config = made(
                hidden_size=48,
                intermediate_size=96,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2 if kind == "llama" else 4,
                head_dim=12,
                max_position_embeddings=WINDOW,
                tie_word_embeddings=kind == "llama",
                **sizes,
            )
        model = transformers.AutoModelForCausalLM.from_config(config)
        fill(model)
        model.save_pretrained(folder / kind)
        tokenizer.save_pretrained(folder / kind)
    return {kind: folder / kind for kind in KINDS}


def fill(model, scale=0.15):
    """Give a model weights that depend on its parameters' names and shapes only."""
    with torch.no_grad():
        for number, (_, parameter) in enumerate(sorted(model.named_parameters())):
            values = np.random.default_rng([11, number]).normal(0, scale, parameter.shape)
            parameter.copy_(torch.tensor(values + (parameter.ndim == 1), dtype=torch.float32))


def _tokenizer(begins):
    """Return a tokenizer; one that puts <s> in front of every text if so wanted, else one without
    any token for it."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=440,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = [
        row.prefix + row.context + option for row in items()["modified"] for option in row.options
    ]
    tokenizer.train_from_iterator([*text, *(document.text for document in documents())], trainer)
    special = {"eos_token": "</s>"}
    if begins:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 0)]
        )
        special["bos_token"] = "<s>"
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def harness_scores(folder):
    """Return the harness's scores: [nats, greedy] by list, item and option, and document nats."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=4)

    def ask(kind, arguments):
        instances = [
            Instance(request_type=kind, doc={}, arguments=argument, idx=index)
            for index, argument in enumerate(arguments)
        ]
        return getattr(model, kind)(instances, disable_tqdm=True)

    said = {}
    for name, rows in items().items():
        answers = iter(
            ask(
                "loglikelihood",
                [(row.prefix + row.context, option) for row in rows for option in row.options],
            )
        )
        said[name] = [[list(next(answers)) for _ in row.options] for row in rows]
    # One at a time: in one call, windows of equal tokens are grouped even where they score
    # different numbers of them.
    said["documents"] = [
        ask("loglikelihood_rolling", [(document.text,)])[0] for document in documents()
    ]
    return said


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folders = make_models(Path(temporary))
        said = {kind: harness_scores(folder) for kind, folder in folders.items()}
    from importlib.metadata import version

    versions = {name: version(name) for name in ("lm_eval", "transformers", "torch", "tokenizers")}
    lines = [
        f'"{kind}": {{\n'
        + ",\n".join(f' "{name}": {json.dumps(rows)}' for name, rows in said[kind].items())
        + "\n}"
        for kind in said
    ]
    GOLDEN.write_text(
        '{\n"made_with": ' + json.dumps(versions) + ",\n" + ",\n".join(lines) + "\n}\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    sys.exit(main())
