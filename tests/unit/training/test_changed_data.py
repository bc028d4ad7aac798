"""Repeated and permuted tokens: the data of an arm."""

import itertools

import numpy as np
import pytest
from run_specs import optimiser_of, run_spec

from relscale.plan.architecture import Choices, Shape
from relscale.plan.run_spec import TrainingData
from relscale.plan.spec import ArmTokens
from relscale.text.mixture import Component, Mixture
from relscale.training.epochs import check_arms
from relscale.training.loop import train
from relscale.training.native_build import available
from relscale.training.native_trainer import NativeTrainer
from relscale.training.seeds import order_seed
from relscale.training.stream import changed_stream, first_tokens, stream, with_permuted_windows
from relscale.training.torch_trainer import TorchTrainer

WINDOW = 16
TOKENS = (np.arange(6000) * np.arange(6000) % 61).astype(np.uint16)
SHAPE = Shape(
    width=16,
    layers=1,
    heads=1,
    kv_heads=1,
    head_dim=16,
    intermediate=48,
    vocab_size=64,
    context_length=WINDOW,
)
ADAM = {
    "kind": "adam",
    "learning_rate": 0.01,
    "embedding_learning_rate": 0.02,
    "head_learning_rate": 0.03,
    "beta1": 0.9,
    "beta2": 0.99,
    "weight_decay": 0.0,
    "warmup_share": 0.1,
    "decay_share": 0.5,
    "clip_norm": 1.0,
}


def read_all(data, number, skip=0):
    order, read, per_epoch = changed_stream(TOKENS, WINDOW, seed=3, skip=skip, data=data)
    return read(np.array(list(itertools.islice(order, number)))), per_epoch


def test_without_changes_the_stream_is_that_of_the_corpus():
    for data in (None, TrainingData()):
        ours, per_epoch = read_all(data, 400)
        order, read, whole = stream(TOKENS, WINDOW, 3)
        assert np.array_equal(ours, read(np.array(list(itertools.islice(order, 400)))))
        assert per_epoch == whole


def test_only_the_first_tokens_are_read_and_each_epoch_reads_all_of_them_once():
    seen, per_epoch = read_all(TrainingData(unique_tokens=161), 30)
    assert per_epoch == 10
    expected = sorted(TOKENS[16 * place : 16 * place + 17].tolist() for place in range(10))
    for epoch in range(3):
        assert sorted(seen[10 * epoch : 10 * epoch + 10].tolist()) == expected
    assert seen[:10].tolist() != seen[10:20].tolist()


def test_a_corpus_with_too_few_tokens_and_a_mixture_are_refused():
    with pytest.raises(ValueError, match="unique_tokens = 7000: the corpus has 6000 tokens"):
        first_tokens(TOKENS, 7000)
    mixture = Mixture([Component(name="one", weight=1.0, shards=[TOKENS])])
    with pytest.raises(ValueError, match="a sharded corpus has no first tokens"):
        first_tokens(mixture, 100)


def windows_permuted(share, numbers):
    """Return which windows differ from the corpus, and all windows as they are read."""
    _, read, _ = stream(TOKENS, WINDOW, 3)
    changed = with_permuted_windows(read, share)(numbers)
    plain = read(numbers)
    assert np.array_equal(np.sort(changed), np.sort(plain))  # the same tokens in another order
    return (changed != plain).any(axis=1), changed


def test_the_share_of_windows_is_permuted_and_larger_shares_permute_them_and_more():
    numbers = np.arange(374)
    quarter, some = windows_permuted(0.25, numbers)
    half, more = windows_permuted(0.5, numbers)
    for found, share in ((quarter, 0.25), (half, 0.5)):
        # Three standard deviations of a binomial share.
        assert abs(found.mean() - share) < 3 * np.sqrt(share * (1 - share) / len(numbers))
    assert not (quarter & ~half).any()
    assert np.array_equal(some[quarter], more[quarter])


def test_a_window_is_permuted_alike_in_every_epoch_run_and_batch():
    data = TrainingData(unique_tokens=161, permuted_share=0.5)
    seen, _ = read_all(data, 20)
    assert sorted(seen[:10].tolist()) == sorted(seen[10:].tolist())
    assert np.array_equal(read_all(data, 7, skip=13)[0], seen[13:])
    order, read, _ = changed_stream(TOKENS, WINDOW, seed=4, data=data)
    other = read(np.array(list(itertools.islice(order, 10))))
    assert sorted(other.tolist()) == sorted(seen[:10].tolist())


def spec(data):
    plain = run_spec(SHAPE, ADAM, steps=60, batch_size=4)
    return plain.model_copy(update={"data": data})


def test_the_loop_trains_on_the_changed_tokens():
    data = TrainingData(unique_tokens=321, permuted_share=0.5)
    seen = []

    class Watched(TorchTrainer):
        def update(self, batch, factor):
            seen.append(np.asarray(batch))
            super().update(batch, factor)

    outcome = train(spec(data), TOKENS, Watched(SHAPE, Choices(), optimiser_of(ADAM), seed=1))
    assert outcome.epochs == 60 * 4 / 20
    order, read, _ = changed_stream(TOKENS, WINDOW, order_seed(spec(data)), data=data)
    expected = read(np.array(list(itertools.islice(order, 240))))
    assert np.array_equal(np.concatenate(seen), expected)


@pytest.mark.skipif(not available(), reason="the native library is not built")
def test_native_and_torch_steps_agree_on_changed_tokens():
    data = TrainingData(unique_tokens=321, permuted_share=0.3)
    curves = []
    for kind in (NativeTrainer, TorchTrainer):
        outcome = train(spec(data), TOKENS, kind(SHAPE, Choices(), optimiser_of(ADAM), 1))
        curves.append([row.loss_nats_per_token for row in outcome.curve])
    # The tolerance of the two steps on unchanged tokens, in test_native_trainer.
    assert np.abs(np.subtract(*curves)).max() < 1e-4
    plain = train(spec(None), TOKENS, NativeTrainer(SHAPE, Choices(), optimiser_of(ADAM), 1))
    assert abs(plain.curve[-1].loss_nats_per_token - curves[0][-1]) > 0.01


def arm(**settings):
    return ArmTokens.model_validate(
        {"corpus": "web", "most_tokens": 3000, "max_epochs": 4.0} | settings
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"unique_tokens": 750}, []),
        ({"unique_tokens": 749}, ["suite.arms.one: 749 tokens", "4.01 epochs; max_epochs = 4"]),
        (
            {"unique_tokens": 2000},
            ["suite.arms.one.unique_tokens = 2000: the corpus web has 1,000"],
        ),
        ({}, []),
        ({"max_epochs": 2.5}, ["suite.arms.one: 1,000 tokens", "3.00 epochs; max_epochs = 2.5"]),
    ],
)
def test_an_arm_needs_its_tokens_and_no_more_epochs_than_it_allows(settings, expected):
    found = check_arms({"web": {"corpus": "web", "tokens": 1000}}, {"one": arm(**settings)})
    assert len(found) == bool(expected)
    assert all(part in found[0] for part in expected)
