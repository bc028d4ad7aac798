"""Speed of the laws: bootstrap draws, and refits of a surface compared with scipy.

Prints figures; decides nothing.

    python benchmarks/laws.py [--refits 4000] [--scipy-refits 100] [--draws 2000]

CPU time of one process; set OMP_NUM_THREADS=1 to keep it to one thread.
"""

import argparse
import time

import numpy as np
from scipy import optimize

from relscale.laws.cells import SuiteRuns
from relscale.laws.estimators.base import Term
from relscale.laws.estimators.registry import estimate
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.projection import Plane, SurfaceBatch, fit_surface, fit_surfaces
from relscale.laws.surface_fit.reader import SurfaceReader

SUITES, DOMAINS, BUDGETS, SIZES = 3, 30, 5, 6


def planted_suite(rng: np.random.Generator) -> SuiteRuns:
    """One suite: five budgets, six sizes, one run each."""
    budget = np.repeat(np.arange(BUDGETS), SIZES)
    compute = np.log(np.array([5e10, 1e11, 2e11, 5e11, 1e12]))[budget]
    distance = np.tile(np.linspace(-0.6, 0.6, SIZES), BUDGETS)
    tokens = 7 + 0.5 * (compute / np.log(10) - 11) + distance
    params = np.exp(compute) / 6 / 10**tokens
    count = len(budget)
    return SuiteRuns(
        corpus="planted",
        runs=tuple(f"run{k:02d}" for k in range(count)),
        budgets=("5e10", "1e11", "2e11", "5e11", "1e12"),
        run_cell=np.arange(count),
        cell_budget=budget,
        log_compute=compute,
        log10_tokens=tokens,
        params_total=params,
        params_model=params,
        params_transformer=np.full(count, np.nan),
        params_split=False,
        forward_flops=np.exp(compute) / 3,
        training_flops=np.exp(compute),
        score=0.7
        - 0.1 * (compute - compute.mean())
        + 0.3 * distance**2
        + rng.normal(0, 0.01, count),
        score_excess=np.zeros(count),
        optimum_by="validation",
        error_metric="bits_per_byte",
    )


def relative_laws(draws: int, estimators: tuple[str, ...]) -> float:
    """CPU-seconds of all gaps of three suites with thirty domains."""
    rng = np.random.default_rng(0)
    settings = LawSpec(family="planted", draws=draws)
    suites = [planted_suite(rng) for _ in range(SUITES)]
    domains = (
        0.3 * rng.normal(size=(SUITES, DOMAINS, 1))
        + np.stack([runs.score for runs in suites])[:, None, :]
    )
    domains = domains + rng.normal(0, 0.012, domains.shape)
    start = time.process_time()
    for runs, errors in zip(suites, domains, strict=True):
        fits = fit_isoflop(runs)
        reader = SurfaceReader(runs, fits, settings)
        for treatment in errors[1:]:
            for estimator in estimators:
                estimate(
                    runs,
                    fits,
                    (Term(log_error=treatment), Term(log_error=errors[0])),
                    estimator,
                    settings,
                    reader,
                )
    return time.process_time() - start


def surface_refits(refits: int, scipy_refits: int) -> dict[str, float]:
    """Time refits of a surface of 240 points, ours and by BFGS from the same start.

    Returns CPU-seconds and the ratios of the objectives.
    """
    rng = np.random.default_rng(0)
    params, tokens = (
        np.repeat(np.geomspace(1e7, 1e9, 16), 15),
        np.tile(np.geomspace(1e9, 1e11, 15), 16),
    )
    loss = (1.8 + 400 / params**0.34 + 1200 / tokens**0.37) * np.exp(
        rng.normal(0, 0.01, len(params))
    )
    plane = Plane.of(params, tokens)
    fit, _ = fit_surface(plane, loss)
    centre = fit.fitted()[0]
    drawn = centre * np.exp(np.log(loss / centre)[rng.integers(0, len(loss), (refits, len(loss)))])
    start = time.process_time()
    found = fit_surfaces(plane, drawn, np.array([fit.alpha[0], fit.beta[0]]))
    ours = time.process_time() - start
    start = time.process_time()
    others = [_bfgs(plane, values, fit) for values in drawn[:scipy_refits]]
    theirs = (time.process_time() - start) * refits / scipy_refits
    ratio = found.objective[:scipy_refits] / np.array(others)
    return {
        "ours_s": ours,
        "scipy_s": theirs,
        "highest_ratio": ratio.max(),
        "converged": float(found.converged.mean()),
    }


def _bfgs(plane: Plane, loss: np.ndarray, start: SurfaceBatch) -> float:
    """Return the lowest value of the same objective by scipy's BFGS with a numeric gradient.

    The search starts from the fit to the losses before the draw.
    """
    n, d = plane.log_params, plane.log_tokens

    def objective(q: np.ndarray) -> float:
        return float(
            np.sum(((q[0] + q[1] * np.exp(-q[3] * n) + q[2] * np.exp(-q[4] * d)) / loss - 1) ** 2)
        )

    first = [
        float(part[0])
        for part in (
            start.irreducible,
            start.from_params,
            start.from_tokens,
            start.alpha,
            start.beta,
        )
    ]
    return float(optimize.minimize(objective, first, method="BFGS").fun)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--refits", type=int, default=4000)
    parser.add_argument(
        "--scipy-refits",
        type=int,
        default=100,
        help="how many of the refits scipy does; its time is scaled up",
    )
    arguments = parser.parse_args()
    four = relative_laws(arguments.draws, ("joint", "vertex", "best_run", "akima"))
    print(
        f"{arguments.draws} draws, {SUITES} suites x {DOMAINS} domains, four estimators: "
        f"{four:.2f} CPU-s"
    )
    surface = relative_laws(arguments.draws, ("surface",))
    print(f"the same with every surface refitted, estimator surface: {surface:.2f} CPU-s")
    times = surface_refits(arguments.refits, arguments.scipy_refits)
    print(
        f"{arguments.refits} refits of a 240-point surface: {times['ours_s']:.2f} CPU-s, "
        f"converged {100 * times['converged']:.1f} %"
    )
    print(
        f"scipy BFGS, numeric gradient, one start ({arguments.scipy_refits} measured): "
        f"{times['scipy_s']:.1f} CPU-s"
    )
    print(
        f"ratio {times['scipy_s'] / times['ours_s']:.0f}; highest objective of ours over "
        f"scipy's {times['highest_ratio']:.12f}"
    )


if __name__ == "__main__":
    main()
