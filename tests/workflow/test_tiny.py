"""The tiny experiment, end to end on real text."""

import json

import pandas as pd
import pytest

from relscale.contract.losses import ITEMS_COLUMNS, LOSSES_COLUMNS
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.text_tables import CORPORA_COLUMNS, SOURCES_COLUMNS

pytestmark = [pytest.mark.workflow, pytest.mark.network]


@pytest.fixture(scope="module")
def results(finished):
    return finished.folder / "results/tiny"


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("tables/suite.csv", SUITE_COLUMNS),
        ("tables/sources.csv", SOURCES_COLUMNS),
        ("tables/corpora.csv", CORPORA_COLUMNS),
        ("tables/losses.csv", LOSSES_COLUMNS),
        ("laws/optima.csv", OPTIMA.names),
        ("laws/absolute.csv", ABSOLUTE.names),
        ("laws/relative.csv", RELATIVE.names),
    ],
)
def test_every_table_is_there_with_its_columns(results, table, columns):
    frame = pd.read_csv(results / table)
    assert tuple(frame.columns) == columns
    assert len(frame)


def test_losses_cover_every_run_and_domain(results):
    suite, losses = (
        pd.read_csv(results / "tables/suite.csv"),
        pd.read_parquet(results / "tables/losses.parquet"),
    )
    assert len(suite) == 18
    assert set(losses["run"]) == set(suite["run"])
    assert losses["excluded_reason"].isna().all()
    assert losses["value"].between(1.5, 8).all()
    per_run = losses.groupby("run").apply(lambda rows: sorted(rows["domain"]), include_groups=False)
    assert all(domains == ["CN", "DE", "GB", "IE", "QA", "RU", "US", "own"] for domains in per_run)


def test_items_add_up_to_the_losses(results):
    losses, items = (
        pd.read_parquet(results / "tables/losses.parquet"),
        pd.read_parquet(results / "tables/items.parquet"),
    )
    assert tuple(items.columns) == ITEMS_COLUMNS
    keys = ["run", "family", "domain", "metric"]
    sums = items.groupby(keys, observed=True)[["numerator", "denominator"]].sum()
    errors = losses.set_index(keys)["value"]
    assert (sums["numerator"] / sums["denominator"]).reindex(
        errors.index
    ).to_numpy() == pytest.approx(errors.to_numpy(), rel=1e-9)


def test_more_compute_gives_lower_loss(results):
    losses = pd.read_csv(results / "tables/losses.csv", dtype={"budget": str})
    best = (
        losses[losses["family"] == "validation"]
        .groupby(["corpus", "budget"])["value"]
        .min()
        .unstack("budget")
    )
    assert (best["3e9"] > best["1.2e10"]).all()


def test_models_are_hugging_face_folders(results):
    for record_path in sorted(results.glob("runs/*/record.json")):
        record = json.loads(record_path.read_text())
        folder = record_path.parent / "model"
        names = {path.name for path in folder.iterdir()} - {".snakemake_timestamp"}
        assert names == {
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        }
        assert (
            json.loads((folder / "config.json").read_text())["hidden_size"]
            == record["columns"]["width"]
        )


def test_a_saved_model_speaks_through_transformers(results):
    transformers = pytest.importorskip("transformers")
    folder = next(results.glob("runs/web-*/model"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokens = tokenizer("New study on heart", return_tensors="pt")
    text = tokenizer.decode(
        model.generate(tokens["input_ids"], max_new_tokens=8, do_sample=False)[0]
    )
    assert text.startswith("New study on heart")
    assert len(text) > len("New study on heart")


def test_every_figure_is_there_three_times(results):
    for name in ("figure1_teaser", "figure2_pipeline", "figure5_language", "isoflop_curves"):
        for ending, head in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
            assert (results / f"figures/{name}.{ending}").read_bytes().startswith(head)


def test_nothing_is_left_to_do(finished):
    assert finished.stale() == {}


def test_the_same_seed_gives_the_same_bytes(finished, tmp_path):
    """Half of the experiment is made a second time from its sources and must not differ in a
    byte."""
    folder = finished.folder
    watched = [
        "runs/*/model/model.safetensors",
        "runs/*/record.json",
        "evaluations/language/losses.parquet",
        "laws/relative.csv",
        "figures/*.svg",
    ]

    def contents():
        return {
            path.relative_to(folder): path.read_bytes()
            for pattern in watched
            for path in folder.glob(f"results/tiny/{pattern}")
        }

    before = contents()
    finished.snakemake("--forcerun", "optima", "laws", "family", "isoflop_curves")
    assert contents() == before
    assert len(before) > 40
    assert finished.stale() == {}


def test_the_report_builds_and_holds_figures_and_tables(finished):
    finished.snakemake("--report", "report.html")
    text = (finished.folder / "report.html").read_text()
    assert len(text) > 200_000
    for word in ("figure1 teaser", "figure5 language", "relative", "Figures of the paper"):
        assert word in text
