"""Accuracy as a sigmoid of the loss, with a check by an isotonic curve: table `two_stage`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from relscale.contract.status import status_columns
from relscale.contract.tables.two_stage import TWO_STAGE
from relscale.laws.cells import Array, Flags, Index, SuiteRuns
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.outside_models import OutsideModel
from relscale.laws.sigmoid import Sigmoid, fit_sigmoid
from relscale.laws.spec import LawSpec

TABLE = TWO_STAGE

SHAPE_DRAWS = 400
SHAPE_LEVEL = 0.01
"""Below this share of drawn isotonic curves that gain as much, the sigmoid misses the shape."""


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return one row per domain with both metrics; none for a family without a chance level."""
    spec = corpus.spec
    if spec.chance is None:
        return
    accuracy = corpus.axes[1].readings
    for domain in domains_of(corpus):
        pairs, known = pairs_of(corpus, domain)
        remarks = accuracy.lacking(np.where(known, 1.0, np.nan), corpus.runs)
        yield {
            **label_of(corpus, domain),
            **sigmoid_columns(pairs, spec.chance, spec.level, remarks, spec.seed),
        }


def domains_of(corpus: CorpusFits) -> tuple[str, ...]:
    """Return the domains that have both metrics of the two-stage law."""
    loss, accuracy = (fits.readings.domains for fits in corpus.axes)
    return tuple(domain for domain in loss if domain in accuracy)


def label_of(corpus: CorpusFits, domain: str) -> Row:
    """Return the columns with which the tables of the two-stage law begin."""
    return {
        "corpus": corpus.runs.corpus,
        "family": corpus.spec.family,
        "domain": domain,
        "loss_metric": corpus.spec.loss_metric,
        "accuracy_metric": corpus.spec.accuracy_metric,
    }


def check_two_stages(family: pd.DataFrame, spec: LawSpec, outside: Sequence[OutsideModel]) -> None:
    """Check the metrics of the two-stage law and the places of outside models.

    Raises:
        ValueError: naming the metric, or the model and what would be right.
    """
    if spec.chance is None:
        if outside:
            raise ValueError(
                f"outside models: family {spec.family!r} has no two-stage law: give the "
                "accuracy of guessing (chance)"
            )
        return
    present = sorted(family["metric"].unique())
    for key, rising in (("loss_metric", False), ("accuracy_metric", True)):
        metric = getattr(spec, key)
        if metric not in present:
            raise ValueError(
                f"{key} is {metric!r}: family {spec.family!r} has no such metric for its "
                f"two-stage law; it has {', '.join(present)}"
            )
        if spec.rises(metric) != rising:
            raise ValueError(
                f"{key} is {metric!r}: "
                f"{'an accuracy' if rising else 'an error that falls with compute'} is needed"
            )
    for key in ("domain", "corpus"):
        choices = sorted(family[key].astype(str).unique())
        for model in outside:
            if getattr(model, key) and getattr(model, key) not in choices:
                raise ValueError(
                    f"outside model {model.name!r}: {key} is {getattr(model, key)!r}; the "
                    f"choices are {', '.join(choices)}"
                )


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Loss and accuracy of a domain by run, for the runs that have both."""

    loss: Array
    """(run,)."""
    accuracy: Array
    """(run,)."""
    budget: Index
    """(run,) index of the run's budget."""
    num_items: Array | None
    """(run,) items behind each accuracy; None where unknown."""
    loss_error: Array | None
    """(run,) standard error of each loss; None where unknown."""

    def below(self, budget: int) -> "Pairs":
        """Return the runs of the budgets under an index."""
        keep = self.budget < budget
        return Pairs(
            loss=self.loss[keep],
            accuracy=self.accuracy[keep],
            budget=self.budget[keep],
            num_items=None if self.num_items is None else self.num_items[keep],
            loss_error=None if self.loss_error is None else self.loss_error[keep],
        )

    def fit(self, chance: float, level: float) -> Sigmoid:
        """Fit the sigmoid.

        Raises:
            FitError: `too_few_runs`.
        """
        return fit_sigmoid(self.loss, self.accuracy, chance, self.num_items, level, self.loss_error)


def pairs_of(corpus: CorpusFits, domain: str) -> tuple[Pairs, Flags]:
    """Return a domain's runs with both metrics, and a mask of these runs, (run,)."""
    runs, spec = corpus.runs, corpus.spec
    x, y = (np.exp(fits.values(domain)) for fits in corpus.axes)
    known = np.isfinite(x) & np.isfinite(y)
    pairs = Pairs(
        loss=x[known],
        accuracy=y[known],
        budget=runs.cell_budget[runs.run_cell][known],
        num_items=_column(corpus.family, runs, domain, spec.accuracy_metric, "num_items", known),
        loss_error=_column(corpus.family, runs, domain, spec.loss_metric, "standard_error", known),
    )
    return pairs, known


def _column(
    family: pd.DataFrame, runs: SuiteRuns, domain: str, metric: str, column: str, known: Flags
) -> Array | None:
    """Return a column of the losses table for known runs, (run,); None unless all are above 0."""
    if column not in family.columns:
        return None
    frame = family[
        (family["corpus"] == runs.corpus)
        & (family["domain"] == domain)
        & (family["metric"] == metric)
    ]
    values = (
        frame.set_index("run")[column].reindex(list(runs.runs)).to_numpy(dtype=np.float64)[known]
    )
    return values if len(values) and np.all(np.isfinite(values) & (values > 0)) else None


def sigmoid_columns(
    pairs: Pairs, chance: float, level: float, notes: Sequence[str], seed: int = 0
) -> Row:
    """Fit the sigmoid; return the columns of the table from `chance` on."""
    nothing = dict.fromkeys(TABLE.between("ceiling", "num_runs"), float("nan"))
    try:
        fit = pairs.fit(chance, level)
    except FitError as error:
        return {
            **nothing,
            "chance": chance,
            "num_runs": len(pairs.loss),
            **status_columns(error.status, notes),
        }
    steepness, midpoint = fit.steepness_interval(level), fit.midpoint_interval(level)
    check = isotonic_check(fit, pairs.loss, pairs.accuracy, seed)
    shape = (
        []
        if check.p_value >= SHAPE_LEVEL
        else [f"the sigmoid misses the shape (isotonic p {check.p_value:.2g})"]
    )
    return {
        "chance": fit.chance,
        "ceiling": fit.ceiling,
        "steepness": fit.steepness,
        "steepness_ci_low": steepness[0],
        "steepness_ci_high": steepness[1],
        "midpoint": fit.midpoint,
        "midpoint_ci_low": midpoint[0],
        "midpoint_ci_high": midpoint[1],
        "r2": fit.r2,
        "rms_residual": check.rms_residual,
        "isotonic_rms_residual": check.isotonic_rms_residual,
        "isotonic_p": check.p_value,
        "loss_min": fit.loss_min,
        "loss_max": fit.loss_max,
        "accuracy_min": fit.accuracy_min,
        "accuracy_max": fit.accuracy_max,
        "num_runs": fit.num_runs,
        **status_columns(fit.status, [*fit.remarks, *shape, *notes]),
    }


@dataclass(frozen=True, kw_only=True)
class IsotonicCheck:
    """A sigmoid compared with the best curve that only falls with loss."""

    rms_residual: float
    """Root mean square of accuracy about the sigmoid."""
    isotonic_rms_residual: float
    """The same about the isotonic curve, which always is closer."""
    p_value: float
    """Share of draws from the sigmoid whose isotonic curve gains as much; near 0 the sigmoid misses
    the shape."""


def isotonic_check(fit: Sigmoid, loss: Array, accuracy: Array, seed: int = 0) -> IsotonicCheck:
    """Compare a sigmoid with the isotonic curve through the same runs.

    The p value is by draws of normal noise about the sigmoid, which is not fitted again to them;
    that makes it a little large.

    Args:
        fit: the sigmoid.
        loss: (run,).
        accuracy: (run,).
        seed: of the draws.
    """
    order = np.argsort(loss, kind="stable")
    curve = fit.predict(loss)[order]

    def squares(values: Array) -> tuple[float, float]:
        level = optimize.isotonic_regression(values, increasing=False).x
        return float(np.mean((values - curve) ** 2)), float(np.mean((values - level) ** 2))

    about, isotonic = squares(accuracy[order])
    rng = np.random.default_rng([seed, 5])
    spread = np.sqrt(about * len(curve) / fit.dof)
    drawn = [
        squares(curve + spread * noise) for noise in rng.standard_normal((SHAPE_DRAWS, len(curve)))
    ]
    gains = np.array([right / left for left, right in drawn])
    p_value = (
        (1 + int(np.sum(gains <= isotonic / about))) / (SHAPE_DRAWS + 1) if about > 1e-20 else 1.0
    )
    return IsotonicCheck(
        rms_residual=float(np.sqrt(about)),
        isotonic_rms_residual=float(np.sqrt(isotonic)),
        p_value=p_value,
    )


LAW = Law(table=TABLE, fit=fit)
