"""The experiments for a night on two cores and for a day on one GPU: what their files promise."""

from pathlib import Path

import pytest

from relscale.config.load import load_experiment, read_yaml
from relscale.plan.bill import bill_of
from relscale.plan.suite import plan_suite
from relscale.resources.training import suite_resources

ROOT = Path(__file__).parents[3]
TOKENS_OF_CORPUS = {"reviews": 19_599_472, "reference": 19_117_175}
"""Training tokens of the night's corpora, as its trial on 29 November 2026 counted them."""


def planned(name, *overlays):
    experiment = load_experiment(ROOT / "config.yaml", ROOT / f"experiments/{name}.yaml", *overlays)
    return experiment, plan_suite(experiment.suite, experiment.tokenizer.vocab_size)


def hours(experiment, runs, devices):
    return bill_of(runs, experiment.costs).wall_seconds(devices) / 3600


def budgets(runs):
    return sorted({float(run.budget) for run in runs})


def test_the_night_fits_two_cores_and_reads_no_text_twice():
    experiment, runs = planned("overnight")
    assert (experiment.tokenizer.vocab_size, experiment.suite.recipe.context_length) == (4096, 256)
    assert (budgets(runs)[0], budgets(runs)[-1]) == (1e12, 1e14)
    assert hours(experiment, runs, devices=2) < 8
    assert experiment.suite.max_epochs == 1
    for run in runs:
        assert run.tokens < TOKENS_OF_CORPUS[run.corpus], run.run


def test_the_day_fits_one_gpu_of_24_gb():
    experiment, runs = planned("gpu_day")
    assert experiment.training.gpu_memory_gb == 24
    assert (budgets(runs)[0], budgets(runs)[-1]) == (1e15, 1e17)
    assert {run.shape.context_length for run in runs} == {2048}
    sizes = [run.columns().num_params_total for run in runs]
    assert min(sizes) < 5e6 and 140e6 < max(sizes) < 150e6
    assert hours(experiment, runs, devices=1) < 20
    needed = suite_resources(runs, experiment.training, experiment.costs)
    assert {each.gpu for each in needed.values()} == {1}
    questions = experiment.families["knowledge"]
    assert (questions.prompt, questions.shots) == ("modified", 5)


def test_the_shards_of_the_day_hold_the_longest_run():
    experiment, runs = planned("gpu_day")
    for name in experiment.suite.corpora:
        corpus = experiment.corpora.sharded[name]
        longest = max(run.tokens for run in runs if run.corpus == name)
        total = sum(component.weight for component in corpus.components.values())
        assert corpus.max_epochs == 1
        for component in corpus.components.values():
            kept = component.max_tokens * (1 - corpus.validation_share)
            assert kept > 1.05 * longest * component.weight / total


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_experiment_that_trains_is_planned(path):
    if "released" in read_yaml(path):
        assert load_experiment(ROOT / "config.yaml", path).released is not None
        return
    experiment, runs = planned(path.stem)
    assert runs and hours(experiment, runs, devices=1) > 0
