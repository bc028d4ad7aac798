"""The schemas that editors read: every configuration names one, and fits it."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from relscale.config.schema import OVERLAY_SCHEMA, SCHEMA, overlay_schema, schema_line

ROOT = Path(__file__).parents[3]
OVERLAYS = [*sorted((ROOT / "experiments").rglob("*.yaml")), ROOT / "config/config.yaml"]
EXTEND = (ROOT / "docs/user/extend.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", EXTEND, re.DOTALL | re.MULTILINE)


def problems(content, schema=OVERLAY_SCHEMA):
    read = json.loads((ROOT / schema).read_text(encoding="utf-8"))
    return [error.message for error in jsonschema.Draft202012Validator(read).iter_errors(content)]


def test_the_committed_schema_of_overlays_is_that_of_the_models():
    assert (ROOT / OVERLAY_SCHEMA).read_text(encoding="utf-8") == overlay_schema()


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.name)
def test_every_overlay_names_its_schema_and_fits_it(path):
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == schema_line(path.parent.relative_to(ROOT))
    place = text.splitlines()[0].partition("$schema=")[2]
    assert (path.parent / place).resolve() == ROOT / OVERLAY_SCHEMA
    assert problems(yaml.safe_load(text)) == []


def test_the_default_configuration_names_its_schema_and_fits_it():
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == schema_line(Path(), SCHEMA)
    assert problems(yaml.safe_load(text), SCHEMA) == []


@pytest.mark.parametrize("block", BLOCKS)
def test_the_overlays_of_the_guide_fit(block):
    assert problems(yaml.safe_load(block)) == []


@pytest.mark.parametrize(
    "content",
    [
        {"laws": {"margn_share": 0.2}},
        {"lews": {}},
        {"suite": {"budgets": [{"shapes": ["8x1"]}]}},  # items of lists are complete
        {"figures": {"names": ["figure99"]}},
        {"families": {"mine": {"kind": "documents", "reader": {"kind": "pdf"}}}},
        {"families": {"language": {"reader": {"kind": "ice", "text": "x"}}}},
    ],
)
def test_a_mistake_does_not_fit(content):
    assert problems(content) != []


def test_a_null_may_remove_any_key_and_no_key_of_a_mapping_is_needed():
    assert problems({"laws": {"two_stage": None}, "families": {"language": None}}) == []
    assert problems({"families": {"language": {"reader": {"kind": "ice", "text": None}}}}) == []
    assert problems({"suite": {"seeds": [0, 1]}}) == []
