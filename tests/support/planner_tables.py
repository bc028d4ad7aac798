"""Losses tables with planted noise, and on planted surfaces."""

import numpy as np
import pandas as pd


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


SURFACES = {
    "validation": (1.69, 406.4, 0.34, 410.7, 0.28),
    "a": (1.69, 406.4, 0.34, 410.7, 0.28),
    "b": (1.20, 500.0, 0.36, 300.0, 0.26),
}
"""E, A, alpha, B, beta; the first is that of Hoffmann et al. (2022), equation 10."""


def surface_loss(domain, params, tokens):
    """Return the planted loss of a domain."""
    e, a, alpha, b, beta = SURFACES[domain]
    return e + a / params**alpha + b / tokens**beta


def planted_surfaces(noise=0.0, seed=0, sizes=6, counts=6, ratio=None):
    """Return a losses table of sizes x token counts on planted surfaces, with F = 6 N D.

    With `ratio` all runs have that number of tokens per parameter.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for params in np.geomspace(1e8, 3e9, sizes):
        for place, tokens in enumerate(np.geomspace(2e9, 6e11, counts)):
            if ratio is not None:
                params, tokens = params * 1.7**place, ratio * params * 1.7**place
            for domain in SURFACES:
                rows.append(
                    {
                        "corpus": "web",
                        "run": f"{params:.3g}-{tokens:.3g}",
                        "budget": f"{6 * params * tokens:.3g}",
                        "training_flops": 6 * params * tokens,
                        "num_params_total": params,
                        "tokens": tokens,
                        "family": "validation" if domain == "validation" else "topics",
                        "domain": domain,
                        "metric": "bits_per_byte",
                        "value": surface_loss(domain, params, tokens)
                        * np.exp(rng.normal(0, noise)),
                    }
                )
    return pd.DataFrame(rows)
