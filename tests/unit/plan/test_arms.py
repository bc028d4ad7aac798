"""Arms: corpora that are trained with changed settings."""

import pytest

from relscale.config.suite import Suite
from relscale.plan.arms import plan_arm, plan_grids
from relscale.plan.run_spec import TrainingData
from relscale.plan.suite import PlanError, plan_suite, runs_of_grids
from relscale.provenance.digests import canonical_json

VOCAB = 512


def suite(arms, **changes):
    raw = {
        "corpora": ["a"],
        "recipe": {"name": "cpu_small", "context_length": 64},
        "budgets": [
            {"label": "1e10", "shapes": ["16x1", "32x1"]},
            {"label": "3e10", "shapes": ["32x1"], "seeds": [0, 1]},
        ],
        "seeds": [0],
        "replicates": [{"budget": "1e10", "shape": "16x1", "seeds": [0, 5]}],
        "arms": arms,
    }
    return Suite.model_validate(raw | changes)


def by_size(runs):
    return {(run.budget, run.shape.width, run.seed): run for run in runs}


def arm_and_corpus(settings, **changes):
    """Return the runs of an arm and those of its corpus, by budget, width and seed."""
    runs = plan_suite(suite({"arm": {"corpus": "a"} | settings}, **changes), VOCAB)
    arm = by_size(run for run in runs if run.corpus == "arm")
    return arm, by_size(run for run in runs if run.corpus == "a")


def test_an_arm_that_changes_nothing_has_the_runs_of_its_corpus_under_its_name():
    arm, corpus = arm_and_corpus({})
    assert arm.keys() == corpus.keys()
    assert len(corpus) == 5  # 2 sizes, 1 replicate, 2 seeds of the second budget
    for key, run in arm.items():
        named = {"corpus", "run"}
        assert run.columns().model_dump(exclude=named) == corpus[key].columns().model_dump(
            exclude=named
        )
        ours, theirs = run.spec(), corpus[key].spec()
        assert ours.model_copy(update={"columns": theirs.columns}) == theirs
        assert (run.read_corpus, corpus[key].read_corpus) == ("a", "a")
        assert run.run.startswith("arm-")


def test_an_arm_of_lstms_has_the_budgets_of_its_corpus_and_no_heads():
    arm, corpus = arm_and_corpus({"recipe": {"architecture": "lstm"}})
    assert arm.keys() == corpus.keys()
    for key, run in arm.items():
        assert run.training_flops == pytest.approx(corpus[key].training_flops, rel=0.02)
        unused = [run.shape.heads, run.shape.kv_heads, run.shape.head_dim, run.shape.intermediate]
        assert unused == [0, 0, 0, 0] and run.columns().heads == 0
        assert run.optimiser.kind == corpus[key].optimiser.kind
    # No even head width divides 33, and an LSTM has no head.
    odd = [{"label": "1e10", "shapes": ["33x1"]}]
    recipe = {"name": "cpu_small", "architecture": "lstm"}
    (run,) = plan_suite(suite({}, recipe=recipe, budgets=odd, replicates=[]), VOCAB)
    assert (run.shape.width, run.shape.architecture) == (33, "lstm")


def test_arms_change_neither_the_runs_of_the_corpora_nor_what_is_written_without_them():
    alone = suite({})
    with_arms = suite({"fast": {"corpus": "a", "learning_rate_factor": 3}})
    before = [canonical_json(run.spec()) for run in plan_suite(alone, VOCAB)]
    after = [canonical_json(run.spec()) for run in plan_suite(with_arms, VOCAB)]
    assert after[: len(before)] == before
    assert len(set(after)) == len(after) == 2 * len(before)
    assert '"arms"' not in canonical_json(alone)
    assert '"data"' not in "".join(before)


def test_a_factor_of_the_learning_rate_multiplies_every_peak():
    arm, corpus = arm_and_corpus({"learning_rate_factor": 0.5})
    for key, run in arm.items():
        ours, theirs = run.optimiser, corpus[key].optimiser
        for name in ("learning_rate", "embedding_learning_rate", "head_learning_rate"):
            assert getattr(ours, name) == 0.5 * getattr(theirs, name)
        same = {"learning_rate", "embedding_learning_rate", "head_learning_rate"}
        assert ours.model_dump(exclude=same) == theirs.model_dump(exclude=same)
        assert (run.steps, run.batch_size) == (corpus[key].steps, corpus[key].batch_size)


def test_a_larger_batch_keeps_the_tokens_and_takes_the_rates_of_the_recipe():
    arm, corpus = arm_and_corpus({"batch_factor": 4})
    for key, run in arm.items():
        assert run.batch_size == 4 * corpus[key].batch_size
        assert run.tokens == pytest.approx(corpus[key].tokens, rel=0.01)
        # The recipe's rates follow the square root of the batch.
        assert run.optimiser.learning_rate == pytest.approx(2 * corpus[key].optimiser.learning_rate)
    fixed, _ = arm_and_corpus({"batch_size": 3})
    assert {run.batch_size for run in fixed.values()} == {3}


def test_settings_of_the_recipe_can_differ():
    arm, corpus = arm_and_corpus({"recipe": {"optimiser": "cautious_adamc", "beta2": 0.9}})
    for key, run in arm.items():
        assert (run.optimiser.kind, run.optimiser.beta2) == ("cautious_adamc", 0.9)
        assert (corpus[key].optimiser.kind, corpus[key].optimiser.beta2) == ("adam", 0.99)
        assert run.shape == corpus[key].shape


def test_an_arm_with_budgets_of_its_own_has_no_replicates():
    budgets = [{"label": "2e10", "shapes": ["24x1"]}]
    arm, _ = arm_and_corpus({"budgets": budgets, "seeds": [3, 4]})
    assert list(arm) == [("2e10", 24, 3), ("2e10", 24, 4)]


def test_repeated_and_permuted_tokens_are_part_of_the_spec():
    arm, corpus = arm_and_corpus({"unique_tokens": 5000, "permuted_share": 0.25})
    data = TrainingData(unique_tokens=5000, permuted_share=0.25)
    assert {run.spec().data for run in corpus.values()} == {None}
    assert all(run.spec().data == data for run in arm.values())
    (text,) = {canonical_json(run.spec().data) for run in arm.values()}
    assert text == '{"permuted_share":0.25,"unique_tokens":5000}'


def test_the_number_of_runs_is_known_before_they_are_planned():
    settings = suite(
        {
            "one": {"corpus": "a"},
            "two": {"corpus": "a", "budgets": [{"label": "2e10", "shapes": ["24x1"]}]},
        }
    )
    arms = [plan_arm(settings, name, VOCAB) for name in settings.arms]
    grids = plan_grids(settings.recipe, settings.budgets, VOCAB)
    repeated = 2  # the replicate names a seed of the suite, for the corpus and the first arm
    assert runs_of_grids(settings, grids, arms) == len(plan_suite(settings, VOCAB)) + repeated


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        ({"recipe": {"name": "chinchilla"}}, "recipe.name", "keeps the recipe of the suite"),
        ({"recipe": {"context_length": 32}}, "recipe.context_length", "window of the suite"),
        ({"recipe": {"optimiser": "sgd"}}, "recipe.optimiser", "the choices are"),
        ({"recipe": {"betas": 1}}, "recipe.betas", "unknown key; the choices are"),
        ({"recipe": {"beta1": "high"}}, "recipe.beta1", "number"),
        ({"recipe": {"warmup_share": 0.7}}, "recipe.warmup_share", "add up to more than 1"),
        ({"batch_factor": 1.1}, "batch_factor", "is not another whole number of sequences"),
        ({"batch_size": 2**21}, "batch_size", "the limit is"),
        ({"batch_size": 2**19}, "batch_size", "take a smaller batch"),
        (
            {"budgets": [{"label": "1e6", "shapes": ["64x1"]}]},
            "budgets.0.shapes.0",
            "take a smaller shape",
        ),
    ],
)
def test_what_an_arm_cannot_have_is_named_by_its_key(settings, path, message):
    with pytest.raises(PlanError) as caught:
        plan_suite(suite({"arm": {"corpus": "a"} | settings}), VOCAB)
    found = {".".join(map(str, key)): text for key, text in caught.value.problems.items()}
    assert list(found) == [f"suite.arms.arm.{path}"]
    assert message in found[f"suite.arms.arm.{path}"]
