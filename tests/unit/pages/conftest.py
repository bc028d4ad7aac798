"""Synthetic tables for the tests of the pages."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from synthetic_tables import synthetic_tables

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="session")
def maker() -> Callable[..., Tables]:
    """The maker of synthetic tables, for tests that want another shape."""

    def make(**choices: object) -> Tables:
        made = synthetic_tables().make_tables(**choices)
        for name in ("points", "absolute", "relative"):
            if "remarks" not in made[name]:
                made[name] = made[name].assign(remarks="")
        return made

    return make


@pytest.fixture(scope="session")
def tables(maker: Callable[..., Tables]) -> Tables:
    """The tables of the default experiment's shape."""
    return maker()


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return Path(__file__).parents[3]
