"""Configurations with a losses table: defaults that fit it, and all mistakes at once."""

from pathlib import Path

import pytest

from relscale.config.errors import ConfigError
from relscale.config.figures import NOT_OF_TABLES, TABLE_FIGURES
from relscale.config.load import load_config, read_yaml
from relscale.config.table_defaults import merged, merged_files

ROOT = Path(__file__).parents[3]
TEXTS = {"kind": "table", "baseline": "a", "metrics": ["loss"]}
OVERLAY = {"losses": {"path": "t.csv"}, "families": {"texts": TEXTS}}


def files(*overlays):
    named = [(f"{place}.yaml", content) for place, content in enumerate(overlays)]
    return [("config.yaml", read_yaml(ROOT / "config.yaml")), *named]


def load(*overlays):
    return load_config(merged_files(files(*overlays)), files(*overlays))


def problems(*overlays):
    with pytest.raises(ConfigError) as caught:
        load(*overlays)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_nothing_of_the_default_experiments_families_and_figures_is_left():
    experiment = load(OVERLAY)
    assert experiment.evaluate == ["texts"] == list(experiment.families)
    assert experiment.laws.optimum_by == "texts" and experiment.laws.draws == 1000
    assert experiment.figures.names == [name for name in TABLE_FIGURES if "teaser" not in name]
    assert experiment.figures.labels == {} and experiment.figures.corpus is None


def test_several_families_have_a_teaser_and_validation_locates_the_optima():
    more = {"families": {"validation": TEXTS, "books": TEXTS}}
    experiment = load(OVERLAY, more)
    assert experiment.evaluate == ["texts", "validation", "books"]
    assert experiment.laws.optimum_by == "validation"
    assert experiment.figures.names == list(TABLE_FIGURES)
    assert (experiment.figures.size_or_data, experiment.figures.teaser) == (
        "texts",
        ["texts", "validation", "books"],
    )


def test_an_overlay_after_the_table_still_decides():
    figures = {"names": ["isoflop_curves"], "corpus": "Common Pile", "labels": {"a": "A"}}
    experiment = load(OVERLAY, {"figures": figures, "laws": {"optimum_by": "texts", "draws": 200}})
    assert experiment.figures.names == ["isoflop_curves"]
    assert experiment.figures.corpus == "Common Pile"
    assert experiment.laws.draws == 200


def test_a_family_of_the_same_name_takes_nothing_from_the_default_experiment():
    experiment = load({**OVERLAY, "families": {"language": TEXTS}})
    assert experiment.families["language"].domain_names() == []


def test_without_a_table_files_are_merged_as_before():
    named = files({"laws": {"draws": 200}})
    assert merged_files(named) == merged(content for _, content in named)
    removed = files(OVERLAY, {"losses": None, "families": {"texts": None}})
    assert "losses" not in merged_files(removed)


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ({"suite": {"seeds": [1]}}, "0.yaml: suite = "),
        ({"sources": {"x": {"kind": "local"}}}, "0.yaml: sources = "),
        ({"released": {"table": "m.csv"}}, "either a losses table or released models"),
        ({"evaluate": ["texts", "topics"]}, "evaluate[1] = 'topics': is not in families"),
        ({"laws": {"optimum_by": "x"}}, "laws.optimum_by = 'x': is not in evaluate"),
        ({"families": {"texts": {**TEXTS, "metrics": ["points"]}}}, "not known from this name"),
        ({"families": {"texts": {**TEXTS, "baseline": None}}}, "families.texts.baseline"),
        ({"losses": {"path": "t.csv", "unts": {}}}, "losses.unts = {}: unknown key"),
        (
            {"families": {"texts": {"kind": "continuation", "documents": "d", "num_items": 1}}},
            "families.texts",
        ),
        ({"figures": {"size_or_data": "x", "names": ["figure6_size_or_data"]}}, "the family x"),
        ({"figures": {"family_laws": "x"}}, "shows the family x, which is not in evaluate"),
    ],
)
def test_what_a_table_does_not_have_is_refused(overlay, expected):
    assert any(expected in line for line in problems(merged([OVERLAY, overlay])))


@pytest.mark.parametrize("name", NOT_OF_TABLES)
def test_a_figure_that_a_table_cannot_draw_is_refused_with_the_reason(name):
    found = problems(merged([OVERLAY, {"figures": {"names": [name]}}]))
    assert f"cannot be drawn from a losses table: {NOT_OF_TABLES[name]}" in found[0]


def test_a_stated_direction_is_enough():
    stated = {"losses": {"path": "t.csv", "higher_is_better": ["points"]}}
    families = {"families": {"texts": {**TEXTS, "metrics": ["points"]}}}
    assert load(merged([OVERLAY, stated, families])).losses.higher_is_better == ["points"]


def test_all_mistakes_are_named_at_once():
    found = problems(
        merged(
            [
                OVERLAY,
                {
                    "losses": {"path": "t.csv", "shape": "tall"},
                    "suite": {},
                    "figures": {"names": ["loss_curves", "figure3_prompts"]},
                    "laws": {"draws": 1},
                },
            ]
        )
    )
    assert len(found) == 5


def test_a_family_of_a_table_needs_a_table():
    found = problems({"families": {"mine": TEXTS}, "evaluate": ["validation", "mine"]})
    assert any("a family of kind table needs a section `losses`" in line for line in found)
