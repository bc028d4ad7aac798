"""Rule files: every rule that runs a stage leaves a record, and passes its spec by a file."""

import re
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[3] / "workflow/rules").glob("*.smk"))
SPEC = "--spec <(printf %s {params.spec:q})"


def rules():
    """Return the text of each rule with a shell command, by name."""
    found = {}
    for path in FILES:
        parts = re.split(r"^ *(?:rule|checkpoint)(?: (\w+))?:\n", path.read_text(), flags=re.M)
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if " shell:\n" in text:
                found[f"{path.stem}.{name}"] = text.partition("\nuse rule ")[0]
    return found


RULES = rules()


def test_the_rules_are_found():
    assert len(RULES) > 30 and "train.train" in RULES


@pytest.mark.parametrize("name", RULES)
def test_a_rule_leaves_a_record_and_depends_on_the_code_and_libraries_that_it_runs(name):
    text = RULES[name]
    assert " benchmark:\n" in text and " log:\n" in text
    (code,) = re.findall(r" code=code_digest\((.*)\),\n", text)
    assert re.findall(r" lock=lock_digest\((.*)\),\n", text) == [code]
    (module,) = re.findall(r"python -m (\S+)", text)
    assert code in (f'"{module}"', "EVALUATION", "find_figure(name).drawing")


@pytest.mark.parametrize("name", RULES)
def test_a_rule_passes_its_spec_by_a_file_and_untouched(name):
    text = RULES[name]
    assert text.count("--spec") == text.count(SPEC) == text.count(" spec=")
    assert "spec=canonical_json" not in text  # Snakemake would replace {words} in it
