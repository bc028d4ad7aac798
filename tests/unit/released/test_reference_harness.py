"""Scores equal to those of lm-evaluation-harness: to its numbers in tests/golden always, to itself
where it is installed."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from relscale.config.families import QuestionFamily
from relscale.contract.losses import RUN_COLUMNS
from relscale.evaluation.aggregate import ScoredFamily, losses_rows
from relscale.evaluation.exam_prompts import ExamQuestion, options, shown
from relscale.released.opened_model import open_released
from relscale.released.text_requests import encode_documents

RELATIVE, ABSOLUTE = 1e-6, 1e-5
"""Both compute in float32; sums of thousands of nats round at 1e-4 there."""

HARNESS = pytest.mark.skipif(
    find_spec("lm_eval") is None,
    reason="lm_eval is not installed (make test installs it where it can)",
)
KINDS = ("qwen3", "gpt2", "llama")
LISTS = ("traditional", "continuation", "modified", "edges")


@pytest.fixture(scope="module")
def opened(models):
    return {
        kind: open_released(str(folder), batch_tokens=600, device="cpu")
        for kind, folder in models.items()
    }


@pytest.fixture(scope="module")
def golden(reference):
    return json.loads(reference.GOLDEN.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def live(reference, models):
    return {kind: reference.harness_scores(folder) for kind, folder in models.items()}


def without_lost_parts(folder, module, items, said):
    """Return the harness's scores, with those of transformers where the harness drops a part of an
    option, since a token spans its beginning; and the number of such options."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    corrected, count = [], 0
    for item, answers in zip(items, said, strict=True):
        context = item.prefix + item.context
        given = tokenizer(context.rstrip())["input_ids"] if context else []
        corrected.append([])
        for option, answer in zip(item.options, answers, strict=True):
            whole = tokenizer(context + option)["input_ids"]
            if context and whole[: len(given)] != given:
                count += 1
                alone = tokenizer(context[len(context.rstrip()) :] + option)["input_ids"]
                alone = [token for token in alone if token != tokenizer.bos_token_id]
                with torch.inference_mode():
                    row = torch.tensor([[*given, *alone]])
                    logits = module(row[:, :-1]).logits[0, len(given) - 1 :].double()
                chosen = logits.log_softmax(-1).gather(1, row[0, len(given) :, None])
                likeliest = bool((logits.argmax(-1) == row[0, len(given) :]).all())
                answer = [chosen.sum().item(), likeliest]
            corrected[-1].append(answer)
    return corrected, count


def check_items(model, items, said):
    scores = model.score_items(items)
    nats, greedy = (
        np.array([answer[place] for rows in said for answer in rows]) for place in (0, 1)
    )
    np.testing.assert_allclose(scores.log_likelihood, nats, rtol=RELATIVE, atol=ABSOLUTE)
    np.testing.assert_array_equal(scores.greedy, greedy)
    table = scores.requests.table
    family = ScoredFamily(
        name="family",
        settings=QuestionFamily(
            kind="questions", source="s", file="q", metrics=["accuracy", "accuracy_per_byte"]
        ),
        requests=table,
        overlaps=np.zeros(len(items), bool),
    )
    rows = losses_rows(dict.fromkeys(RUN_COLUMNS, 1), family, scores.log_likelihood)
    rows = [row for row in rows if row["metric"] != "bits_per_byte"]
    choices = [[option.removeprefix(" ") for option in item.options] for item in items]
    first_best = [
        int(np.argmax([nats for nats, _ in rows])) == item.gold
        for rows, item in zip(said, items, strict=True)
    ]
    per_byte = [
        int(
            np.argmax(
                [nats / len(choice.encode()) for (nats, _), choice in zip(rows, texts, strict=True)]
            )
        )
        == item.gold
        for rows, texts, item in zip(said, choices, items, strict=True)
    ]
    assert [row["value"] for row in rows] == [np.mean(first_best), np.mean(per_byte)]
    return scores


def check_documents(model, documents, said):
    requests = encode_documents(documents, model.tokenizer, model.max_length, special=True)
    said_by_model = model.model.score(requests.contexts, requests.continuations)
    nats, _ = requests.row_scores(said_by_model.log_likelihood, said_by_model.greedy)
    np.testing.assert_allclose(nats, said, rtol=RELATIVE, atol=ABSOLUTE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LISTS)
def test_questions_equal_the_golden_scores(opened, models, reference, golden, kind, name):
    items = reference.items()[name]
    said, count = without_lost_parts(
        models[kind], opened[kind].model.module, items, golden[kind][name]
    )
    scores = check_items(opened[kind], items, said)
    assert scores.account["left_out"] == {}
    if name == "edges":
        assert scores.account["truncated"] == 1
        # Two options of one item: "the r" and "iver ...".
        assert (count, scores.account["encoded_alone"]) == (2, 1)
    else:
        assert (count, scores.account["encoded_alone"]) == (0, 0)
        # Of each subject's nine questions one is longer than the window; the long answers cut
        # another.
        assert scores.account["truncated"] >= 2
        assert scores.account["with_shared_prefix"] >= 40
        assert scores.account["tokens_run"] < 0.6 * scores.account["tokens_asked"]


@pytest.mark.parametrize("kind", KINDS)
def test_documents_equal_the_golden_scores(opened, reference, golden, kind):
    check_documents(opened[kind], reference.documents(), golden[kind]["documents"])


@HARNESS
@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_the_harness_itself(opened, models, reference, live, kind):
    for name, items in reference.items().items():
        module = opened[kind].model.module
        said, _ = without_lost_parts(models[kind], module, items, live[kind][name])
        check_items(opened[kind], items, said)
    check_documents(opened[kind], reference.documents(), live[kind]["documents"])


@HARNESS
@pytest.mark.parametrize(
    ("task", "prompt"),
    [
        ("default/_default_template_yaml", "traditional"),
        ("continuation/_continuation_template_yaml", "continuation"),
    ],
)
def test_prompts_equal_the_templates_of_the_harness(task, prompt):
    import jinja2
    import yaml

    folder = Path(find_spec("lm_eval").submodule_search_locations[0])
    template = yaml.safe_load((folder / "tasks" / "mmlu" / task).read_text(encoding="utf-8"))
    question = ExamQuestion(
        question=" Is 0 a number? ", answers=("yes", "no", "it depends", "naïve 中"), gold=2
    )
    values = {"question": question.question, "choices": list(question.answers)}
    assert shown(prompt, question) == jinja2.Template(
        template["doc_to_text"], keep_trailing_newline=True
    ).render(values)
    choices = template["doc_to_choice"] if prompt == "traditional" else list(question.answers)
    assert options(prompt, question) == tuple(f" {choice}" for choice in choices)
