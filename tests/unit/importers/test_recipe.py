"""The recipes of the documentation: adding an importer, and every command of the user's page."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from imported_files import (
    LLM_LINE_HEADER,
    LLM_LINE_KINDS,
    ladder_header,
    ladder_row,
    lm_eval_results,
    scalar_event,
    trainer_state,
    version_event,
    wandb_chart,
    write_csv,
    write_json,
)
from typer.testing import CliRunner

from relscale.cli import app
from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_KEY, LOSSES_REQUIRED
from relscale.importers.formats import IMPORTERS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/user/importers.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if " table import " in line
]


def test_the_recipe_adds_an_importer_that_works(tmp_path):
    recipe = (ROOT / "docs/developer/adding-an-importer.md").read_text(encoding="utf-8")
    importer, test = re.findall(r"```python\n(.*?)```", recipe, re.DOTALL)
    ignored = shutil.ignore_patterns("__pycache__", "native")
    shutil.copytree(ROOT / "src/relscale", tmp_path / "src/relscale", ignore=ignored)
    formats = tmp_path / "src/relscale/importers/formats"
    (formats / "simple_rows.py").write_text(importer, encoding="utf-8")
    (tmp_path / "test_simple_rows.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_page_has_a_command_for_every_format():
    assert {shlex.split(command)[3] for command in COMMANDS} == set(IMPORTERS)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files that the commands of the page name, in the working directory."""
    monkeypatch.chdir(tmp_path)
    runs = ("small", "large")
    texts = re.findall(r"```text\n(run,.*?)```", PAGE, re.DOTALL)
    assert len(texts) == 1
    Path("runs.csv").write_text(texts[0], encoding="utf-8")
    wandb_chart(Path("charts/c4.csv"), runs, "eval/c4_loss", {100: [4.0, 3.5], 200: [3.5, 3.0]})
    wandb_chart(Path("charts/ice.csv"), runs, "eval/ice_loss", {100: [5.0, 4.5]})
    write_csv(
        Path("runs_table.csv"),
        [
            ["Name", "State", "params", "train_tokens", "eval/c4_loss", "eval/ice_loss"],
            ["small", "finished", 10**8, 2 * 10**9, 3.5, 4.5],
            ["large", "finished", 2 * 10**8, 4 * 10**9, 3.0, 4.0],
        ],
    )
    for run in runs:
        folder = Path("logs") / run
        folder.mkdir(parents=True)
        event = scalar_event("eval/c4_loss", 100, 3.5)
        (folder / "events.out.tfevents.1").write_bytes(version_event() + event)
        write_json(Path("out") / run / "trainer_state.json", trainer_state(100, {"c4": 3.0}))
        write_json(Path("harness") / run / "results_1.json", lm_eval_results(run, 0.5))
    header = ["flops_budget", "depth", "params_total", "tokens_trained", "val_bpb"]
    write_csv(Path("results.csv"), [header, ["1.2e18", 10, 10**8, 2 * 10**9, 0.9]])
    row = ladder_row(900, 4.0, 3.8e9, 7e9)
    write_csv(Path("ladder/190M-1xC.csv"), [ladder_header(), row])
    facts = ["org/a", "Llama", 10**9, "C4", "", "", "gpt2-HF", "", 2 * 10**10]
    model = [*facts, 3.0, 0.75, 3.5, 0.875, 0.5, 5.0, 1.25, "", "", "True", "False", "True", ""]
    write_csv(Path("models.csv"), [LLM_LINE_HEADER, LLM_LINE_KINDS, model])
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_writes_a_losses_table(files, command):
    words = shlex.split(command)
    assert words[:3] == [".venv/bin/relscale", "table", "import"]
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    frame = read_table(Path("losses.csv"), LOSSES_REQUIRED, LOSSES_KEY)
    assert len(frame) and frame["value"].notna().any()
    assert Path("losses.csv.notes.txt").is_file()
