"""Slopes correlated with a covariate of their domains: table `correlation`."""

from collections.abc import Callable
from math import factorial

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.check import check_columns
from relscale.contract.scales import on_scale
from relscale.contract.status import Status, status_columns, status_of
from relscale.contract.tables.correlation import CORRELATION
from relscale.contract.typed import as_text, check_keys
from relscale.laws.cells import Array

MIN_DOMAINS = 3
ILLUSTRATION_BELOW = 10
"""With fewer domains than this a correlation is only an illustration."""
PERMUTE_BELOW = 30
"""With fewer domains than this there are p values by permutation in addition to Student's t."""
EXACT_UP_TO = 8
"""Up to this number of domains all permutations are taken (40,320)."""
PERMUTATIONS = 20_000


def correlate(
    relative: pd.DataFrame,
    covariates: pd.DataFrame,
    covariate: str,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Correlate dbeta with log10 of a covariate over the treatments.

    One row per corpus, family, metric and estimator.

    The one-sided alternative is r < 0: the larger the covariate, the faster the treatment's error
    falls against the baseline's.

    Args:
        relative: rows of relative.csv, of which those of the scale `ratio` are read; rows without
            an estimate are left out and counted in the status.
        covariates: columns `domain` and `value` (above 0, or empty where unknown).
        covariate: name of the covariate, for the table.
        level: of the interval of Pearson's r (Fisher's z).
        seed: of the permutations where not all are taken.

    Returns:
        Rows of the table `correlation`.

    Raises:
        ValueError: as `log_values`.
    """
    logs = log_values(covariates)
    relative = on_scale(relative)
    rows = []
    for (corpus, family, metric, estimator), laws in relative.groupby(
        ["corpus", "family", "metric", "estimator"], sort=False
    ):
        estimated = laws[laws["dbeta"].notna()]
        paired = estimated[estimated["treatment"].astype(str).isin(list(logs))]
        x = np.array([logs[str(name)] for name in paired["treatment"]], dtype=np.float64)
        found = correlation(x, paired["dbeta"].to_numpy(dtype=np.float64), level, seed)
        notes = []
        if len(laws) > len(estimated):
            notes.append(f"{len(laws) - len(estimated)} domain(s) without a slope")
        if len(estimated) > len(paired):
            notes.append(f"{len(estimated) - len(paired)} domain(s) without a covariate")
        label = {
            "corpus": corpus,
            "family": family,
            "metric": metric,
            "estimator": estimator,
            "covariate": covariate,
        }
        rows.append({**label, **found, **status_columns(status_of(found["status"]), notes)})
    return pd.DataFrame(rows, columns=list(CORRELATION.names))


def log_values(covariates: pd.DataFrame) -> dict[str, float]:
    """Return log10 of the value of every domain that has one.

    Args:
        covariates: columns `domain` and `value`.

    Raises:
        ValueError: for a missing column, an empty or a repeated domain, or a value that is not a
            number above 0.
    """
    check_columns("covariates", covariates.columns, ("domain", "value"))
    covariates = covariates.assign(domain=as_text(covariates["domain"]))
    check_keys(covariates, ("domain",), "covariates")
    known = covariates[covariates["value"].notna()]
    value = pd.to_numeric(known["value"], errors="coerce").to_numpy(dtype=np.float64)
    wrong = known.loc[~(np.isfinite(value) & (value > 0)), "domain"]
    if len(wrong):
        raise ValueError(
            f"covariates: value of {', '.join(map(str, wrong))} must be a number above 0 (its "
            "logarithm is taken)"
        )
    twice = known.loc[known["domain"].duplicated(), "domain"]
    if len(twice):
        raise ValueError(
            f"covariates: {', '.join(map(str, twice))} more than once: one row per domain"
        )
    return dict(zip(known["domain"].astype(str), np.log10(value), strict=True))


def correlation(x: Array, y: Array, level: float = 0.95, seed: int = 0) -> dict[str, object]:
    """Correlate two columns.

    Args:
        x: (domain,) the covariate as it enters, such as its log10.
        y: (domain,).
        level: of the interval.
        seed: of the permutations.

    Returns:
        The columns of correlation.csv from `pearson_r` on and `status`: `ok`, `illustration` below
        ten domains, `too_few_domains` below three, `no_variation` where one side is constant.
    """
    nan = float("nan")
    names = (
        "pearson_r",
        "spearman_r",
        "p_one_sided",
        "p_two_sided",
        "ci_low",
        "ci_high",
        "spearman_p_two_sided",
    )
    row: dict[str, object] = dict.fromkeys(
        (*names, "p_permutation_one_sided", "p_permutation_two_sided"), nan
    )
    row["n"] = len(x)
    if len(x) < MIN_DOMAINS:
        return row | {"status": Status.TOO_FEW_DOMAINS}
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return row | {"status": Status.NO_VARIATION}
    pearson = stats.pearsonr(x, y)
    spearman = stats.spearmanr(x, y)
    row |= {
        "pearson_r": float(pearson.statistic),
        "p_two_sided": float(pearson.pvalue),
        "p_one_sided": float(stats.pearsonr(x, y, alternative="less").pvalue),
        "spearman_r": float(spearman.statistic),
        "spearman_p_two_sided": float(spearman.pvalue),
    }
    if len(x) > MIN_DOMAINS:
        low, high = pearson.confidence_interval(level)
        row |= {"ci_low": float(low), "ci_high": float(high)}
    if len(x) < PERMUTE_BELOW:
        one, two = permutation_p(x, y, seed)
        row |= {"p_permutation_one_sided": one, "p_permutation_two_sided": two}
    return row | {"status": Status.OK if len(x) >= ILLUSTRATION_BELOW else Status.ILLUSTRATION}


def permutation_p(x: Array, y: Array, seed: int = 0) -> tuple[float, float]:
    """Return the one-sided and the two-sided p value of r by permutation of y.

    They are the shares of permutations whose r is at most (one-sided, r < 0), or in size at least,
    the observed r. All permutations are taken where there are few; else random ones, the observed
    order counted among them.
    """
    a, b = (x - x.mean()) / np.std(x), (y - y.mean()) / np.std(y)
    resamples = factorial(len(x)) if len(x) <= EXACT_UP_TO else PERMUTATIONS

    def correlation_of(values: Array, axis: int) -> Array:
        return np.asarray(np.sum(a * values, axis=axis))

    def size_of(values: Array, axis: int) -> Array:
        return np.abs(correlation_of(values, axis))

    def p_value(statistic: Callable[[Array, int], Array], alternative: str) -> float:
        found = stats.permutation_test(
            (b,),
            statistic,
            permutation_type="pairings",
            vectorized=True,
            n_resamples=resamples,
            alternative=alternative,
            rng=np.random.default_rng([seed, 4]),
        )
        return float(found.pvalue)

    return p_value(correlation_of, "less"), p_value(size_of, "greater")
