"""Coverage of the intervals of `relscale compare`, and size and power of its tests.

    python benchmarks/compare.py [--draws 2000] [--scenario NAME ...] [--out FILE]

Pairs of models are simulated with a known difference: the difference of an item has a part that all
items of its cluster share and a part of its own, documents differ in length, and clusters in their
number of items. Each draw is analysed by the code that the command uses. Columns: the share of
intervals that contain the truth (`coverage`), the share of domains without a difference that get a
verdict of one (`false`), the share of families with such a domain (`false_family`), and the share
of differences as large as the detectable one that are found (`power`).
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.compare.decide import with_verdicts
from relscale.compare.domain import compared
from relscale.compare.paired import PairedItems
from relscale.compare.spec import CompareSettings
from relscale.compare.variance import Array, ItemDesign
from relscale.contract.comparison_tables import NOT_SHOWN

SETTINGS = CompareSettings()
DOMAINS = 6
"""Domains of a family."""
Rows = list[dict[str, object]]


def paired(a: Array, b: Array, denominator: Array, stratum: Array, cluster: Array) -> PairedItems:
    """Return items as the command pairs them; averaged over strata if there are any."""
    names = tuple(map(str, range(len(denominator))))
    return PairedItems(
        key=("family", "bits_per_byte", "domain"),
        a=a,
        b=b,
        design=ItemDesign(
            denominator=denominator,
            stratum=stratum.astype(np.int64),
            cluster=cluster.astype(np.int64),
            rule="strata" if stratum.max() else "pooled",
        ),
        items=names,
        strata=names,
        clusters=names,
        clustered="items",
        left_out=(),
    )


def documents(
    rng: np.random.Generator,
    truth: float,
    *,
    clusters: int,
    spread: float,
    correlation: float,
    strata: int = 1,
    tails: bool = False,
    runs: int = 1,
) -> PairedItems:
    """Return documents in bits per byte whose difference is `truth`.

    Args:
        rng: source of the draws.
        truth: difference in bits per byte.
        clusters: number of clusters.
        spread: standard deviation of the log number of items of a cluster.
        correlation: share of the variance that a cluster shares.
        strata: number of strata, which clusters are nested in.
        tails: whether items vary as Student's t with 4 degrees of freedom.
        runs: number of matched runs; several have their own noise, also by item.
    """
    sizes = np.maximum(1, np.round(np.exp(rng.normal(1.2, spread, clusters)))).astype(int)
    cluster = np.repeat(np.arange(clusters), sizes)
    count = len(cluster)
    own = rng.standard_t(4, count) / np.sqrt(2) if tails else rng.normal(size=count)
    shared = rng.normal(size=clusters)[cluster]
    change = 0.1 * (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)
    length = np.round(np.exp(rng.normal(6, 0.6, count)))
    level = rng.normal(1.2, 0.2, count)
    by_run = rng.normal(0, 0.03, (runs, 1)) + rng.normal(0, 0.05, (runs, count))
    a = (level + change + truth + (by_run if runs > 1 else 0)) * length
    b = np.broadcast_to(level * length, a.shape) if runs > 1 else (level * length)[None]
    return paired(np.atleast_2d(a), b, length, cluster % strata, cluster)


def questions(rng: np.random.Generator, truth: float, *, count: int, unlike: float) -> PairedItems:
    """Return answers of which a share `unlike` is right on one side only."""
    kind = rng.choice(3, count, p=[(unlike + truth) / 2, (unlike - truth) / 2, 1 - unlike])
    a, b = (kind == 0).astype(float), (kind == 1).astype(float)
    both = (kind == 2) & (rng.random(count) < 0.5)
    one = np.ones(count)
    return paired((a + both)[None], (b + both)[None], one, 0 * one, np.arange(count))


Simulated = Callable[[np.random.Generator, float], PairedItems]
LARGEST = {"questions_30_0.1": 0.09, "questions_100_0.05": 0.045}
"""Largest difference of scenarios whose detectable difference cannot occur."""


def made(kind: Callable[..., PairedItems], **options: object) -> Simulated:
    """Return a simulation of a truth."""
    return lambda rng, truth: kind(rng, truth, **options)


def scenarios() -> dict[str, Simulated]:
    """Return the simulations by name."""
    found: dict[str, Simulated] = {}
    for clusters in (10, 20, 50, 200):
        for spread, word in ((0.0, "equal"), (0.9, "unequal")):
            for correlation in (0.0, 0.5):
                options = {"clusters": clusters, "spread": spread, "correlation": correlation}
                found[f"{clusters}_{word}_{correlation}"] = made(documents, **options)
    unequal = {"clusters": 40, "spread": 0.9, "correlation": 0.3}
    found["40_tails"] = made(documents, **unequal, tails=True)
    found["40_strata_5"] = made(documents, **unequal, strata=5)
    found["40_strata_15"] = made(documents, **unequal, strata=15)
    found["40_runs_6"] = made(documents, **unequal, runs=6)
    found["40_runs_24"] = made(documents, **unequal, runs=24)
    for count, unlike in ((30, 0.1), (100, 0.05), (100, 0.3), (500, 0.1)):
        found[f"questions_{count}_{unlike}"] = made(questions, count=count, unlike=unlike)
    return found


def family(
    simulated: Simulated, truths: list[float], rng: np.random.Generator
) -> tuple[pd.DataFrame, list[float]]:
    """Return the rows of a family with verdicts, and the truth of each."""
    rows: Rows = []
    for number, truth in enumerate(truths):
        row = compared(simulated(rng, truth), SETTINGS, logarithm=True)
        names = {"family": "f", "metric": "bits_per_byte", "domain": str(number)}
        rows.append({"p_equivalence": np.nan, **row, **names, "status": str(row["status"])})
    return with_verdicts(pd.DataFrame(rows), SETTINGS), truths


def measured(
    simulated: Simulated, draws: int, seed: int, largest: float = np.inf
) -> dict[str, float]:
    """Return coverage, false verdicts and power of one scenario.

    Every second family has no difference in any domain. In the others half of the domains have one:
    the median of those that are detectable in five families, or `largest` if that is smaller.
    """
    rng = np.random.default_rng(seed)
    null = [family(simulated, [0.0] * DOMAINS, rng)[0] for _ in range(5)]
    large = float(pd.concat(null)["detectable_difference"].median())
    large = min(large, largest)
    truths = [0.0] * (DOMAINS // 2) + [large] * (DOMAINS - DOMAINS // 2)
    inside: list[bool] = []
    false: list[bool] = []
    false_family: list[bool] = []
    found: list[bool] = []
    for draw in range(draws // DOMAINS):
        rows, truth = family(simulated, [0.0] * DOMAINS if draw % 2 else truths, rng)
        truth = np.array(truth)
        low, high = rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float)
        differs = (rows["verdict"] != NOT_SHOWN).to_numpy() & (rows["verdict"] != "").to_numpy()
        inside += list((low <= truth) & (truth <= high))
        false += list(differs[truth == 0])
        false_family.append(bool(differs[truth == 0].any()))
        at = rows["detectable_difference"].to_numpy(float)
        found += list(differs[(truth != 0) & np.isfinite(at)])
    return {
        "intervals": len(inside),
        "coverage": float(np.mean(inside)),
        "false": float(np.mean(false)),
        "false_family": float(np.mean(false_family)),
        "power": float(np.mean(found)),
    }


def main() -> None:
    """Simulate the scenarios and print or write one row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--scenario", nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    rows = []
    for name, simulated in scenarios().items():
        if words.scenario and name not in words.scenario:
            continue
        start = time.perf_counter()
        row = {"scenario": name, **measured(simulated, words.draws, 0, LARGEST.get(name, np.inf))}
        rows.append(row)
        shown = "  ".join(f"{key} {value:.3f}" for key, value in list(row.items())[2:])
        print(f"{name:22} {shown}  ({time.perf_counter() - start:.0f} s)", flush=True)
    if words.out:
        pd.DataFrame(rows).to_csv(words.out, index=False, float_format="%.4f", lineterminator="\n")


if __name__ == "__main__":
    main()
