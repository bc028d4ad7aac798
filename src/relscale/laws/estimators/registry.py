"""All estimators, in the order in which tables and figures show them."""

from collections.abc import Sequence

from relscale.laws.cells import SuiteRuns
from relscale.laws.estimators.akima import Akima
from relscale.laws.estimators.auto import Auto
from relscale.laws.estimators.base import Estimator, FamilyNoise, Quantity, Term
from relscale.laws.estimators.best_run import BestRun
from relscale.laws.estimators.joint import Joint
from relscale.laws.estimators.surface import Surface
from relscale.laws.estimators.vertex import Vertex
from relscale.laws.gap import GapFit
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.reader import SurfaceReader

VERTEX = Vertex()
BEST_RUN = BestRun()
JOINT = Joint(VERTEX)
SURFACE = Surface(JOINT)

ESTIMATORS: dict[str, Estimator] = {
    estimator.name: estimator
    for estimator in (Auto(VERTEX), JOINT, VERTEX, BEST_RUN, Akima(), SURFACE)
}
"""Estimators by name."""


def estimate(
    runs: SuiteRuns,
    fits: IsoflopFits,
    terms: Sequence[Term],
    estimator: str,
    spec: LawSpec,
    reader: SurfaceReader | None = None,
    below: int | None = None,
    family: FamilyNoise | None = None,
) -> GapFit:
    """Fit a gap or one domain with the estimator of a name.

    Args:
        runs: runs of a corpus.
        fits: their IsoFLOP curves.
        terms: treatment and baseline, or one domain.
        estimator: a name in `ESTIMATORS`.
        spec: draws, seed and level are used.
        reader: surfaces of the corpus, kept between calls; None fits them again.
        below: use only budgets with a lower index (back-test).
        family: budget effects of the other gaps of the family.

    Raises:
        FitError: there is no estimate; its status says why.
    """
    quantity = Quantity(
        runs=runs,
        fits=fits,
        terms=tuple(terms),
        spec=spec,
        reader=reader or SurfaceReader(runs, fits, spec),
        family=family,
    )
    return ESTIMATORS[estimator].fit(quantity, below)
