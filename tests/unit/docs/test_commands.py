"""Every command in README and docs/user runs in a test, is checked here, or has a reason not to.

A command that another test runs is listed in `RUN_BY` by its page. The others are parsed by the
program that they call: targets, options, experiments and files must exist. Programs that cannot run
here are in `REASONS`.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import typer
from two_domains import two_domains
from typer.testing import CliRunner

from relscale.cli import app

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/user").glob("*.md"))]
RUN_BY = {
    "compare.md": "tests/unit/compare/test_compare_cli.py",
    "importers.md": "tests/unit/importers/test_recipe.py",
    "losses-table.md": "tests/unit/docs/test_losses_table_page.py",
    "planner.md": "tests/unit/docs/test_planner_page.py",
    "table-layouts.md": "tests/unit/docs/test_table_layouts.py",
}
"""Pages whose commands run in a test of their own."""
REASONS = {
    "apptainer": "no container engine runs in a test; the page says that it was not tried",
    "cd": "changes the folder of the next command",
    "gpu.sh": "measures a GPU; tests/unit/training/test_gpu_benchmark.py tries it on the CPU",
    "docker": "no container engine runs in a test; the page says that it was not tried",
    "hf": "downloads from the Hub",
    "pip": "builds and installs a wheel, as tests/workflow/test_wheel.py does",
    "sha256sum": "runs in tests/workflow/test_archive.py",
    "tar": "runs in tests/workflow/test_archive.py",
}
"""Programs that are not called here."""
MADE_BY_A_PAGE = {
    "experiments/name.yaml": "experiments/tiny.yaml",
    "experiments/letters.yaml": "experiments/tiny.yaml",
    "more.yaml": "config.yaml",
    "runs.yaml": "config.yaml",
}
"""Files that a reader writes, and files of the repository that take their place."""
PLACEHOLDERS = {
    "EXPERIMENT=name": "EXPERIMENT=tiny",
    "BASE=python:3.11-slim-bookworm@sha256:...": f"BASE=python@sha256:{'0a' * 32}",
}


@dataclass(frozen=True)
class Command:
    """A command of a page."""

    page: str
    words: tuple[str, ...]

    @property
    def program(self):
        return Path(self.words[0]).name


def blocks(text):
    """Return the commands in the shell blocks of a page, one per line of the shell."""
    found = re.findall(r"^ *```bash\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    return [line for block in found for line in block.replace("\\\n", " ").splitlines()]


def commands():
    """Return all commands, those joined by && one by one."""
    found = []
    for page in PAGES:
        for line in blocks(page.read_text(encoding="utf-8")):
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("&&") if "&&" in words else len(words)
                found.append(Command(page.name, tuple(words[:end])))
                words = words[end + 1 :]
    return found


COMMANDS = commands()


def of(program):
    """Return the commands of a program on the pages that no other test runs, without repeats."""
    return sorted(
        {one.words for one in COMMANDS if one.program == program and one.page not in RUN_BY}
    )


def test_every_program_is_checked_or_has_a_reason():
    known = {"make", "relscale", "snakemake", "python", *REASONS}
    assert {one.program for one in COMMANDS} <= known
    assert len(COMMANDS) > 50


@pytest.mark.parametrize("page", RUN_BY)
def test_a_page_with_a_test_of_its_own_is_read_by_it(page):
    text = (ROOT / RUN_BY[page]).read_text(encoding="utf-8")
    assert f"docs/user/{page}" in text and "bash" in text


def test_the_checks_of_programs_have_their_tests():
    for reason in REASONS.values():
        for path in re.findall(r"tests/[\w/.]+\w", reason):
            assert (ROOT / path).is_file()


@pytest.mark.parametrize("words", of("make"), ids=" ".join)
def test_make_knows_the_target_and_the_experiment(words):
    outside = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--dry-run", f"PYTHON={sys.executable}", *map(replaced, words[1:])],
        cwd=ROOT,
        env=outside,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def command_of(words):
    """Return the sub-command that is called, and its arguments."""
    command, rest = typer.main.get_command(app), list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        default = getattr(command, "default_command", None)
        named = rest[0] in command.commands or default is None
        command = command.commands[rest.pop(0) if named else default]
    return command, rest


def test_an_unknown_option_is_refused():
    command, rest = command_of(["laws", "--baseline", "a", "--out", "b", "--wrong", "c"])
    with pytest.raises(Exception, match="No such option"):
        command.make_context("laws", rest)


@pytest.mark.parametrize("words", of("relscale"), ids=" ".join)
def test_relscale_takes_the_arguments(words):
    command, rest = command_of(words[1:])
    if rest and rest[0].startswith("-") and hasattr(command, "commands"):
        assert rest[0] in {name for option in command.params for name in option.opts}
        return
    with command.make_context(command.name, list(rest)):
        pass
    for place in rest:
        if place.startswith("experiments/"):
            assert (ROOT / replaced(place)).is_file()


@pytest.mark.parametrize("words", of("snakemake"), ids=" ".join)
def test_snakemake_takes_the_arguments_and_its_files_exist(words):
    from snakemake.cli import get_argument_parser

    found = get_argument_parser().parse_args(
        [word for word in words[1:] if word != "--profile" and not word.startswith("profiles/")]
    )
    for place in found.configfile or ():
        assert (ROOT / replaced(str(place))).is_file()
    for place in words:
        if place.startswith("profiles/"):
            assert (ROOT / place / "config.yaml").is_file()


@pytest.mark.parametrize("words", of("python"), ids=" ".join)
def test_files_given_to_python_exist(words):
    for place in words:
        if place.startswith("tests/"):
            assert (ROOT / place).exists()


def inline(program):
    """Return the commands of a program in the running text of all pages, without repeats."""
    found = set()
    for page in PAGES:
        text = re.sub(r"^ *```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
        found |= {" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)}
    return sorted(code for code in found if re.match(rf"(\.venv/bin/)?{program} [a-z]", code))


def test_make_has_the_targets_of_the_running_text():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {word for code in inline("make") for word in re.findall(r"(?<= )[a-z-]+(?=$| )", code)}
    assert len(named) > 10 and named <= targets


@pytest.mark.parametrize("code", inline("relscale"))
def test_relscale_has_the_commands_and_options_of_the_running_text(code):
    command, words = command_of(code.split()[1:])
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    named = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert named <= options | {"--help"}


def replaced(word):
    """Return a word with the file or the value that a reader has to choose."""
    return {**MADE_BY_A_PAGE, **PLACEHOLDERS}.get(word, word)


def table_of_the_readme():
    """Return losses in the layout that the README and the quickstart name."""
    frame = two_domains()
    names = dict(zip(sorted(set(frame["domain"])), ["US", "NG"], strict=True))
    return frame.assign(family="language", domain=frame["domain"].map(names))


def run(line):
    done = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
    assert done.exit_code == 0, (line, done.output, done.exception)
    return done.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/user/quickstart.md"])
def test_the_commands_for_a_table_give_laws(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table_of_the_readme().to_csv("losses.csv", index=False)
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for line in blocks(text) if re.search(r"relscale (table|laws) ", line)]
    lines = [line for line in lines if " --demo" not in line]  # runs in tests/unit/start
    assert lines
    for line in lines:
        line = line.partition("#")[0]
        run(f"{line} --draws 100" if " laws " in line else line)
    relative = pd.read_csv("my_laws/relative.csv")
    assert set(relative["treatment"]) == {"NG"}
    asked = [name for name in ("figures", "report") if f"--{name}" in lines[-1]]
    made = {"figures": "my_laws/figures", "report": "my_laws/report.html"}
    assert all(Path(made[name]).exists() for name in asked)
