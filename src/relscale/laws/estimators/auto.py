"""The estimator `auto`: the law is chosen by the design of the runs and by held-out compute.

On suites of IsoFLOP curves whose gap is a straight line in log F it equals `joint`. A table without
optima is read along a fixed ratio of tokens to parameters, or along its own runs.
"""

from relscale.laws.auto_choice import joint_of
from relscale.laws.auto_model import NAME, auto_model
from relscale.laws.estimators.base import BudgetPoints, Estimator, Quantity
from relscale.laws.estimators.joint import Joint
from relscale.laws.estimators.vertex import Vertex
from relscale.laws.gap import GapFit
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum


class Auto(Estimator):
    """The simplest law that predicts runs with more compute as well as any other."""

    name = NAME
    pools_budgets = True

    def __init__(self, vertex: Vertex) -> None:
        """Take the estimator that locates the optima."""
        self.vertex = vertex

    def optima(self, fits: IsoflopFits) -> tuple[Optimum, ...]:
        """Return the vertices of the budgets' parabolas."""
        return fits.optima(self.vertex)

    def fit(self, quantity: Quantity, below: int | None = None) -> GapFit:
        """Fit the law that was chosen and read it along its path; see `Estimator.fit`."""
        return auto_model(quantity, below).fit()

    def points(self, quantity: Quantity, below: int | None = None) -> BudgetPoints:
        """Read one domain as `joint` does, where the budgets have optima; see `Estimator.points`.

        Which law is chosen does not matter to these points.
        """
        if len(quantity.terms) == 1 and joint_of(quantity, below) is not None:
            return Joint(self.vertex).points(quantity, below)
        return super().points(quantity, below)
