"""The native trainer's C with other compilers and processors: ARM's NEON by cross compiler and
emulator, Clang, and GCC with other settings."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gradients import autograd, gradient_errors
from native_levels import levels
from rounding import float32_error, roundings_of_a_logit
from run_specs import optimiser_of

from relscale.plan.architecture import Choices, Shape
from relscale.training.initial import initial_values
from relscale.training.native_build import available
from relscale.training.native_library import (
    NativeDecoder,
    adam_settings,
    c_shape,
    flat_values,
    named_values,
    rotary_angles,
)
from relscale.training.torch_trainer import TorchTrainer

HERE = Path(__file__).parent
SOURCES = HERE.parents[2] / "src/relscale/training/native"
GIVEN = json.loads((SOURCES / "flags.json").read_text())
FLAGS = [*GIVEN["library"], *GIVEN["kernel"], "-Wall", "-Wextra", "-Werror"]
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
    "weight_decay": 0.1,
    "clip_norm": 1.0,
    "warmup_share": 0.1,
    "decay_share": 0.5,
}
CHOICES = Choices(norm_epsilon=1e-6)
MACHINES = {
    "neon": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"]),
    "clang": (["clang"], []),
    # Neither the level of optimisation nor the compiler's choice of vectors decides the bytes.
    "gcc for AVX2": (["gcc", "-mavx2", "-mfma"], []),
}
MORE_FLAGS = {"gcc for AVX2": ["-O1"]}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Return a function that compiles the harness for a machine, once, and returns the command that
    runs it."""
    folder = tmp_path_factory.mktemp("harness")

    def command(machine: str) -> list[str]:
        compiler, emulator = MACHINES[machine]
        if missing := [tool for tool in (compiler[0], *emulator) if shutil.which(tool) is None]:
            pytest.skip(f"this machine has no {' and no '.join(missing)}")
        if machine == "gcc for AVX2" and "avx2" not in levels():
            pytest.skip("this machine has no AVX2")
        target = folder / machine.replace(" ", "-")
        if not target.exists():
            sources = [
                str(SOURCES / "decoder.c"),
                str(SOURCES / "levels.c"),
                str(HERE / "native_harness.c"),
            ]
            macros = ["-DLEVEL=baseline", '-DSOURCES_DIGEST="none"']
            subprocess.run(
                [
                    *compiler,
                    *FLAGS,
                    *MORE_FLAGS.get(machine, []),
                    *macros,
                    f"-I{SOURCES}",
                    *sources,
                    "-lm",
                    "-o",
                    str(target),
                ],
                check=True,
            )
        return [*emulator, str(target)]

    return command


def values_of(shape: Shape) -> dict[str, np.ndarray]:
    """Values by name, away from their trivial start, so that every gradient is of some size."""
    generator = np.random.default_rng(0)
    noise = {
        name: generator.standard_normal(value.shape, dtype=np.float32)
        for name, value in initial_values(shape, CHOICES, 0)
    }
    return {name: value + 0.2 * noise[name] for name, value in initial_values(shape, CHOICES, 0)}


def torch_updates(
    shape: Shape, values: dict[str, np.ndarray], batch: np.ndarray
) -> dict[str, np.ndarray]:
    """Values after three updates at half the rates by the torch step."""
    step = TorchTrainer(shape, CHOICES, optimiser_of(ADAM), seed=0)
    with torch.no_grad():
        for name, parameter in step.decoder.named_parameters():
            parameter.copy_(torch.from_numpy(values[name]))
    for _ in range(3):
        step.update(batch, 0.5)
    return {name: step.state()[name] for name in values}


def of_this_machine(shape: Shape, flat: np.ndarray, batch: np.ndarray) -> bytes:
    """Return the output of the harness from the library of this machine."""
    decoder = NativeDecoder(shape, CHOICES, for_training=True)
    loss, gradients = decoder.gradients(flat, batch)
    score, _ = decoder.score(flat, [batch[0]], np.array([1]))
    values, scratch, first, second = flat.copy(), *(np.zeros_like(flat) for _ in range(3))
    settings = adam_settings(optimiser_of(ADAM))
    for number in (1, 2, 3):
        _, norm = decoder.update(values, scratch, first, second, batch, settings, 0.5, number)
    parts = (np.array([loss, score[0]]), gradients, np.float64(norm), values)
    return b"".join(part.tobytes() for part in parts)


@pytest.mark.parametrize(
    "shape", [SMALL, replace(SMALL, width=40, heads=4, kv_heads=2, head_dim=10, context_length=50)]
)
@pytest.mark.parametrize("machine", MACHINES)
def test_every_compiler_and_machine_gives_the_bytes_of_this_one_and_the_gradients_of_autograd(
    machine, shape, compiled, tmp_path
):
    command = compiled(machine)
    values, batch = (
        values_of(shape),
        np.random.default_rng(1).integers(0, shape.vocab_size, (2, shape.context_length + 1)),
    )
    flat = flat_values(shape, values)
    sizes = np.array([flat.size, len(batch)], dtype=np.int64)
    parts = [
        bytes(c_shape(shape)),
        bytes(adam_settings(optimiser_of(ADAM))),
        *(
            part.tobytes()
            for part in (
                sizes,
                *rotary_angles(shape.context_length, shape.head_dim, CHOICES.rope_theta),
                flat,
                batch,
            )
        ),
    ]
    (tmp_path / "in").write_bytes(b"".join(parts))
    subprocess.run([*command, str(tmp_path / "in"), str(tmp_path / "out")], check=True)
    given = (tmp_path / "out").read_bytes()
    assert len(given) == 24 + 8 * flat.size
    if available():
        assert given == of_this_machine(shape, flat, batch)
    loss, score = np.frombuffer(given, np.float64, 2)
    gradients = named_values(shape, np.frombuffer(given, np.float32, flat.size, 16))
    updated = named_values(shape, np.frombuffer(given, np.float32, flat.size, 24 + 4 * flat.size))
    expected_loss, expected = autograd(shape, CHOICES, values, batch)
    allowed = gradient_errors(shape, CHOICES, values, batch)
    rel = float32_error(1, roundings_of_a_logit(shape))
    assert loss == pytest.approx(expected_loss, rel=rel)
    assert score == pytest.approx(
        -shape.context_length * autograd(shape, CHOICES, values, batch[:1])[0], rel=rel
    )
    after = torch_updates(shape, values, batch)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(
            gradient, expected[name], rtol=0, atol=allowed[name], err_msg=name
        )
        # Adam's first updates are all but signs: entries whose gradient is rounding alone may
        # differ by a whole one.
        assert np.mean(np.abs(updated[name] - after[name]) > 1e-4) < 0.001, name
