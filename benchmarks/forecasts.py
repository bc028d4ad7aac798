"""Coverage of predictions beyond the data and of back-tests, on simulated suites.

    python benchmarks/forecasts.py [--suites 50] [--scenario NAME ...] [--out FILE]

Every suite has surfaces L(N, D) of six domains, whose truth is known at any compute: equal floors
and exponents, different floors, different exponents, or both; IsoFLOP curves at four budgets over
1.5 decades, or a ladder of five sizes x five token counts. Every run has noise that its domains
share, and its own noise of each domain; budgets may have effects. The compute-optimal gap at 2, 3
and 10 times the highest compute is compared with its interval and with the forecast that the gap
stays as it is.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.laws.auto_model import AutoModel
from relscale.laws.calibration import predicted_at
from relscale.laws.cells import readings_of, suites_of
from relscale.laws.inputs import prepare
from relscale.laws.metric_fits import CorpusFits
from relscale.laws.noise_model import NoiseModel
from relscale.laws.predict import calibration_of, model_of, subjects_of
from relscale.laws.run_points import Places
from relscale.laws.spec import LawSpec
from relscale.laws.tables.forecast import forecast_rows

OWN = (1.7, 406.0, 0.34, 411.0, 0.28)
"""E, A, alpha, B and beta of the loss that places the optimum: near Hoffmann et al. (2022)."""
DOMAINS = 6
HORIZONS = (2.0, 3.0, 10.0)
MIDDLE = 1e19
"""Compute at which all domains have about the same reducible loss."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A truth, a design and its noise."""

    floors: bool = True
    """Whether irreducible losses differ."""
    exponents: bool = True
    """Whether exponents differ."""
    ladder: bool = False
    """Sizes x tokens, one run per budget, not IsoFLOP curves."""
    run_sd: float = 0.004
    """Noise of a run that its domains share; half of it is added per domain."""
    budget_sd: float = 0.0
    """Effect of a budget on a domain."""


SCENARIOS = {
    "equal_floors": Scenario(floors=False, exponents=False),
    "floors": Scenario(exponents=False),
    "exponents": Scenario(floors=False),
    "floors_and_exponents": Scenario(),
    "noisy_runs": Scenario(run_sd=0.010),
    "budget_effects": Scenario(budget_sd=0.006),
    "ladder_equal_floors": Scenario(floors=False, exponents=False, ladder=True),
    "ladder_floors_and_exponents": Scenario(ladder=True),
}

Constants = tuple[float, float, float, float, float]


def loss(constants: Constants, params: float, tokens: float) -> float:
    """Return L = E + A / N^alpha + B / D^beta."""
    e, a, alpha, b, beta = constants
    return float(e + a / params**alpha + b / tokens**beta)


def optimum(compute: float) -> float:
    """Return the tokens that minimise the loss that places optima at 6 N D = compute."""
    _, a, alpha, b, beta = OWN
    log = np.log(beta * b / (alpha * a)) + alpha * np.log(compute / 6)
    return float(np.exp(log / (alpha + beta)))


def truths(scenario: Scenario, rng: np.random.Generator) -> dict[str, Constants]:
    """Draw the domains; the first is the baseline."""
    tokens = optimum(MIDDLE)
    params = MIDDLE / 6 / tokens
    found = {}
    for index in range(DOMAINS):
        e = rng.uniform(0.8, 2.4) if scenario.floors else 1.7
        away = rng.uniform(-1, 1, 2) * (0.06, 0.05) if scenario.exponents else np.zeros(2)
        scale = np.exp(rng.normal(0, 0.25, 2))
        a, b = 406 * scale[0] * params ** away[0], 411 * scale[1] * tokens ** away[1]
        found[f"d{index}"] = (float(e), float(a), 0.34 + away[0], float(b), 0.28 + away[1])
    return found


def models(scenario: Scenario) -> Iterator[tuple[str, float, float]]:
    """Return budget, parameters and tokens of every run."""
    if scenario.ladder:
        for params in np.geomspace(1e8, 1.6e9, 5):
            for ratio in (10, 20, 40, 100, 200):
                yield f"{6 * params * ratio * params:.4e}", float(params), float(ratio * params)
        return
    for compute in np.geomspace(1e18, 10**19.5, 4):
        for away in np.linspace(-0.6, 0.6, 6):
            tokens = optimum(float(compute)) * 10**away
            yield f"{compute:.3g}", float(compute / 6 / tokens), float(tokens)


def suite(scenario: Scenario, seed: int) -> tuple[pd.DataFrame, dict[str, Constants]]:
    """Draw the losses table of a suite."""
    rng = np.random.default_rng(seed)
    domains = truths(scenario, rng)
    effects: dict[tuple[str, str], float] = {}
    rows = []
    for index, (budget, params, tokens) in enumerate(models(scenario)):
        shared = rng.normal(0, scenario.run_sd)
        for name, constants in {"own": OWN, **domains}.items():
            if (budget, name) not in effects:
                sd = scenario.budget_sd if name != "own" else 0.0
                effects[budget, name] = rng.normal(0, sd)
            noise = shared + rng.normal(0, scenario.run_sd / 2) + effects[budget, name]
            rows.append(
                {
                    "corpus": "web",
                    "run": f"r{index}",
                    "budget": budget,
                    "training_flops": 6 * params * tokens,
                    "num_params_total": params,
                    "tokens": tokens,
                    "metric": "bits_per_byte",
                    "family": "validation" if name == "own" else "topics",
                    "domain": name,
                    "value": loss(constants, params, tokens) * np.exp(noise),
                }
            )
    return pd.DataFrame(rows), domains


def of_suite(scenario: Scenario, seed: int, draws: int) -> Iterator[dict[str, object]]:
    """Return predictions and back-tests of the gaps of one suite."""
    frame, domains = suite(scenario, seed)
    spec = LawSpec(family="topics", baseline="d0", draws=draws)
    family, score = prepare(frame, spec, None)
    suites = suites_of(family, score, spec)
    noise = NoiseModel(
        suites=suites,
        read=lambda metric, runs: readings_of(family, runs, metric),
        level=spec.level,
    )
    corpus = CorpusFits(family=family, runs=suites[0], spec=spec, noise_model=noise)
    fits = corpus.metrics[0]
    top = float(np.exp(suites[0].log_compute.max()))
    for subject in (each for each in subjects_of(fits) if each.baseline):
        model = model_of(fits, subject)
        assert isinstance(model, AutoModel)
        for row in forecast_rows(fits, subject):
            low, high = float(str(row["ci_low"])), float(str(row["ci_high"]))
            yield {
                "kind": f"back-test {row['horizon_class']}",
                "inside": low <= float(str(row["observed"])) <= high,
                "error": abs(float(str(row["error_percent"]))),
                "unchanged": abs(float(str(row["error_constant_percent"]))),
            }
        last = float(model.fit().levels[2])
        for times in HORIZONS:
            tokens = optimum(times * top)
            params = times * top / 6 / tokens
            at = Places(
                log_params=np.log([params]),
                log_tokens=np.log([tokens]),
                log_compute=np.log([times * top]),
            )
            found = predicted_at(model, at, calibration_of(fits, gaps=True))
            gap = loss(domains[subject.domain], params, tokens) / loss(
                domains["d0"], params, tokens
            )
            error = float(found.mean[0] - np.log(gap))
            yield {
                "kind": f"predicted {times:g}x",
                "inside": abs(error) <= found.half_width[0],
                "error": 100 * abs(np.expm1(error)),
                "unchanged": 100 * abs(np.expm1(last - np.log(gap))),
            }


def measure(name: str, suites: int, draws: int = 200) -> pd.DataFrame:
    """Simulate one scenario.

    Returns:
        Per kind of prediction the number, the coverage of the 95 % interval, the mean absolute
        error in percent, and that of the forecast that the gap stays as it is.
    """
    rows = [row for seed in range(suites) for row in of_suite(SCENARIOS[name], seed, draws)]
    grouped = pd.DataFrame(rows).groupby("kind", sort=True)
    table = grouped.agg(
        predictions=("inside", "size"),
        coverage=("inside", "mean"),
        error_percent=("error", "mean"),
        unchanged_error_percent=("unchanged", "mean"),
    ).reset_index()
    return table.assign(scenario=name, suites=suites)[
        ["scenario", "suites", *(column for column in table.columns)]
    ]


def main() -> None:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", type=int, default=50)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--scenario", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--out", type=Path, help="write the table there, too")
    arguments = parser.parse_args()
    tables = []
    for name in arguments.scenario:
        tables.append(measure(name, arguments.suites, arguments.draws))
        print(tables[-1].to_string(index=False, float_format=lambda v: f"{v:.3f}"), flush=True)
    if arguments.out is not None:
        pd.concat(tables).to_csv(
            arguments.out, index=False, float_format="%.4f", lineterminator="\n"
        )


if __name__ == "__main__":
    main()
