"""Noise components: what a gap's own budgets and the other gaps of its family say."""

import numpy as np
import pytest
from scipy import stats

from relscale.laws.estimators.joint_model import JointModel
from relscale.laws.noise import (
    Pooled,
    combine,
    family_ratio,
    moments_of,
    order_kernel,
    order_share,
    order_share_of_residuals,
    pool,
)

BUDGETS, SIZES = 4, 6
BUDGET = np.repeat(np.arange(BUDGETS), SIZES)
MEMBER = np.eye(BUDGETS)[BUDGET]
AWAY = BUDGET - BUDGET.mean()
DISTANCE = np.tile(np.linspace(-0.6, 0.6, SIZES), BUDGETS)
DESIGN = np.stack([np.ones(24), AWAY, DISTANCE, DISTANCE**2, DISTANCE * AWAY], axis=1)
FLAT = np.eye(24)
LAW = np.linalg.pinv(DESIGN)[:2]
OF_RUNS, OF_BUDGETS = LAW @ LAW.T, (LAW @ MEMBER) @ (LAW @ MEMBER).T


def draw(rng, gaps, run_sd=0.01, budget_sd=0.0, baseline_budget_sd=0.0, baseline_sd=0.0):
    """Moments of gaps with a common baseline."""
    shared = rng.normal(0, baseline_sd, 24) if baseline_sd else np.zeros(24)
    if baseline_budget_sd:
        shared = shared + rng.normal(0, baseline_budget_sd, BUDGETS)[BUDGET]
    found = []
    for _ in range(gaps):
        effect = rng.normal(0, budget_sd, BUDGETS)[BUDGET] if budget_sd else 0.0
        values = rng.normal(0, run_sd, 24) + effect - shared
        found.append(moments_of(values, DESIGN, MEMBER, FLAT))
    return found


def pooled_over(own, same, others):
    return pool(own, family_ratio([[own, *same], *others]))


def test_moments_are_unbiased_and_may_be_negative():
    rng = np.random.default_rng(0)
    # 4,000 gaps: the mean of a variance with 2 degrees of freedom has a standard error of 1.6 %.
    for budget_sd in (0.0, 0.02):
        found = draw(rng, 4000, budget_sd=budget_sd)
        own = np.array([each.budget_variance for each in found])
        total = budget_sd**2 + 0.01**2 / SIZES
        assert np.mean(own) == pytest.approx(budget_sd**2, abs=0.065 * total)
        assert np.mean([each.run_variance for each in found]) == pytest.approx(1e-4, rel=0.03)
    assert found[0].scatter_dof == BUDGETS - 2
    assert found[0].run_dof == 24 - BUDGETS - 3
    assert min(each.budget_variance for each in draw(rng, 20)) < 0


def test_independent_gaps_add_their_degrees_of_freedom():
    rng = np.random.default_rng(1)
    own, *same = draw(rng, 40, budget_sd=0.01)
    pooled = pooled_over(own, same, [draw(rng, 40, budget_sd=0.01), draw(rng, 40, budget_sd=0.01)])
    # 120 independent gaps with two contrasts each have 240. The gaps' mean is 1 / 40 of their
    # scatter and has six, which may halve the number and widens an interval by 1 %.
    assert 80 < pooled.dof <= 240
    # 240 squares of independent normals: a standard error of 9 %.
    ratio = pooled.budget_variance / own.run_variance
    assert ratio == pytest.approx(1.0, rel=0.3)


def test_gaps_with_one_noisy_baseline_count_as_one():
    rng = np.random.default_rng(2)
    number = []
    for _ in range(50):
        own, *same = draw(rng, 10, budget_sd=0.001, baseline_budget_sd=0.05)
        pooled = pooled_over(own, same, [])
        number.append(pooled.dof)
    # Two contrasts of four budgets, however many gaps.
    assert 2.0 <= np.median(number) <= 2.3


def test_equal_noise_of_baseline_and_treatments_is_worth_as_many_gaps_as_it_correlates():
    rng = np.random.default_rng(3)
    number = []
    for _ in range(50):
        own, *same = draw(rng, 10, baseline_sd=0.01)
        number.append(
            pooled_over(own, same, [draw(rng, 10, baseline_sd=0.01) for _ in range(4)]).dof
        )
    # Five corpora with two contrasts each: .45 of the variance is the spread of ten gaps, with 90
    # degrees of freedom, and .55 is their mean, with 10. Satterthwaite: 1 / (.45^2 / 90 + .55^2 /
    # 10) = 30.8; the other number is that of t^2 = .45 t_90^2 + .55 t_10^2, 16.6.
    assert np.median(number) == pytest.approx(np.sqrt(30.8 * 16.6), rel=0.15)


def test_two_budgets_take_the_budget_variance_from_the_other_gaps():
    rng = np.random.default_rng(4)
    two = BUDGET < 2
    design = DESIGN[two]
    own = moments_of(rng.normal(0, 0.01, 12), design, MEMBER[two][:, :2], FLAT[np.ix_(two, two)])
    assert own.scatter_dof == 0
    law = np.linalg.pinv(design)[:2]
    shapes = law @ law.T, (law @ MEMBER[two]) @ (law @ MEMBER[two]).T
    assert np.isnan(combine(own, None, *shapes).covariance).all()
    pooled = pooled_over(own, draw(rng, 30, budget_sd=0.02), [])
    found = combine(own, pooled, *shapes)
    assert found.budget_variance == pytest.approx(pooled.budget_variance)
    assert np.isfinite(found.covariance).all()
    assert 1 <= found.dof <= pooled.dof


def test_a_corpus_without_other_gaps_adds_nothing():
    rng = np.random.default_rng(9)
    own, *same = draw(rng, 3)
    assert pooled_over(own, same, []) == pooled_over(own, same, [[]])
    assert pooled_over(own, [], [[]]) is None


def test_the_variance_is_a_mean_by_degrees_of_freedom():
    own = draw(np.random.default_rng(5), 1, budget_sd=0.02)[0]
    pooled = Pooled(budget_variance=1e-4, unit=1e-4, dof=6.0)
    found = combine(own, pooled, OF_RUNS, OF_BUDGETS)
    mean = (2 * own.budget_variance + 6 * 1e-4) / 8
    assert found.budget_variance == pytest.approx(mean)
    expected = own.run_variance * OF_RUNS + mean * OF_BUDGETS
    # Rounding of sums whose terms are of the size of the largest entry.
    np.testing.assert_allclose(found.covariance, expected, atol=1e-15 * expected.max())


def test_rows_without_noise_have_a_variance_of_zero():
    own = moments_of(DESIGN @ np.array([0.1, -0.03, 0.05, 0.2, 0.0]), DESIGN, MEMBER, FLAT)
    found = combine(own, None, OF_RUNS, OF_BUDGETS)
    # Rounding of values of size 1 in double precision.
    assert np.abs(found.covariance).max() < 1e-24
    assert found.dof >= 2


@pytest.mark.parametrize("budget_sd", [0.0, 0.02])
def test_pooled_intervals_cover_the_truth(budget_sd):
    """200 families of 8 gaps to one baseline in 2 corpora: 3,200 intervals of which those of one
    family are dependent; the coverage's standard error is .01 at most."""
    rng = np.random.default_rng(6)
    hits = []
    for _ in range(200):
        corpora = []
        for _ in range(2):
            base = rng.normal(0, 0.007, 24) + rng.normal(0, budget_sd, BUDGETS)[BUDGET]
            own = rng.normal(0, 0.007, (8, 24)) + rng.normal(0, budget_sd, (8, BUDGETS))[:, BUDGET]
            corpora.append(own - base)
        moments = [[moments_of(each, DESIGN, MEMBER, FLAT) for each in gaps] for gaps in corpora]
        for corpus in (0, 1):
            for gap in range(8):
                same = [each for place, each in enumerate(moments[corpus]) if place != gap]
                pooled = pooled_over(moments[corpus][gap], same, [moments[1 - corpus]])
                found = combine(moments[corpus][gap], pooled, OF_RUNS, OF_BUDGETS)
                error = abs(LAW[1] @ corpora[corpus][gap])
                half = stats.t.ppf(0.975, found.dof) * np.sqrt(found.covariance[1, 1])
                hits.append(error <= half)
    assert 0.925 <= np.mean(hits) <= 0.98


def test_noise_that_runs_of_one_seed_share_is_found_in_differences_between_seeds():
    rng = np.random.default_rng(7)
    tokens = np.sort(rng.uniform(13, 17, 24))
    kernel = order_kernel(tokens)
    for share in (0.0, 0.5):
        covariance = share * kernel + (1 - share) * np.eye(24)
        root = np.linalg.cholesky(covariance)
        found = [root @ rng.normal(size=24) for _ in range(60)]
        # About 60 x 24 products of neighbours: a standard error of 4 %.
        assert order_share(found, [tokens] * 60) == pytest.approx(share, abs=0.12)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_noise_that_runs_of_one_seed_share_is_found_in_residuals(share):
    """60 gaps whose budgets have sizes with nearly the same tokens, and budget effects, which the
    residuals do not have."""
    rng = np.random.default_rng(10)
    tokens = np.log(10) * (6 + 0.25 * BUDGET + DISTANCE)
    root = np.linalg.cholesky(share * order_kernel(tokens) + (1 - share) * np.eye(24))
    columns = np.concatenate([DESIGN, MEMBER], axis=1)
    projection = np.eye(24) - columns @ np.linalg.pinv(columns)
    values = 0.01 * (root @ rng.normal(size=(24, 60))).T + rng.normal(size=(60, 4))[:, BUDGET]
    found = order_share_of_residuals(
        [projection @ each for each in values], [projection] * 60, [tokens] * 60
    )
    # 60 x 17 residuals with about 60 x 40 pairs of neighbours: a standard error of 5 %.
    assert found == pytest.approx(share, abs=0.15)


def test_nothing_to_compare_is_a_share_of_zero():
    nothing = np.array([])
    assert order_share([nothing, np.array([0.1])], [nothing, np.array([14.0])]) == 0
    assert order_share([], []) == 0
    assert order_share_of_residuals([], [], []) == 0
    # As many parameters as sizes: no residual.
    assert order_share_of_residuals([np.zeros(3)], [np.zeros((3, 3))], [np.arange(3.0)]) == 0


def test_shared_noise_of_neighbours_is_in_the_interval_of_the_slope():
    """Cells in order of their tokens, whose noise correlates with that of their neighbours: the
    covariance of the slope is that of generalised least squares."""
    tokens = np.log(10) * (6 + 0.24 * BUDGET + DISTANCE)
    shape = 0.5 * order_kernel(tokens) + 0.5 * np.eye(24)
    model = JointModel(design=DESIGN, member=MEMBER, shape=shape)
    pooled = Pooled(budget_variance=0.0, unit=1e-9, dof=1e9)
    values = np.linalg.cholesky(shape) @ np.random.default_rng(8).normal(0, 0.01, 24)
    fit = model.fit(values, pooled)
    inverse = np.linalg.inv(DESIGN.T @ np.linalg.inv(shape) @ DESIGN)
    assert fit.noise.covariance[1, 1] == pytest.approx(
        fit.moments.run_variance * inverse[1, 1], rel=1e-6
    )
