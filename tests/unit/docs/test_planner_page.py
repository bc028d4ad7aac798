"""Every command of docs/user/planner.md works, and prints what the page shows."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.planner.menu import DESIGN

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/user/planner.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(bash|text)\n(.*?)```", PAGE, re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """The folder in which the page's commands ran, and what each block's command printed."""
    folder = tmp_path_factory.mktemp("planner")
    (folder / "workflow").symlink_to(ROOT / "workflow")
    (pool,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (folder / "pool.csv").write_text(pool)
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for kind, text in BLOCKS:
            if kind == "bash":
                printed.append("")
                for line in text.replace("\\\n", " ").splitlines():
                    program, *words = shlex.split(line)
                    assert program == "relscale"
                    done = CliRunner().invoke(app, words)
                    assert done.exit_code == 0, (line, done.exception)
                    printed[-1] += done.output
    return folder, printed


def alike(line, other):
    """Return whether two lines have the same words, and numbers that differ by less than 2 %."""
    if NUMBER.sub("#", line) != NUMBER.sub("#", other):
        return False
    here, there = ([float(word) for word in NUMBER.findall(each)] for each in (line, other))
    return here == pytest.approx(there, rel=0.02)


def test_the_page_shows_what_its_commands_print(said):
    """Each block of text follows the commands that print its lines.

    Numbers may differ by 2 %: ends of intervals are quantiles of refits, whose last digits depend
    on the processor.
    """
    _, printed = said
    command, shown = -1, 0
    for kind, text in BLOCKS:
        if kind == "bash":
            command += 1
            continue
        lines = printed[command].splitlines()
        for line in text.splitlines():
            assert any(alike(line, other) for other in lines), line
            shown += 1
    assert shown > 5


def test_the_commands_write_their_files(said):
    folder, _ = said
    written = re.findall(r"--(?:out|register) (\S+)", PAGE)
    assert written
    assert all((folder / name).is_file() for name in written)


def test_the_page_explains_every_column_of_the_designs(said):
    folder, _ = said
    columns = list(pd.read_csv(folder / "design.csv").columns)
    assert columns == list(DESIGN.names)
    assert all(f"`{name}`" in PAGE for name in columns)
