"""Coverage of the intervals of surface.csv, on simulated surfaces of 240 runs.

The runs are a grid of 16 sizes and 15 token counts, or 12 IsoFLOP curves of 20 sizes. Noise is
equal, or depends on N and D, or has heavy tails.

    python benchmarks/surfaces.py [--suites 200] [--draws 1000] [--scenario NAME ...] [--out FILE]
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.laws.cells import SuiteRuns
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.reader import SurfaceReader
from relscale.laws.tables.surface import surface_rows

TRUTH = {
    "irreducible": 1.8,
    "alpha": 0.34,
    "beta": 0.37,
    "optimal_params_exponent": 0.37 / 0.71,
}
A, B = 400.0, 1200.0

Noise = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""Noise of log losses by standardised log N and log D."""

NOISE: dict[str, Noise] = {
    "equal": lambda n, d, rng: 0.010 * rng.normal(size=len(n)),
    "small_runs_noisier": lambda n, d, rng: (
        0.008 * np.exp(-0.45 * n - 0.35 * d) * rng.normal(size=len(n))
    ),
    "large_short_runs_noisier": lambda n, d, rng: (
        0.008 * np.exp(0.5 * n - 0.4 * d) * rng.normal(size=len(n))
    ),
    "heavy_tails": lambda n, d, rng: 0.006 * rng.standard_t(3, size=len(n)),
}
"""Scenarios of noise."""


def design(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return N and D of 240 runs."""
    if name == "grid":
        return (
            np.repeat(np.geomspace(1e7, 1e9, 16), 15),
            np.tile(np.geomspace(1e9, 1e11, 15), 16),
        )
    compute = np.repeat(np.geomspace(1e17, 1e20, 12), 20)
    params = np.sqrt(compute / 120) * np.tile(np.geomspace(0.1, 10, 20), 12)
    return params, compute / 6 / params


def suite(params: np.ndarray, tokens: np.ndarray, score: np.ndarray) -> SuiteRuns:
    """Return a suite of one run per size; runs of equal compute are a budget."""
    compute = 6 * params * tokens
    levels, budget = np.unique(np.round(np.log(compute), 6), return_inverse=True)
    number = len(params)
    return SuiteRuns(
        corpus="planted",
        runs=tuple(f"run{place:03d}" for place in range(number)),
        budgets=tuple(f"{np.exp(level):.6g}" for level in levels),
        run_cell=np.arange(number),
        cell_budget=budget,
        log_compute=np.log(compute),
        log10_tokens=np.log10(tokens),
        params_total=params,
        params_model=params,
        params_transformer=np.full(number, np.nan),
        params_split=False,
        forward_flops=compute / 3,
        training_flops=compute,
        score=score,
        score_excess=np.zeros(number),
        optimum_by="validation",
        error_metric="bits_per_byte",
    )


def simulate(name: str, noise: Noise, suites: int, draws: int) -> Iterator[dict[str, object]]:
    """Yield the rows of surface.csv of each simulated suite."""
    params, tokens = design(name)
    n, d = np.log(params), np.log(tokens)
    n, d = (n - n.mean()) / n.std(), (d - d.mean()) / d.std()
    loss = TRUTH["irreducible"] + A / params ** TRUTH["alpha"] + B / tokens ** TRUTH["beta"]
    spec = LawSpec(family="planted", draws=draws)
    for number in range(suites):
        rng = np.random.default_rng([number, 11])
        values = np.log(loss) + noise(n, d, rng)
        runs = suite(params, tokens, values)
        reader = SurfaceReader(runs, fit_isoflop(runs), spec)
        yield from surface_rows(reader, values, False, ())


def coverage(rows: pd.DataFrame) -> dict[str, float]:
    """Return the share of shown surfaces and the share of their intervals that hold the truth."""
    shown = rows[rows["alpha"].notna()]
    found = {"shown": len(shown) / len(rows), "pairs": float((rows["bootstrap"] == "pairs").mean())}
    for name, truth in TRUTH.items():
        inside = (shown[f"{name}_ci_low"] <= truth) & (truth <= shown[f"{name}_ci_high"])
        found[name] = float(inside.mean())
    return found


def main() -> None:
    """Simulate, print, and write the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", type=int, default=200)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--scenario", nargs="*", choices=list(NOISE), default=list(NOISE))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    table = []
    for name in ("grid", "isoflop"):
        for scenario in arguments.scenario:
            rows = pd.DataFrame(simulate(name, NOISE[scenario], arguments.suites, arguments.draws))
            for method, part in rows.groupby("method", sort=False):
                label = {"design": name, "noise": scenario, "method": method}
                table.append({**label, "suites": arguments.suites, **coverage(part)})
                print(pd.DataFrame(table[-1:]).to_string(index=False, header=len(table) == 1))
    if arguments.out:
        pd.DataFrame(table).to_csv(arguments.out, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
