"""The page on the first hour: its commands exist, and its limits are those of the code."""

import re
from pathlib import Path

import typer

from relscale.cli import COMMANDS, app
from relscale.text.inspection.listing import HEAD_BYTES, MOST_ENTRIES
from relscale.text.inspection.sample import MOST_FILES, MOST_RECORDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/user/first-hour.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if line.startswith("relscale ")
]


def options_of(command):
    return {name for parameter in command.params for name in parameter.opts}


def test_the_page_shows_the_commands_of_the_first_hour():
    shown = {line.split()[1] for line in LINES}
    assert {"laws", "doctor", "corpus", "init", "explain", "plan", "table"} <= shown
    for name in ("`relscale experiments`", "`make experiments`"):
        assert name in PAGE


def test_every_command_has_one_plain_line_of_help():
    for command in COMMANDS:
        first = command.__doc__.splitlines()[0]
        assert first.endswith(".") and len(first) <= 90, command.__name__


def test_every_option_of_init_in_the_table_exists():
    command = typer.main.get_command(app).commands["init"]
    named = set(re.findall(r"^\| `(--\w+)", PAGE, re.MULTILINE))
    assert len(named) == 5 and named <= options_of(command)


def test_the_limits_of_the_inspection_are_those_of_the_code():
    words = " ".join(PAGE.split())
    assert f"{MOST_ENTRIES:,} entries are listed, {MOST_FILES} files are opened" in words
    assert f"the first {HEAD_BYTES:,} bytes are read ({MOST_RECORDS:,} rows of a Parquet" in words
