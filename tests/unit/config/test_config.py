from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from relscale.config.errors import ConfigError
from relscale.config.load import load_config
from relscale.config.schema import configuration_reference, json_schema

ROOT = Path(__file__).parents[3]


@pytest.fixture
def raw():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def problems(raw, name="config.yaml"):
    with pytest.raises(ConfigError) as caught:
        load_config(raw, [(name, raw)])
    head, *lines = str(caught.value).splitlines()
    assert head == f"{len(lines)} problem(s) in the configuration:"
    return [line.strip() for line in lines]


def test_the_default_configuration_is_valid(raw):
    experiment = load_config(raw)
    assert experiment.experiment == "default"
    assert experiment.families["knowledge"].baseline == "STEM"
    assert {len(subjects) for subjects in experiment.families["knowledge"].domains.values()} == {
        19,
        13,
        12,
    }


def test_the_committed_schema_is_that_of_the_models():
    assert (ROOT / "workflow/schemas/config.schema.json").read_text() == json_schema()


def test_the_committed_reference_is_that_of_the_models():
    assert (ROOT / "docs/reference/configuration.md").read_text() == configuration_reference()


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            ("suite", "budgts"),
            [],
            "config.yaml: suite.budgts = []: unknown key; the choices are corpora, recipe,",
        ),
        (
            ("sute",),
            {},
            "config.yaml: sute = {}: unknown key; the choices are experiment, downloads, sources",
        ),
        (
            ("suite", "recipe", "clip"),
            1,
            "config.yaml: suite.recipe.clip = 1: unknown key; the choices are name, architecture",
        ),
        (
            ("laws", "margin"),
            "wide",
            "config.yaml: laws.margin = 'wide': Input should be a valid number",
        ),
        (
            ("laws", "compute"),
            "flops",
            "laws.compute = 'flops': the choices are 'training_flops' or 'forward_flops'",
        ),
        (
            ("families", "topics", "kind"),
            "text",
            "config.yaml: families.topics = {'kind': 'text', 'source'",
        ),
        (
            ("families", "knowledge", "baseline"),
            "Physics",
            "'Physics': is not in the domains of this family; the choices are STEM,",
        ),
        (
            ("families", "topics", "source"),
            "wiki",
            "config.yaml: families.topics.source = 'wiki': is not in sources; the choices are",
        ),
        (
            ("evaluate",),
            ["validation", "news"],
            "config.yaml: evaluate[1] = 'news': is not in families; the choices are validation,",
        ),
        (
            ("suite", "corpora"),
            ["webb"],
            "suite.corpora[0] = 'webb': is not in corpora.mixtures and corpora.sharded;",
        ),
        (
            ("suite", "seeds"),
            [1, 1],
            "config.yaml: suite.seeds = [1, 1]: each entry once; repeated: 1",
        ),
        (
            ("figures", "names"),
            ["figure9"],
            "config.yaml: figures.names[0] = 'figure9': is not in the figures; the choices are ",
        ),
        (
            ("tokenizer", "trained_on"),
            ["nothing"],
            "tokenizer.trained_on[0] = 'nothing': is not in corpora.mixtures",
        ),
        (
            ("sources", "sotu", "sha256"),
            "abc",
            "config.yaml: sources.sotu.sha256 = 'abc': must match ^[0-9a-f]{64}$",
        ),
        (
            ("corpora", "decontaminate_against"),
            ["news"],
            "decontaminate_against[0] = 'news': is not in the families that have texts",
        ),
    ],
)
def test_each_mistake_names_file_key_value_and_choices(raw, path, value, expected):
    changed = deepcopy(raw)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert any(expected in line for line in problems(changed)), problems(changed)


def test_a_budget_must_be_text(raw):
    raw["suite"]["budgets"][0]["label"] = 5e10
    assert any(
        "suite.budgets[0].label = 50000000000.0: Input should be a valid string" in line
        for line in problems(raw)
    )


def test_all_mistakes_are_reported_at_once(raw):
    raw["laws"]["margin"] = -1
    raw["families"]["language"]["baseline"] = "UK"
    raw["evaluate"].append("dialects")
    raw["suite"]["corpora"].append("books")
    del raw["tokenizer"]
    lines = problems(raw)
    assert len(lines) == 5
    for key in (
        "laws.margin",
        "families.language.baseline",
        "evaluate[6]",
        "suite.corpora[3]",
        "tokenizer",
    ):
        assert sum(f"config.yaml: {key} = " in line for line in lines) == 1


def test_the_file_named_is_the_overlay_that_holds_the_key(raw):
    overlay = {"laws": {"margin": "wide"}}
    merged = deepcopy(raw)
    merged["laws"]["margin"] = "wide"
    with pytest.raises(ConfigError, match=r"experiments/mine.yaml: laws.margin = 'wide'"):
        load_config(merged, [("config.yaml", raw), ("experiments/mine.yaml", overlay)])


def test_a_figure_of_a_family_that_is_not_evaluated_is_an_error(raw):
    raw["evaluate"] = ["validation", "language"]
    lines = problems(raw)
    assert any(
        "'figure4_knowledge': shows the family knowledge, which is not in evaluate" in line
        for line in lines
    )


@pytest.mark.parametrize(
    ("section", "change", "expected"),
    [
        ("laws", {"level": 0.3}, "laws.level = 0.3: Input should be greater than 0.5"),
        (
            "laws",
            {"estimators": ["joint", "joint"]},
            "laws.estimators = ['joint', 'joint']: each entry once; repeated: joint",
        ),
        (
            "suite",
            {"corpora": ["web", "web"]},
            "suite.corpora = ['web', 'web']: each entry once; repeated: web",
        ),
        (
            "figures",
            {"teaser": ["knowlege", "language"]},
            "figures.teaser[0] = 'knowlege': is not in families",
        ),
        (
            "suite",
            {"recipe": {"name": "cpu_small", "warmup_share": 0.6}},
            "suite.recipe.warmup_share = 0.6: warmup_share and decay_share add up to more than 1",
        ),
        ("suite", {"recipe": {}}, "suite.recipe = {}: the key 'name' is missing"),
    ],
)
def test_what_would_fail_late_fails_at_once(raw, section, change, expected):
    raw[section].update(change)
    assert any(expected in line for line in problems(raw)), problems(raw)


def test_a_continuation_needs_topics_apart_and_a_window_that_holds_it(raw):
    raw["families"]["topics"]["domains"]["Everything"] = ["Arts", "History"]
    raw["families"]["continuation"] |= {"context_tokens": 120, "num_options": 20}
    lines = problems(raw)
    for expected in (
        "documents = 'topics': two of its domains share",
        "num_options = 20: more than the 12 topics",
        "exceed the window of 128",
    ):
        assert any(
            f"families.continuation.{expected}" in line or expected in line for line in lines
        ), lines


def test_a_pair_needs_a_negative_or_options(raw):
    del raw["families"]["behaviour"]["domains"]["toxicity"][0]["negative"]
    assert any(
        "families.behaviour.domains.toxicity[0]" in line
        and "either `negative` or `options`" in line
        for line in problems(raw)
    )


def test_replicates_name_a_budget_and_one_of_its_shapes(raw):
    raw["suite"]["budgets"] = [
        {"label": "1e11", "shapes": ["16x1", "24x1"], "seeds": [3]},
        {"label": "3e11", "shapes": ["24x1"]},
    ]
    raw["suite"]["seeds"] = [0, 1]
    raw["suite"]["replicates"] = [
        {"budget": "9e9", "shape": "16x1", "seeds": [5]},
        {"budget": "1e11", "shape": "99x9", "seeds": [5]},
        {"budget": "1e11", "shape": "16x1", "seeds": [5]},
        {"budget": "1e11", "shape": "16x1", "seeds": [7]},
    ]
    lines = problems(raw)
    assert [
        "is not in suite.budgets" in lines[0],
        "is not in the shapes of budget 1e11" in lines[1],
        "are listed twice" in lines[2],
    ] == [True] * 3
    assert len(lines) == 3


def test_every_budget_that_cannot_be_met_is_named_at_once(raw):
    raw["suite"]["budgets"] = [
        {"label": "1e6", "shapes": ["64x3", "16x1"]},
        {"label": "5e10", "shapes": ["17x1", "24x1"]},
    ]
    raw["suite"]["replicates"] = []
    lines = problems(raw)
    assert len(lines) == 3
    assert (
        "suite.budgets[0].shapes[0] = '64x3': 0 steps of 1 x 128 tokens reach 0 of 1e6" in lines[0]
    )
    assert "suite.budgets[0].shapes[1] = '16x1': " in lines[1]
    assert (
        "suite.budgets[1].shapes[0] = '17x1': width 17: no even head width divides it" in lines[2]
    )


def test_a_recipe_says_whether_shapes_are_listed(raw):
    del raw["suite"]["budgets"][0]["shapes"]
    assert any("recipe cpu_small needs a list of shapes" in line for line in problems(raw))
    raw["suite"]["recipe"] = {"name": "marin2025"}
    assert any("recipe marin2025 derives its sizes" in line for line in problems(raw))
