"""Elementary functions against those of numpy and scipy, and their bytes."""

import hashlib
import math
from decimal import Decimal

import numpy as np
import pytest
from scipy import special, stats

from relscale.plan.architecture import Choices, Shape
from relscale.training.exact import (
    cosine_and_sine,
    cosine_of_half_turns,
    logarithm,
    normal_quantile,
    power,
    standard_normal,
)
from relscale.training.initial import initial_values
from relscale.training.native_library import rotary_angles

ULP = 2.0**-52
"""Distance of neighbours next to 1."""


def test_logarithms():
    generator = np.random.default_rng(0)
    values = np.concatenate(
        [
            2.0 ** generator.uniform(-1000, 1000, 5000),
            generator.uniform(0.4, 3, 5000),
            [1.0, 2.0, 0.5, 5e-324, 1.7976931348623157e308, math.sqrt(0.5), math.sqrt(2)],
        ]
    )
    # About two roundings of the result, of terms as large as it.
    np.testing.assert_allclose(logarithm(values), np.log(values), rtol=2 * ULP, atol=ULP / 4)


def test_cosines_and_sines():
    generator = np.random.default_rng(0)
    angles = np.concatenate(
        [[0.0], generator.uniform(0, 10, 5000), generator.uniform(0, 5000, 5000), np.arange(4097.0)]
    )
    cosine, sine = cosine_and_sine(angles)
    np.testing.assert_allclose(cosine, np.cos(angles), rtol=0, atol=2 * ULP)
    np.testing.assert_allclose(sine, np.sin(angles), rtol=0, atol=2 * ULP)


def test_the_cosine_of_the_schedule():
    for turns in np.linspace(0, 1, 1001).tolist():
        expected = math.cos(math.pi * turns)
        assert cosine_of_half_turns(turns) == pytest.approx(expected, rel=0, abs=2 * ULP)
    assert cosine_of_half_turns(0.0) == pytest.approx(1.0, rel=0, abs=ULP)


def test_powers():
    for exponent in range(-64, 1):
        value = power(10_000.0, Decimal(exponent) / 64)
        assert value == pytest.approx(10_000.0 ** (exponent / 64), rel=8 * ULP)


def test_quantiles_are_those_of_scipy():
    generator = np.random.default_rng(0)
    shares = np.concatenate(
        [
            generator.random(20_000),
            10.0 ** generator.uniform(-16, 0, 5000),
            [0.075, 0.925, 2.0**-53],
        ]
    )
    # The published error of the algorithm is one part in 10^16; its polynomials round a few times.
    np.testing.assert_allclose(
        normal_quantile(shares), special.ndtri(shares), rtol=1e-14, atol=1e-15
    )
    assert np.isfinite(normal_quantile(np.array([0.0, 1 - 2.0**-53]))).all()


def test_draws_are_standard_normal_and_do_not_depend_on_how_many_are_drawn_together():
    drawn = standard_normal(np.random.default_rng(3), 200_000)
    assert drawn.dtype == np.float32
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    assert np.abs(drawn).max() > 4
    assert drawn[:70_000].tobytes() == standard_normal(np.random.default_rng(3), 70_000).tobytes()


def digest(*arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def test_initial_values_and_angles_have_these_bytes_on_every_machine():
    shape = Shape(
        width=40,
        layers=2,
        heads=2,
        kv_heads=1,
        head_dim=20,
        intermediate=112,
        vocab_size=1000,
        context_length=300,
    )
    values = [value for _, value in initial_values(shape, Choices(), seed=1)]
    assert digest(*values) == "4b753d7964bf7dec"
    assert digest(*rotary_angles(300, 20, 10_000.0)) == "917e13300152df5e"
    cosines = np.array([cosine_of_half_turns(step / 999) for step in range(1000)])
    assert digest(cosines) == "849d6efd0dae6470"
