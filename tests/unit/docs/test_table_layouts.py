"""The page on tables from outside: its table, its mapping and its commands work as written."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.losses import LossesTable
from relscale.config.losses_file import read_mapping
from relscale.losses_table.read import read_losses

PAGE = (Path(__file__).parents[3] / "docs/user/table-layouts.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(name="folder")
def folder_fixture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (csv,) = blocks("csv")
    Path("wide.csv").write_text(csv)
    return tmp_path


def test_the_mapping_of_the_page_reads_its_table(folder):
    (text,) = blocks("yaml")
    Path("mapping.yaml").write_text(text)
    found = read_losses(read_mapping("mapping.yaml")).frame
    values = found.set_index(["domain", "run"])["value"]
    assert len(found) == 36 and values["C4", "a-5"] == 4.235
    assert found["tokens"].max() == 80_000_000_000


def test_every_key_of_a_mapping_is_on_the_page():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(LossesTable.model_fields)


def test_the_commands_of_the_page_give_laws(folder):
    (text,) = blocks("bash")
    commands = [shlex.split(line) for line in text.replace("\\\n", "").splitlines()]
    runner = CliRunner()
    inspected = runner.invoke(app, commands[0][1:])
    assert inspected.exit_code == 0, inspected.exception
    assert shlex.split(inspected.stdout.splitlines()[-1]) == commands[1]
    fitted = runner.invoke(app, [*commands[1][1:], "--draws", "100"])
    assert fitted.exit_code == 0, fitted.exception
    relative = pd.read_csv("laws/relative.csv")
    assert set(relative["treatment"]) == {"code", "pile"}
    assert "Note: units are converted: tokens from billions." in fitted.stdout
