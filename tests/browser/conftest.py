"""Experiments whose pages are opened: one of synthetic tables, and a finished one where `--results`
names it."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from relscale.contract.io import read_table, read_tables
from relscale.pages.explorer import explorer_page

ROOT = Path(__file__).parents[2]
SOURCES = tuple(
    (ROOT / "workflow/explorer" / name).read_text(encoding="utf-8")
    for name in ("explorer.html", "explorer.js")
)


@dataclass(frozen=True)
class Pages:
    """An experiment's explorer and the tables that it was made from."""

    explorer: Path
    tables: dict[str, pd.DataFrame]


def synthetic():
    """Return the module that makes synthetic tables."""
    spec = importlib.util.spec_from_file_location(
        "synthetic_tables", ROOT / "tests/unit/plots/conftest.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def maker():
    """The maker of synthetic tables."""
    return synthetic().make_tables


@pytest.fixture(scope="session")
def write(tmp_path_factory):
    """A function that writes an explorer over tables and returns its path."""

    def written(tables, spec):
        path = tmp_path_factory.mktemp("explorer") / "explorer.html"
        path.write_text(explorer_page(tables, spec, *SOURCES), encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="session", params=["synthetic", "finished"])
def pages(request, write):
    """The explorer of synthetic tables, or that of a finished experiment."""
    if request.param == "finished":
        folder = request.config.getoption("--results")
        if not folder:
            pytest.skip("no finished experiment is named; --results takes its folder")
        names = {
            "losses": "tables/losses.parquet",
            **{name: f"laws/{name}.csv" for name in ("points", "absolute", "relative")},
        }
        tables = {name: read_table(Path(folder, path)) for name, path in names.items()}
        others = sorted(Path(folder).glob("laws/*/baselines.csv"))
        return Pages(
            Path(folder, "explorer.html"),
            tables | ({"baselines": read_tables(others)} if others else {}),
        )
    module = synthetic()
    tables = module.make_tables()
    relative = tables["relative"]
    mirrored = relative[relative["treatment"] == "humanities"].assign(
        treatment="STEM", baseline="humanities"
    )
    tables["baselines"] = mirrored.assign(
        dbeta=-mirrored["dbeta"], ci_low=-mirrored["ci_high"], ci_high=-mirrored["ci_low"]
    )
    families = [
        {"family": name, "metrics": [metric], "baseline": baseline, "domains": list(domains)}
        for name, (baseline, metric, domains) in module.FAMILIES.items()
    ]
    return Pages(
        write(
            tables,
            {"experiment": "synthetic", "families": families, "corpora": list(module.CORPORA)},
        ),
        tables,
    )
