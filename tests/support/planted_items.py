"""Items and losses of runs whose differences are planted."""

import numpy as np
import pandas as pd


def items_of(run, *, corpus="web", seed=0, shift=0.0, domains=("a", "b"), count=60, noise=0.05):
    """Return the items of one run in bits per byte; runs share lengths and levels of the items."""
    rows = []
    for place, domain in enumerate(domains):
        shared = np.random.default_rng([7, place])
        own = np.random.default_rng([seed, place, 99])
        length = np.round(shared.uniform(200, 900, count))
        level = shared.normal(1.2, 0.2, count) + own.normal(0, noise, count)
        change = shift if place == 0 else 0.0
        rows.append(
            pd.DataFrame(
                {
                    "corpus": corpus,
                    "run": run,
                    "family": "topics",
                    "domain": domain,
                    "metric": "bits_per_byte",
                    "stratum": domain,
                    "item": [f"{10**15 + place * 1000 + number}" for number in range(count)],
                    "numerator": (level + change) * length,
                    "denominator": length,
                    "overlaps": False,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def losses_of(items, budget, size, seed):
    """Return the losses of one run from its items."""
    sums = items.groupby(["corpus", "run", "family", "domain", "metric"], as_index=False)[
        ["numerator", "denominator"]
    ].sum()
    value = sums["numerator"] / sums["denominator"]
    about = {"budget": budget, "num_params_total": size, "seed": seed, "value": value}
    return sums.drop(columns=["numerator", "denominator"]).assign(**about)
