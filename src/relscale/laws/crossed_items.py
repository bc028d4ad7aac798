"""Item noise of the two-stage law: the same drawn items score all runs, in both metrics.

A question that is easy for one model is easy for most. Drawn items therefore move the accuracies of
all runs together, and their losses with them; independent binomial noise would miss that.
"""

import zlib

import numpy as np

from relscale.laws.cells import Array, Flags
from relscale.laws.items import BLOCK_ENTRIES, ItemMatrices, item_matrices
from relscale.laws.metric_fits import CorpusFits


def crossed_shifts(
    corpus: CorpusFits, domain: str, known: Flags, draws: int
) -> tuple[Array, Array] | None:
    """Return changes of the losses and the accuracies of runs by drawn items, (draw, run) each.

    Args:
        corpus: items and values of both metrics.
        domain: the domain.
        known: runs with both metrics, (all runs,).
        draws: number of draws.

    Returns:
        None unless both metrics have items.

    Raises:
        ValueError: as `item_matrices`.
    """
    matrices = []
    for fits in corpus.axes:
        frame = corpus.items.get((corpus.runs.corpus, domain, fits.metric))
        if frame is None:
            return None
        where = f"items of corpus {corpus.runs.corpus!r}, domain {domain!r}, metric {fits.metric!r}"
        log_error = np.where(known, fits.values(domain), np.nan)
        matrices.append(item_matrices(frame, corpus.runs, log_error, where))
    seed = [corpus.spec.seed, zlib.crc32(domain.encode()), 8]
    loss, accuracy = drawn_shifts(matrices[0], matrices[1], draws, np.random.default_rng(seed))
    level = np.exp(corpus.axes[0].values(domain)[known])
    return without_scatter(loss[:, known], level), without_scatter(accuracy[:, known], level)


def drawn_shifts(
    loss: ItemMatrices, accuracy: ItemMatrices, draws: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draw clusters of items within strata; return both metrics' changes, (draw, run) each.

    Metrics with the same items share the draws; else each has its own.
    """
    same = np.array_equal(loss.stratum, accuracy.stratum)
    same = same and np.array_equal(loss.cluster, accuracy.cluster)
    first, second = [], []
    block = max(1, min(draws, BLOCK_ENTRIES // max(len(loss.stratum), len(accuracy.stratum), 1)))
    for begin in range(0, draws, block):
        count = min(block, draws - begin)
        weights = loss.drawn_weights(count, rng)
        first.append(loss.errors(weights) - loss.errors())
        if not same:
            weights = accuracy.drawn_weights(count, rng)
        second.append(accuracy.errors(weights) - accuracy.errors())
    return np.nan_to_num(np.concatenate(first)), np.nan_to_num(np.concatenate(second))


def without_scatter(shift: Array, loss: Array) -> Array:
    """Return the part of shifts, (draw, run), that is a smooth function of the runs' loss.

    The scatter about it (items x runs) is in the residuals of the runs already.
    """
    away = (loss - loss.mean()) / (np.ptp(loss) or 1.0)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(away), away, away**2], axis=1))
    return np.asarray(shift @ basis @ basis.T)
