"""The native trainer against the torch trainer, which is the reference.

Gradients, a whole run, resuming, divergence, and refusals.
"""

import itertools
import math
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from gradients import autograd, gradient_errors
from native_levels import levels
from rounding import float32_error, roundings_of_a_gradient, roundings_of_a_logit
from run_specs import optimiser_of, run_spec
from torch.nn import functional

from relscale.config.load import load_config, read_yaml
from relscale.plan.architecture import Choices, RopeScaling, Shape
from relscale.plan.suite import plan_suite
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.architectures.qwen3 import rotary_angles as torch_angles
from relscale.training.initial import initial_values, parameter_shapes
from relscale.training.model import initialise, load_decoder
from relscale.training.native_build import (
    UnavailableError,
    available,
    load_library,
    supports,
)
from relscale.training.native_library import (
    NativeDecoder,
    flat_values,
    named_values,
    rotary_angles,
)
from relscale.training.native_trainer import NativeTrainer
from relscale.training.optimisers.flat_adam import FlatAdam
from relscale.training.schedule import schedule
from relscale.training.stream import windows

ROOT = Path(__file__).parents[3]
SMALL = Shape(
    width=24,
    layers=2,
    heads=3,
    kv_heads=3,
    head_dim=8,
    intermediate=64,
    vocab_size=97,
    context_length=33,
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
CHOICES = Choices(norm_epsilon=1e-5, rope_theta=5000.0)
needs_library = pytest.mark.skipif(not available(), reason=str(available().reason))


def is_slow(level: str) -> bool:
    """Whether a level emulates fused multiply-add, at a hundredth of the speed of AVX2."""
    return level == "baseline" and platform.machine() == "x86_64"


def suite_shapes() -> list[tuple[Shape, int]]:
    """Shape and batch of every size of the default suite, the largest batch of each."""
    experiment = load_config(read_yaml(ROOT / "config.yaml"))
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    batches = {
        run.shape: max(other.batch_size for other in runs if other.shape == run.shape)
        for run in runs
    }
    return sorted(batches.items(), key=lambda pair: (pair[0].width, pair[0].layers))


ODD_SHAPES = [
    (SMALL, 3),
    (
        replace(
            SMALL,
            width=7,
            heads=3,
            kv_heads=3,
            head_dim=6,
            intermediate=5,
            vocab_size=31,
            context_length=1,
        ),
        2,
    ),
    (
        replace(
            SMALL,
            width=10,
            heads=5,
            kv_heads=5,
            head_dim=2,
            intermediate=7,
            vocab_size=3,
            context_length=13,
        ),
        1,
    ),
    (
        replace(
            SMALL,
            width=33,
            heads=3,
            kv_heads=3,
            head_dim=10,
            intermediate=37,
            vocab_size=67,
            context_length=50,
        ),
        2,
    ),
    (
        replace(
            SMALL,
            width=40,
            layers=1,
            heads=2,
            kv_heads=2,
            head_dim=20,
            intermediate=112,
            vocab_size=512,
            context_length=128,
        ),
        1,
    ),
    (
        replace(
            SMALL,
            width=1,
            layers=3,
            heads=1,
            kv_heads=1,
            head_dim=2,
            intermediate=1,
            vocab_size=17,
            context_length=17,
        ),
        4,
    ),
    # Grouped heads: two and three of queries for one of keys, and one head of keys for all.
    (replace(SMALL, width=40, heads=4, kv_heads=2, head_dim=10), 3),
    (replace(SMALL, heads=6, kv_heads=2, head_dim=8, context_length=50), 2),
    (replace(SMALL, heads=3, kv_heads=1, head_dim=6), 1),
    # A product's depth, here the vocabulary, above what one pass takes.
    (
        replace(
            SMALL,
            width=20,
            layers=1,
            heads=1,
            kv_heads=1,
            head_dim=20,
            intermediate=300,
            vocab_size=1001,
            context_length=20,
        ),
        1,
    ),
]


def perturbed(shape: Shape, choices: Choices, seed: int = 0) -> dict[str, np.ndarray]:
    """Values by name, with norms and head away from their trivial start, so that every gradient is
    of some size."""
    generator = np.random.default_rng(seed)
    values = {}
    for name, value in initial_values(shape, choices, seed):
        noise = generator.standard_normal(value.shape, dtype=np.float32)
        values[name] = (
            value + 0.2 * noise
            if value.ndim == 1
            else value * (30 if name.startswith("lm_head") else 1.5)
        )
    return values


def random_batch(shape: Shape, sequences: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(
        0, shape.vocab_size, (sequences, shape.context_length + 1)
    )


@cache
def exact(shape: Shape, sequences: int) -> tuple[float, dict[str, np.ndarray], dict[str, float]]:
    """The loss and gradients of a random batch, and how far float32 gradients may be from them."""
    values, batch = perturbed(shape, CHOICES), random_batch(shape, sequences)
    loss, gradients = autograd(shape, CHOICES, values, batch)
    return loss, gradients, gradient_errors(shape, CHOICES, values, batch)


def label(part: object) -> str:
    return f"{part.width}x{part.layers}" if isinstance(part, Shape) else str(part)


@needs_library
@pytest.mark.parametrize(
    ("level", "shape", "sequences"),
    [
        (level, shape, sequences)
        for level in levels()
        # An emulated level has the bytes of the others: see test_native_levels.
        for shape, sequences in [*([] if is_slow(level) else suite_shapes()), *ODD_SHAPES]
    ],
    ids=label,
)
def test_gradients_equal_those_of_autograd(shape, sequences, level):
    values, batch = perturbed(shape, CHOICES), random_batch(shape, sequences)
    expected_loss, expected, allowed = exact(shape, sequences)
    loss, flat = NativeDecoder(shape, CHOICES, for_training=True, level=level).gradients(
        flat_values(shape, values), batch
    )
    assert loss == pytest.approx(expected_loss, rel=float32_error(1, roundings_of_a_logit(shape)))
    for name, gradient in named_values(shape, flat).items():
        np.testing.assert_allclose(
            gradient, expected[name], rtol=0, atol=allowed[name], err_msg=name
        )


@pytest.mark.parametrize("head_dim", [2, 16, 20])
def test_angles_are_those_of_the_torch_decoder(head_dim):
    cosine, sine = torch_angles(128, head_dim, Choices())
    ours = rotary_angles(128, head_dim, 10_000.0)
    for theirs, mine in zip((cosine, sine), ours, strict=True):
        # One last bit of a frequency, at position 127, is 127 * 6e-8 = 8e-6 of an angle.
        np.testing.assert_allclose(np.tile(mine, 2), theirs.numpy(), rtol=0, atol=1e-5)


def text(count: int, vocab_size: int) -> np.ndarray:
    """Tokens that can be learnt: each follows from the one before, but for noise."""
    generator = np.random.default_rng(7)
    after = generator.integers(0, vocab_size, vocab_size)
    noise = generator.integers(0, vocab_size, count)
    tokens = np.zeros(count, dtype=np.int64)
    for place in range(1, count):
        tokens[place] = after[tokens[place - 1]] if noise[place] % 4 else noise[place]
    return tokens


def batches(shape: Shape, sequences: int, steps: int) -> list[np.ndarray]:
    tokens = text(20_000, shape.vocab_size)
    order = windows(len(tokens), shape.context_length, seed=3)
    offsets = np.arange(shape.context_length + 1)
    starts = (
        np.fromiter(order, dtype=np.int64, count=sequences) * shape.context_length
        for _ in itertools.count()
    )
    return [tokens[start[:, None] + offsets] for start in itertools.islice(starts, steps)]


def run_native(shape: Shape, data: list[np.ndarray], optimiser: dict) -> np.ndarray:
    step = NativeTrainer(shape, Choices(), optimiser_of(optimiser), seed=0)
    for number, batch in enumerate(data):
        step.update(batch, schedule(number, len(data), optimiser_of(optimiser)))
    return step.losses()


def run_torch(
    shape: Shape, data: list[np.ndarray], optimiser: dict, precision: torch.dtype = torch.float32
) -> np.ndarray:
    torch.set_default_dtype(precision)  # of the optimiser's buffers
    try:
        decoder = Decoder(shape, Choices()).to(precision)
        initialise(decoder, 0)
        adam = FlatAdam(decoder, optimiser_of(optimiser))
        losses = []
        for number, batch in enumerate(data):
            tokens = torch.from_numpy(batch)
            loss = functional.cross_entropy(
                decoder(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()
            )
            loss.backward()
            adam.step(schedule(number, len(data), optimiser_of(optimiser)))
            losses.append(loss.item())
    finally:
        torch.set_default_dtype(torch.float32)
    return np.array(losses)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest relative difference of two loss curves, whose rows are means over three steps."""
    return float(np.abs(one.reshape(-1, 3).mean(1) / other.reshape(-1, 3).mean(1) - 1).max())


def recipe_rates(shape: Shape, sequences: int) -> dict[str, float]:
    """The learning rates that `cpu_small` gives this width and batch."""
    scale = math.sqrt(sequences * shape.context_length / 2048)
    matrices = 0.15 / math.sqrt(shape.width) * scale
    return {
        "learning_rate": matrices,
        "embedding_learning_rate": 0.5 * scale,
        "head_learning_rate": 2 * matrices,
    }


@needs_library
@pytest.mark.parametrize(
    ("shape", "sequences", "changes"),
    [
        (
            replace(
                SMALL,
                width=32,
                heads=2,
                kv_heads=2,
                head_dim=16,
                intermediate=80,
                vocab_size=128,
                context_length=64,
            ),
            2,
            {},
        ),
        (
            replace(SMALL, width=40, layers=1, heads=2, kv_heads=2, head_dim=20, intermediate=112),
            1,
            {"weight_decay": 0.1},
        ),
        (replace(SMALL, layers=1), 3, {"clip_norm": 1e9}),
    ],
)
def test_the_loss_curve_of_a_run_is_that_of_the_torch_trainer(shape, sequences, changes):
    optimiser = ADAM | recipe_rates(shape, sequences) | changes
    data = batches(shape, sequences, 300)
    ours, theirs = run_native(shape, data, optimiser), run_torch(shape, data, optimiser)
    assert theirs[-20:].mean() < theirs[0] - 0.5
    assert apart(ours, theirs) < 1e-4


@needs_library
@pytest.mark.parametrize(
    ("shape", "sequences", "level"),
    [
        *((shape, sequences, None) for shape, sequences in suite_shapes()),
        *(
            (shape, sequences, level)
            for shape, sequences in ODD_SHAPES[-4:-1]
            for level in levels()
            if not is_slow(level)
        ),
    ],
    ids=label,
)
def test_along_a_run_losses_and_gradients_are_as_exact_as_those_of_torch(shape, sequences, level):
    # On its own weights all along the run: two runs apart drift apart, as two of torch's do, since
    # training makes rounding grow.
    optimiser = ADAM | recipe_rates(shape, sequences)
    data = batches(shape, sequences, 120)
    step = NativeTrainer(shape, Choices(), optimiser_of(optimiser), seed=0, level=level)
    errors: dict[str, list[float]] = {"native": [], "torch": []}
    for number, batch in enumerate(data):
        if number % 40 == 39:
            values = {
                name: value.copy() for name, value in named_values(shape, step.values).items()
            }
            expected_loss, expected = autograd(shape, Choices(), values, batch)
            loss, flat = step.decoder.gradients(step.values, batch)
            assert loss == pytest.approx(
                expected_loss, rel=float32_error(1, roundings_of_a_logit(shape))
            )
            in_float32 = flat_values(
                shape, autograd(shape, Choices(), values, batch, torch.float32)[1]
            )
            whole = np.concatenate([expected[name].ravel() for name, _ in parameter_shapes(shape)])
            allowed = gradient_errors(shape, Choices(), values, batch)
            for name, gradient in named_values(shape, flat).items():
                assert np.abs(gradient - expected[name]).max() < allowed[name], name
            errors["native"].append(float(np.linalg.norm(flat - whole)))
            errors["torch"].append(float(np.linalg.norm(in_float32 - whole)))
        step.update(batch, schedule(number, len(data), optimiser_of(optimiser)))
    losses = step.losses()
    assert losses[-20:].mean() < losses[0] - 0.1
    # A sum in k lanes of a vector errs less, by sqrt(k): torch may have up to 16 lanes (AVX-512)
    # where a level has 4 (SSE2), so a sound step errs by at most about twice as much.
    assert np.mean(errors["native"]) < 2 * np.mean(errors["torch"])


@needs_library
@pytest.mark.soak
@pytest.mark.parametrize(("shape", "sequences"), suite_shapes(), ids=label)
def test_a_run_stays_with_that_in_float64_as_long_as_the_torch_trainer_does(shape, sequences):
    # At these learning rates a last bit of the initial weights moves the loss by 1e-4 within some
    # hundred steps, torch's own too.
    optimiser = ADAM | recipe_rates(shape, sequences)
    data = batches(shape, sequences, 240)
    exact = run_torch(shape, data, optimiser, torch.float64)

    def steps_within(losses: np.ndarray) -> int:
        left = np.abs(losses / exact - 1) > 1e-5
        return int(left.argmax()) if left.any() else len(losses)

    assert (
        steps_within(run_native(shape, data, optimiser))
        > 0.75 * steps_within(run_torch(shape, data, optimiser))
        > 10
    )


@needs_library
def test_the_same_run_gives_the_same_bytes_and_so_does_a_resumed_one():
    data = batches(SMALL, 2, 30)
    whole, again = (NativeTrainer(SMALL, Choices(), optimiser_of(ADAM), seed=5) for _ in range(2))
    for step in (whole, again):
        for batch in data[:17]:
            step.update(batch, 0.7)
    saved = again.state()
    resumed = NativeTrainer(SMALL, Choices(), optimiser_of(ADAM), seed=6)
    resumed.update(data[0], 1.0)
    resumed.load_state(saved)
    for batch in data[17:]:
        whole.update(batch, 0.3)
        resumed.update(batch, 0.3)
    assert whole.losses()[17:].tobytes() == resumed.losses().tobytes()
    for name, value in whole.state().items():
        assert value.tobytes() == resumed.state()[name].tobytes(), name
    # The saved state is a copy.
    assert (
        saved["updates"] == 17
        and again.state()["values"].tobytes() == saved["values"].tobytes() != whole.values.tobytes()
    )


@needs_library
@pytest.mark.parametrize("level", levels())
def test_norms_are_those_of_all_gradients_before_clipping_and_given_once(level):
    clipped = {"clip_norm": 1e-3}
    step = NativeTrainer(SMALL, Choices(), optimiser_of(ADAM | clipped), seed=5, level=level)
    assert step.gradient_norms().shape == (0,)
    expected = []
    for seed in range(3):
        batch = random_batch(SMALL, 2, seed)
        values = {name: value.copy() for name, value in named_values(SMALL, step.values).items()}
        gradients = autograd(SMALL, Choices(), values, batch)[1]
        expected.append(
            math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients.values()))
        )
        step.update(batch, 1.0)
    norms = step.gradient_norms()
    # The norm's relative error is at most that of the gradients in it.
    rel = float32_error(1, roundings_of_a_gradient(SMALL, 2))
    assert norms.dtype == np.float32 and norms.tolist() == pytest.approx(expected, rel=rel)
    assert step.gradient_norms().shape == (0,)


@needs_library
def test_states_of_another_shape_are_refused():
    step = NativeTrainer(SMALL, Choices(), optimiser_of(ADAM), seed=5)
    state = step.state()
    with pytest.raises(
        ValueError, match=r"state of a run: first is None, not \(\(\d+,\), 'float32'\)"
    ):
        step.load_state({name: value for name, value in state.items() if name != "first"})
    other = NativeTrainer(replace(SMALL, layers=1), Choices(), optimiser_of(ADAM), seed=5).state()
    with pytest.raises(ValueError, match=r"state of a run: first is \(\(\d+,\), 'float32'\), not"):
        step.load_state(other)


@needs_library
def test_losses_are_those_before_each_update_and_given_once():
    step = NativeTrainer(SMALL, Choices(), optimiser_of(ADAM), seed=5)
    batch = random_batch(SMALL, 2)
    expected = autograd(SMALL, Choices(), dict(initial_values(SMALL, Choices(), 5)), batch)[0]
    assert step.losses().shape == (0,)
    step.update(batch, 1.0)
    losses = step.losses()
    rel = float32_error(1, roundings_of_a_logit(SMALL))
    assert losses.dtype == np.float32 and losses.tolist() == pytest.approx([expected], rel=rel)
    assert step.losses().shape == (0,)


@needs_library
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "name",
    [
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.k_proj.weight",
        "model.norm.weight",
        "lm_head.weight",
    ],
)
def test_values_that_are_not_finite_are_seen(level, name, value):
    step = NativeTrainer(SMALL, Choices(), optimiser_of(ADAM), seed=5, level=level)
    batch = random_batch(SMALL, 2)
    # Row 0 of the embedding is seen because token 0 is in the batch.
    batch[0, 3] = 0
    named_values(SMALL, step.values)[name][0] = value
    assert not step.is_finite()
    step.update(batch, 1.0)
    assert not np.isfinite(step.losses()).any()


@needs_library
def test_a_run_that_diverges_is_seen():
    step = NativeTrainer(
        SMALL,
        Choices(),
        optimiser_of(ADAM | {"learning_rate": 1e30, "head_learning_rate": 1e30, "clip_norm": 1e30}),
        seed=5,
    )
    assert step.is_finite()
    for batch in batches(SMALL, 1, 5):
        step.update(batch, 1.0)
    assert not np.isfinite(step.losses()).all()
    assert not step.is_finite()


@needs_library
def test_batches_that_do_not_fit_are_refused_and_change_nothing():
    step = NativeTrainer(SMALL, Choices(), optimiser_of(ADAM), seed=5)
    before = step.values.copy()
    batch = random_batch(SMALL, 2)
    for token in (SMALL.vocab_size, -1):
        wrong = batch.copy()
        wrong[1, -1] = token
        with pytest.raises(ValueError, match="a token is not in the vocabulary of 97 entries"):
            step.update(wrong, 1.0)
    with pytest.raises(ValueError, match=r"a batch of shape \(2, 33\) is not \(sequences, 34\)"):
        step.update(batch[:, 1:], 1.0)
    assert step.losses().size == 0 and step.state()["updates"] == 0
    np.testing.assert_array_equal(step.values, before)


@needs_library
def test_the_saved_folder_is_that_of_a_decoder(tmp_path):
    step = NativeTrainer(SMALL, Choices(), optimiser_of(ADAM), seed=5)
    step.save(tmp_path)
    decoder = Decoder(SMALL, Choices())
    initialise(decoder, 5)
    loaded = load_decoder(tmp_path)
    assert loaded.shape == SMALL
    assert all(
        torch.equal(mine, theirs)
        for mine, theirs in zip(loaded.parameters(), decoder.parameters(), strict=True)
    )


@pytest.mark.parametrize(
    ("shape", "choices", "kind", "reason"),
    [
        (replace(SMALL, head_dim=7), Choices(), "adam", "head width 7 is odd"),
        (SMALL, Choices(rope_scaling=RopeScaling()), "adam", "no scaled rotary positions"),
        (replace(SMALL, width=1024), Choices(), "adam", "width 1024 is above 512"),
        (SMALL, Choices(), "cautious_adamc", "no optimiser 'cautious_adamc'"),
    ],
)
def test_what_is_not_supported_has_a_reason(shape, choices, kind, reason):
    support = supports(shape, choices, optimiser_of(ADAM | {"kind": kind}))
    assert not support and reason in str(support.reason)


def test_missing_levels_are_refused():
    with pytest.raises(UnavailableError):
        load_library("altivec")


def test_the_installation_succeeds_without_a_compiler(tmp_path):
    for name in ("setup.py", "pyproject.toml", "README.md", "src"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for library in tmp_path.glob("src/relscale/training/_native*"):
        library.unlink()
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"CC": "no-such-compiler", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("src/relscale/training/_native*"))


LIGHT = """
import sys
from pathlib import Path
import numpy as np
import relscale.stages.train
from relscale.plan.run_spec import RunSpec
from relscale.training.loop import train
from relscale.training.native_build import supports
from relscale.training.native_trainer import NativeTrainer
spec = RunSpec.model_validate_json({spec!r})
if supports(spec.shape, spec.choices, spec.optimiser):
    trainer = NativeTrainer(spec.shape, spec.choices, spec.optimiser, spec.seed)
    outcome = train(spec, np.arange(1000, dtype=np.uint16) % 64, trainer)
    assert outcome.excluded_reason is None and len(outcome.curve) == 3
    trainer.save(Path({folder!r}))
heavy = ("torch", "pandas", "transformers", "pyarrow", "scipy")
print(*(name for name in heavy if name in sys.modules))
"""


def test_training_imports_nothing_heavy(tmp_path):
    shape = replace(SMALL, width=16, heads=1, kv_heads=1, head_dim=16, vocab_size=64)
    spec = run_spec(shape, ADAM, steps=3, batch_size=2, seed=0)
    script = LIGHT.format(spec=spec.model_dump_json(), folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
