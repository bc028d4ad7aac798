"""A losses table from outside with a planted slope."""

import pandas as pd


def two_domains():
    """Return a table in which domain b improves with a slope 0.01 steeper than a's."""
    rows = []
    for budget, flops in (("1e18", 1e18), ("1e19", 1e19), ("1e20", 1e20)):
        for place, tokens in enumerate((0.3, 0.6, 1.0, 1.7, 3.0)):
            curve = 1 + 0.02 * (place - 2) ** 2
            for domain, error in (("a", 2.0 * flops**-0.01), ("b", 3.0 * flops**-0.02)):
                rows.append(
                    {
                        "corpus": "s",
                        "run": f"{budget}-{place}",
                        "budget": budget,
                        "training_flops": flops,
                        "num_params_total": flops**0.5 / tokens,
                        "tokens": tokens * flops**0.5,
                        "family": "f",
                        "domain": domain,
                        "metric": "bits_per_byte",
                        "value": error * curve,
                    }
                )
    return pd.DataFrame(rows)
