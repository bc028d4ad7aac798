from dataclasses import replace

import numpy as np
import pytest
import torch
from memory import most_memory, tells_memory
from rounding import float32_error, score_error
from shapes import lstm_shape

from relscale.evaluation import torch_model, trained
from relscale.evaluation.batches import scoring_bytes
from relscale.evaluation.metrics import OptionScores, item_metrics
from relscale.evaluation.native_model import NativeModel
from relscale.evaluation.torch_model import CausalModel
from relscale.plan.architecture import Shape
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.model import build_decoder, initialise, save_decoder
from relscale.training.native_build import Support, available

SHAPE = Shape(
    width=16,
    layers=2,
    heads=1,
    kv_heads=1,
    head_dim=16,
    intermediate=48,
    vocab_size=64,
    context_length=32,
)


LARGEST_LOGIT = 9.0
"""Of the decoder below on random sequences (8.5), rounded up."""


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    decoder = Decoder(SHAPE)
    initialise(decoder, seed=1)
    with torch.no_grad():
        decoder.lm_head.weight.mul_(200)  # far from uniform, so that an error would show
    return decoder


def test_bits_per_byte_worked_example(halves):
    # Tokens of 1, 2, 3 and 3 bits; "0 1 2" after "3" has 6 bits, over 4 bytes 1.5 bits per byte.
    scores = halves.score([[3], [3, 3]], [[0, 1, 2], [0, 0]])
    # A logarithm and a normaliser over four entries, each rounded: far below 16 last bits, 1e-6.
    np.testing.assert_allclose(scores.log_likelihood, -np.log(2) * np.array([6.0, 2.0]), rtol=1e-6)
    assert scores.greedy.tolist() == [False, True]
    numerator, denominator = item_metrics(
        ["bits_per_byte"],
        OptionScores(
            log_likelihood=scores.log_likelihood,
            num_bytes=np.array([4.0, 2.0]),
            first=np.array([0, 1, 2]),
            gold=np.array([0, 1]),
        ),
    )["bits_per_byte"]
    np.testing.assert_allclose(numerator / denominator, [1.5, 1.0], rtol=1e-6)


def test_scores_equal_a_plain_loop(decoder):
    generator = np.random.default_rng(0)
    contexts = [generator.integers(0, 64, size) for size in (1, 5, 17, 1, 9)]
    continuations = [generator.integers(0, 64, size) for size in (32, 3, 1, 1, 20)]
    scores = CausalModel(decoder, vocab_size=64, context_length=32).score(contexts, continuations)
    for index, (context, continuation) in enumerate(zip(contexts, continuations, strict=True)):
        tokens = torch.tensor(np.concatenate([context, continuation]))
        logits = decoder(tokens[None, :-1])[0].double().log_softmax(-1)[len(context) - 1 :]
        expected = logits.gather(1, torch.tensor(continuation)[:, None]).sum().item()
        allowed = score_error(SHAPE, float(logits.detach().abs().max()), len(continuation))
        assert scores.log_likelihood[index] == pytest.approx(expected, rel=0, abs=allowed)
        assert scores.greedy[index] == bool((logits.argmax(-1).numpy() == continuation).all())


def test_batching_does_not_change_scores(decoder):
    generator = np.random.default_rng(1)
    sizes = generator.integers(1, 32, 60)
    contexts = [[0]] * 60
    continuations = [generator.integers(0, 64, size) for size in sizes]
    continuations[7] = continuations[3]
    one_by_one = CausalModel(decoder, vocab_size=64, context_length=32, batch_tokens=1).score(
        contexts, continuations
    )
    assert one_by_one.log_likelihood[7] == one_by_one.log_likelihood[3]
    for batch_tokens in (100, 100_000):
        together = CausalModel(
            decoder, vocab_size=64, context_length=32, batch_tokens=batch_tokens
        ).score(contexts, continuations)
        np.testing.assert_allclose(
            together.log_likelihood,
            one_by_one.log_likelihood,
            rtol=0,
            atol=score_error(SHAPE, LARGEST_LOGIT, 32),
        )
        np.testing.assert_array_equal(together.greedy, one_by_one.greedy)


@pytest.mark.parametrize("native", [False, True])
def test_read_run(decoder, tmp_path, monkeypatch, native):
    if native and not available():
        pytest.skip(available().reason)
    there = Support(reason=None if native else "no compiler")
    monkeypatch.setattr(trained, "supports", lambda *what: there)
    save_decoder(decoder, tmp_path / "model")
    model = trained.read_run(tmp_path / "model")
    assert isinstance(model, NativeModel if native else CausalModel)
    direct = CausalModel(decoder, vocab_size=64, context_length=32)
    request = ([[0, 1]], [[2, 3]])
    # Torch sums in another order than the native library; the same torch model gives equal bytes.
    allowed = score_error(SHAPE, LARGEST_LOGIT, 2) if native else 0
    np.testing.assert_allclose(
        model.score(*request).log_likelihood,
        direct.score(*request).log_likelihood,
        rtol=0,
        atol=allowed,
    )


def test_a_run_of_the_native_step_is_not_scored_by_torch_because_the_library_is_missing(
    decoder, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(trained, "supports", lambda *what: Support(reason="no compiler"))
    save_decoder(decoder, tmp_path / "model")
    for name in ("native", "native avx2"):
        with pytest.raises(ValueError, match=r"model: the native step .* score it: no compiler"):
            trained.read_run(tmp_path / "model", "cpu", name)
    assert isinstance(trained.read_run(tmp_path / "model", "cpu", "torch"), CausalModel)
    assert "model: scored with torch: no compiler" in caplog.text


def test_an_lstm_is_scored_by_torch_and_each_request_from_a_state_of_zero(tmp_path, caplog):
    decoder = build_decoder(lstm_shape(SHAPE))
    initialise(decoder, seed=1)
    with torch.no_grad():
        decoder.lm_head.weight.mul_(200)
    save_decoder(decoder, tmp_path / "model")
    model = trained.read_run(tmp_path / "model")
    assert isinstance(model, CausalModel)
    assert not caplog.text  # no other machine would score it natively
    contexts, continuations = [[5, 6], [7], [8, 9, 10]], [[2, 3], [4] * 9, [1]]
    together = model.score(contexts, continuations)
    for number, (context, continuation) in enumerate(zip(contexts, continuations, strict=True)):
        tokens = torch.tensor([context + continuation])
        with torch.inference_mode():
            log_probability = decoder.eval()(tokens[:, :-1]).log_softmax(-1)[0, len(context) - 1 :]
        expected = sum(
            log_probability[place, token].item() for place, token in enumerate(continuation)
        )
        # Each time step and layer adds the products of two rows of the width.
        terms = 2 * 12 * 2 * 16 + 64
        allowed = float32_error(LARGEST_LOGIT * len(continuation), terms)
        assert together.log_likelihood[number] == pytest.approx(expected, abs=allowed)


def test_only_runs_of_a_recipe_for_gpus_are_scored_on_one(decoder, tmp_path, monkeypatch, caplog):
    save_decoder(decoder, tmp_path / "model")
    read, there = [], [True]
    monkeypatch.setattr(trained, "supports", lambda *what: Support(reason="no compiler"))
    monkeypatch.setattr(torch_model, "has_gpu", lambda: there[0])
    monkeypatch.setattr(
        torch_model, "read_torch_model", lambda folder, device="cpu": read.append(device)
    )
    trained.read_run(tmp_path / "model", "gpu")
    trained.read_run(tmp_path / "model", "cpu")
    assert "trained on a GPU" not in caplog.text
    there[0] = False
    trained.read_run(tmp_path / "model", "gpu")
    assert read == ["cuda", "cpu", "cpu"]
    assert "trained on a GPU, but there is none here; scored on the CPU" in caplog.text


@tells_memory
@pytest.mark.parametrize("shape", [SHAPE, replace(lstm_shape(SHAPE), width=512)])
def test_the_estimate_holds_what_scoring_a_batch_takes(shape):
    shape = replace(shape, vocab_size=16_000, context_length=512)
    decoder = build_decoder(shape)
    initialise(decoder, seed=0)
    model = CausalModel(decoder, vocab_size=16_000, context_length=512)
    with most_memory() as taken:
        model.score([[0]] * 8, [np.arange(512) + shift for shift in range(8)])
    assert 0.4 < taken() / scoring_bytes(shape, "cpu") < 1.1  # the interpreter's own few megabytes


@pytest.mark.parametrize(
    ("context", "continuation", "message"),
    [
        ([], [1], "request 1: context and continuation must each have a token; they have 0 and 1"),
        ([1], [], "request 1: context and continuation must each have a token; they have 1 and 0"),
        ([0] * 5, [1] * 5, "request 1: 9 tokens exceed the model's context of 8"),
        ([0], [4], "request 1: token 4 is not in the model's vocabulary of 4 entries"),
    ],
)
def test_requests_that_cannot_be_scored(halves, context, continuation, message):
    with pytest.raises(ValueError, match=message):
        halves.score([[0], context], [[1], continuation])


def test_longest_request_that_fits(halves):
    scores = halves.score([[0] * 4], [[1] * 5])  # 8 tokens go in, the ninth is only scored
    # As above: a handful of rounded operations.
    assert scores.log_likelihood[0] == pytest.approx(-5 * np.log(4), rel=1e-6)
