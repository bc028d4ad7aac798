"""Accuracy as a sigmoid of the loss, with a check by an isotonic curve: table `two_stage`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.two_stage import TWO_STAGE
from relscale.laws.cells import Array, Flags, SuiteRuns
from relscale.laws.crossed_items import crossed_shifts
from relscale.laws.emergence import SHAPE_LEVEL, emergence, runs_outside
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.outside_models import OutsideModel
from relscale.laws.sigmoid import Sigmoid, SigmoidForm, draw_sigmoids
from relscale.laws.spec import LawSpec
from relscale.laws.two_stages import Pairs

TABLE = TWO_STAGE

MOST_DRAWS = 400
"""Every draw is a search; the ends of a 95 % interval then vary by a tenth of its width."""
SHAPE_DRAWS = 400
ROUNDING = 1e-20
"""Mean square of accuracy about the sigmoid below which the runs are exactly on it."""


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return one row per domain with both metrics; none for a family without a chance level."""
    spec = corpus.spec
    if spec.chance is None:
        return
    accuracy = corpus.axes[1].readings
    for domain in domains_of(corpus):
        pairs, known = pairs_of(corpus, domain)
        remarks = accuracy.lacking(np.where(known, 1.0, np.nan), corpus.runs)
        draws = draws_of(spec)
        shift = crossed_shifts(corpus, domain, known, draws) if len(pairs.loss) else None
        yield {
            **label_of(corpus, domain),
            **sigmoid_columns(
                pairs, spec, remarks, draws, shift, all_at_chance=_at_chance(corpus, domain, known)
            ),
        }


def _at_chance(corpus: CorpusFits, domain: str, known: Flags) -> bool:
    """Return whether no run of a domain is distinguishable from guessing."""
    accuracy = corpus.axes[1].readings
    flags = accuracy.at_chance[accuracy.domains.index(domain), known]
    return bool(len(flags)) and bool(flags.all())


def form_of(spec: LawSpec) -> SigmoidForm:
    """Return the form of the sigmoid of a family with a chance level."""
    assert spec.chance is not None
    return SigmoidForm(chance=spec.chance, floor=spec.floor, ceiling=spec.ceiling)


def draws_of(spec: LawSpec) -> int:
    """Return the number of draws of the two-stage law."""
    return min(spec.draws, MOST_DRAWS)


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
    pairs: Pairs,
    spec: LawSpec,
    notes: Sequence[str] = (),
    draws: int = MOST_DRAWS,
    shift: tuple[Array, Array] | None = None,
    *,
    all_at_chance: bool = False,
) -> Row:
    """Fit the sigmoid; return the columns of the table from `chance` on.

    Args:
        pairs: the runs.
        spec: chance, form, level and seed.
        notes: further remarks.
        draws: number of draws.
        shift: what drawn items add to losses and accuracies, (draw, run) each; None without items.
        all_at_chance: whether no run is distinguishable from guessing.
    """
    nothing = dict.fromkeys(TABLE.between("floor", "num_runs"), float("nan"))
    try:
        fit = pairs.fit(form_of(spec), spec.level)
    except FitError as error:
        return {
            **nothing,
            "ci_method": "none",
            "chance": spec.chance,
            "num_runs": len(pairs.loss),
            "runs_outside": 0,
            "emergence": emergence(
                error.status, len(pairs.loss), float("nan"), 0, all_at_chance=all_at_chance
            ).value,
            **status_columns(error.status, [*error.remarks, *notes]),
        }
    check = isotonic_check(fit, pairs.loss, pairs.accuracy, spec.seed)
    shape = (
        []
        if check.p_value >= SHAPE_LEVEL
        else [f"the sigmoid misses the shape (isotonic p {check.p_value:.2g})"]
    )
    ends = intervals(fit, spec, draws, shift)
    outside = runs_outside(fit, spec.level, pairs.num_items)
    status, foot = fit.status, []
    middle = (fit.floor + ends["ceiling_ci_high"]) / 2
    if status == Status.OK and float(np.max(pairs.accuracy)) < middle:
        status = Status.FOOT_ONLY
        foot = [f"the ceiling may be as high as {ends['ceiling_ci_high']:.2g}"]
    return {
        "chance": fit.chance,
        "floor": fit.floor,
        "ceiling": fit.ceiling,
        "steepness": fit.steepness,
        "midpoint": fit.midpoint,
        **ends,
        "ci_method": "runs" if shift is None else "runs+items",
        "r2": fit.r2,
        "rms_residual": check.rms_residual,
        "isotonic_rms_residual": check.isotonic_rms_residual,
        "isotonic_p": check.p_value,
        "loss_min": float(np.min(pairs.loss)),
        "loss_max": float(np.max(pairs.loss)),
        "accuracy_min": float(np.min(pairs.accuracy)),
        "accuracy_max": float(np.max(pairs.accuracy)),
        "num_runs": len(pairs.loss),
        "runs_outside": outside,
        "emergence": emergence(
            status, len(pairs.loss), check.p_value, outside, all_at_chance=all_at_chance
        ).value,
        **status_columns(status, [*fit.remarks, *foot, *shape, *notes]),
    }


def intervals(
    fit: Sigmoid, spec: LawSpec, draws: int, shift: tuple[Array, Array] | None
) -> dict[str, float]:
    """Return the ends of the intervals of floor, ceiling, steepness and midpoint.

    Without item noise, fixed floor and ceiling have none, and the other two have the intervals of
    Student and Fieller. Else all ends are quantiles of refits.
    """
    level = spec.level
    ends = {"steepness": fit.steepness_interval(level), "midpoint": fit.midpoint_interval(level)}
    if fit.is_free or shift is not None:
        rng = np.random.default_rng([spec.seed, 9])
        drawn = draw_sigmoids(fit, draws, rng, shift)
        spread = fit.data.spread
        with np.errstate(divide="ignore", invalid="ignore"):
            midpoint = fit.center - spread * drawn[:, 0] / drawn[:, 1]
        quantiles = [0.5 - level / 2, 0.5 + level / 2]
        for name, values in (
            ("floor", drawn[:, 2]),
            ("ceiling", drawn[:, 3]),
            ("steepness", drawn[:, 1] / spread),
            ("midpoint", np.nan_to_num(midpoint, nan=np.inf)),
        ):
            low, high = np.quantile(values, quantiles)
            ends[name] = float(low), float(high)
        if fit.status == Status.NO_RELATION or not ends["steepness"][0] > 0:
            ends["midpoint"] = float("-inf"), float("inf")
    for index, name in enumerate(("floor", "ceiling")):
        if not fit.data.prior_sd[index]:
            ends[name] = float("nan"), float("nan")
    return {
        f"{name}_ci_{side}": value
        for name, pair in ends.items()
        for side, value in zip(("low", "high"), pair, strict=True)
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
    p_value = 1.0
    if about > ROUNDING:
        rng = np.random.default_rng([seed, 5])
        spread = np.sqrt(about * len(curve) / fit.dof)
        noise = rng.standard_normal((SHAPE_DRAWS, len(curve)))
        drawn = [squares(curve + spread * each) for each in noise]
        gains = np.array([right / left for left, right in drawn])
        p_value = (1 + int(np.sum(gains <= isotonic / about))) / (SHAPE_DRAWS + 1)
    return IsotonicCheck(
        rms_residual=float(np.sqrt(about)),
        isotonic_rms_residual=float(np.sqrt(isotonic)),
        p_value=p_value,
    )


LAW = Law(table=TABLE, fit=fit)
