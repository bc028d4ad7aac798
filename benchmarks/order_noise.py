"""How much noise the runs of one seed share, measured on finished results.

    python benchmarks/order_noise.py RESULTS [RESULTS ...]

For each size with the seeds 0 and 1, the difference of log G between the two seeds is noise. It is
correlated between two sizes of a corpus if the runs of one seed have something in common, such as
the order of the data. Printed per family: the correlation over all pairs of sizes whose training
tokens differ by at most .3 in natural logs, and over all other pairs, pooled over treatments and
corpora; with standard errors from leaving out one treatment and corpus at a time (jackknife). Zero
is expected without common noise.
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.config.load import load_config, read_yaml

METRIC = "bits_per_byte"
NEIGHBOURS = 0.3
"""Difference of log tokens up to which two sizes count as neighbours."""


def seed_differences(losses: pd.DataFrame, baseline: str) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield log tokens (size,) and difference of log G between seeds (size,) per gap and corpus."""
    losses = losses[(losses["metric"] == METRIC) & losses["seed"].isin([0, 1])]
    keys = ["budget", "num_params_total", "tokens", "seed"]
    for _, rows in losses.groupby("corpus", sort=True):
        table = rows.pivot_table(index=keys, columns="domain", values="value").map(math.log)
        first, second = table.xs(0, level="seed"), table.xs(1, level="seed")
        both = first.index.intersection(second.index)
        for domain in table.columns.drop(baseline):
            change = (first - second).loc[both, [domain, baseline]].to_numpy(dtype=np.float64)
            tokens = both.get_level_values("tokens").to_numpy(dtype=np.float64)
            difference = change[:, 0] - change[:, 1]
            if difference.any():  # domains can be made of the same texts
                yield np.log(tokens), difference


def correlations(losses: pd.DataFrame, baseline: str) -> list[tuple[float, float]]:
    """Return correlation and standard error for neighbouring and for other pairs of sizes."""
    sums: list[list[tuple[float, int, float, int]]] = [[], []]
    for tokens, difference in seed_differences(losses, baseline):
        product = np.outer(difference, difference)
        apart = np.abs(tokens[:, None] - tokens)
        upper = np.triu(np.ones_like(product, dtype=bool), 1)
        near = upper & (apart <= NEIGHBOURS)
        for pairs, into in zip((near, upper & ~near), sums, strict=True):
            square = difference**2
            into.append(
                (float(product[pairs].sum()), int(pairs.sum()), float(square.sum()), len(square))
            )
    return [_with_error(np.array(part)) for part in sums if part]


def _with_error(sums: np.ndarray) -> tuple[float, float]:
    def ratio(rows: np.ndarray) -> float:
        product, pairs, square, sizes = rows.sum(axis=0)
        return float((product / pairs) / (square / sizes))

    left_out = np.array([ratio(np.delete(sums, index, axis=0)) for index in range(len(sums))])
    spread = float(np.sum((left_out - left_out.mean()) ** 2))
    return ratio(sums), math.sqrt((1 - 1 / len(sums)) * spread)


def main(folders: list[str]) -> None:
    """Print a table."""
    families = load_config(read_yaml(Path("config.yaml")), []).families
    print("results                family       near (se)      others (se)")
    for folder in map(Path, folders):
        for name, family in families.items():
            baseline = getattr(family, "baseline", None)
            path = folder / "evaluations" / name / "losses.parquet"
            if baseline is None or not path.exists():
                continue
            found = correlations(pd.read_parquet(path), baseline)
            cells = "  ".join(f"{value:6.3f} ({error:.3f})" for value, error in found)
            print(f"{folder.name:<22} {name:<12} {cells}")


if __name__ == "__main__":
    main(sys.argv[1:])
