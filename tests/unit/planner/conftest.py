"""Suites with planted noise, as losses tables."""

import numpy as np
import pandas as pd
import pytest


def planted_suite(
    seed=0,
    budgets=(1e18, 3e18, 9e18, 2.7e19),
    sizes=6,
    seeds=2,
    treatments=6,
    corpora=1,
    run=0.010,
    between=0.006,
    budget=0.004,
    slope=0.0,
    spread=1.2,
    floor=0.0,
):
    """Return a losses table whose noise of log G has the given standard deviations.

    Every domain has half of each variance, so that a gap has all of it.
    """
    rng = np.random.default_rng(seed)
    half = np.sqrt(0.5)
    rows = []
    for corpus in range(corpora):
        effects = rng.normal(0, budget * half, (len(budgets), treatments + 1))
        for place, flops in enumerate(budgets):
            optimum = np.sqrt(flops / 6 * 20)
            for size, distance in enumerate(np.linspace(-0.5, 0.5, sizes) * spread):
                own = rng.normal(0, run * half, treatments + 1)
                for number in range(seeds):
                    noise = own + effects[place] + rng.normal(0, between * half, treatments + 1)
                    tokens = optimum * 10**distance
                    away = np.log(flops / budgets[0])
                    level = 0.8 - 0.08 * away + 0.25 * distance**2
                    name = f"{flops:.3g}-{size}-{number}"
                    logs = {"validation": level}
                    logs |= {
                        f"d{k}": level + 0.1 * k + slope * away * (k == 1) + noise[k]
                        for k in range(treatments + 1)
                    }
                    rows += [
                        {
                            "corpus": f"c{corpus}",
                            "run": name,
                            "budget": f"{flops:.3g}",
                            "training_flops": flops,
                            "num_params_total": flops / 6 / tokens,
                            "tokens": tokens,
                            "family": "validation" if domain == "validation" else "topics",
                            "domain": domain,
                            "metric": "bits_per_byte",
                            "value": floor + np.exp(value),
                        }
                        for domain, value in logs.items()
                    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="session", name="planted_suite")
def planted_suite_fixture():
    """Returns the function of that name."""
    return planted_suite
