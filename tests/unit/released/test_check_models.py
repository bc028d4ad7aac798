"""The check of all released models before any scoring, and the plan of their experiment."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.released import ReleasedModelRow
from relscale.released.check_models import suite_csv
from relscale.released.models_table import model_files
from relscale.released.spec import ReleasedModelsSpec
from relscale.runtime import call
from relscale.stages import released_models

ROOT = Path(__file__).parents[3]


def row(run, model, **values):
    numbers = {"tokens": 1000, "training_flops": 6e9, "budget": "6e9", "corpus": "web"}
    return ReleasedModelRow.model_validate({**numbers, "run": run, "model": model, **values})


def checked(rows, folder=None, **settings):
    place = None if folder is None else str(folder)
    return suite_csv(ReleasedModelsSpec(models=rows, folder=place, **settings))


@pytest.fixture
def folder(models, tmp_path):
    for name, folder in models.items():
        shutil.copytree(folder, tmp_path / "models" / name)
    return tmp_path / "models"


def test_every_model_is_opened_and_all_problems_are_named_at_once(folder):
    (folder / "gpt2/adapter_config.json").write_text("{}")
    config = json.loads((folder / "qwen3/config.json").read_text(encoding="utf-8"))
    config["num_hidden_layers"] = 1
    config.pop("layer_types", None)
    (folder / "qwen3/config.json").write_text(json.dumps(config))
    (folder / "file").write_text("")
    rows = [
        row("a", "gpt2"),
        row("b", "qwen3"),
        row("c", "llama"),
        row("d", "nowhere"),
        row("e", "file"),
        row("f", "llama", revision="main"),
    ]
    with pytest.raises(ValueError) as caught:
        checked(rows, folder)
    first, *lines = str(caught.value).splitlines()
    assert first == "before scoring, 5 released model(s):"
    for run, fault, line in zip(
        "abdef",
        (
            "has an adapter (adapter_config.json)",
            "of its weights are not used by the model that config.json describes: model.layers.1",
            "no such folder",
            "is a file; give the folder that contains it",
            "a local folder has no revision; leave out 'main'",
        ),
        lines,
        strict=True,
    ):
        assert line.startswith(f"  run {run}: model ") and fault in line


def test_a_window_that_a_model_does_not_allow_is_found_before_any_scoring(folder):
    with pytest.raises(ValueError, match=r"run a: .*a window of 321 tokens; the model all"):
        checked([row("a", "gpt2")], folder, max_length=321)


def test_a_weight_that_the_type_of_numbers_cannot_hold_is_found_before_any_scoring(folder):
    file = folder / "gpt2/model.safetensors"
    weights = load_file(file)
    weights["transformer.wte.weight"][0, 0] = 1e6
    save_file(weights, file, metadata={"format": "pt"})
    assert checked([row("a", "gpt2")], folder)[1] == []
    with pytest.raises(ValueError, match=r"not finite in float16: transformer\.wte\.weight"):
        checked([row("a", "gpt2")], folder, dtype="float16")


def test_names_on_the_hub_are_checked_without_a_network():
    text, remarks = checked([row("a", "somebody/model", revision="main")])
    assert text.splitlines()[1].startswith("web,") and remarks == []
    for model, message in (
        ("somebody/model", "give a revision, best a full commit"),
        ("a/b/c", "no such folder"),
        ("./model", "no such folder"),
    ):
        with pytest.raises(ValueError, match=message):
            checked([row("a", model)])


def test_counts_that_differ_from_the_models_and_models_with_two_names_are_told(folder, tmp_path):
    # Two layers, tied embeddings of 445 by 48.
    rows = [
        row("a", "llama", num_params_embedding=445 * 48, num_params_head=445 * 48),
        row("b", "qwen3"),
        row("c", "llama", num_params_total=7),
    ]
    spec = {
        "models": [each.model_dump() for each in rows],
        "folder": str(folder),
        "max_length": None,
    }
    out, bill = tmp_path / "suite.csv", tmp_path / "bill.txt"
    words = ["--spec", json.dumps(spec), "--out", str(out), "--out-bill", str(bill)]
    call(released_models.main, words)
    first, *remarks = bill.read_text().splitlines()
    assert first == "3 released models of 1 IsoFLOP curves are scored; nothing is trained"
    total = 445 * 48 + 2 * (48 * 96 * 3 + 48 * 48 * 2 + 48 * 24 * 2 + 2 * 48) + 48
    assert remarks == [
        "run a: num_params_head = 21,360 in the table, and the model has 0; the laws use "
        "the table's",
        f"run c: num_params_total = 7 in the table, and the model has {total:,}; the laws "
        "use the table's",
        f"{folder / 'llama'} is the model of 2 runs: run a, run c",
    ]
    table = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [(each["width"], each["layers"], each["heads"]) for each in table] == [
        ("48", "2", "4")
    ] * 3


def test_files_of_a_tokenizer_without_json_are_watched_too(folder):
    for name in ("merges.txt", "tokenizer.model", "pytorch_model.bin"):
        (folder / "gpt2" / name).write_text("")
    names = {Path(name).name for name in model_files("gpt2", str(folder))}
    assert {"config.json", "model.safetensors", "merges.txt", "tokenizer.model"} <= names
    assert "pytorch_model.bin" not in names


def test_the_plan_of_released_models_tells_what_is_scored_and_that_nothing_is_trained(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(
        "corpus,run,budget,model,tokens,training_flops\n"
        "web,a,1e18,m/a,1000000,1e18\nweb,b,1e18,m/b,2000000,1e18\nweb,c,1e19,m/c,2000000,1e19\n"
    )
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(
        f"experiment: mine\nreleased: {{table: {table}, max_length: 2048}}\n"
        "evaluate: [topics, knowledge]\nfigures: {corpus: web, names: [isoflop_curves]}\n"
        "laws: {optimum_by: topics}\n"
    )
    base = ["plan", str(overlay), "--config", str(ROOT / "config.yaml")]
    done = CliRunner().invoke(app, [*base, "--out", str(tmp_path / "out.csv")])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "corpus            budget  models",
        "web                 1e18       2",
        "web                 1e19       1",
        "3 released models of 2 IsoFLOP curves are scored; nothing is trained",
        "families: topics, knowledge; window: 2,048 tokens",
        "4 scoring jobs on the CPU, each with 8,000 MB and up to 600 minutes",
    ]
    assert (tmp_path / "out.csv").read_text().count("\n") == 4
    done = CliRunner().invoke(app, [*base, "--released", str(tmp_path / "names.csv")])
    assert "--released: the table is made from planned runs" in str(done.exception)
