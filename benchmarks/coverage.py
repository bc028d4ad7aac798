"""Coverage of the intervals and size of the tests, on simulated families.

    python benchmarks/coverage.py [--suites 1000] [--auto-suites 40] [--other-suites 200]
    [--surface-suites 50] [--scenario NAME ...] [--out FILE]

Each simulated suite has one or more corpora, a score that places the optimum, a baseline and
several treatments. Noise: every run has its own, shared by score and domains; every run and domain
has its own; and, as a scenario says, every budget and domain, every data order and domain (a smooth
function of the tokens read), and every domain's items, whose errors start and fall at their own
pace. The truth is dbeta of the line through the true gaps at the true optima of the budgets, for
infinitely many items. `--out` replaces the rows of the scenarios that were run and keeps the
others.
"""

import argparse
import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from relscale.config.load import load_config, read_yaml
from relscale.laws.cells import Array, Readings, SuiteRuns, suites_of
from relscale.laws.estimators.base import Peers, Quantity, Term
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.estimators.surface import LN10, budget_line
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.inputs import prepare
from relscale.laws.noise_model import NoiseModel
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.reader import SurfaceReader
from relscale.laws.verdict import holm, p_difference
from relscale.plan.suite import plan_suite

RUN_SD, RATIO_SD = 0.010, 0.012
"""Of a run's log errors, and of a log ratio of two of its domains: measured at this scale (two
seeds, same size)."""
ITEMS, ITEM_SD, ITEM_SLOPE_SD, ITEM_NOISE_SD = 150, 0.30, 0.02, 0.08
"""Items of a domain; spread of their levels and of their slopes in log F; noise of an item and
run."""
ORDER_LENGTH = 0.3
"""Natural log of the ratio of tokens at which the noise of a data order has correlation 1 / e."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """A truth, a design and a noise."""

    symmetric: bool = True
    """Log-parabolas about a given optimum, the joint model's own shape; else surfaces L(N, D)."""
    shift: float = 0.0
    """Decades of tokens between the middle budget's optimum and the centre of its sizes."""
    exponents: tuple[float, float] = (0.36, 0.40)
    """alpha and beta of the score; the optimum moves with the sizes where they are nearly equal,
    and drifts through them where not."""
    floors: tuple[float, float] = (0.9, 1.35)
    """Irreducible losses of the baseline and of the first treatment."""
    slope: float | None = 0.0
    """dbeta of a gap that is a power of compute alone; None: surfaces that differ in all
    constants."""
    budgets: int = 4
    """Budgets, each three times the one below."""
    sizes: int = 6
    """Sizes of a budget."""
    seeds: int = 1
    """Seeds of every size; 0: the default experiment's design."""
    corpora: int = 3
    """Corpora."""
    treatments: int = 6
    """Treatments."""
    budget_sd: float = 0.0
    """Standard deviation of the budget effect in log G; a domain has 1 / sqrt(2) of it."""
    baseline_budget_sd: float | None = None
    """That of the baseline, in its log loss; None as the treatments."""
    baseline_sd: float = 1.0
    """Noise of a run of the baseline over that of a treatment."""
    order_sd: float = 0.0
    """Noise of the data order in log G."""
    order_is_shared: bool = True
    """Whether runs of one seed read one data order."""
    largest_noise: float = 1.0
    """Noise of a run of the smallest size over that of the largest."""
    unequal: bool = False
    """Whether the budget effects of half of the treatments are twice those of the others."""
    items: int = 0
    """Items of a domain; 0 leaves them out."""
    cluster: int = 1
    """Items of a cluster, which share half of the items' variance."""


SCENARIOS = {
    "symmetric": Scenario(seeds=0, slope=-0.03),
    "asymmetric": Scenario(seeds=0, symmetric=False, slope=None),
    "off_centre": Scenario(seeds=0, symmetric=False, slope=None, shift=0.15),
    "drifting": Scenario(seeds=0, symmetric=False, slope=None, exponents=(0.30, 0.48)),
    **{
        f"floors{name}": replace(design, symmetric=False, slope=None, floors=(1.3, 0.4))
        for name, design in {
            "": Scenario(seeds=0),
            "_budget_008": Scenario(seeds=0, budget_sd=0.008),
            "_seven_budgets": Scenario(budgets=7, sizes=5),
            "_seven_budgets_008": Scenario(budgets=7, sizes=5, budget_sd=0.008),
        }.items()
    },
    "items": Scenario(seeds=0, items=150),
    "clusters": Scenario(seeds=0, items=400, cluster=10),
    **{
        f"budget_{sd:03d}{name}": replace(design, budget_sd=sd / 1000)
        for name, design in {
            "": Scenario(seeds=0),
            "_seven_budgets": Scenario(budgets=7, sizes=5),
            "_two_seeds": Scenario(seeds=2),
            "_one_corpus": Scenario(corpora=1),
            "_one_gap": Scenario(corpora=1, treatments=1),
            "_three_budgets": Scenario(budgets=3),
        }.items()
        for sd in (0, 4, 8, 16)
    },
    "two_budgets": Scenario(budgets=2, budget_sd=0.008),
    "unequal_budgets": Scenario(budget_sd=0.008, unequal=True),
    "heteroscedastic": Scenario(budget_sd=0.004, largest_noise=4.0),
    "correlated_baseline": Scenario(budget_sd=0.004, baseline_sd=3.0),
    "noisy_baseline": Scenario(treatments=10, corpora=1, budget_sd=0.002, baseline_budget_sd=0.012),
    "noisy_baseline_three_corpora": Scenario(
        treatments=10, budget_sd=0.002, baseline_budget_sd=0.012
    ),
    "null_family": Scenario(treatments=10, corpora=1),
    **{
        f"order_{sd:03d}_{kind}{name}": replace(
            design, order_sd=sd / 1000, order_is_shared=kind == "shared"
        )
        for name, design in {"": Scenario(seeds=0), "_one_seed": Scenario(seeds=1)}.items()
        for kind in ("shared", "own")
        for sd in (5, 10)
    },
}


def default_design(config: Path = Path("config.yaml")) -> SuiteRuns:
    """Runs of one corpus of the default experiment, without errors."""
    experiment = load_config(read_yaml(config), [])
    planned = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    corpus = planned[0].corpus
    rows = [run.columns().model_dump() for run in planned if run.corpus == corpus]
    return _design(pd.DataFrame(rows))


def grid_design(scenario: Scenario) -> SuiteRuns:
    """Runs of one corpus: budgets x sizes x seeds, sizes spread over 1.2 decades of tokens."""
    rows = []
    for budget in range(scenario.budgets):
        compute = 1e11 * 3.0**budget
        optimum = 5.6 + 0.5 * np.log10(compute / 1e11)
        for size, distance in enumerate(np.linspace(-0.6, 0.6, scenario.sizes)):
            tokens = 10 ** (optimum + distance)
            for seed in range(scenario.seeds):
                rows.append(
                    {
                        "corpus": "web",
                        "run": f"{budget}-{size}-s{seed}",
                        "seed": seed,
                        "budget": f"{compute:.0e}",
                        "training_flops": compute,
                        "num_params_total": compute / 6 / tokens,
                        "tokens": tokens,
                    }
                )
    return _design(pd.DataFrame(rows))


def _design(runs: pd.DataFrame) -> SuiteRuns:
    frame = runs.assign(family="validation", domain="own", metric="bits_per_byte", value=1.0)
    settings = LawSpec(family="validation")
    return suites_of(*prepare(frame, settings, None), settings)[0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planted:
    """True slopes and changes of log G, one per treatment."""

    line: Array
    """Slope of the line through the true gaps at the true optima of the score, (treatment,)."""
    tangent: Array
    """d log G / d log F along the true optima, at the reference compute, (treatment,)."""
    change: Array
    """log G at the optimum of the highest budget less that at the lowest, (treatment,)."""

    @classmethod
    def of(cls, compute: Array, gaps: Array) -> "Planted":
        """Read true gaps, (treatment, budget), at natural logs of compute, (budget,)."""
        away = compute - compute.mean()
        smooth = np.polyfit(away, gaps.T, min(3, len(compute) - 1))
        return cls(
            line=np.polyfit(away, gaps.T, 1)[0],
            tangent=smooth[-2],
            change=gaps[:, -1] - gaps[:, 0],
        )


def curves(runs: SuiteRuns, scenario: Scenario) -> tuple[Array, Planted]:
    """Return the true log values of score, baseline and treatments, and the true slopes.

    The values are (2 + treatment, cell).
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
    number = np.arange(scenario.treatments)
    if scenario.symmetric:
        centre = np.array(
            [
                (lambda x: (x.min() + x.max()) / 2)(runs.log10_tokens[runs.cell_budget == k])
                for k in range(len(runs.budgets))
            ]
        )
        s = (
            runs.log10_tokens
            - np.polyval(np.polyfit(compute, centre, 1), compute)[runs.cell_budget]
        )
        base = 0.8 - 0.08 * away + 0.25 * s**2
        assert scenario.slope is not None
        treated = [
            base + 0.1 + 0.02 * k + (0.05 - 0.01 * k) * s + scenario.slope * away for k in number
        ]
        gaps = np.repeat(scenario.slope * compute[None], len(number), axis=0)
        return np.stack([base, base + 0.02 * s, *treated]), Planted.of(compute, gaps)
    log_n, log_d = np.log(runs.params_model), runs.log10_tokens * LN10
    score = Truth.through(lines, middle, 1.0, *scenario.exponents)
    at_d = score.optimum(lines)
    at_n = lines[0] - lines[1] * at_d
    baseline = Truth.through(lines, middle - 0.05, scenario.floors[0], 0.34, 0.42)
    treatments = [
        Truth.through(
            lines,
            middle + 0.10 - 0.03 * k,
            scenario.floors[1] - 0.05 * k,
            0.42 - 0.01 * k,
            0.36,
        )
        for k in number
    ]
    values = np.log(
        np.stack([truth.loss(log_n, log_d) for truth in (score, baseline, *treatments)])
    )
    gaps = np.log(
        np.stack([truth.loss(at_n, at_d) / baseline.loss(at_n, at_d) for truth in treatments])
    )
    return values, Planted.of(compute, gaps)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Truth:
    """L = e + exp(log_a - alpha log N) + exp(log_b - beta log D)."""

    e: float
    alpha: float
    beta: float
    log_a: float
    log_b: float

    @classmethod
    def through(cls, lines: Array, optimum: float, e: float, alpha: float, beta: float) -> "Truth":
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

    def loss(self, log_n: Array, log_d: Array) -> Array:
        """Loss at natural logs of N and D."""
        return np.asarray(
            self.e
            + np.exp(self.log_a - self.alpha * log_n)
            + np.exp(self.log_b - self.beta * log_d)
        )

    def optimum(self, lines: Array) -> Array:
        """Natural log of the tokens that minimise the loss along each budget's line, (budget,)."""
        level, falls = lines
        ratio = self.log_b - self.log_a + np.log(self.beta / (self.alpha * falls))
        return np.asarray((ratio + self.alpha * level) / (self.alpha * falls + self.beta))


class Simulator:
    """Draws suites of one scenario."""

    def __init__(self, design: SuiteRuns, scenario: Scenario) -> None:
        """Compute all that does not depend on the draws."""
        self.design, self.scenario = design, scenario
        truth, self.planted = curves(design, scenario)
        self.of_run = truth[:, design.run_cell]  # (2 + treatment, run)
        domains, runs = scenario.treatments + 1, len(design.runs)
        self.budget = design.cell_budget[design.run_cell]
        half = np.full(domains, scenario.budget_sd / np.sqrt(2))
        if scenario.unequal:
            half[1::2] *= 2
        if scenario.baseline_budget_sd is not None:
            half[0] = scenario.baseline_budget_sd
        self.budget_sd = half[:, None]
        noise = np.full((domains, runs), RATIO_SD / np.sqrt(2))
        noise[0] *= scenario.baseline_sd
        size = np.log(design.params_model[design.run_cell])
        place = (size - size.min()) / np.ptp(size)
        self.run_sd = noise * np.exp((0.5 - place) * np.log(scenario.largest_noise))
        tokens = design.log10_tokens[design.run_cell] * LN10
        near = np.exp(-np.abs(tokens[:, None] - tokens) / ORDER_LENGTH)
        seed = np.array([int(name.rsplit("-s", 1)[1]) for name in design.runs])
        same = seed[:, None] == seed if scenario.order_is_shared else np.eye(runs)
        self.order = (
            scenario.order_sd / np.sqrt(2) * np.linalg.cholesky(near * same + 1e-9 * np.eye(runs))
        )
        self.item_dof = scenario.items // scenario.cluster - 1 if scenario.items else float("inf")
        self.centred = (design.log_compute - design.log_compute.mean())[design.run_cell]

    def draw(self, rng: np.random.Generator) -> tuple[SuiteRuns, Array, list[Array | None]]:
        """Draw the runs of one corpus.

        Returns:
            The runs with their score, the log values, (domain, run) with the baseline first, and
            the item covariance of every domain.
        """
        domains, runs = self.run_sd.shape
        shared = rng.normal(0, RUN_SD, runs)
        values = self.of_run[1:] + shared + self.run_sd * rng.normal(size=(domains, runs))
        effects = self.budget_sd * rng.normal(size=(domains, len(self.design.budgets)))
        values = values + effects[:, self.budget]
        if self.scenario.order_sd:
            values = values + rng.normal(size=(domains, runs)) @ self.order.T
        covariances: list[Array | None] = [None] * domains
        if self.scenario.items:
            for domain in range(domains):
                shift, covariances[domain] = self._items(rng)
                values[domain] += shift
        return replace(self.design, score=self.of_run[0] + shared), values, covariances

    def _items(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw items: the shift of a domain's log values, and its covariance over draws of items.

        The covariance is that of infinitely many draws of clusters, to first order.
        """
        number = self.scenario.items // self.scenario.cluster

        def normal(sd: float) -> Array:
            own = rng.normal(0, sd, (number, self.scenario.cluster))
            if self.scenario.cluster == 1:
                return own
            return (own + rng.normal(0, sd, (number, 1))) / np.sqrt(2)

        level = np.exp(normal(ITEM_SD) - ITEM_SD**2 / 2)
        errors = level * (1 + self.centred[:, None, None] * normal(ITEM_SLOPE_SD))
        errors = errors + rng.normal(0, ITEM_NOISE_SD, errors.shape)
        mean = errors.mean(axis=(1, 2))
        influence = (errors / mean[:, None, None] - 1).sum(axis=2) / self.scenario.items
        return np.log(mean), influence @ influence.T * number / (number - 1)


def simulate(
    simulator: Simulator, suites: int, seed: int, settings: LawSpec, estimators: tuple[str, ...]
) -> Iterator[tuple[int, int, int, str, GapFit | None]]:
    """Draw suites and fit every gap.

    Yields:
        Number of the suite, of the corpus and of the treatment, the estimator and its fit.
    """
    rng = np.random.default_rng(seed)
    names = ["base", *(f"treat{k}" for k in range(simulator.scenario.treatments))]
    for suite in range(suites):
        drawn = [simulator.draw(rng) for _ in range(simulator.scenario.corpora)]
        readings = {
            f"corpus{k}": Readings(
                domains=tuple(names),
                log_error=values,
                at_chance=np.zeros(values.shape, dtype=bool),
                left_out=frozenset(),
                notes=(),
            )
            for k, (_, values, _) in enumerate(drawn)
        }
        suites_drawn = [replace(runs, corpus=f"corpus{k}") for k, (runs, _, _) in enumerate(drawn)]
        model = NoiseModel(suites=suites_drawn, read=partial(_values_of, readings))
        for corpus, (runs, (_, values, covariances)) in enumerate(
            zip(suites_drawn, drawn, strict=True)
        ):
            fits = fit_isoflop(runs)
            reader = SurfaceReader(runs, fits, settings)
            terms = [
                Term(log_error=value, item_covariance=covariance, item_dof=simulator.item_dof)
                for value, covariance in zip(values, covariances, strict=True)
            ]
            gaps: list[Quantity] = []
            peers = Peers(quantities=partial(list, gaps))
            gaps += [
                Quantity(
                    runs=runs,
                    fits=fits,
                    terms=(term, terms[0]),
                    spec=settings,
                    reader=reader,
                    family=model.of_gap("", runs.corpus, name, "base"),
                    peers=peers,
                )
                for name, term in zip(names[1:], terms[1:], strict=True)
            ]
            for treatment, gap in enumerate(gaps):
                for estimator in estimators:
                    try:
                        fit = ESTIMATORS[estimator].fit(gap)
                    except FitError:
                        fit = None
                    yield suite, corpus, treatment, estimator, fit


def _values_of(readings: dict[str, Readings], metric: str, runs: SuiteRuns) -> Readings:
    """Return the drawn values of a corpus; there is one metric."""
    del metric
    return readings[runs.corpus]


def measure(
    design: SuiteRuns | None,
    name: str,
    suites: int,
    estimators: tuple[str, ...] = ("joint",),
    draws: int = 400,
    seed: int = 0,
) -> pd.DataFrame:
    """Simulate one scenario.

    Args:
        design: runs of the scenarios with the default experiment's design.
        name: a key of `SCENARIOS`.
        suites: number of suites.
        estimators: names.
        draws: of the estimators that draw.
        seed: of the simulation.

    Returns:
        A row per estimator: coverage of 95 % intervals of dbeta (truths: slope of the line through
        the true gaps, and tangent at the reference compute) and of the change, mean bias, standard
        deviation of the estimates, median half-width and degrees of freedom, shares of gaps whose
        dbeta differs from the truth at the levels .05 and .005, share of suites with any such gap
        in a corpus after Holm's adjustment (level .05), and shares of gaps whose law is a straight
        line, without an interval and without an estimate.
    """
    scenario = SCENARIOS[name]
    if scenario.seeds:
        design = grid_design(scenario)
    assert design is not None
    settings = LawSpec(family="topics", draws=draws)
    simulator = Simulator(design, scenario)
    rows = []
    for suite, corpus, treatment, estimator, fit in simulate(
        simulator, suites, seed, settings, estimators
    ):
        row = {"suite": suite, "corpus": corpus, "estimator": estimator, "fitted": fit is not None}
        if fit is not None:
            row |= _errors(fit, simulator.planted, treatment)
        rows.append(row)
    return _summary(pd.DataFrame(rows), name, suites)


def _errors(fit: GapFit, planted: Planted, treatment: int) -> dict[str, object]:
    """Return errors of a fit, half-widths of its intervals and the p value of the truth."""
    known = np.isfinite(fit.standard_error) and fit.dof > 0
    t = float(stats.t.ppf(0.975, fit.dof)) if known else float("nan")
    error = fit.slope - float(planted.line[treatment])
    return {
        "law": fit.law,
        "error": error,
        "tangent_error": fit.slope - float(planted.tangent[treatment]),
        "change_error": fit.change - float(planted.change[treatment]),
        "half": t * fit.standard_error,
        "change_half": t * fit.change_standard_error,
        "dof": fit.dof if known else np.nan,
        "p": p_difference(error, fit.standard_error, fit.dof),
    }


def _summary(found: pd.DataFrame, name: str, suites: int) -> pd.DataFrame:
    rows = []
    for estimator, fits in found.groupby("estimator", sort=False):
        known = fits[fits["half"].notna()]
        adjusted = known.groupby(["suite", "corpus"])["p"].transform(lambda p: holm(p.to_numpy()))
        false = (adjusted < 0.05).groupby([known["suite"], known["corpus"]]).any()
        rows.append(
            {
                "scenario": name,
                "estimator": estimator,
                "suites": suites,
                "gaps": len(fits),
                "coverage": float((known["error"].abs() <= known["half"]).mean()),
                "coverage_tangent": float((known["tangent_error"].abs() <= known["half"]).mean()),
                "coverage_change": float(
                    (known["change_error"].abs() <= known["change_half"]).mean()
                ),
                "bias": float(fits["error"].mean()),
                "standard_deviation": float(fits["error"].std()),
                "median_half_width": float(known["half"].median()),
                "median_dof": float(known["dof"].median()),
                "false_05": float((known["p"] < 0.05).mean()),
                "false_005": float((known["p"] < 0.005).mean()),
                "family_wise": float(false.mean()),
                "line": float((known["law"] == "line").mean()),
                "without_interval": 1 - len(known) / len(fits),
                "without_estimate": 1 - float(fits["fitted"].mean()),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", type=int, default=1000, help="for joint, which is fast")
    parser.add_argument(
        "--auto-suites", type=int, default=40, help="for auto, the default, which fits many laws"
    )
    parser.add_argument(
        "--other-suites", type=int, default=200, help="for vertex, best_run and akima, which draw"
    )
    parser.add_argument(
        "--surface-suites",
        type=int,
        default=50,
        help="for the estimator surface, which is refitted in every draw",
    )
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--scenario", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--out", type=Path, help="write the table there, too")
    arguments = parser.parse_args()
    design = default_design(arguments.config)
    parts = (
        (arguments.auto_suites, ("auto",)),
        (arguments.suites, ("joint",)),
        (arguments.other_suites, ("vertex", "best_run", "akima")),
        (arguments.surface_suites, ("surface",)),
    )
    for name in arguments.scenario:
        table = pd.concat(
            [
                measure(design, name, suites, names, arguments.draws)
                for suites, names in parts
                if suites
            ],
            ignore_index=True,
        )
        print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"), flush=True)
        if arguments.out is not None:
            write(table, arguments.out)


def write(table: pd.DataFrame, path: Path) -> None:
    """Write rows to a table, in place of those of the same scenario and estimator."""
    keys = ["scenario", "estimator"]
    if path.exists():
        table = pd.concat([pd.read_csv(path), table]).drop_duplicates(keys, keep="last")
    order = {name: place for place, name in enumerate(SCENARIOS)}
    table = table[table["scenario"].isin(order)]
    table = table.assign(
        place=table["scenario"].map(order),
        turn=table["estimator"].map({name: k for k, name in enumerate(ESTIMATORS)}),
    ).sort_values(["place", "turn"])
    table.drop(columns=["place", "turn"]).to_csv(
        path, index=False, float_format="%.5f", lineterminator="\n"
    )


if __name__ == "__main__":
    main()
