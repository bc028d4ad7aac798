"""Experiments whose pages are opened: one of synthetic tables, and a finished one where `--results`
names it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from synthetic_tables import synthetic_tables

from relscale.contract.io import read_table, read_tables
from relscale.contract.status import Status, encode_remarks
from relscale.contract.tables.documents import DOCUMENTS
from relscale.pages.explorer import ExplorerTables, explorer_page
from relscale.pages.spec import ExplorerSpec

REMARKS = encode_remarks(["2 runs excluded", "optimum at the edge of the range"])
TABLES = ("losses", "points", "absolute", "relative")
MORE = ("baselines", "buckets", "documents", "suite_contrasts")
"""Tables that an experiment may lack."""


@dataclass(frozen=True)
class Pages:
    """An experiment's explorer and the tables that it was made from."""

    explorer: Path
    tables: dict[str, pd.DataFrame]


@pytest.fixture(scope="session")
def maker():
    """The maker of synthetic tables; their laws have remarks."""

    def make(**choices):
        made = synthetic_tables().make_tables(**choices)
        for name in ("points", "absolute", "relative"):
            made[name] = made[name].assign(remarks="")
        made["relative"].loc[made["relative"].index % 4 == 0, "remarks"] = REMARKS
        made["absolute"].loc[0, "status"] = Status.OFFSET_NOT_IDENTIFIABLE.value
        made["documents"] = moved_documents(made["buckets"])
        return made

    return make


def moved_documents(buckets):
    """Return two documents of every treatment that has slopes by bucket."""
    whole = buckets[buckets["bucket"] == "all"]
    rows = whole[["corpus", "family", "metric", "treatment", "baseline", "status"]]
    up, down = (
        rows.assign(
            item=[f"{sign}-{k}" for k in range(len(rows))],
            direction=direction,
            change=2 * size,
            change_shrunk=size,
            domain_change=0.01,
            ci_low=size - 0.02,
            ci_high=size + 0.02,
            reliability=0.5,
        )
        for sign, direction, size in (("1", "up", 0.05), ("2", "down", -0.03))
    )
    return pd.concat([up, down], ignore_index=True).reindex(columns=list(DOCUMENTS.names))


@pytest.fixture(scope="session")
def write(tmp_path_factory):
    """A function that writes an explorer over tables and returns its path."""

    def written(tables, spec):
        path = tmp_path_factory.mktemp("explorer") / "explorer.html"
        names = [*TABLES, *(name for name in MORE if name in tables)]
        chosen = ExplorerTables(**{name: tables[name] for name in names})
        page = explorer_page(chosen, ExplorerSpec.model_validate(spec))
        path.write_text(page, encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="session", params=["synthetic", "finished"])
def pages(request, write, maker):
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
        for name in MORE[1:]:
            if (path := Path(folder, f"laws/{name}.csv")).is_file():
                tables[name] = read_table(path)
        others = sorted(Path(folder).glob("laws/*/baselines.csv"))
        return Pages(
            Path(folder, "explorer.html"),
            tables | ({"baselines": read_tables(others)} if others else {}),
        )
    module, tables = synthetic_tables(), maker()
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
