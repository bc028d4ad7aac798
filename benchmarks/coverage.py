"""Coverage of the intervals and level of the verdicts, on simulated suites.

The suites have the design and the noise of the default experiment.

    python benchmarks/coverage.py [--suites 1000] [--other-suites 1000] [--surface-suites 200]
    [--scenario NAME ...] [--out FILE]

Each simulated suite has the runs of the default experiment (budgets, sizes, tokens, seeds as
config.yaml plans them), a score that places the optimum, and two domains. Noise: every run has its
own, shared by score and domains; every run and domain has its own; and every domain has items whose
errors start and fall at their own pace, drawn anew for each suite. The truth is dbeta of the line
through the true gaps at the true optima of the budgets, for infinitely many items.
"""

import argparse
import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from relscale.config.load import load_config, read_yaml
from relscale.contract.verdicts import GAP_VERDICTS
from relscale.laws.cells import SuiteRuns, suites_of
from relscale.laws.estimators.base import Term
from relscale.laws.estimators.registry import ESTIMATORS, estimate
from relscale.laws.estimators.surface import LN10, budget_line
from relscale.laws.fit_error import FitError
from relscale.laws.inputs import prepare
from relscale.laws.items import ItemMatrices, item_noise
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.reader import SurfaceReader
from relscale.laws.tables.relative import side_tests
from relscale.laws.verdict import p_difference, p_equivalence, verdict_of
from relscale.plan.suite import plan_suite

RUN_SD, RATIO_SD = 0.010, 0.012
"""Of a run's log errors, and of a log ratio of two of its domains: measured at this scale (two
seeds, same size)."""
ITEMS, ITEM_SD, ITEM_SLOPE_SD, ITEM_NOISE_SD = 150, 0.30, 0.02, 0.08
"""Items of a domain; spread of their levels and of their slopes in log F; noise of an item and
run."""
MARGIN = 0.01


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """A truth."""

    symmetric: bool = False
    """Log-parabolas about a given optimum, the joint model's own shape; else surfaces L(N, D)."""
    shift: float = 0.0
    """Decades of tokens between the middle budget's optimum and the centre of its sizes."""
    exponents: tuple[float, float] = (0.36, 0.40)
    """alpha and beta of the score; the optimum moves with the sizes where they are nearly equal,
    and drifts through them where not."""
    slope: float | None = None
    """dbeta of a gap that is a power of compute alone; None: two surfaces that differ in all
    constants."""
    gap: float = 1.2
    """G at the middle of the design's compute, where `slope` is given."""
    one_at: float | None = None
    """Where G is 1, as a share of the range of log compute, in place of `gap`."""


SCENARIOS = {
    "symmetric": Scenario(symmetric=True, slope=-0.03),
    "asymmetric": Scenario(),
    "off_centre": Scenario(shift=0.15),
    "drifting": Scenario(exponents=(0.30, 0.48)),
    "no_slope": Scenario(slope=0.0),
    "at_margin": Scenario(slope=MARGIN),
    "below_margin": Scenario(slope=-MARGIN, gap=0.8),
    # The gap ends at 1 and has not crossed; it crosses in the middle, where it neither narrows nor
    # widens; it has long crossed.
    "touching": Scenario(slope=-0.05, one_at=1.0),
    "crossing": Scenario(slope=-0.05, one_at=0.5),
    "wide_crossing": Scenario(slope=-0.10, one_at=0.4),
}


def default_design(config: Path = Path("config.yaml")) -> SuiteRuns:
    """Runs of one corpus of the default experiment, without errors."""
    experiment = load_config(read_yaml(config), [])
    planned = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    corpus = planned[0].corpus
    rows = [run.columns().model_dump() for run in planned if run.corpus == corpus]
    frame = pd.DataFrame(rows).assign(
        family="validation", domain="own", metric="bits_per_byte", value=1.0
    )
    settings = LawSpec(family="validation")
    return suites_of(*prepare(frame, settings, None), settings)[0]


def curves(runs: SuiteRuns, scenario: Scenario) -> tuple[np.ndarray, float]:
    """Return the true log values of score, treatment and baseline, and the true dbeta.

    The values are (3, cell); dbeta is the slope through the true gaps at the true optima of the
    score.
    """
    compute = np.array(
        [runs.log_compute[runs.cell_budget == k].mean() for k in range(len(runs.budgets))]
    )
    away = runs.log_compute - compute.mean()
    lines = np.array(
        [budget_line(runs, np.flatnonzero(runs.cell_budget == k)) for k in range(len(runs.budgets))]
    ).T
    sizes = runs.log10_tokens[runs.cell_budget == len(runs.budgets) // 2]
    middle = float(sizes.min() + sizes.max()) / 2 + scenario.shift
    log_n, log_d = np.log(runs.params_model), runs.log10_tokens * LN10
    score = Truth.through(lines, middle, 1.0, *scenario.exponents)
    at_d = score.optimum(lines)
    at_n = lines[0] - lines[1] * at_d
    treatment = Truth.through(lines, middle + 0.10, 1.35, 0.42, 0.36)
    baseline = Truth.through(lines, middle - 0.05, 0.9, 0.34, 0.42)
    level = np.log(scenario.gap)
    if scenario.one_at is not None and scenario.slope is not None:
        one_at = compute[0] + scenario.one_at * (compute[-1] - compute[0])
        level = -scenario.slope * (one_at - compute.mean())
    if scenario.symmetric:
        s = (
            runs.log10_tokens
            - np.polyval(np.polyfit(compute, at_d / LN10, 1), compute)[runs.cell_budget]
        )
        errors = np.stack([0.8 - 0.08 * away + 0.25 * s**2] * 3) + np.outer([0.0, 0.05, 0.02], s)
        errors[1] += level
    else:
        errors = np.log(
            np.stack([truth.loss(log_n, log_d) for truth in (score, treatment, baseline)])
        )
        gaps = np.log(treatment.loss(at_n, at_d) / baseline.loss(at_n, at_d))
        if scenario.slope is None:
            return errors, float(np.polyfit(compute, gaps, 1)[0])
        errors[1] = errors[2] + level
    assert scenario.slope is not None
    errors[1] += scenario.slope * away
    return errors, scenario.slope


@dataclasses.dataclass(frozen=True, kw_only=True)
class Truth:
    """L = e + exp(log_a - alpha log N) + exp(log_b - beta log D)."""

    e: float
    alpha: float
    beta: float
    log_a: float
    log_b: float

    @classmethod
    def through(
        cls, lines: np.ndarray, optimum: float, e: float, alpha: float, beta: float
    ) -> "Truth":
        """Make a surface with its minimum on the middle budget's line at a token count.

        `optimum` is the log10 of that count.
        """
        level, falls = lines[:, lines.shape[1] // 2]
        log_d = optimum * LN10
        from_tokens = 0.75
        from_params = from_tokens * beta / (alpha * falls)
        log_a = np.log(from_params) + alpha * (level - falls * log_d)
        return cls(
            e=e,
            alpha=alpha,
            beta=beta,
            log_a=float(log_a),
            log_b=float(np.log(from_tokens) + beta * log_d),
        )

    def loss(self, log_n: np.ndarray, log_d: np.ndarray) -> np.ndarray:
        """Loss at natural logs of N and D."""
        return np.asarray(
            self.e
            + np.exp(self.log_a - self.alpha * log_n)
            + np.exp(self.log_b - self.beta * log_d)
        )

    def optimum(self, lines: np.ndarray) -> np.ndarray:
        """Natural log of the tokens that minimise the loss along each budget's line, (budget,)."""
        level, falls = lines
        ratio = self.log_b - self.log_a + np.log(self.beta / (self.alpha * falls))
        return np.asarray((ratio + self.alpha * level) / (self.alpha * falls + self.beta))


def simulate(
    design: SuiteRuns, scenario: Scenario, suites: int, seed: int = 0
) -> Iterator[tuple[SuiteRuns, tuple[Term, Term], float]]:
    """Draw suites: runs with a score, two domains with item noise, and the true dbeta."""
    truth, slope = curves(design, scenario)
    rng = np.random.default_rng(seed)
    of_run = truth[:, design.run_cell]
    count = len(design.runs)
    centred = design.log_compute[design.run_cell] - design.log_compute.mean()
    for number in range(suites):
        shared = rng.normal(0, RUN_SD, count)
        score = of_run[0] + shared
        terms = []
        for domain, values in enumerate(of_run[1:]):
            trend = np.exp(values + shared + rng.normal(0, RATIO_SD / np.sqrt(2), count))
            own = rng.lognormal(-(ITEM_SD**2) / 2, ITEM_SD, ITEMS) * (
                1 + np.outer(centred, rng.normal(0, ITEM_SLOPE_SD, ITEMS))
            )
            items = ItemMatrices(
                numerator=trend[:, None] * (own + rng.normal(0, ITEM_NOISE_SD, own.shape)),
                denominator=np.ones(own.shape),
                stratum=np.zeros(ITEMS, dtype=np.int64),
                rule="pooled",
                overlapping=0,
            )
            noise = item_noise(items, 200, number, f"domain {domain}")
            terms.append(Term(log_error=noise.log_error, item_covariance=noise.covariance))
        yield replace(design, score=score), (terms[0], terms[1]), slope


def measure(
    design: SuiteRuns,
    name: str,
    suites: int,
    estimators: tuple[str, ...] = tuple(ESTIMATORS),
    draws: int = 400,
    seed: int = 0,
) -> pd.DataFrame:
    """Simulate one scenario.

    Returns:
        A row an estimator: true_dbeta, coverage of 95 % intervals, mean bias, standard deviation of
        the estimates, median half-width, shares of suites with a lack of fit (p < .05) and without
        an estimate, and shares of each verdict (nothing to adjust for).
    """
    settings = LawSpec(family="topics", draws=draws)
    found: dict[str, list[tuple[float, float, str, float]]] = {
        estimator: [] for estimator in estimators
    }
    slope = float("nan")
    for runs, terms, slope in simulate(design, SCENARIOS[name], suites, seed):
        fits = fit_isoflop(runs)
        reader = SurfaceReader(runs, fits, settings)
        for estimator in estimators:
            try:
                fit = estimate(runs, fits, terms, estimator, settings, reader)
            except FitError:
                continue
            half = float(stats.t.ppf(0.975, fit.dof)) * fit.standard_error
            change = fit.change, fit.change_standard_error, fit.dof
            margin = MARGIN * float(fit.levels_at[2] - fit.levels_at[0])
            tests = p_difference(*change), p_equivalence(*change, margin)
            first, last = float(fit.levels[0]), float(fit.levels[2])
            word = verdict_of(fit.change, *tests, *side_tests(fit), first, last, False, 0.05)
            found[estimator].append((fit.slope - slope, half, word, fit.lack_of_fit_p))
    rows = []
    for estimator, results in found.items():
        error, half = (np.array([result[k] for result in results]) for k in (0, 1))
        verdicts = [result[2] for result in results]
        row: dict[str, object] = {
            "scenario": name,
            "estimator": estimator,
            "suites": suites,
            "true_dbeta": slope,
        }
        row |= {
            "coverage": float(np.mean(np.abs(error) <= half)),
            "bias": float(np.mean(error)),
            "standard_deviation": float(np.std(error, ddof=1)),
            "median_half_width": float(np.median(half)),
            "lack_of_fit": float(np.mean([result[3] < 0.05 for result in results]))
            if estimator != "surface"
            else float("nan"),
            "without_estimate": 1 - len(results) / suites,
        }
        shares = {word: verdicts.count(word) / max(len(verdicts), 1) for word in GAP_VERDICTS}
        rows.append(row | shares)
    return pd.DataFrame(rows)


def main() -> None:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", type=int, default=1000)
    parser.add_argument(
        "--other-suites", type=int, default=1000, help="for vertex, best_run and akima, which draw"
    )
    parser.add_argument(
        "--surface-suites",
        type=int,
        default=200,
        help="for the estimator surface, which is refitted in every draw",
    )
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--scenario", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--out", type=Path, help="write the table there, too")
    arguments = parser.parse_args()
    design = default_design(arguments.config)
    names = tuple(ESTIMATORS)
    tables = []
    for name in arguments.scenario:
        parts = (
            (arguments.suites, names[:1]),
            (arguments.other_suites, names[1:-1]),
            (arguments.surface_suites, names[-1:]),
        )
        pieces = [
            measure(design, name, suites, names, arguments.draws)
            for suites, names in parts
            if suites
        ]
        tables.append(pd.concat(pieces, ignore_index=True))
        print(
            tables[-1].to_string(index=False, float_format=lambda value: f"{value:.4f}"), flush=True
        )
    if arguments.out is not None:
        pd.concat(tables).to_csv(
            arguments.out, index=False, float_format="%.5f", lineterminator="\n"
        )


if __name__ == "__main__":
    main()
