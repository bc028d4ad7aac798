"""Native scoring against the torch model, which is the reference, and how little it imports."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import shapes
import torch
from rounding import score_error

from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.evaluation.native_model import NativeModel, read_native_model
from relscale.evaluation.requests import Item, Option, write_requests
from relscale.evaluation.torch_model import CausalModel
from relscale.plan.architecture import Choices, Shape
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.folder import save_folder
from relscale.training.initial import initial_values
from relscale.training.native_build import available

pytestmark = pytest.mark.skipif(not available(), reason=str(available().reason))

SMALL = replace(shapes.SMALL, context_length=40)


def sharp_values(shape: Shape) -> dict[str, np.ndarray]:
    """Far from uniform predictions, so that an error would show."""
    return {
        name: value * (200 if name == "lm_head.weight" else 1)
        for name, value in initial_values(shape, Choices(), 3)
    }


def both(shape: Shape) -> tuple[NativeModel, CausalModel]:
    values = sharp_values(shape)
    decoder = Decoder(shape)
    decoder.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    reference = CausalModel(
        decoder, vocab_size=shape.vocab_size, context_length=shape.context_length
    )
    return NativeModel(shape, Choices(), values), reference


def largest_logit(model: CausalModel) -> float:
    """The largest logit that each token gives as a sequence of its own."""
    with torch.inference_mode():
        return float(model.module(torch.arange(model.vocab_size)[:, None]).abs().max())


@pytest.mark.parametrize(
    "shape",
    [
        SMALL,
        shapes.WIDE,
        replace(
            SMALL,
            width=33,
            heads=3,
            kv_heads=3,
            head_dim=10,
            intermediate=37,
            vocab_size=67,
            context_length=17,
        ),
        replace(SMALL, width=40, heads=4, kv_heads=2, head_dim=10, context_length=17),
    ],
)
def test_scores_equal_those_of_the_torch_model(shape):
    native, reference = both(shape)
    generator = np.random.default_rng(0)
    contexts, continuations = [], []
    for _ in range(200):
        length = int(generator.integers(2, shape.context_length + 2))
        row = generator.integers(0, shape.vocab_size, length)
        start = int(generator.integers(1, length))
        contexts.append(row[:start])
        continuations.append(row[start:])
    # The longest that fits, the shortest, and one that is there twice.
    contexts += [[1], [1], contexts[5]]
    continuations += [[2] * shape.context_length, [3], continuations[5]]
    ours, theirs = native.score(contexts, continuations), reference.score(contexts, continuations)
    longest = max(map(len, continuations))
    allowed = score_error(shape, largest_logit(reference), longest)
    np.testing.assert_allclose(ours.log_likelihood, theirs.log_likelihood, rtol=0, atol=allowed)
    np.testing.assert_array_equal(ours.greedy, theirs.greedy)
    assert ours.log_likelihood[5] == ours.log_likelihood[-1]


def test_scores_by_token_add_up_and_change_no_sum():
    generator = np.random.default_rng(7)
    rows = [generator.integers(0, SMALL.vocab_size, size) for size in (41, 2, 17, 17, 30)]
    rows.append(rows[2])
    requests = [row[:1] for row in rows], [row[1:] for row in rows]
    sizes = [len(row) - 1 for row in rows]
    for model in both(SMALL):
        plain, found = model.score(*requests), model.score(*requests, by_token=True)
        assert plain.by_token is None
        assert plain.log_likelihood.tobytes() == found.log_likelihood.tobytes()
        assert plain.greedy.tobytes() == found.greedy.tobytes()
        parts = np.split(found.by_token, np.cumsum(sizes)[:-1])
        assert [len(part) for part in parts] == sizes
        # Sums of float64 in another order.
        sums = [part.sum() for part in parts]
        np.testing.assert_allclose(sums, found.log_likelihood, rtol=1e-12)
        np.testing.assert_array_equal(parts[2], parts[5])
    native, reference = (model.score(*requests, by_token=True).by_token for model in both(SMALL))
    allowed = score_error(SMALL, largest_logit(both(SMALL)[1]), 1)
    np.testing.assert_allclose(native, reference, rtol=0, atol=allowed)


def test_greedy_continuations_are_recognised():
    native, reference = both(SMALL)
    context = [4, 8, 15]
    with torch.inference_mode():
        for _ in range(20):
            context.append(int(reference.module(torch.tensor([context]))[0, -1].argmax()))
    wrong = [*context[:-1], (context[-1] + 1) % SMALL.vocab_size]
    for model in (native, reference):
        assert model.score([context[:3]] * 2, [context[3:], wrong[3:]]).greedy.tolist() == [
            True,
            False,
        ]


def test_other_requests_do_not_change_a_score():
    native, _ = both(SMALL)
    generator = np.random.default_rng(1)
    rows = [generator.integers(0, SMALL.vocab_size, size) for size in (41, 2, 17, 30)]
    together = native.score([row[:1] for row in rows], [row[1:] for row in rows])
    for index, row in enumerate(rows):
        assert (
            native.score([row[:1]], [row[1:]]).log_likelihood[0] == together.log_likelihood[index]
        )


@pytest.mark.parametrize(
    ("context", "continuation", "message"),
    [
        ([], [1], "request 1: context and continuation must each have a token; they have 0 and 1"),
        ([0] * 21, [1] * 21, "request 1: 41 tokens exceed the model's context of 40"),
        ([0], [97], "request 1: token 97 is not in the model's vocabulary of 97 entries"),
    ],
)
def test_requests_that_cannot_be_scored(context, continuation, message):
    with pytest.raises(ValueError, match=message):
        both(SMALL)[0].score([[0], context], [[1], continuation])


def test_a_folder_is_read(tmp_path):
    save_folder(tmp_path, SMALL, Choices(), sharp_values(SMALL))
    request = ([[0, 1]], [[2, 3]])
    assert (
        read_native_model(tmp_path).score(*request).log_likelihood
        == both(SMALL)[0].score(*request).log_likelihood
    )


def test_scores_that_are_not_finite_are_seen():
    values = sharp_values(SMALL)
    values["model.layers.1.mlp.down_proj.weight"][0, 0] = np.nan
    scores = NativeModel(SMALL, Choices(), values).score([[1]], [[2, 3]])
    assert np.isnan(scores.log_likelihood).all()


STAGE = """
import sys
from relscale.runtime import call
from relscale.stages import evaluate
call(evaluate.main, sys.argv[1:])
print(*(name for name in ("torch", "pandas", "transformers", "scipy") if name in sys.modules))
"""


def test_the_stage_imports_nothing_heavy(tmp_path):
    columns = dict.fromkeys(SUITE_COLUMNS, 1) | {
        "corpus": "web",
        "budget": "1e9",
        "recipe": "cpu_small",
        "run": "r",
    }
    (tmp_path / "record.json").write_text(
        json.dumps({"columns": columns, "spec": {"device": "cpu"}, "excluded_reason": None})
    )
    save_folder(tmp_path / "model", SMALL, Choices(), sharp_values(SMALL))
    options = tuple(
        Option(context=(0,), continuation=(number, 5), num_bytes=4) for number in (1, 2)
    )
    items = [
        Item(domain="d", stratum="s", item=name, options=options, text=name) for name in ("a", "b")
    ]
    write_requests(items, tmp_path / "requests.parquet")
    files = {"files": ["pairs.json"], "positive": "good", "negative": "bad"}
    settings = {
        "kind": "pairs",
        "source": "s",
        "domains": {"A": [files]},
        "metrics": ["accuracy"],
    }
    spec = {"family": "behaviour", "context_length": 64, "settings": settings}
    inputs = [
        "--spec",
        json.dumps(spec),
        "--requests",
        tmp_path / "requests.parquet",
        "--record",
        tmp_path / "record.json",
    ]
    inputs += ["--score-cache", tmp_path / "cache", "--defined-by", "code"]
    outputs = [
        "--out-losses",
        tmp_path / "losses.parquet",
        "--out-items",
        tmp_path / "items.parquet",
    ]
    done = subprocess.run(
        [sys.executable, "-c", STAGE, *map(str, inputs + outputs)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [""]
