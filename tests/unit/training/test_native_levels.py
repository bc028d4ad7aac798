"""Every level of instructions that this machine has gives the same bytes."""

import itertools
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from native_levels import levels
from run_specs import optimiser_of
from shapes import SMALL as SHARED

from relscale.evaluation.native_model import NativeModel
from relscale.plan.architecture import Choices
from relscale.training.native_library import NativeDecoder, named_values
from relscale.training.native_trainer import NativeTrainer
from relscale.training.schedule import schedule

PAIRS = list(itertools.combinations(levels(), 2))
pytestmark = pytest.mark.skipif(not PAIRS, reason="there are no two levels on this machine")
SMALL = replace(SHARED, intermediate=48)
# With the number of updates. Every remainder of a tile, of a panel and of a pass along the depth is
# among them: lengths above 256 for sums over queries and keys, a width and a vocabulary above it.
RUNS = {
    "small": (SMALL, 2, 15),
    "odd": (replace(SMALL, width=33, head_dim=10, intermediate=37, vocab_size=67), 1, 5),
    "one token": (replace(SMALL, width=7, head_dim=6, intermediate=5, context_length=1), 3, 20),
    "grouped": (replace(SMALL, heads=4, kv_heads=2, context_length=50), 1, 5),
    "long": (
        replace(SMALL, width=10, layers=1, heads=2, kv_heads=1, head_dim=6, context_length=283),
        1,
        3,
    ),
    "longer": (
        replace(SMALL, width=6, layers=1, heads=1, kv_heads=1, head_dim=4, context_length=530),
        1,
        2,
    ),
    "wide": (
        replace(SMALL, width=270, layers=1, heads=1, kv_heads=1, head_dim=10, context_length=9),
        1,
        2,
    ),
    "vocabulary": (
        replace(SMALL, width=12, layers=1, head_dim=4, vocab_size=1001, context_length=18),
        1,
        3,
    ),
}
ADAM = optimiser_of(
    {
        "kind": "adam",
        "learning_rate": 0.01,
        "embedding_learning_rate": 0.02,
        "head_learning_rate": 0.03,
        "beta1": 0.9,
        "beta2": 0.99,
        "weight_decay": 0.1,
        "warmup_share": 0.2,
        "final_share": 0.1,
        "schedule": "cosine",
        "clip_norm": 0.5,
    }
)


@cache
def trained(name: str, level: str) -> dict[str, bytes]:
    """Train a run; return everything that comes out of it as bytes."""
    shape, sequences, steps = RUNS[name]
    trainer = NativeTrainer(shape, Choices(), ADAM, seed=5, level=level)
    generator = np.random.default_rng(1)
    size = (steps, sequences, shape.context_length + 1)
    for number, batch in enumerate(generator.integers(0, shape.vocab_size, size)):
        trainer.update(batch, schedule(number, steps, ADAM))
    gradients = trainer.decoder.gradients(trainer.values, batch)
    model = NativeModel(shape, Choices(), named_values(shape, trainer.values), level=level)
    tokens = generator.integers(0, shape.vocab_size, (12, shape.context_length + 1)).tolist()
    lengths = [1 + number * shape.context_length // 12 for number in range(12)]
    scores = model.score(
        [row[:length] for row, length in zip(tokens, lengths, strict=True)],
        [row[length:] for row, length in zip(tokens, lengths, strict=True)],
        by_token=True,
    )
    arrays = {
        **trainer.state(),
        "losses": trainer.losses(),
        "norms": trainer.gradient_norms(),
        "gradients": gradients[1],
        "loss": np.float64(gradients[0]),
        "log-likelihoods": scores.log_likelihood,
        "greedy": scores.greedy,
        "log-probabilities": scores.by_token,
    }
    assert np.isfinite(arrays["losses"]).all()
    return {key: np.asarray(value).tobytes() for key, value in arrays.items()}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_training_and_scoring_give_the_same_bytes_at_every_level(one, other, name):
    ours, theirs = trained(name, one), trained(name, other)
    assert [key for key in ours if ours[key] != theirs[key]] == []


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_numbers_at_the_ends_of_the_range_give_the_same_bytes(one, other):
    # Results that are subnormal, or round to the largest number or infinity.
    found = []
    for level in (one, other):
        trainer = NativeTrainer(SMALL, Choices(), ADAM, seed=5, level=level)
        scales = 2.0 ** np.random.default_rng(2).integers(-120, 20, trainer.values.size)
        trainer.values *= scales.astype(np.float32)
        decoder = NativeDecoder(SMALL, Choices(), for_training=True, level=level)
        batch = np.arange(2 * 34).reshape(2, 34) % 97
        loss, gradients = decoder.gradients(trainer.values, batch)
        assert math.isfinite(loss)
        found.append(gradients)
    assert found[0].tobytes() == found[1].tobytes()
    sizes = np.abs(found[0][found[0] != 0])
    assert sizes.min() < 1e-38
