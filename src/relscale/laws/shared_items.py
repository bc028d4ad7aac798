"""Item noise of one domain over several corpora whose runs are scored on the same items.

A drawn item moves the losses of all runs of all corpora together, so that it cancels in a
difference between corpora as far as it moves them alike. `shared_item_covariance` is the covariance
over draws of items of the log losses of all runs of all corpora.
"""

import zlib
from collections.abc import Sequence

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.items import BLOCK_ENTRIES, ItemMatrices, item_matrices
from relscale.laws.metric_fits import CorpusFits, MetricFits

SHARED_STREAM = 19
"""Last word of the seed of the draws of shared items."""


def shared_item_covariance(
    corpora: Sequence[tuple[CorpusFits, MetricFits]], domain: str
) -> tuple[Array, float] | None:
    """Return the covariance of the log losses of a domain over draws of its items.

    The runs are those of all corpora, in order. Corpora without the same items (some may have been
    left out because a corpus holds them) have draws of their own.

    Args:
        corpora: the runs of each corpus with their items, and one metric of them.
        domain: the domain.

    Returns:
        The covariance, (runs, runs), and its degrees of freedom; None if a corpus has no items.

    Raises:
        ValueError: as `item_matrices`.
    """
    found: list[ItemMatrices] = []
    names: list[tuple[str, ...]] = []
    for corpus, fits in corpora:
        frame = corpus.items.get((corpus.runs.corpus, domain, fits.metric))
        if frame is None:
            return None
        where = f"items of corpus {corpus.runs.corpus!r}, domain {domain!r}, metric {fits.metric!r}"
        found.append(item_matrices(frame, corpus.runs, fits.values(domain), where))
        names.append(tuple(sorted(set(frame["item"].astype(str)))))
    same = all(
        name == names[0]
        and np.array_equal(each.stratum, found[0].stratum)
        and np.array_equal(each.cluster, found[0].cluster)
        for name, each in zip(names, found, strict=True)
    )
    spec = corpora[0][0].spec
    seed = [spec.seed, zlib.crc32(domain.encode()), SHARED_STREAM]
    if same:
        shift = _shifts(found, spec.draws, np.random.default_rng(seed))
    else:
        shift = np.concatenate(
            [
                _shifts([each], spec.draws, np.random.default_rng([*seed, place]))
                for place, each in enumerate(found)
            ],
            axis=1,
        )
    sizes = found[0].cluster_counts
    mean = float(np.mean(sizes))
    correction = mean / (mean - 1) if mean > 1 else 1.0
    shift = shift - shift.mean(axis=0)
    covariance = shift.T @ shift / (spec.draws - 1) * correction
    return covariance, float(min(int(each.cluster_counts.sum()) for each in found) - len(sizes))


def _shifts(matrices: Sequence[ItemMatrices], draws: int, rng: np.random.Generator) -> Array:
    """Return the changes of the log losses by the same drawn items, (draw, runs of all)."""
    blocks = []
    block = max(1, min(draws, BLOCK_ENTRIES // max(len(matrices[0].stratum), 1)))
    for begin in range(0, draws, block):
        weights = matrices[0].drawn_weights(min(block, draws - begin), rng)
        parts = []
        for each in matrices:
            base = each.errors()
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append(np.nan_to_num(each.errors(weights) / base - 1))
        blocks.append(np.concatenate(parts, axis=1))
    return np.concatenate(blocks)
