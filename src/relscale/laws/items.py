"""Item noise of the values of a domain.

The same draw of items is used for all runs; it is stratified. It is independent for baseline and
treatment, unless both have the same items (`LawSpec.paired_items`), such as the verses of two
translations: then one draw serves both, and what an item adds to both cancels in the gap. Items of
one document, chapter or exam vary together: where the table has a column
`cluster`, whole clusters are drawn.

The draws of a domain are summarised by the covariance of its runs' log errors. A law that is linear
in log errors with coefficients c over runs has item variance c' S c. The runs' own scatter already
holds the part of item noise that differs from run to run (items x runs), so that part is taken off
where the two are added (`item_variance`).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.contract.check import check_columns
from relscale.contract.losses import ITEMS_COLUMNS, ITEMS_KEY, ITEMS_OPTIONAL
from relscale.contract.typed import check_keys, flags, typed
from relscale.laws.cells import Array, Index, Readings, SuiteRuns
from relscale.laws.item_pairs import check_pairs
from relscale.laws.spec import LawSpec

Flags = npt.NDArray[np.bool_]
ItemPieces = Mapping[tuple[str, str, str], pd.DataFrame]
"""Items by (corpus, domain, metric)."""

OPTIONAL = (*ITEMS_OPTIONAL, "overlaps")
"""Columns that an items table may lack."""
REQUIRED = tuple(column for column in ITEMS_COLUMNS if column not in OPTIONAL)
TOLERANCE = 1e-4
"""Relative difference up to which items count as giving the error of the losses table (which may be
stored in single precision)."""
PAIRED_STREAM = "paired items"
"""Name of the stream of draws that paired domains share; no label of a domain seeds the same."""
BLOCK_ENTRIES = 4_000_000
"""Size of one block of item weights (draws x items)."""


@dataclass(frozen=True, kw_only=True)
class ItemMatrices:
    """Items of one domain of one suite."""

    numerator: Array
    """(run, item)."""
    denominator: Array
    """(run, item); 0 where a run lacks the item."""
    stratum: Index
    """(item,) 0..number of strata - 1; items are sorted by it."""
    cluster: Index
    """(item,) 0..number of clusters - 1: items drawn together, such as those of one document; items
    are sorted by it, too. Each item is a cluster of its own where the table names none."""
    rule: str
    """`pooled` (sum over sum) or `strata` (mean over strata of that)."""
    overlapping: int
    """Items left out because they overlap a corpus."""

    @property
    def cluster_counts(self) -> Index:
        """Return the number of clusters in each stratum, (stratum,)."""
        first_item = np.unique(self.cluster, return_index=True)[1]
        return np.bincount(self.stratum[first_item])

    def drawn_weights(self, draws: int, rng: np.random.Generator) -> Array:
        """Draw clusters with replacement within strata; return how often items count.

        The weights are (draw, item).
        """
        sizes = self.cluster_counts
        number = int(sizes.sum())
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        first, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)  # (cluster,)
        chosen = first + (rng.random((draws, number)) * size).astype(np.int64)
        flat = (chosen + np.arange(draws)[:, None] * number).ravel()
        drawn = np.bincount(flat, minlength=draws * number).reshape(draws, number)
        return np.asarray(drawn[:, self.cluster], dtype=np.float64)

    def errors(self, weights: Array | None = None) -> Array:
        """Return the errors, (run,), or (draw, run) for item weights (draw, item)."""
        if weights is None:
            weights = np.ones((1, self.numerator.shape[1]))
            return np.asarray(self.errors(weights)[0])
        if self.rule == "pooled":
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray((weights @ self.numerator.T) / (weights @ self.denominator.T))
        parts = []
        for index in range(int(self.stratum[-1]) + 1):
            here = np.flatnonzero(self.stratum == index)
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append(
                    (weights[:, here] @ self.numerator[:, here].T)
                    / (weights[:, here] @ self.denominator[:, here].T)
                )
        return np.asarray(np.nanmean(np.stack(parts), axis=0))


@dataclass(frozen=True, kw_only=True)
class ItemNoise:
    """Item noise of one domain of one suite."""

    covariance: Array
    """Of the runs' log errors over draws of items, (run, run); 0 for runs without items."""
    log_error: Array
    """Natural log of the error over the items kept, (run,), NaN for runs without items."""
    overlapping: int
    """Items left out because they overlap a corpus."""
    num_items: int
    """Items kept."""
    dof: int
    """Clusters less strata: degrees of freedom of the covariance."""
    shift: Array | None = None
    """Changes of the log errors by draws that paired domains share, (draw, run), centred and scaled
    so that products divided by draws - 1 are covariances; None for domains drawn independently."""

    def cross(self, other: "ItemNoise") -> Array | None:
        """Return the covariance with the log errors of another domain, (run, run).

        None where the two are drawn independently.
        """
        if self.shift is None or other.shift is None:
            return None
        return np.asarray(self.shift.T @ other.shift / (len(self.shift) - 1))


def split_items(
    items: pd.DataFrame, family: str, metrics: tuple[str, ...], where: str = "items"
) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Split an items table of one family by (suite, domain, metric).

    Raises:
        ValueError: for a missing column, an empty name, or text in place of a number.
    """
    check_columns(where, items.columns, REQUIRED)
    items = typed(items, where)
    check_keys(items, (*ITEMS_KEY, "stratum"), where)
    kept = items[(items["family"] == family) & items["metric"].isin(metrics)]
    groups = kept.groupby(["corpus", "domain", "metric"], sort=True, observed=True)
    return {
        (str(corpus), str(domain), str(metric)): rows for (corpus, domain, metric), rows in groups
    }


def item_matrices(
    frame: pd.DataFrame, runs: SuiteRuns, log_error: Array, where: str
) -> ItemMatrices:
    """Arrange the items of one domain as matrices without the overlapping ones.

    The rule of aggregation is the one that gives the values of the losses table.

    Args:
        frame: items of one (suite, domain, metric).
        runs: the suite.
        log_error: (run,) of the losses table, NaN where left out.
        where: words for errors.

    Raises:
        ValueError: where a run has an item twice, or neither rule gives the errors of the losses
            table.
    """
    row = pd.Index(runs.runs).get_indexer(pd.Index(frame["run"]))
    wanted = row >= 0
    frame, row = frame[wanted], row[wanted]
    stratum_code, _ = pd.factorize(frame["stratum"].astype(str), sort=True)
    item_code, item_names = pd.factorize(frame["item"].astype(str), sort=True)
    cluster_code = item_code
    if _has_clusters(frame):
        cluster_code = _cluster_codes(frame, item_code)
        _check_clusters(stratum_code, cluster_code, where)
        # One code per pair, so that items are sorted by stratum, cluster and name.
        pairs = pd.Series(cluster_code.astype(np.int64) * len(item_names) + item_code)
        item_code, item_names = pd.factorize(pairs, sort=True)
    joint, column = np.unique(
        stratum_code.astype(np.int64) * len(item_names) + item_code, return_inverse=True
    )
    shape = (len(runs.runs), len(joint))
    place = row.astype(np.int64) * len(joint) + column
    if len(np.unique(place)) < len(place):
        twice = frame.iloc[int(np.flatnonzero(pd.Series(place).duplicated())[0])]
        raise ValueError(
            f"{where}: run {twice['run']!r} has item {twice['item']!r} of stratum "
            f"{twice['stratum']!r} more than once"
        )
    numerator, denominator = np.zeros(shape), np.zeros(shape)
    numerator[row, column] = frame["numerator"].to_numpy(dtype=np.float64)
    denominator[row, column] = frame["denominator"].to_numpy(dtype=np.float64)
    stratum = joint // max(len(item_names), 1)
    cluster = np.zeros(len(joint), dtype=np.int64)
    cluster[column] = cluster_code
    overlaps = np.zeros(len(joint), dtype=bool)
    if "overlaps" in frame.columns:
        overlaps[column[flags(frame["overlaps"])]] = True
    known = np.isfinite(log_error) & (denominator.sum(axis=1) > 0)
    differences = {}
    for rule in ("pooled", "strata"):
        for keep in (np.ones(len(joint), dtype=bool), ~overlaps):
            made = _matrices(numerator, denominator, (stratum, cluster), keep, rule, overlaps)
            with np.errstate(divide="ignore"):
                differences[rule] = float(
                    np.max(np.abs(np.log(made.errors()[known]) - log_error[known]), initial=0.0)
                )
            if differences[rule] < TOLERANCE:
                return _matrices(
                    numerator, denominator, (stratum, cluster), ~overlaps, rule, overlaps
                )
    raise ValueError(
        f"{where}: items do not give the errors of the losses table: largest relative "
        f"difference {differences['pooled']:.3g} "
        f"as sum over sum, {differences['strata']:.3g} as mean over strata (tolerance "
        f"{TOLERANCE:g})"
    )


def _has_clusters(frame: pd.DataFrame) -> bool:
    """Return whether a table names the cluster of some item."""
    if "cluster" not in frame.columns:
        return False
    names = pd.Series(frame["cluster"].unique())  # far fewer than rows
    return bool((names.notna() & (names.astype(str).str.strip() != "")).any())


def _cluster_codes(frame: pd.DataFrame, item_code: Index) -> Index:
    """Return the code of each row's cluster; an item without one is a cluster of its own."""
    names = frame["cluster"].astype("str").str.strip()
    named = (frame["cluster"].notna() & (names != "")).to_numpy(dtype=np.bool_)
    code = pd.factorize(names, sort=True)[0].astype(np.int64)
    return np.where(named, code, code.max(initial=0) + 1 + item_code)


def _check_clusters(stratum_code: Index, cluster_code: Index, where: str) -> None:
    """Check that some stratum has two clusters.

    Raises:
        ValueError: the noise of the clusters cannot be seen.
    """
    pairs = np.unique(np.stack([stratum_code, cluster_code]), axis=1)
    if pairs.shape[1] == len(np.unique(stratum_code)):
        raise ValueError(
            f"{where}: every stratum has one cluster of items, whose noise cannot be seen: name "
            "smaller clusters, fewer strata, or leave the column cluster out"
        )


def _matrices(
    numerator: Array,
    denominator: Array,
    codes: tuple[Index, Index],
    keep: Flags,
    rule: str,
    overlaps: Flags,
) -> ItemMatrices:
    stratum, cluster = (code[keep] for code in codes)
    _, dense = np.unique(stratum, return_inverse=True)
    # A cluster of two strata is drawn in each of them.
    pair = stratum * (int(cluster.max(initial=0)) + 1) + cluster
    _, grouped = np.unique(pair, return_inverse=True)
    return ItemMatrices(
        numerator=numerator[:, keep],
        denominator=denominator[:, keep],
        stratum=dense,
        cluster=grouped,
        rule=rule,
        overlapping=int(overlaps.sum()),
    )


def item_noise(
    matrices: ItemMatrices, draws: int, seed: int, domain: str, paired: bool = False
) -> ItemNoise:
    """Resample clusters of items within strata, the same for all runs, and summarise the draws.

    Args:
        matrices: items of the domain.
        draws: number of draws.
        seed: seed of the draws.
        domain: name of the domain, which seeds the draws, so that another domain moves nothing, and
            baseline and treatment are independent.
        paired: whether domains share the draws, since they have the same items.
    """
    base = matrices.errors()
    present = (matrices.denominator.sum(axis=1) > 0) & (base > 0)
    stream = PAIRED_STREAM if paired else domain
    rng = np.random.default_rng([seed, zlib.crc32(stream.encode())])
    num_items = matrices.numerator.shape[1]
    sizes = matrices.cluster_counts
    block = max(1, min(draws, BLOCK_ENTRIES // max(num_items, 1)))
    shifts = []
    for begin in range(0, draws, block):
        count = min(block, draws - begin)
        weights = matrices.drawn_weights(count, rng)
        with np.errstate(invalid="ignore", divide="ignore"):
            # First order in place of the log, so that a drawn accuracy of zero stays finite.
            shifts.append(matrices.errors(weights) / base - 1)
    shift = np.where(present, np.concatenate(shifts), 0.0)
    shift = np.nan_to_num(shift, nan=0.0)
    shift = shift - shift.mean(axis=0)
    with np.errstate(divide="ignore"):
        log_error = np.where(present, np.log(np.where(present, base, 1.0)), np.nan)
    return ItemNoise(
        # Draws of n clusters scatter by (n - 1) / n of the clusters' variance.
        covariance=shift.T @ shift / (draws - 1) * _correction(sizes),
        shift=shift * np.sqrt(_correction(sizes)) if paired else None,
        log_error=log_error,
        overlapping=matrices.overlapping,
        num_items=num_items,
        dof=int(sizes.sum()) - len(sizes),
    )


def _correction(sizes: Index) -> float:
    """Return n / (n - 1) for the mean number n of clusters in a stratum; 1 for single ones."""
    mean = float(np.mean(sizes))
    return mean / (mean - 1) if mean > 1 else 1.0


def item_variance(rows: Array, covariance: Array, design: Array) -> Array:
    """Return the covariance that item noise adds to quantities linear in the cells' logs.

    It is (quantity, quantity).

    Args:
        rows: (reading, cell) coefficients.
        covariance: (cell, cell) of the logs over draws of items.
        design: (cell, term) what a single item's error may follow over runs; its scatter about that
            is already in the runs' residuals.

    Returns:
        rows S rows' less the part of items x runs, tr(M S) / (cells - terms) rows rows' with M the
        residual maker of the design; no variance is taken below zero.
    """
    total = rows @ covariance @ rows.T
    spare = design.shape[0] - np.linalg.matrix_rank(design)
    if spare < 1:
        return total
    maker = np.eye(len(design)) - design @ np.linalg.pinv(design)
    scatter = float(np.trace(maker @ covariance)) / spare
    return less_scatter(total, scatter * rows @ rows.T)


def less_scatter(total: Array, own: Array) -> Array:
    """Return a covariance less the part of items x runs; no variance is taken below zero.

    Args:
        total: covariance by items, (quantity, quantity).
        own: its part of items x runs.
    """
    raw, off = np.diag(total), np.diag(own)
    share = np.where(raw > 0, np.maximum(raw - off, 0.0) / np.where(raw > 0, raw, 1.0), 0.0)
    return np.asarray(total * np.sqrt(np.outer(share, share)))


def noise_of_domains(
    pieces: ItemPieces, runs: SuiteRuns, metric: str, readings: Readings, spec: LawSpec
) -> dict[str, ItemNoise]:
    """Return the item noise of every domain that has items.

    Raises:
        ValueError: as `item_matrices`; naming the domains, if their items should be paired and
            differ.
    """
    noise = {}
    if spec.paired_items:
        check_pairs(
            {key[1]: piece for key, piece in pieces.items() if key[::2] == (runs.corpus, metric)}
        )
    for domain, log_error in zip(readings.domains, readings.log_error, strict=True):
        piece = pieces.get((runs.corpus, domain, metric))
        if piece is not None and np.isfinite(log_error).any():
            where = f"items of corpus {runs.corpus!r}, domain {domain!r}, metric {metric!r}"
            noise[domain] = item_noise(
                item_matrices(piece, runs, log_error, where),
                spec.draws,
                spec.seed,
                domain,
                spec.paired_items,
            )
    return noise
