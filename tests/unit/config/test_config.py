from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from relscale.config.errors import ConfigError
from relscale.config.experiment import Experiment
from relscale.config.load import load_config, load_experiment, merged
from relscale.config.partial import annotation_of
from relscale.config.schema import configuration_reference, json_schema
from relscale.plan.suite import plan_suite

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
            ("laws", "margin_share"),
            "wide",
            "config.yaml: laws.margin_share = 'wide': Input should be a valid number",
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
    raw["laws"]["margin_share"] = -1
    raw["families"]["language"]["baseline"] = "UK"
    raw["evaluate"].append("dialects")
    raw["suite"]["corpora"].append("books")
    del raw["tokenizer"]
    lines = problems(raw)
    assert len(lines) == 5
    for key in (
        "laws.margin_share",
        "families.language.baseline",
        "evaluate[6]",
        "suite.corpora[3]",
        "tokenizer",
    ):
        assert sum(f"config.yaml: {key} = " in line for line in lines) == 1


def test_the_file_named_is_the_overlay_that_holds_the_key(raw):
    overlay = {"laws": {"margin_share": "wide"}}
    merged = deepcopy(raw)
    merged["laws"]["margin_share"] = "wide"
    with pytest.raises(ConfigError, match=r"experiments/mine.yaml: laws.margin_share = 'wide'"):
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


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ({"corpus": "wbe"}, "suite.arms.fast.corpus = 'wbe': is not in corpora.mixtures"),
        ({"corpus": "web", "factor": 2}, "suite.arms.fast.factor = 2: unknown key; the choices"),
        (
            {"corpus": "web", "batch_size": 4, "batch_factor": 2},
            "give either `batch_size` or `batch_factor`",
        ),
        (
            {"corpus": "web", "recipe": {"optimiser": "sgd"}},
            "suite.arms.fast.recipe.optimiser = 'sgd': the choices are",
        ),
        (
            {"corpus": "web", "recipe": {"beta3": 0.9}},
            "suite.arms.fast.recipe.beta3 = 0.9: unknown key; the choices are",
        ),
        (
            {"corpus": "web", "unique_tokens": 128},
            "suite.arms.fast.unique_tokens = 128: must be above the window of 128 tokens",
        ),
        (
            {"corpus": "web", "unique_tokens": 300_000},
            "epochs of 300,000 tokens, and 1 are allowed: raise it",
        ),
        ({"corpus": "web", "permuted_share": 1.5}, "suite.arms.fast.permuted_share = 1.5"),
        (
            {"corpus": "web", "budgets": [{"label": "1e11", "shapes": ["16x1"]}] * 2},
            "suite.arms.fast.budgets[1].label = '1e11': the budget 1e11 is listed twice",
        ),
        (
            {"corpus": "web", "budgets": [{"label": "1e6", "shapes": ["64x3"]}]},
            "suite.arms.fast.budgets[0].shapes[0] = '64x3'",
        ),
    ],
)
def test_a_mistake_in_an_arm_is_named_by_its_key(raw, arm, expected):
    raw["suite"]["arms"] = {"fast": arm}
    lines = problems(raw)
    assert [expected in line for line in lines] == [True], lines


def test_an_arm_has_a_name_of_its_own_and_may_be_shown(raw):
    raw["suite"]["arms"] = {"web": {"corpus": "web"}, "fast": {"corpus": "web"}}
    raw["figures"]["corpus"] = "fast"
    (line,) = problems(raw)
    assert "suite.arms.web" in line
    assert "a corpus has the same name: take another one" in line
    del raw["suite"]["arms"]["web"]
    assert load_config(raw).suite.trained_names == ["curated", "web", "web_synthetic", "fast"]


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


def overlaid(raw, **sections):
    """Return the lines about the default configuration with an overlay."""
    return problems(merged([raw, sections]))


@pytest.mark.parametrize("number", [True, False, float("inf"), float("nan"), "inf", "nan", -1])
@pytest.mark.parametrize(
    "path",
    [
        ("laws", "margin_share"),
        ("laws", "draws"),
        ("laws", "slice_tokens"),
        ("suite", "max_epochs"),
        ("suite", "recipe", "learning_rate_cap"),
        ("training", "checkpoint_every_minutes"),
        ("training", "gpus_per_run"),
        ("costs", "peak_flops_per_s"),
        ("corpora", "max_mb"),
        ("corpora", "validation_share"),
        ("tokenizer", "vocab_size"),
        ("families", "knowledge", "shots"),
        ("families", "validation", "max_tokens"),
        ("figures", "extrapolate_decades"),
        ("suite", "seeds", 0),
        ("suite", "replicates", 0, "seeds", 0),
    ],
)
def test_neither_truth_values_nor_infinities_are_numbers(raw, path, number):
    raw["training"]["hours_per_run"] = 1
    raw["suite"]["recipe"] = {"name": "chinchilla"}
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = number
    dotted = ".".join(map(str, path)).replace(".0", "[0]")
    assert any(line.startswith(f"config.yaml: {dotted} = {number!r}: ") for line in problems(raw))


def test_every_number_and_every_switch_of_the_configuration_is_strict():
    """No field of any model takes a truth value as a number or a number as a truth value."""
    checked = 0
    for model in models_in(Experiment):
        for name, field in model.model_fields.items():
            annotation = annotation_of(model, name)
            kinds = leaves(field.annotation)
            for wrong in [True, [True]] if kinds & {int, float} and bool not in kinds else []:
                with pytest.raises(ValidationError):
                    TypeAdapter(annotation).validate_python(wrong)
                checked += 1
            for wrong in [1, "yes"] if kinds == {bool} else []:
                with pytest.raises(ValidationError):
                    TypeAdapter(annotation).validate_python(wrong)
                checked += 1
    assert checked > 100


def leaves(annotation):
    """Return the types that values of an annotation have, without models."""
    inner = get_args(annotation)
    if get_origin(annotation) is Literal or not inner:
        return {annotation} if isinstance(annotation, type) else set()
    return set().union(*map(leaves, inner))


def models_in(annotation, seen=None):
    """Return the models that an annotation refers to."""
    seen = [] if seen is None else seen
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.append(annotation)
            for field in annotation.model_fields.values():
                models_in(field.annotation, seen)
    else:
        for inner in get_args(annotation):
            models_in(inner, seen)
    return seen


@pytest.mark.parametrize(
    "seeds", [[-1], [0, -3], [2**63], [True], [0.5], ["a"], [1, 1], [1, 1.0], [1, "1"]]
)
def test_seeds_are_whole_numbers_from_0_each_once(raw, seeds):
    lines = overlaid(raw, suite={"seeds": seeds})
    assert len(lines) == 1 and "suite.seeds" in lines[0]


def test_numbers_in_quotes_and_in_short_scientific_notation_stay_numbers(raw):
    """YAML reads 1e-2 without a dot as text."""
    raw["laws"] |= {"margin_share": "1e-2", "draws": 300.0}
    raw["suite"]["seeds"] = ["0", 1.0]
    experiment = load_config(raw)
    assert (experiment.laws.margin_share, experiment.laws.draws) == (0.01, 300)
    assert experiment.suite.seeds == [0, 1]


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("1e11", "1e11"),
        ("1.0e11", "1e11"),
        ("1.00E+11", "1e11"),
        ("10e10", "1e11"),
        ("0.1e12", "1e11"),
        ("100000000000", "1e11"),
        ("1e011", "1e11"),
        ("1.50e11", "1.5e11"),
        ("120000000000", "1.2e11"),
    ],
)
def test_all_spellings_of_a_budget_are_one_budget(raw, written, label):
    raw["suite"]["budgets"] = [{"label": written, "shapes": ["24x1"]}]
    raw["suite"]["replicates"] = [{"budget": label, "shape": "24x1", "seeds": [5]}]
    experiment = load_config(raw)
    assert experiment.suite.budgets[0].label == label
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    assert {run.budget for run in runs} == {label}
    assert len(runs) == 3 * 3
    raw["suite"]["budgets"].append({"label": f"{Decimal(label):f}", "shapes": ["24x1"]})
    assert problems(raw) == [
        f"config.yaml: suite.budgets[1].label = '{Decimal(label):f}': the budget {label} is "
        "listed twice"
    ]


@pytest.mark.parametrize(
    "label", ["0", "0e5", "-1e9", "1e31", "1e999", "nan", "inf", "1 e9", "٣e9"]
)
def test_what_is_no_budget_is_refused(raw, label):
    lines = overlaid(raw, suite={"budgets": [{"label": label, "shapes": ["24x1"]}]})
    assert any(f"suite.budgets[0].label = {label!r}: must be" in line for line in lines)


NAMES = [
    "Côte d'Ivoire",
    "Nürnberg",
    "日本",
    "Ελλάδα",
    "हिन्दी",
    "St. John's",
    "NA",
    "2019",
    "فارسی",
]


def with_domain(raw, name, baseline=None):
    raw["families"]["language"]["domains"] = {"US": ["cnn.com"], name: ["bbc.co.uk"]}
    raw["families"]["language"]["baseline"] = baseline or name
    return raw


@pytest.mark.parametrize("name", NAMES)
def test_names_of_domains_are_unicode(raw, name):
    family = load_config(with_domain(raw, name)).families["language"]
    assert list(family.domains) == ["US", name] and family.baseline == name


@pytest.mark.parametrize(
    "name", ["", " US", "US ", "a\nb", "a\tb", "=1+1", "@x", "-a", "a\u202eb", "\u200bx", "x" * 101]
)
def test_names_of_domains_can_be_seen(raw, name):
    lines = problems(with_domain(raw, name, "US"))
    assert len(lines) == 1
    assert lines[0].startswith("config.yaml: families.language.domains.")


def test_composed_and_decomposed_letters_are_one_name(raw):
    composed, decomposed = "Nürnberg", "Nu\u0308rnberg"
    family = load_config(with_domain(raw, decomposed, composed)).families["language"]
    assert list(family.domains) == ["US", composed] and family.baseline == composed
    raw["families"]["language"]["domains"][composed] = ["rte.ie"]
    assert any("given in two spellings that look alike" in line for line in problems(raw))


def test_an_unquoted_no_says_to_quote_it(raw):
    raw["families"]["language"]["domains"]["US"] = [False]
    raw["families"]["language"]["baseline"] = False
    lines = problems(raw)
    assert len(lines) == 2 and all(line.endswith("put it in quotes") for line in lines)


def test_a_family_called_by_a_number_is_an_error_with_its_name(raw):
    raw["families"][7] = {"kind": "documents"}
    assert any(line.startswith("config.yaml: families[7] = ") for line in problems(raw))


def test_mistakes_of_one_section_do_not_hide_those_of_others(raw):
    """Every section has a mistake of its own and one in its references to others."""
    changed = merged(
        [
            raw,
            {
                "sources": {"sotu": {"sha256": "abc"}, "mine": {"kind": "locale"}},
                "corpora": {"min_characters": True, "decontaminate_against": ["nothing"]},
                "tokenizer": {"vocab_size": 3, "trained_on": ["books"]},
                "suite": {
                    "recipe": {"name": "cpu_smal"},
                    "corpora": ["web", "wab"],
                    "replicates": [{"budget": "1e11", "shape": "1x99", "seeds": [-4]}],
                },
                "evaluate": ["validation", "knowledge", "dialects", "broken"],
                "families": {
                    "knowledge": {"shots": -1, "source": "kheopss"},
                    "broken": {"kind": "documants"},
                },
                "laws": {"margin_share": True, "optimum_by": "valid"},
                "figures": {"names": ["figure9", "topics"], "corpus": "books", "teaser": ["x"]},
            },
        ]
    )
    lines = problems(changed)
    found = {line.removeprefix("config.yaml: ").split(" = ")[0] for line in lines}
    assert found == {
        "sources.sotu.sha256",
        "sources.mine",
        "corpora.min_characters",
        "corpora.decontaminate_against[0]",
        "tokenizer.vocab_size",
        "tokenizer.trained_on[0]",
        "suite.recipe",
        "suite.corpora[1]",
        "suite.replicates[0].seeds[0]",
        "suite.replicates[0].shape",
        "evaluate[2]",
        "families.knowledge.shots",
        "families.knowledge.source",
        "families.broken",
        "laws.margin_share",
        "laws.optimum_by",
        "figures.names[0]",
        "figures.names[1]",
        "figures.corpus",
        "figures.teaser[0]",
    }
    assert len(lines) == len(found)


def test_a_list_of_mistakes_ends(raw):
    message = ""
    try:
        load_config(merged([raw, {"suite": {"seeds": [-1] * 1000}}]))
    except ConfigError as error:
        message = str(error)
    lines = message.splitlines()
    assert lines[0] == "1000 problem(s) in the configuration:"
    assert len(lines) == 202 and lines[-1] == "  and 800 more"


def test_mistakes_in_the_file_and_in_its_values_come_together(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("laws: {margn: 1}\nsuite: {seeds: [5]}\nsuite: {seeds: [-5]}\n")
    with pytest.raises(ConfigError) as caught:
        load_experiment(ROOT / "config.yaml", overlay)
    text = str(caught.value).replace(str(overlay), "mine.yaml")
    assert "3 problem(s)" in text
    assert "mine.yaml:3: the key suite is already given in line 2" in text
    assert "mine.yaml: laws.margn = 1: unknown key" in text
    assert "mine.yaml: suite.seeds[0] = -5: " in text


@pytest.mark.parametrize(
    ("suite", "key"),
    [
        ({"seeds": list(range(20_000))}, "suite = "),
        (
            {
                "budgets": [
                    {"label": f"1.{number:04d}1e11", "shapes": ["24x1"]} for number in range(7000)
                ],
                "replicates": [],
            },
            "suite = ",
        ),
        ({"budgets": [{"label": "1e11", "shapes": ["99999999x1"]}]}, "suite.budgets[0].shapes[0]"),
        ({"recipe": {"name": "marin2025", "max_width": 2**62}}, "suite.recipe.max_width"),
    ],
)
def test_a_plan_that_would_not_end_is_refused(raw, suite, key):
    lines = overlaid(raw, suite=suite)
    assert any(line.startswith(f"config.yaml: {key}") for line in lines)
    if key == "suite = ":
        assert "runs are planned, and an experiment has at most 20,000" in lines[0]
