"""Degrees of freedom of a mean square over gaps that share a baseline."""

import numpy as np
import pytest
from scipy import stats

from relscale.laws.scatter_dof import independent_gaps, scatter_dof

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
        assert independent_gaps(residual, CELLS) == pytest.approx(7, rel=0.02)


def test_treatments_that_move_in_pairs_count_half():
    _, residual = draw(np.random.default_rng(1), 8, 1.0, pairs=True)
    assert independent_gaps(residual, CELLS) == pytest.approx(3, rel=0.05)


def test_few_residuals_are_not_taken_for_correlated_gaps():
    """Eight independent gaps with 17 residuals each, 300 times: without the correction of tr S^2
    the mean would be 4.9."""
    rng = np.random.default_rng(2)
    found = [independent_gaps(rng.normal(size=(8, 17)), 17) for _ in range(300)]
    assert np.mean(found) == pytest.approx(6.6, abs=0.3)  # values above 7 are cut off


@pytest.mark.parametrize(("gaps", "expected"), [(1, 0.0), (2, 1.0)])
def test_one_gap_has_no_spread_and_two_have_one(gaps, expected):
    assert independent_gaps(np.ones((gaps, 5)), 3) == expected


def test_one_gap_has_its_own_contrasts():
    contrast, residual = draw(np.random.default_rng(3), 1, 1.0, contrasts=3)
    assert scatter_dof([contrast], [residual], [CELLS]) == 3
    assert scatter_dof([contrast] * 4, [residual] * 4, [CELLS] * 4) == 12


@pytest.mark.parametrize("baseline", [0.0, 1.0, 50.0])
@pytest.mark.parametrize(("corpora", "low", "high"), [(1, 0.925, 0.985), (3, 0.93, 0.97)])
def test_intervals_by_the_mean_square_cover(baseline, corpora, low, high):
    """800 families of six gaps and two contrasts per corpus; an independent contrast of a gap is
    compared with t times the root mean square. Standard error .0077."""
    rng = np.random.default_rng(4)
    hits = []
    _, residual = draw(rng, 6, baseline)
    for _ in range(800):
        contrasts = [draw_contrasts(rng, 6, baseline) for _ in range(corpora)]
        dof = scatter_dof(contrasts, [residual] * corpora, [CELLS] * corpora)
        square = np.mean([contrast**2 for contrast in contrasts])
        new = rng.normal(scale=np.sqrt(1 + baseline))
        hits.append(abs(new) <= stats.t.ppf(0.975, dof) * np.sqrt(square))
    assert low <= np.mean(hits) <= high


def draw_contrasts(rng, gaps, baseline):
    return rng.normal(size=(gaps, 2)) - np.sqrt(baseline) * rng.normal(size=2)
