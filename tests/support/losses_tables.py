"""A small losses table with planted laws, and the same in another layout."""

import numpy as np
import pandas as pd

BUDGETS = ("1e18", "1e19", "1e20")
FLOORS = {"plain": 0.5, "odd": 0.5, "code": 0.3}
"""Irreducible loss of each domain."""
SCALES = {"plain": 1.0, "odd": 1.3, "code": 0.7}
"""Reducible loss of each domain, as a multiple of that of `plain`: the difference to `plain` of
`odd`, with the same floor, falls with compute."""


def planted(corpora=("ours",), seed=0) -> pd.DataFrame:
    """Return a losses table with our columns: three domains, three budgets of five sizes."""
    rng = np.random.default_rng(seed)
    rows = []
    for corpus in corpora:
        for budget in BUDGETS:
            for place, ratio in enumerate((0.3, 0.55, 1.0, 1.8, 3.2)):
                params = (float(budget) / 120) ** 0.5 * ratio
                tokens = float(budget) / 6 / params
                reducible = 180 * params**-0.34 + 1500 * tokens**-0.34
                noise = np.exp(rng.normal(0, 0.002))
                rows += [
                    {
                        "corpus": corpus,
                        "run": f"{budget}-{place}",
                        "budget": budget,
                        "training_flops": float(budget),
                        "num_params_total": round(params),
                        "tokens": round(tokens),
                        "family": "texts",
                        "domain": domain,
                        "metric": "loss",
                        "value": noise * (floor + SCALES[domain] * reducible),
                    }
                    for domain, floor in FLOORS.items()
                ]
    return pd.DataFrame(rows)


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with one row per run, other names, and a column per domain."""
    keys = ["corpus", "run", "budget", "training_flops", "num_params_total", "tokens"]
    found = table.pivot_table(index=keys, columns="domain", values="value", sort=False)
    found = found.rename(columns=lambda name: f"{name}_ce").reset_index()
    found["tokens"] = found["tokens"] / 1e9
    names = {"corpus": "data", "run": "model", "budget": "C", "num_params_total": "N"}
    return found.rename(columns={**names, "tokens": "D (B)"})


MAPPING = {
    "shape": "wide",
    "columns": {
        "corpus": "data",
        "run": "model",
        "budget": "C",
        "num_params_total": "N",
        "tokens": "D (B)",
    },
    "constants": {"family": "texts", "metric": "loss"},
    "domains": {"plain": "plain_ce", "odd": "odd_ce", "code": "code_ce"},
    "units": {"tokens": "billions"},
    "source": {"citation": "Doe, J. (2026). A table", "licence": "MIT"},
}
"""How the columns of `wide` become ours."""
