"""Planted suites: losses whose true laws are known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

BUDGETS = ("5e10", "1e11", "2e11", "5e11")


def plant(
    *,
    seed: int = 0,
    budgets: tuple[str, ...] = BUDGETS,
    num_sizes: int = 6,
    domains: dict[str, tuple[float, float, float]] | None = None,
    run_sd: float = 0.0,
    domain_sd: float = 0.0,
    budget_sd: float = 0.0,
    replicates: dict[str, int] | None = None,
    suite: str = "web",
    offset: float = 0.0,
    curvature: float = 0.3,
) -> pd.DataFrame:
    """Losses of a suite on symmetric IsoFLOP surfaces.

    log E of domain d = log level_d - exponent_d log(F / 1e11) + tilt_d s + curvature s^2 + noise, with s = log10 tokens - log10 optimum.

    Args:
        domains: name to (level at 1e11, exponent, tilt).
        run_sd: noise of a run, shared by all domains.
        domain_sd: noise of a run and domain.
        budget_sd: noise of a budget and domain.
        replicates: budget to number of seeds of its third size.
        offset: shifts the grid of sizes against the optimum, in decades.
    """
    rng = np.random.default_rng(seed)
    domains = {"base": (2.0, 0.10, 0.0), "treat": (2.4, 0.13, 0.05)} if domains is None else domains
    rows = []
    for budget in budgets:
        compute = float(budget)
        optimum = 7.0 + 0.5 * np.log10(compute / 1e11)
        of_budget = {name: rng.normal(0, budget_sd) if budget_sd else 0.0 for name in domains}
        for index, distance in enumerate(np.linspace(-0.6, 0.6, num_sizes) + offset):
            tokens = round(10 ** (optimum + distance))
            params = round(compute / 6 / tokens)
            for replicate in range((replicates or {}).get(budget, 1) if index == 2 else 1):
                shared = rng.normal(0, run_sd) if run_sd else 0.0
                common = {
                    "suite": suite,
                    "run": f"{suite}-{budget}-n{index}-s{replicate}",
                    "seed": replicate,
                    "budget": budget,
                    "forward_flops": compute / 3,
                    "training_flops": compute,
                    "num_params_total": params,
                    "tokens": tokens,
                    "metric": "bits_per_byte",
                    "excluded_reason": None,
                }
                s = np.log10(tokens) - optimum
                law = -0.1 * np.log(compute / 1e11) + curvature * s**2 + shared
                rows.append({**common, "family": "validation", "domain": "own", "error": 2.5 * np.exp(law)})
                for name, (level, exponent, tilt) in domains.items():
                    law = -exponent * np.log(compute / 1e11) + tilt * s + curvature * s**2 + shared + of_budget[name]
                    law += rng.normal(0, domain_sd) if domain_sd else 0.0
                    rows.append({**common, "family": "topics", "domain": name, "error": level * np.exp(law)})
    return pd.DataFrame(rows)


@pytest.fixture(name="plant")
def plant_fixture() -> Callable[..., pd.DataFrame]:
    """The builder of planted suites."""
    return plant
