"""Measure coverage, size and power by simulation, and add the suites to a table.

    python -m benchmarks.coverage [--scenario NAME ...] [--estimator NAME ...] [--suites N]
    [--processes N] [--out benchmarks/coverage.csv]

The suites of a scenario are numbered, and the number is the seed. A row of the table has the first
suites of its scenario, and the program simulates those that are missing. It may be stopped at any
time: the table is written after every batch and states how many suites it has. Before it continues
a row, it simulates the first suite again; if that comes out differently, as after a change of an
estimator, the row is begun anew.
"""

import argparse
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.laws.estimators.registry import ESTIMATORS

from .scenarios import SCENARIOS
from .simulation import fit_suite, simulator_of
from .table import SAME, Row, read, write
from .tally import Tally, tally_of

SUITES = {"auto": 100, "joint": 1000, "surface": 50}
"""Suites of a scenario by estimator: those of `auto` take a second, those of `joint` a tenth of
one."""
OTHER_SUITES = 200
DRAWS = 200
"""Draws of estimators that draw: they give a standard error to 5 % of itself."""
BATCH = 10
"""Suites after which the table is written."""


def suite_tally(scenario: str, estimator: str, draws: int, suite: int) -> Tally:
    """Simulate one suite."""
    simulator = simulator_of(scenario)
    return tally_of(simulator, fit_suite(simulator, suite, estimator, draws))


def measure(
    scenario: str,
    estimator: str,
    suites: int,
    begun: Row | None = None,
    draws: int = DRAWS,
    processes: int = 1,
) -> Iterator[Row]:
    """Simulate the suites of a scenario that a row lacks.

    Args:
        scenario: key of `SCENARIOS`.
        estimator: name of the estimator.
        suites: number of suites to have in the end.
        begun: the row so far.
        draws: number of draws, for estimators that draw.
        processes: number of processes.

    Yields:
        The row after every batch of suites.
    """
    one = partial(suite_tally, scenario, estimator, draws)
    first = one(0)
    row = begun
    if row is None or not np.isclose(row.first, first.fingerprint, rtol=SAME, atol=0):
        row = Row(scenario=scenario, estimator=estimator, first=first.fingerprint, tally=first)
    with _mapping(processes) as mapped:
        tally, left = row.tally, range(row.tally.suites, suites)
        for number, found in enumerate(mapped(one, left), start=1):
            tally = tally + found
            if number % BATCH == 0 or number == len(left):
                row = Row(scenario=scenario, estimator=estimator, first=row.first, tally=tally)
                yield row
    if not len(left):
        yield row


@contextmanager
def _mapping(processes: int) -> Iterator[Callable[..., Iterable[Tally]]]:
    """Yield `map`, or that of a pool of processes, with results in order."""
    if processes == 1:
        yield map
        return
    with get_context("spawn").Pool(processes) as pool:
        yield pool.imap


def main() -> None:
    """Simulate, write, print."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coverage", description=__doc__.splitlines()[0]
    )
    for option, choices, default in (
        ("--scenario", list(SCENARIOS), list(SCENARIOS)),
        ("--estimator", list(ESTIMATORS), ["auto", "joint"]),
    ):
        parser.add_argument(
            option,
            nargs="+",
            choices=choices,
            default=default,
            metavar="NAME",
            help=", ".join(choices),
        )
    parser.add_argument("--suites", type=int, help="to have of each scenario in the end")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--draws", type=int, default=DRAWS, help="of estimators that draw")
    parser.add_argument("--out", type=Path, help="table to continue; without one rows are printed")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for scenario in arguments.scenario:
        for estimator in arguments.estimator:
            suites = arguments.suites or SUITES.get(estimator, OTHER_SUITES)
            _continue_row(scenario, estimator, suites, arguments)


def _continue_row(
    scenario: str, estimator: str, suites: int, arguments: argparse.Namespace
) -> None:
    """Bring a row to a number of suites, and log it."""
    key, begin, seconds = (scenario, estimator), time.monotonic(), _cpu_seconds()
    begun = None if arguments.out is None else read(arguments.out).get(key)
    row = begun
    for row in measure(scenario, estimator, suites, begun, arguments.draws, arguments.processes):
        if arguments.out is not None and row is not begun:
            # Read again: another process may have added other rows.
            write({**read(arguments.out), key: row}, arguments.out)
    assert row is not None
    logging.info(
        "%.0f s, CPU %.0f s\n%s",
        time.monotonic() - begin,
        _cpu_seconds() - seconds,
        pd.Series(row.columns()).to_string(),
    )


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
