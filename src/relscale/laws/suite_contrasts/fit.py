"""Contrasts between suites of a losses table: tables `suite_contrasts`, `suite_contrast_points`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from relscale.config.analysis import SuiteContrast
from relscale.contract.scales import DIFFERENCE, GAIN, OPTIMAL, RATIO
from relscale.contract.status import Status, status_columns
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.laws.cells import SuiteRuns, suites_of
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.inputs import prepare
from relscale.laws.items import ItemPieces, split_items
from relscale.laws.metric_fits import Row
from relscale.laws.replication import add_replication, judged_of
from relscale.laws.scales import Gain
from relscale.laws.spec import LawSpec
from relscale.laws.suite_contrasts.matched import MatchedBudgets, match_budgets
from relscale.laws.suite_contrasts.pair import PairFits
from relscale.laws.tables.relative import gain_columns, law_columns
from relscale.laws.verdict import add_verdicts

_NAN = float("nan")
PAIR = ("suite_treatment", "suite_baseline")
"""Columns with the suites while rows are judged as relative laws, whose treatments are domains."""


@dataclass(frozen=True, kw_only=True)
class SuiteContrastTables:
    """The contrasts between suites of one family."""

    laws: pd.DataFrame
    """Rows of `SUITE_CONTRASTS`."""
    points: pd.DataFrame
    """Rows of `SUITE_CONTRAST_POINTS`."""

    @property
    def ratio(self) -> pd.DataFrame:
        """Return the laws of the ratio G, one per contrast, metric and domain."""
        return self.laws[self.laws["scale"] == RATIO].reset_index(drop=True)


def fit_suite_contrasts(
    losses: pd.DataFrame,
    spec: LawSpec,
    contrasts: Sequence[SuiteContrast],
    items: pd.DataFrame | None = None,
    optimum_losses: pd.DataFrame | None = None,
    where: str = "losses",
) -> SuiteContrastTables:
    """Compare suites: the loss of each domain under one corpus against that under another.

    Each suite is read at its own compute-optimal points, in the budgets that both have.

    Args:
        losses: rows of the losses table, as for `relscale.laws.fit.fit_family`.
        spec: family, metrics, margin and level; its baseline and estimators are not used.
        contrasts: pairs of corpora.
        items: rows of the items table; adds item noise, which is shared by both suites.
        optimum_losses: as for `fit_family`.
        where: words for the losses table in errors.

    Raises:
        ValueError: for a corpus that the table lacks, a metric that one suite lacks, suites
            without a budget of the same compute, or as `fit_family`.
    """
    spec = spec.model_copy(update={"baseline": None})
    family, optimum = prepare(losses, spec, optimum_losses, where)
    check_contrasts(family, spec, contrasts, where)
    pieces = {} if items is None else split_items(items, spec.family, spec.metrics)
    rows: list[Row] = []
    points: list[Row] = []
    for contrast in contrasts:
        matched = match_budgets(family, spec.compute, contrast.treatment, contrast.baseline, where)
        for fits in _pairs(family, optimum, spec, contrast, matched, pieces):
            for domain in fits.domains:
                rows.extend(_rows(fits, domain, matched.notes))
                points.extend(_points(fits, domain, matched))
    return SuiteContrastTables(
        laws=judge(rows, spec),
        points=pd.DataFrame(points, columns=list(SUITE_CONTRAST_POINTS.names)),
    )


def check_contrasts(
    family: pd.DataFrame, spec: LawSpec, contrasts: Sequence[SuiteContrast], where: str
) -> None:
    """Check that the suites are in the table and have the metrics.

    Raises:
        ValueError: listing every mistake.
    """
    known = sorted(family["corpus"].unique())
    problems = []
    for contrast in contrasts:
        for name in (contrast.treatment, contrast.baseline):
            if name not in known:
                problems.append(
                    f"contrast {contrast}: no suite {name!r} in family {spec.family!r}; the "
                    f"choices are {', '.join(known)}"
                )
                continue
            has = set(family.loc[family["corpus"] == name, "metric"])
            lost = [metric for metric in spec.metrics if metric not in has]
            if lost:
                problems.append(
                    f"contrast {contrast}: suite {name!r} has no metric {', '.join(lost)}; it has "
                    f"{', '.join(sorted(has))}"
                )
    if problems:
        raise ValueError(f"{where}: {'; '.join(problems)}")


def _pairs(
    family: pd.DataFrame,
    optimum: pd.DataFrame | None,
    spec: LawSpec,
    contrast: SuiteContrast,
    matched: MatchedBudgets,
    pieces: ItemPieces,
) -> Iterator[PairFits]:
    """Return the fits of every metric of a contrast."""
    names = contrast.treatment, contrast.baseline
    frame = matched.rows(family, *names)
    of_optimum = None if optimum is None else matched.rows(optimum, *names)
    runs = {each.corpus: each for each in suites_of(frame, of_optimum, spec)}
    suites: tuple[SuiteRuns, SuiteRuns] = (runs[names[0]], runs[names[1]])
    for metric in spec.metrics:
        yield PairFits(family=frame, suites=suites, metric=metric, spec=spec, pieces=pieces)


def _key(fits: PairFits, domain: str, scale: str) -> Row:
    """Return the columns that every row has; treatment and baseline are those of relative laws."""
    treatment, baseline = (runs.corpus for runs in fits.suites)
    return {
        **dict.fromkeys((*RELATIVE.names, "item_share"), _NAN),
        **dict(zip(PAIR, (treatment, baseline), strict=True)),
        "corpus": "",
        "family": fits.spec.family,
        "metric": fits.metric,
        "treatment": domain,
        "baseline": f"{treatment}\x1f{baseline}",
        "estimator": "",
        "scale": scale,
        "path": OPTIMAL,
        "compute": fits.spec.compute,
        "ci_level": fits.spec.level,
        "ci_method": "none",
        "num_runs": 0,
        "num_budgets": 0,
        "faster": "",
        "verdict": "",
        "scales_agree": "",
    }


def _rows(fits: PairFits, domain: str, notes: Sequence[str]) -> Iterator[Row]:
    """Return the rows of one domain: scales `ratio`, `difference` and `gain`."""
    lacking = fits.lacking(domain)
    if lacking:
        error = FitError(Status.DOMAIN_MISSING, f"no usable value in suite {' and '.join(lacking)}")
        for scale in (RATIO, DIFFERENCE):
            yield _without_law(fits, domain, scale, error, notes)
        return
    remarks, status = (*notes, *fits.remarks(domain)), fits.chance(domain)
    found: dict[str, GapFit] = {}
    for scale in (RATIO, DIFFERENCE):
        try:
            found[scale] = fits.fit(domain, scale)
        except FitError as error:
            yield _without_law(fits, domain, scale, error, remarks)
            continue
        except np.linalg.LinAlgError as error:
            failure = FitError(Status.NO_VARIATION, f"no solution: {error}")
            yield _without_law(fits, domain, scale, failure, remarks)
            continue
        fit, floor = found[scale], fits.spec.margin_floor
        if scale == DIFFERENCE:
            unit = fits.unit(domain)
            fit, floor = fit.in_unit(unit), floor * unit
        yield {
            **_key(fits, domain, scale),
            **law_columns(fit, scale, floor, fits.spec),
            "item_share": fit.item_share,
            **status_columns(status, [*fit.notes, *remarks]),
        }
    if RATIO in found:
        yield _gain(fits, domain, found[RATIO], status, remarks)


def _without_law(
    fits: PairFits, domain: str, scale: str, error: FitError, remarks: Sequence[str]
) -> Row:
    """Return a row without an estimate."""
    columns = status_columns(error.status, [*error.remarks, *remarks])
    return {**_key(fits, domain, scale), **columns}


def _gain(
    fits: PairFits, domain: str, ratio: GapFit, status: Status, remarks: Sequence[str]
) -> Row:
    """Return the row of the compute that the treatment needs for the baseline's value."""
    try:
        own = fits.fit_treatment(domain)
    except FitError as problem:
        return _without_law(fits, domain, GAIN, problem, remarks)
    t = float(stats.t.ppf(0.5 + fits.spec.level / 2, own.dof)) if own.dof > 0 else _NAN
    if not abs(own.slope) > t * own.standard_error:
        failure = FitError(Status.NOT_IDENTIFIED, "the treatment does not change with compute")
        return _without_law(fits, domain, GAIN, failure, remarks)
    gain = Gain.of(ratio, own)
    if status is Status.OK and gain.extrapolated:
        status = Status.EXTRAPOLATED
    return {
        **_key(fits, domain, GAIN),
        **gain_columns(ratio, gain, fits.spec.level),
        **status_columns(status, remarks),
    }


def _points(fits: PairFits, domain: str, matched: MatchedBudgets) -> Iterator[Row]:
    """Return the gap at each matched budget; one row with the reason if there is no law."""
    treatment, baseline = (runs.corpus for runs in fits.suites)
    key = {
        "treatment": treatment,
        "baseline": baseline,
        "family": fits.spec.family,
        "metric": fits.metric,
        "domain": domain,
    }
    if fits.lacking(domain):
        return
    try:
        fit, sides = fits.fit(domain, RATIO), fits.sides(domain, RATIO)
    except (FitError, np.linalg.LinAlgError):
        return
    t = float(stats.t.ppf(0.5 + fits.spec.level / 2, fit.dof)) if fit.dof > 0 else _NAN
    levels = []
    for side in sides:
        found = side.rows @ side.reading.values
        levels.append(dict(zip(side.reading.budgets.tolist(), found.tolist(), strict=True)))
    labels = fits.suites[0].budgets
    for at, log_compute, point, variance in zip(
        fit.budgets.tolist(), fit.log_compute, fit.points, fit.point_variance, strict=True
    ):
        law, law_variance = fit.predict(float(log_compute))
        half, law_half = t * np.sqrt(variance), t * np.sqrt(max(law_variance, 0.0))
        yield {
            **key,
            "budget": labels[at],
            "compute": float(np.exp(log_compute)),
            "treatment_value": float(np.exp(levels[0][at])),
            "baseline_value": float(np.exp(levels[1][at])),
            **_with_interval("gap", float(point), float(half)),
            **_with_interval("fitted_gap", law, float(law_half)),
            **status_columns(fits.chance(domain), matched.notes),
        }


def _with_interval(name: str, value: float, half: float) -> Row:
    """Return e to a log value and to the ends of its interval."""
    ends = np.exp([value, value - half, value + half]).tolist()
    return dict(zip((name, f"{name}_ci_low", f"{name}_ci_high"), ends, strict=True))


def judge(rows: Sequence[Row], spec: LawSpec) -> pd.DataFrame:
    """Return the table of rows with tests, verdicts and the probability that they replicate.

    The tests of all domains of one contrast, metric and scale are adjusted together.
    """
    columns = [*RELATIVE.names, "item_share", *PAIR]
    table = add_verdicts(pd.DataFrame(rows, columns=columns), spec.rises)
    table = add_replication(table, judged_of(rows), spec.rises, spec.seed)
    table = table.assign(domain=table["treatment"])
    table = table.assign(treatment=table[PAIR[0]], baseline=table[PAIR[1]])
    return table[list(SUITE_CONTRASTS.names)]
