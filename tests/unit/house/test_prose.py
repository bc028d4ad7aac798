"""The check of language finds the forms that style forbids and leaves plain English alone."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("prose", ROOT / "tools/prose.py")
prose = importlib.util.module_from_spec(SPEC)
sys.modules["prose"] = prose
SPEC.loader.exec_module(prose)


def found(text, name="page.md"):
    return [finding.text for finding in prose.findings(Path(name), text)]


@pytest.mark.parametrize(
    "text",
    [
        "Return what changed.",
        "A job is told the name of its listing.",
        "A key stands in the file.",
        "The model lies in a folder.",
        "One folder a run.",
        "It takes 2 ms a job.",
        "Keep so many rows.",
        "It is no text.",
        "A table beside the figure.",
        "The job goes on with the next run.",
        "Make an own corpus.",
        "Tell whether it is new.",
        "What a fit needs.",
        "Return\nwhat changed.",
    ],
)
def test_a_forbidden_form_is_found(text):
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Return the changed files.",
        "There is no compiler.",
        "The optimum lies between two runs.",
        "Lay out the panels.",
        "`<name>` stands for any key.",
        "It is no longer needed; a gap is no larger than the margin.",
        "What does a verdict mean?",
        "One folder per run; 2 ms per job.",
        "Each corpus has its own folder, and the run's own seed.",
        "Decide what to do with a run, besides the others.",
        "Code such as `goes on` is skipped.\n\n```\nthe table stands beside\n```\n",
    ],
)
def test_plain_english_is_left_alone(text):
    assert found(text) == []


def test_in_code_docstrings_comments_and_messages_count_and_names_do_not():
    code = (
        '"""A key stands here."""\n\n\ndef beside(stands):\n'
        '    # goes\n    # on here\n    raise ValueError("it is no text")\n'
    )
    assert set(found(code, "src/module.py")) == {"stands", "goes on", "is no"}


def test_a_long_line_is_found_and_a_table_is_not():
    assert found("x" * 101) == ["101 columns"]
    assert found("| " + "x" * 120) == []
