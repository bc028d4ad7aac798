"""Degrees of freedom of a mean square over gaps that share a baseline."""

import numpy as np
import pytest
from scipy import stats

from relscale.laws.scatter_dof import Parts, independent_gaps, scatter_dof

CELLS = 400


def draw(rng, gaps, baseline, contrasts=2, pairs=False):
    """Contrasts and residuals of gaps; variances of treatments are 1, of the baseline given."""

    def noise(columns):
        own = rng.normal(size=(gaps, columns))
        if pairs:  # two treatments each have the same noise
            own = np.repeat(own[::2], 2, axis=0)
        return own - np.sqrt(baseline) * rng.normal(size=columns)

    return noise(contrasts), noise(CELLS)


def test_independent_treatments_count_one_less_than_their_number():
    rng = np.random.default_rng(0)
    for baseline in (0.0, 1.0, 30.0):  # the baseline is in the mean only
        _, residual = draw(rng, 8, baseline)
        # Squared correlations of 400 cells have a standard error of .05, and there are 28.
        assert independent_gaps(residual, [CELLS] * 8) == pytest.approx(7, rel=0.02)


def test_treatments_that_move_in_pairs_count_half():
    _, residual = draw(np.random.default_rng(1), 8, 1.0, pairs=True)
    assert independent_gaps(residual, [CELLS] * 8) == pytest.approx(3, rel=0.05)


def test_few_residuals_are_not_taken_for_correlated_gaps():
    """Eight independent gaps with 17 residuals each, 300 times: without the correction of tr S^2
    the mean would be 4.9."""
    rng = np.random.default_rng(2)
    found = [independent_gaps(rng.normal(size=(8, 17)), [17] * 8) for _ in range(300)]
    assert np.mean(found) == pytest.approx(6.6, abs=0.3)  # values above 7 are cut off


@pytest.mark.parametrize(("gaps", "expected"), [(1, 0.0), (2, 1.0)])
def test_one_gap_has_no_spread_and_two_have_one(gaps, expected):
    assert independent_gaps(np.ones((gaps, 5)), [3] * gaps) == expected


def test_a_gap_with_fewer_runs_counts_like_the_others():
    _, residual = draw(np.random.default_rng(5), 8, 1.0, pairs=True)
    fewer = [*residual[:-1], residual[-1][:-3]]
    whole = independent_gaps(residual[:-1], [CELLS] * 7)
    found = independent_gaps(fewer, [CELLS] * 7 + [CELLS - 3])
    assert found == pytest.approx(whole * 7 / 6)


def test_one_gap_has_its_own_contrasts():
    contrast, _ = draw(np.random.default_rng(3), 1, 1.0, contrasts=3)
    assert scatter_dof([Parts.of(contrast, 0.0)]) == 3
    assert scatter_dof([Parts.of(contrast, 0.0)] * 4) == 12


def test_gaps_with_fewer_budgets_share_the_baseline_of_the_others():
    """Degrees of freedom of the mean do not add within a corpus."""
    four, _ = draw(np.random.default_rng(6), 3, 1.0, contrasts=4)
    two, _ = draw(np.random.default_rng(7), 2, 1.0, contrasts=2)
    both = Parts.of(four, 2.0).beside(Parts.of(two, 1.0))
    assert (both.spread_dof, both.mean_dof) == (4 * 2 + 2 * 1, 4)
    total = both.spread + both.mean
    assert total == pytest.approx(np.sum(four**2) + np.sum(two**2))


@pytest.mark.parametrize("baseline", [0.0, 1.0, 50.0])
@pytest.mark.parametrize(("corpora", "low", "high"), [(1, 0.925, 0.985), (3, 0.93, 0.97)])
def test_intervals_by_the_mean_square_cover(baseline, corpora, low, high):
    """800 families of six gaps and two contrasts per corpus; an independent contrast of a gap is
    compared with t times the root mean square. Standard error .0077."""
    rng = np.random.default_rng(4)
    hits = []
    _, residual = draw(rng, 6, baseline)
    independent = independent_gaps(residual, [CELLS] * 6)
    for _ in range(800):
        contrasts = [draw_contrasts(rng, 6, baseline) for _ in range(corpora)]
        dof = scatter_dof([Parts.of(contrast, independent) for contrast in contrasts])
        square = np.mean([contrast**2 for contrast in contrasts])
        new = rng.normal(scale=np.sqrt(1 + baseline))
        hits.append(abs(new) <= stats.t.ppf(0.975, dof) * np.sqrt(square))
    assert low <= np.mean(hits) <= high


def draw_contrasts(rng, gaps, baseline):
    return rng.normal(size=(gaps, 2)) - np.sqrt(baseline) * rng.normal(size=2)
