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
    corpus: str = "web",
    offset: float = 0.0,
    curvature: float = 0.3,
) -> pd.DataFrame:
    """Losses of a suite on symmetric IsoFLOP surfaces.

    log E of domain d = log level_d - exponent_d log(F / 1e11) + tilt_d s + curvature s^2 + noise,
    with s = log10 tokens - log10 optimum.

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
                    "corpus": corpus,
                    "run": f"{corpus}-{budget}-n{index}-s{replicate}",
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
                rows.append(
                    {**common, "family": "validation", "domain": "own", "value": 2.5 * np.exp(law)}
                )
                for name, (level, exponent, tilt) in domains.items():
                    law = (
                        -exponent * np.log(compute / 1e11)
                        + tilt * s
                        + curvature * s**2
                        + shared
                        + of_budget[name]
                    )
                    law += rng.normal(0, domain_sd) if domain_sd else 0.0
                    rows.append(
                        {**common, "family": "topics", "domain": name, "value": level * np.exp(law)}
                    )
    return pd.DataFrame(rows)


SURFACES = {
    "own": (1.7, 406.0, 0.34, 411.0, 0.28),
    "base": (1.5, 350.0, 0.33, 500.0, 0.30),
    "treat": (1.9, 700.0, 0.35, 300.0, 0.27),
}
"""E, A, alpha, B, beta. `own` is near Hoffmann et al. (2022); unequal exponents make the IsoFLOP
curves asymmetric."""


def surface_optimum(compute: float, constants: tuple[float, ...]) -> float:
    """log10 of the D that minimises E + A / N^alpha + B / D^beta at N D = compute / 6 (Hoffmann et
    al., 2022, equation 4)."""
    _, a, alpha, b, beta = constants
    return float(
        (np.log(beta * b / (alpha * a)) + alpha * np.log(compute / 6)) / (alpha + beta) / np.log(10)
    )


def plant_surface(
    *,
    surfaces: dict[str, tuple[float, ...]] | None = None,
    budgets: tuple[str, ...] = ("1e18", "3e18", "1e19", "3e19"),
    num_sizes: int = 7,
    width: float = 0.6,
    shift: float = 0.0,
    drift: float = 0.0,
    run_sd: float = 0.0,
    domain_sd: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Losses of a suite on surfaces L(N, D): families validation (`own`) and topics (the others).

    Args:
        surfaces: constants by name.
        width: half the range of sizes in decades of tokens.
        shift: decades between the grid's centre and the true optimum.
        drift: the same, from - drift at the lowest budget to drift at the highest.
    """
    rng = np.random.default_rng(seed)
    surfaces = SURFACES if surfaces is None else surfaces
    rows = []
    for budget, off in zip(budgets, np.linspace(-drift, drift, len(budgets)) + shift, strict=True):
        compute = float(budget)
        for index, distance in enumerate(np.linspace(-width, width, num_sizes) + off):
            tokens = 10 ** (surface_optimum(compute, surfaces["own"]) + distance)
            params = compute / 6 / tokens
            shared = rng.normal(0, run_sd) if run_sd else 0.0
            common = {
                "corpus": "web",
                "run": f"{budget}-n{index}",
                "budget": budget,
                "training_flops": compute,
                "num_params_total": params,
            }
            common |= {"tokens": tokens, "metric": "bits_per_byte"}
            for name, (e, a, alpha, b, beta) in surfaces.items():
                noise = shared + (rng.normal(0, domain_sd) if domain_sd else 0.0)
                error = (e + a / params**alpha + b / tokens**beta) * np.exp(noise)
                rows.append(
                    {
                        **common,
                        "family": "validation" if name == "own" else "topics",
                        "domain": name,
                        "value": error,
                    }
                )
    return pd.DataFrame(rows)


def surface_truth(
    surfaces: dict[str, tuple[float, ...]], budgets: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, float]:
    """True log10 D of the optima, true log G of treat / base there, (budget,) each, and dbeta of
    the line through them."""
    compute = np.array([float(budget) for budget in budgets])
    at = np.array([surface_optimum(value, surfaces["own"]) for value in compute])
    tokens, params = 10**at, compute / 6 / 10**at
    logs = {
        name: np.log(e + a / params**alpha + b / tokens**beta)
        for name, (e, a, alpha, b, beta) in surfaces.items()
    }
    gaps = logs["treat"] - logs["base"]
    return at, gaps, float(np.polyfit(np.log(compute), gaps, 1)[0])


@pytest.fixture(name="plant_surface")
def plant_surface_fixture() -> Callable[..., pd.DataFrame]:
    """The builder of planted surfaces."""
    return plant_surface


@pytest.fixture(name="surface_truth")
def surface_truth_fixture() -> Callable[..., tuple[np.ndarray, np.ndarray, float]]:
    """The true slopes of a planted surface."""
    return surface_truth


@pytest.fixture(name="surfaces")
def surfaces_fixture() -> dict[str, tuple[float, ...]]:
    """The planted surfaces' constants."""
    return dict(SURFACES)


@pytest.fixture(name="plant", scope="session")
def plant_fixture() -> Callable[..., pd.DataFrame]:
    """The builder of planted suites."""
    return plant
