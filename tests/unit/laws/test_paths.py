import numpy as np
import pandas as pd
import pytest

from relscale.laws.cells import suites_of
from relscale.laws.fit_error import FitError
from relscale.laws.inputs import prepare
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.paths import Path, Paths
from relscale.laws.spec import LawSpec

SPEC = LawSpec(family="topics", baseline="base")


def paths_of(frame):
    runs = suites_of(*prepare(frame, SPEC, None), SPEC)[0]
    return Paths(runs=runs, fits=fit_isoflop(runs))


def ladder(ratios=(5.0, 20.0, 80.0), sizes=(1e8, 2e8, 4e8, 8e8), cost=7.0, power=0.0):
    """Sizes x tokens, F = cost N^power N D, on one surface."""
    rows = []
    for params in sizes:
        for ratio in ratios:
            tokens = ratio * params
            compute = cost * params**power * params * tokens
            row = {
                "corpus": "web",
                "run": f"{params:g}-{ratio:g}",
                "budget": f"{compute:.4e}",
                "training_flops": compute,
                "num_params_total": params,
                "tokens": tokens,
                "metric": "bits_per_byte",
            }
            loss = 1.7 + 406 / params**0.34 + 411 / tokens**0.28
            rows.append({**row, "family": "validation", "domain": "own", "value": loss})
            rows += [
                {**row, "family": "topics", "domain": name, "value": loss * level}
                for name, level in (("base", 1.0), ("treat", 1.2))
            ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    "name", ["optimal", "observed", "fixed_ratio:20", "fixed_tokens:1e+10", "fixed_params:1e+09"]
)
def test_a_path_has_the_name_that_it_is_read_from(name):
    assert Path.read(name).name == name


@pytest.mark.parametrize("name", ["", "best", "fixed_ratio", "fixed_ratio:0", "fixed_ratio:x"])
def test_a_name_that_is_no_path_is_refused_with_the_choices(name):
    with pytest.raises(ValueError, match=r"fixed_ratio:20"):
        Path.read(name)


def test_the_cost_is_that_of_the_tables_own_runs():
    """F = 7 N^.05 N D, not 6 N D: models on a path have the compute that was asked for."""
    paths = paths_of(ladder(cost=7.0, power=0.05))
    at = np.log([1e19, 4e19])
    places = paths.places(Path.read("fixed_ratio:20"), at)
    params, tokens = np.exp(places.log_params), np.exp(places.log_tokens)
    np.testing.assert_allclose(tokens / params, 20, rtol=1e-9)
    np.testing.assert_allclose(np.log(7.0 * params**1.05 * tokens), at, rtol=1e-9)


def test_fixed_tokens_and_fixed_params_leave_the_other_to_compute():
    paths = paths_of(ladder(cost=6.0))
    at = np.log([1e18, 3e18])
    by_tokens = paths.places(Path.read("fixed_tokens:1e10"), at)
    np.testing.assert_allclose(np.exp(by_tokens.log_tokens), 1e10, rtol=1e-9)
    np.testing.assert_allclose(np.exp(by_tokens.log_params), np.exp(at) / 6e10, rtol=1e-6)
    by_params = paths.places(Path.read("fixed_params:3e8"), at)
    np.testing.assert_allclose(np.exp(by_params.log_tokens), np.exp(at) / 6 / 3e8, rtol=1e-6)


def test_the_optimal_path_passes_the_vertices_and_continues_on_their_line(plant):
    """The planted optimum is D = 1e7 (F / 1e11)^.5."""
    paths = paths_of(plant())
    at = np.log([5e10, 1.5e11, 5e11, 5e12])
    places = paths.places(Path.read("optimal"), at)
    planted = np.log(1e7) + 0.5 * (at - np.log(1e11))
    np.testing.assert_allclose(places.log_tokens, planted, atol=1e-3)
    assert paths.default.name == "optimal"


def test_without_isoflop_curves_the_optimum_is_that_of_the_validation_surface():
    """dL/dN = 0 at fixed N D: alpha A N^-alpha = beta B D^-beta (Hoffmann et al., 2022, eq. 4)."""
    paths = paths_of(ladder())
    at = np.log([2e18])
    places = paths.places(Path.read("optimal"), at)
    size = 0.34 * 406 * np.exp(-0.34 * places.log_params)
    data = 0.28 * 411 * np.exp(-0.28 * places.log_tokens)
    # The search for the exponents ends at 1e-7, which the flat optimum magnifies.
    np.testing.assert_allclose(size, data, rtol=1e-2)


def test_a_constant_ratio_is_the_default_path_of_runs_that_have_one():
    frame = ladder(ratios=(20.0,), sizes=(1e8, 2e8, 4e8, 8e8, 1.6e9))
    assert paths_of(frame).default.name == "fixed_ratio:20"


def test_the_observed_path_is_the_line_through_the_runs():
    frame = ladder(ratios=(20.0,), sizes=(1e8, 2e8, 4e8, 8e8, 1.6e9), cost=6.0)
    paths = paths_of(frame)
    at = np.log(6 * 20 * np.array([1e8, 1.6e9]) ** 2)
    places = paths.places(Path.read("observed"), at)
    np.testing.assert_allclose(np.exp(places.log_params), [1e8, 1.6e9], rtol=1e-6)


def test_models_outside_the_hull_are_refused_with_the_option_and_the_ranges():
    paths = paths_of(ladder())
    inside = paths.model(np.log(3e8), np.log(6e9))
    outside = paths.model(np.log(3e9), np.log(6e10))
    paths.check_inside("a named model", inside, beyond=False)
    paths.check_inside("a named model", outside, beyond=True)
    with pytest.raises(ValueError, match=r"--beyond") as error:
        paths.check_inside("a named model", outside, beyond=False)
    assert "1e+08 to 8e+08 parameters" in str(error.value)


def test_the_hull_is_not_the_box():
    """Few tokens on a large model: both are in the range of the runs, together they are not."""
    paths = paths_of(ladder())
    corner = paths.model(np.log(8e8), np.log(8e8))
    assert not paths.inside(corner).any()


def test_runs_of_a_constant_ratio_have_a_line_as_their_hull():
    paths = paths_of(ladder(ratios=(20.0,), sizes=(1e8, 2e8, 4e8, 8e8)))
    assert paths.inside(paths.model(np.log(3e8), np.log(6e9))).all()
    assert not paths.inside(paths.model(np.log(3e8), np.log(6e10))).any()


def test_two_runs_have_no_surface_and_no_optimum():
    paths = paths_of(ladder(ratios=(5.0, 80.0), sizes=(1e8,)))
    with pytest.raises(FitError):
        paths.places(Path.read("optimal"), np.log([1e18]))
    assert paths.default.name == "observed"
