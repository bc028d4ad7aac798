"""One door to all estimators: a gap, or one domain's errors, at the budgets' optima and its
straight line in log F.
"""

from collections.abc import Sequence

import numpy as np

from relscale.laws.cells import Array, SuiteRuns
from relscale.laws.gap import GapFit
from relscale.laws.isoflop import IsoflopFits
from relscale.laws.relative import fit_gap
from relscale.laws.settings import LawSettings
from relscale.laws.surface_gap import SurfaceReader, Term, fit_surface_gap


def difference(terms: Sequence[Term]) -> Array:
    """Return log G of two terms (treatment, baseline), or log E of one, (run,)."""
    return terms[0].log_error - terms[1].log_error if len(terms) == 2 else terms[0].log_error


def estimate(
    runs: SuiteRuns,
    fits: IsoflopFits,
    terms: Sequence[Term],
    estimator: str,
    settings: LawSettings,
    reader: SurfaceReader | None = None,
    below: int | None = None,
) -> GapFit:
    """Fit a gap or one domain with one estimator.

    Args:
        runs: the suite.
        fits: its optima.
        terms: treatment and baseline, or one domain.
        estimator: any of `settings.ESTIMATORS`.
        settings: draws, seed and level are used.
        reader: surfaces of the suite that are kept between calls; None makes them anew.
        below: use budgets with an index under this only (back-test).

    Raises:
        FitError: there is no estimate; its status says why.
    """
    if estimator == "surface":
        return fit_surface_gap(reader or SurfaceReader(runs, fits, settings), terms, below)
    known = [term.item_covariance for term in terms if term.item_covariance is not None]
    covariance = np.asarray(np.sum(known, axis=0)) if len(known) == len(terms) else None
    return fit_gap(runs, fits, difference(terms), estimator, settings, covariance, below)


def without_items(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return the terms with the noise of their items left out."""
    return tuple(Term(log_error=term.log_error) for term in terms)
