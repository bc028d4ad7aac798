"""Compare the power that `relscale plan design` predicts with that of simulated suites.

    python -m benchmarks.plan_power [--design NAME ...] [--suites N]
    [--out benchmarks/plan_power.csv]

The suites are those of `benchmarks/coverage`, fitted by the estimator `joint` with the noise pooled
over the family, as `fit_laws` does: one treatment has a slope, the others have none, and a slope is
detected where its p value, adjusted by Holm over all gaps of all corpora, is below .05 with the
right sign. The number of a suite is its seed. The program may be stopped at any time: the table is
written after every batch, and a later call continues its rows.
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relscale.contract.io import write_table
from relscale.planner.components import NoiseComponents
from relscale.planner.power import power_of_difference
from relscale.planner.slope_variance import PlannedDesign, SlopeVariance, slope_variance

from .coverage.scenarios import (
    ITEM_NOISE_SD,
    ITEM_SD,
    ITEM_SLOPE_SD,
    RATIO_SD,
    Scenario,
)
from .coverage.simulation import Simulator, fit_suite
from .coverage.tally import Tally, tally_of

Row = dict[str, Any]
ESTIMATOR, ALPHA = "joint", 0.05
BATCH = 20
"""Suites after which the table is written."""
COLUMNS = (
    "design", "budgets", "sizes", "seeds", "corpora", "treatments", "budget_sd", "items", "slope",
    "suites", "planted", "detected", "simulated", "simulated_error", "predicted", "difference",
    "standard_error", "standard_deviation",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PowerCase:
    """A design with a slope whose power is neither 0 nor 1."""

    scenario: Scenario
    """The simulated suites."""

    @property
    def predicted(self) -> float:
        """Power that the planner predicts."""
        found, scenario = self.variance, self.scenario
        assert scenario.slope is not None
        gaps = scenario.treatments * scenario.corpora
        return power_of_difference(scenario.slope, found.standard_error, found.dof, gaps, ALPHA)

    @property
    def variance(self) -> SlopeVariance:
        """Variance of dbeta that the planner predicts."""
        scenario, number = self.scenario, self.scenario.budgets
        share = 2 / scenario.items if scenario.items else 0.0  # of an item's variance, two domains
        noise = NoiseComponents(
            run=0.0,
            seed=float(np.hypot(RATIO_SD, np.sqrt(share) * ITEM_NOISE_SD)),
            budget=scenario.budget_sd,
            item=float(np.sqrt(share * np.exp(ITEM_SD**2)) * ITEM_SLOPE_SD),
        )
        planned = PlannedDesign(
            budgets=tuple(1e11 * 3.0**place for place in range(number)),
            sizes=(scenario.sizes,) * number,
            seeds=(scenario.seeds,) * number,
            item_bytes=noise.item_bytes,
        )
        return slope_variance(planned, noise, scenario.treatments, scenario.corpora)


BASE = Scenario(sloped=1, slope=0.011, corpora=1)
CASES = {
    name: PowerCase(scenario=replace(BASE, **changes))
    for name, changes in {
        "four_budgets": {"slope": 0.012},
        "four_budgets_three_corpora": {"slope": 0.010, "corpora": 3},
        "four_budgets_004": {"slope": 0.016, "budget_sd": 0.004},
        "four_budgets_008": {"slope": 0.02, "budget_sd": 0.008, "corpora": 3},
        "five_budgets": {"slope": 0.008, "budgets": 5},
        "five_budgets_two_seeds": {"slope": 0.006, "budgets": 5, "seeds": 2},
        "five_budgets_eight_sizes": {"slope": 0.007, "budgets": 5, "sizes": 8},
        "five_budgets_008": {"slope": 0.012, "budgets": 5, "budget_sd": 0.008, "corpora": 3},
        "seven_budgets": {"slope": 0.0045, "budgets": 7, "sizes": 5},
        "seven_budgets_008": {"slope": 0.007, "budgets": 7, "sizes": 5, "budget_sd": 0.008},
        "one_gap": {"slope": 0.0035, "budgets": 6, "treatments": 1},
        "five_budgets_items": {"slope": 0.012, "budgets": 5, "items": 150},
    }.items()
}


def main() -> None:
    """Simulate, compare, write."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.plan_power", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--design", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--suites", type=int, default=400, help="to have of each in the end")
    parser.add_argument("--out", type=Path, help="table to continue; without one rows are printed")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rows = known_rows(arguments.out)
    for name in arguments.design:
        begun = rows.get(name, {"suites": 0, "planted": 0, "detected": 0})
        for row in measure(name, arguments.suites, begun):
            rows[name] = row
            if arguments.out is not None:
                table = pd.DataFrame([rows[key] for key in CASES if key in rows])
                write_table(table, arguments.out, COLUMNS)
        logging.info("%s", {key: rows[name][key] for key in COLUMNS if key in rows[name]})


def known_rows(path: Path | None) -> dict[str, Row]:
    """Return the rows of a table that was begun, by design."""
    if path is None or not path.is_file():
        return {}
    return {row["design"]: row for row in pd.read_csv(path).to_dict("records")}


def measure(name: str, suites: int, begun: Row) -> Iterator[Row]:
    """Simulate the suites of a design that a row lacks; yield the row after every batch."""
    case = CASES[name]
    simulator = Simulator(case.scenario)
    first = int(begun["suites"])
    counts = {key: int(begun[key]) for key in ("planted", "detected")}
    tally = Tally()
    for suite in range(first, suites):
        tally = tally + tally_of(simulator, fit_suite(simulator, suite, ESTIMATOR, 100))
        done = suite + 1
        if done % BATCH == 0 or done == suites:
            yield row_of(name, case, done, counts, tally)


def row_of(name: str, case: PowerCase, suites: int, before: dict[str, int], tally: Tally) -> Row:
    """Return the row of a design."""
    scenario = case.scenario
    planted, detected = before["planted"] + tally.planted, before["detected"] + tally.detected
    simulated, predicted = detected / planted, case.predicted
    return {
        "design": name,
        **{key: getattr(scenario, key) for key in ("budgets", "sizes", "seeds", "corpora")},
        **{key: getattr(scenario, key) for key in ("treatments", "budget_sd", "items", "slope")},
        "suites": suites,
        "planted": planted,
        "detected": detected,
        "simulated": simulated,
        "simulated_error": float(np.sqrt(simulated * (1 - simulated) / suites)),
        "predicted": predicted,
        "difference": predicted - simulated,
        "standard_error": case.variance.standard_error,
        "standard_deviation": tally.standard_deviation,
    }


if __name__ == "__main__":
    main()
