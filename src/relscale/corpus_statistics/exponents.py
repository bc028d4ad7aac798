"""Do domains with a larger statistic have a larger exponent? Table `statistics_exponents`.

Domains are ranked within their family: families differ in their kind of item, which moves both
statistics and exponents. All corpora count together, since their runs are scored on the same texts.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from relscale.contract.corpus_statistics import SAME_SIZE, STATISTICS
from relscale.contract.scales import on_scale
from relscale.contract.status import Status, status_columns
from relscale.contract.tables.statistics_exponents import STATISTICS_EXPONENTS
from relscale.corpus_statistics.spec import ExponentsSpec
from relscale.laws.verdict import holm

Array = npt.NDArray[np.float64]

METRIC = "bits_per_byte"
MIN_DOMAINS = 3
"""Fewest domains of a family that are ranked."""
ILLUSTRATION_BELOW = 10
"""With fewer domains in all families a correlation is only an illustration."""
QUANTITIES = {"exponent": "domain", "dbeta": "treatment"}
"""Exponents of the laws, and the column of the domain in the table of each."""
GOES_WITH, GOES_AGAINST, NOT_SHOWN = "goes_with", "goes_against", "not_shown"


@dataclass(frozen=True, kw_only=True)
class FamilyPairs:
    """The domains of one family with a statistic and the exponents of all corpora."""

    x: Array
    """(domain) the statistic."""
    y: Array
    """(corpus, domain) the exponent."""
    sample_bytes: Array | None = None
    """(domain) bytes of the sample that the statistic is of; None where they are not known."""


@dataclass(frozen=True, kw_only=True)
class RankSums:
    """Sums of products of centred ranks, of which a correlation consists; one per draw."""

    products: Array
    """(draw) sum of a b."""
    squares_x: Array
    """(draw) sum of a^2."""
    squares_y: Array
    """(draw) sum of b^2."""

    @classmethod
    def of(cls, x: Array, y: Array) -> "RankSums":
        """Return the sums of one family.

        Args:
            x: (draw, domain) statistics.
            y: (draw, corpus, domain) exponents.
        """
        a, b = _centred_ranks(x)[:, None, :], _centred_ranks(y)
        return cls(
            products=(a * b).sum(axis=(1, 2)),
            squares_x=np.square(a).sum(axis=(1, 2)) * y.shape[1],
            squares_y=np.square(b).sum(axis=(1, 2)),
        )

    @staticmethod
    def correlation(families: Sequence["RankSums"]) -> Array:
        """Return (draw) the correlation over families; NaN if one side is constant in all."""
        products, x, y = (
            np.sum([getattr(family, name) for family in families], axis=0)
            for name in ("products", "squares_x", "squares_y")
        )
        size = np.sqrt(x * y)
        return np.asarray(np.divide(products, size, out=np.full_like(size, np.nan), where=size > 0))


def rank_correlation(families: Sequence[FamilyPairs]) -> float:
    """Return Spearman's correlation of ranks within families and corpora.

    r = sum of a b / sqrt(sum of a^2 * sum of b^2), where a and b are the ranks of statistic and
    exponent among the m domains of a family, less their mean and divided by m + 1. With one family
    and one corpus it is Spearman's r. NaN if one side is constant in every family.
    """
    sums = [RankSums.of(family.x[None], family.y[None]) for family in families]
    return float(RankSums.correlation(sums)[0])


def _centred_ranks(values: Array) -> Array:
    """Return ranks along the last axis, less their mean, divided by the number of values plus 1."""
    ranks = stats.rankdata(values, axis=-1)
    count = values.shape[-1] + 1
    return np.asarray((ranks - count / 2) / count)


def drawn_correlations(
    families: Sequence[FamilyPairs], draws: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return (draw) correlations of domains drawn with replacement, and of permuted domains.

    Both are within each family, and the same for all corpora.
    """
    drawn, permuted = [], []
    for family in families:
        size = len(family.x)
        chosen = rng.integers(size, size=(draws, size))
        drawn.append(RankSums.of(family.x[chosen], family.y[:, chosen].swapaxes(0, 1)))
        orders = rng.permuted(np.tile(np.arange(size), (draws, 1)), axis=1)
        permuted.append(
            RankSums.of(family.x[orders], np.broadcast_to(family.y, (draws, *family.y.shape)))
        )
    return RankSums.correlation(drawn), RankSums.correlation(permuted)


def correlate(families: Sequence[FamilyPairs], spec: ExponentsSpec) -> dict[str, object]:
    """Return correlation, interval and p value: columns of `statistics_exponents`.

    The interval is the percentile interval over draws of domains with replacement within each
    family, all corpora together; p is the share of permutations of the domains of each family with
    an |r| at least as large, the observed order counted among them.

    Args:
        families: families with at least `MIN_DOMAINS` domains.
        spec: level, draws and seed.
    """
    row: dict[str, object] = dict.fromkeys(
        ("spearman_r", "ci_low", "ci_high", "p_permutation"), float("nan")
    )
    row |= {"n": sum(len(family.x) for family in families), "num_families": len(families)}
    row |= {"num_corpora": max((len(family.y) for family in families), default=0)}
    if not families:
        return row | status_columns(Status.TOO_FEW_DOMAINS)
    found = rank_correlation(families)
    if not np.isfinite(found):
        return row | status_columns(Status.NO_VARIATION)
    drawn, permuted = drawn_correlations(
        families, spec.draws, np.random.default_rng([spec.seed, 7])
    )
    tail = (1 - spec.level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    extreme = np.count_nonzero(np.abs(permuted) >= abs(found) - 1e-12)
    row |= {"spearman_r": found, "ci_low": float(low), "ci_high": float(high)}
    row |= {"p_permutation": (extreme + 1) / (spec.draws + 1)}
    few = sum(len(family.x) for family in families) < ILLUSTRATION_BELOW
    return row | status_columns(Status.ILLUSTRATION if few else Status.OK, unequal(families))


def unequal(families: Sequence[FamilyPairs]) -> list[str]:
    """Return a remark if domains of a family have samples of different sizes, else nothing."""
    known = [each.sample_bytes for each in families if each.sample_bytes is not None]
    sizes = [each for each in known if each.min() < SAME_SIZE * each.max()]
    if not sizes:
        return []
    every = np.concatenate(sizes)
    return [
        f"domains of {len(sizes)} of {len(families)} families have samples of {every.min():,.0f} "
        f"to {every.max():,.0f} bytes, on which statistics depend"
    ]


def exponent_table(
    statistics: pd.DataFrame, absolute: pd.DataFrame, relative: pd.DataFrame, spec: ExponentsSpec
) -> pd.DataFrame:
    """Return the table `statistics_exponents`.

    Args:
        statistics: rows of corpus_statistics.csv.
        absolute: rows of absolute.csv.
        relative: rows of relative.csv, of which those of the scale `ratio` are read.
        spec: families, estimator, level, draws and seed.
    """
    laws = {"exponent": absolute, "dbeta": on_scale(relative)}
    rows = []
    for quantity, law in laws.items():
        for name in STATISTICS:
            pairs = [
                family_pairs(statistics, law, family, (quantity, spec.estimator, name))
                for family in spec.families
            ]
            found = correlate([each for each in pairs if each is not None], spec)
            key = {"quantity": quantity, "metric": METRIC, "estimator": spec.estimator}
            rows.append({**key, "covariate": name, **found})
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p_permutation"].to_numpy(dtype=np.float64))
    table["verdict"] = [verdict(row, spec.level) for row in table.to_dict("records")]
    return table[list(STATISTICS_EXPONENTS.names)]


def verdict(row: Mapping[Hashable, Any], level: float) -> str:
    """Return whether a statistic goes with an exponent.

    `goes_with` (`goes_against`) if the whole interval is above (below) 0 and the p value by Holm's
    method is at most 1 - level; else `not_shown`. Empty without a correlation.
    """
    if not np.isfinite(row["spearman_r"]):
        return ""
    significant = row["p_holm"] <= 1 - level
    if significant and row["ci_low"] > 0:
        return GOES_WITH
    return GOES_AGAINST if significant and row["ci_high"] < 0 else NOT_SHOWN


def family_pairs(
    statistics: pd.DataFrame,
    laws: pd.DataFrame,
    family: str,
    what: tuple[str, str, str],
) -> FamilyPairs | None:
    """Return the pairs of a family; None if fewer than `MIN_DOMAINS` domains have all values.

    Args:
        statistics: rows of corpus_statistics.csv.
        laws: rows of absolute.csv or of relative.csv.
        family: the family; its baseline has no dbeta.
        what: exponent (`exponent` or `dbeta`), estimator and statistic.
    """
    quantity, estimator, name = what
    texts = statistics[(statistics["kind"] == "domain") & (statistics["family"] == family)]
    x = texts.set_index("domain")[name].astype(float).dropna()
    law = laws[
        (laws["family"] == family) & (laws["metric"] == METRIC) & (laws["estimator"] == estimator)
    ]
    wide = law.pivot(index="corpus", columns=QUANTITIES[quantity], values=quantity).astype(float)
    shared = [domain for domain in x.index if domain in wide.columns]
    wide = wide[shared].dropna(axis="index", how="all").dropna(axis="columns")
    if len(wide.columns) < MIN_DOMAINS or wide.empty:
        return None
    sizes = texts.set_index("domain")["sample_bytes"][wide.columns]
    return FamilyPairs(
        x=np.asarray(x[wide.columns], dtype=np.float64),
        y=np.asarray(wide, dtype=np.float64),
        sample_bytes=None if sizes.isna().any() else np.asarray(sizes, dtype=np.float64),
    )
