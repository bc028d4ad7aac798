import numpy as np
import pandas as pd
import pytest

from relscale.contract.tables.optima import OPTIMA
from relscale.laws.cells import average_seeds, relative_weights, seed_variance, suites_of
from relscale.laws.estimators.registry import BEST_RUN, VERTEX
from relscale.laws.fit_error import FitError
from relscale.laws.inputs import prepare
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.optima.parabola import parabola, vertex_of
from relscale.laws.optima_table import optima_table
from relscale.laws.spec import LawSpec

SETTINGS = LawSpec(family="topics", baseline="base")


def suite(frame):
    losses, optimum = prepare(frame, SETTINGS, None)
    return suites_of(losses, optimum, SETTINGS)[0]


def with_score(frame, budget, change):
    """Multiply the validation losses of one budget, by size, with factors exp(change)."""
    frame = frame.copy()
    rows = frame.index[(frame["family"] == "validation") & (frame["budget"] == budget)]
    frame.loc[rows, "value"] *= np.exp(np.asarray(change))
    return frame


def test_parabola_by_hand():
    # y = (x - 3)^2 + 1 at x = 1..5, any weights: an exact fit.
    x = np.arange(1.0, 6.0)
    fit = parabola(x, np.array([1.0, 2.0, 1.0, 3.0, 1.0]))
    coefficients = fit.solve @ ((x - 3) ** 2 + 1)
    assert fit.center == 3
    np.testing.assert_allclose(coefficients, [1, 0, 1], atol=1e-12)
    assert vertex_of(fit, coefficients, x) == pytest.approx(3)
    # A hat matrix of three parameters has trace three.
    assert fit.leverage.sum() == pytest.approx(3)


def test_parabola_needs_three_sizes():
    with pytest.raises(FitError, match="too_few_runs: 2 different sizes"):
        parabola(np.array([1.0, 1.0, 2.0]), np.ones(3))


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([1.0, 2.0, 1.0], "curvature_not_positive: curvature -1"),
        ([1.0, 2.0, 4.0], "optimum_outside_sampled_range"),
    ],
)
def test_vertex_failures(values, match):
    x = np.array([0.0, 1.0, 2.0])
    fit = parabola(x, np.ones(3))
    with pytest.raises(FitError, match=match):
        vertex_of(fit, fit.solve @ np.array(values), x)


def test_planted_optimum_recovered(plant):
    runs = suite(plant())
    fits = fit_isoflop(runs)
    for budget, optimum in zip(runs.budgets, fits.optima(VERTEX), strict=True):
        assert optimum.status == "ok"
        assert optimum.log10_tokens == pytest.approx(
            7.0 + 0.5 * np.log10(float(budget) / 1e11), abs=1e-6
        )
        assert optimum.curvature == pytest.approx(0.3, abs=1e-6)
        assert optimum.value == pytest.approx(2.5 * (float(budget) / 1e11) ** -0.1, rel=1e-9)
        assert optimum.params == pytest.approx(
            float(budget) / 6 / 10**optimum.log10_tokens, rel=1e-3
        )


def test_budgets_are_ordered_by_compute_not_by_label(plant):
    assert suite(plant(budgets=("9e10", "1e11", "2e9"))).budgets == ("2e9", "9e10", "1e11")


def test_statuses_of_budgets(plant):
    frame = with_score(
        plant(run_sd=0.002), "5e10", [0, 0.2, 0.4, 0.4, 0.2, 0]
    )  # turned upside down
    frame = with_score(frame, "1e11", np.linspace(1.0, 0.0, 6))  # still falling at the edge
    statuses = {o.budget: o.status for o in fit_isoflop(suite(frame)).optima(VERTEX)}
    assert statuses["5e10"] == "curvature_not_positive"
    assert statuses["1e11"] == "optimum_outside_sampled_range"
    assert statuses["2e11"] == "ok"


def test_too_few_runs_is_a_status(plant):
    frame = plant()
    drop = (frame["budget"] == "5e10") & ~frame["run"].str.contains("n2|n3")
    optima = fit_isoflop(suite(frame[~drop]))
    assert optima.optima(VERTEX)[0].status == "too_few_runs"
    assert not optima.optima(VERTEX)[0].usable
    assert np.isnan(optima.optima(VERTEX)[0].value)
    assert optima.optima(BEST_RUN)[0].status == "best_run_on_edge"


def test_flat_within_noise(plant):
    # Neighbours are 0.24 decades apart; with c2 = 0.02 the slope there is about 0.01 a decade, far
    # below noise of 1 %.
    flat = fit_isoflop(suite(plant(seed=1, run_sd=0.01, curvature=0.02)))
    usable = [o for o in flat.optima(VERTEX) if o.usable]
    assert usable
    assert {o.status for o in usable} == {"flat_within_noise"}
    sharp = fit_isoflop(suite(plant(seed=1, run_sd=0.01, curvature=0.5)))
    assert {o.status for o in sharp.optima(VERTEX)} == {"ok"}


def test_noise_unknown_is_said(plant):
    optimum = fit_isoflop(suite(plant(num_sizes=3))).optima(VERTEX)[0]
    assert optimum.status == "ok"
    assert optimum.remarks == ("noise unknown: no budget has four sizes",)


def test_seeds_are_averaged_in_logs():
    values = np.array([np.log(2.0), np.log(8.0), np.log(3.0), np.nan])
    mean, count = average_seeds(values, np.array([0, 0, 1, 1]), 2)
    np.testing.assert_allclose(mean, [np.log(4.0), np.log(3.0)])
    np.testing.assert_allclose(count, [2, 1])
    variance, dof = seed_variance(np.array([0.0, 2.0, 4.0, 1.0]), np.array([0, 0, 0, 1]), 2)
    assert (variance, dof) == (4.0, 2)


def test_weights_by_hand():
    # Residual variance 3 of which seeds explain 2 * mean(1, 1/2) = 1.5; what is left, 1.5, is
    # shared: variances 3.5 and 2.5.
    weights = relative_weights(np.array([1.0, 2.0]), 3.0, 2.0, 2)
    assert weights[1] / weights[0] == pytest.approx(3.5 / 2.5)
    assert weights.mean() == pytest.approx(1)
    # One degree of freedom says nothing: equal weights.
    np.testing.assert_array_equal(relative_weights(np.array([1.0, 3.0]), 3.0, 2.0, 1), [1, 1])
    # A badly measured cell weighs less, not more.
    noisy = relative_weights(np.array([1.0, 1.0]), 1.0, float("nan"), 0, np.array([0.0, 3.0]))
    assert noisy[0] / noisy[1] == pytest.approx(4)


def test_replicated_cell_is_one_point(plant):
    runs = suite(plant(run_sd=0.01, replicates={"1e11": 3}))
    assert len(runs.runs) == 26
    assert runs.num_cells == 24
    assert [o.num_runs for o in fit_isoflop(runs).optima(VERTEX)] == [6, 8, 6, 6]


def test_best_run_is_the_lowest_mean(plant):
    frame = with_score(plant(), "1e11", [0, 0, 0, 0, -0.5, 0])
    best = fit_isoflop(suite(frame)).optima(BEST_RUN)[1]
    assert best.log10_tokens == pytest.approx(7.36, abs=1e-6)
    assert best.status == "ok"


def test_optima_table(plant):
    table = optima_table([suite(plant())], SETTINGS.level)
    assert tuple(table.columns) == OPTIMA.names
    assert (
        list(table["estimator"])
        == ["vertex"] * 4 + ["best_run"] * 4 + ["akima"] * 4 + ["surface"] * 4
    )
    assert set(table["optimum_by"]) == {"validation"}
    assert set(table["metric"]) == {"bits_per_byte"}


def test_without_validation_the_mean_over_domains_places_the_optimum(plant):
    frame = plant(domains={"base": (2.0, 0.1, 0.03), "treat": (2.4, 0.1, -0.03)})
    losses, optimum = prepare(frame[frame["family"] == "topics"], SETTINGS, None)
    assert optimum is None
    runs = suites_of(losses, optimum, SETTINGS)[0]
    assert runs.optimum_by == "family_mean"
    # Opposite tilts cancel, so the planted optimum is found.
    assert fit_isoflop(runs).optima(VERTEX)[1].log10_tokens == pytest.approx(7.0, abs=1e-6)


def test_probabilities_cannot_place_an_optimum(plant):
    frame = plant()
    frame = frame[frame["family"] == "topics"].assign(metric="accuracy", value=0.5)
    settings = LawSpec(family="topics", metrics=("accuracy",))
    with pytest.raises(
        ValueError, match="no error to place the optimum by: metrics are accuracy"
    ) as caught:
        suites_of(*prepare(frame, settings, None), settings)
    assert "--optimum-by FAMILY" in str(caught.value)
    assert "validation" not in str(caught.value)


def test_single_run_budgets(plant):
    frame = plant()
    runs = suite(frame[frame["run"].str.contains("n2")])
    assert {o.status for o in fit_isoflop(runs).optima(BEST_RUN)} == {"single_run"}
    assert isinstance(optima_table([runs], SETTINGS.level), pd.DataFrame)


def test_optimum_by_any_family(plant):
    frame = plant()
    renamed = frame.assign(family=frame["family"].replace("validation", "held_out"))
    settings = LawSpec(family="topics", baseline="base", optimum_by="held_out")
    runs = suites_of(*prepare(renamed, settings, None), settings)[0]
    assert (runs.optimum_by, runs.error_metric) == ("held_out", "bits_per_byte")
    own = LawSpec(family="topics", baseline="base", optimum_by="family_mean")
    assert suites_of(*prepare(frame, own, None), own)[0].optimum_by == "family_mean"
