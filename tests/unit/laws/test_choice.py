import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import eval_measures

from relscale.laws.choice import (
    Ranking,
    choose,
    information_criterion,
    lack_of_fit,
    try_laws,
)
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.run_points import RunPoints


class FittedCurve(FittedGap):
    """A polynomial in log F, one per row of weights."""

    def __init__(self, coefficients):
        self.coefficients = coefficients

    def log_gap(self, places):
        return np.stack([np.polyval(row, places.log_compute - 40) for row in self.coefficients])


class Curve(GapLaw):
    """A polynomial in log F."""

    def __init__(self, degree):
        self.degree, self.name, self.num_parameters = degree, f"degree{degree}", degree + 1

    def fit(self, points, weights):
        rows = []
        for weight in weights:
            used = weight > 0
            if len(np.unique(points.log_compute[used])) <= self.degree:
                rows.append(np.full(self.degree + 1, np.nan))
                continue
            x = points.log_compute[used] - 40
            rows.append(np.polyfit(x, points.log_gap[used], self.degree, w=np.sqrt(weight[used])))
        return FittedCurve(rows)


class Broken(GapLaw):
    name, num_parameters = "broken", 1

    def fit(self, points, weights):
        raise FitError("too_few_runs", "never")


def points_of(bend=0.0, sd=0.0, budgets=6, sizes=4, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    compute = np.repeat(np.linspace(40, 46, budgets), sizes)
    s = np.tile(np.linspace(-1, 1, sizes), budgets)
    gap = scale * (0.2 - 0.02 * (compute - 40) + bend * (compute - 40) ** 2)
    gap = gap + rng.normal(0, sd, len(gap)) if sd else gap
    return RunPoints(
        log_params=(compute - s) / 2,
        log_tokens=(compute + s) / 2,
        log_compute=compute,
        budget=np.repeat(np.arange(budgets), sizes),
        cell=np.arange(budgets * sizes),
        values=np.stack([gap, np.zeros(len(gap))]),
    )


LAWS = (Curve(1), Curve(2))


def chosen(points, laws=LAWS):
    trials = try_laws(points, laws)
    return choose(trials, Ranking.of_runs(trials))


def test_the_simpler_law_is_taken_where_both_predict_equally_well():
    """A line with noise: the parabola is within its noise, and never better by a standard error
    in a majority of suites."""
    names = [chosen(points_of(sd=0.01, seed=seed)).taken.name for seed in range(20)]
    assert names.count("degree1") >= 18


def test_a_bend_that_held_out_compute_shows_is_taken():
    choice = chosen(points_of(bend=0.01, sd=0.001))
    assert choice.taken.name == "degree2"
    assert "lowest error" in choice.why and "refused: degree1" in choice.why


def test_a_law_that_the_data_refuse_is_not_taken_while_another_fits():
    choice = chosen(points_of(bend=0.01, sd=0.001))
    refused = choice.trials.trials[0]
    assert refused.name == "degree1" and refused.refused
    assert refused not in choice.contenders


def test_a_refused_law_is_taken_if_it_is_the_only_one():
    choice = chosen(points_of(bend=0.01, sd=0.001), laws=(Curve(1),))
    assert choice.taken.name == "degree1" and choice.taken.refused


def test_laws_without_a_fit_are_passed_over():
    assert chosen(points_of(), laws=(Broken(), Curve(1))).taken.name == "degree1"
    with pytest.raises(FitError):
        chosen(points_of(), laws=(Broken(),))


def test_too_few_budgets_to_hold_any_out_take_the_simplest_law_and_say_so():
    choice = chosen(points_of(budgets=2, sd=0.001))
    assert choice.taken.name == "degree1"
    assert "too few runs" in choice.why


def test_errors_are_pooled_over_the_gaps_of_a_family():
    """Every gap has a bend that its own held-out runs hardly show; twelve together do."""
    family = [
        try_laws(points_of(bend=0.003, sd=0.01, seed=seed, scale=1 + 0.1 * seed), LAWS)
        for seed in range(12)
    ]
    ranking = Ranking.of_family(family)
    assert ranking is not None
    assert ranking.gaps == 12 and ranking.best == "degree2" and ranking.near == ("degree2",)
    alone = [Ranking.of_runs(trials).near[0] for trials in family]
    assert alone.count("degree1") >= 3


def test_a_family_of_few_gaps_is_not_pooled():
    assert Ranking.of_family([try_laws(points_of(sd=0.01), LAWS)] * 3) is None


def test_what_was_known_before_a_budget_has_no_later_error():
    trials = try_laws(points_of(sd=0.01), LAWS)
    known = trials.before(5).trials[0].errors
    # Origins 3 and 4 predict budgets 3 and 4; budget 5 and the origin that predicts it are later.
    assert np.isfinite(known).sum(axis=1).tolist() == [8, 4, 0]


def test_the_spread_over_laws_counts_a_law_by_how_well_it_predicts():
    choice = chosen(points_of(sd=0.01, seed=1))
    taken, other = choice.weights
    assert taken + other == pytest.approx(1)
    read = np.array([[0.0, 1.0], [0.3, 1.0]])
    np.testing.assert_allclose(choice.spread(read), [other * 0.09, 0.0])
    apart = np.array([[0.0, 1.0], [0.3, 0.8]])
    np.testing.assert_allclose(
        choice.covariance(apart), other * np.array([[0.09, -0.06], [-0.06, 0.04]])
    )


def test_before_any_run_is_left_out_information_criteria_weigh_the_laws():
    """A parabola through a bend leaves nothing to the line; through a line it counts for less."""
    for bend, share in ((0.01, (0.0, 1e-3)), (0.0, (0.5, 1.0))):
        points = points_of(bend=bend, sd=0.002, seed=1)
        early = try_laws(points, LAWS).before(3)
        choice = choose(early, Ranking.of_runs(early))
        assert choice.taken.name == "degree1"
        assert share[0] <= choice.weights[0] <= share[1] * (1 + 1e-9)
        assert choice.weights.sum() == pytest.approx(1)


def test_the_criterion_of_an_origin_is_that_of_its_runs_alone():
    points = points_of(sd=0.01)
    trials = try_laws(points, LAWS)
    alone = try_laws(points.where(points.budget < 3), LAWS)
    for known, own in zip(trials.before(3).trials, alone.trials, strict=True):
        assert known.information[0] == pytest.approx(own.information[0])


def test_the_information_criterion_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    x, y = np.linspace(0, 1, 12), rng.normal(0, 1, 12)
    fit = OLS(y, np.stack([np.ones(12), x], axis=1)).fit()
    # statsmodels keeps the constant n (1 + log 2 pi) and does not count the variance.
    corrected = eval_measures.aicc(fit.llf, 12, 3) - 12 * (1 + np.log(2 * np.pi))
    assert information_criterion(fit.resid, 2) == pytest.approx(corrected)
    assert information_criterion(y[:4], 2) == np.inf


def test_lack_of_fit_has_its_nominal_level():
    """200 straight lines, p below .05: binomial (200, .05) is at most 19 with probability .99."""
    rejected = 0
    for seed in range(200):
        points = points_of(sd=0.01, seed=seed)
        fitted = Curve(1).fit(points, np.ones((1, points.num_runs)))
        residual = points.log_gap - fitted.log_gap(points.places)[0]
        rejected += lack_of_fit(points, residual, 2) < 0.05
    assert 2 <= rejected <= 19


def test_lack_of_fit_needs_budgets_with_several_runs():
    points = points_of(budgets=10, sizes=1, sd=0.01)
    assert np.isnan(lack_of_fit(points, points.log_gap, 2))
