import csv
import io
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from relscale.config.costs import Costs
from relscale.config.suite import Suite
from relscale.config.training import JobLimits
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.plan.accounting import count_parameters
from relscale.plan.architectures import ARCHITECTURES
from relscale.plan.cost import bill, run_seconds
from relscale.plan.optimiser import SETTINGS
from relscale.plan.recipes import Recipe
from relscale.plan.run_spec import RunSpec
from relscale.plan.suite import PlanError, plan_suite, suite_csv
from relscale.provenance.digests import canonical_json
from relscale.resources.training import attempts, training_resources
from relscale.training.native_build import covers
from relscale.workflow.experiment import PlannedExperiment

GOLDEN = Path(__file__).parents[2] / "golden"
PAPER_BUDGETS = ["1e18", "3e18", "6e18", "1e19", "3e19", "6e19", "1e20"]


def paper(budgets=PAPER_BUDGETS, corpora=("commonpile", "dclm", "nemotron")):
    budgets = [{"label": label} for label in budgets]
    return Suite.model_validate(
        {"corpora": list(corpora), "recipe": {"name": "marin2025"}, "budgets": budgets}
    )


def small(budgets, seeds=(0,), replicates=()):
    raw = {
        "corpora": ["a"],
        "recipe": {"name": "cpu_small"},
        "budgets": budgets,
        "seeds": list(seeds),
        "replicates": list(replicates),
    }
    return Suite.model_validate(raw)


def test_the_paper_suite_has_255_runs():
    runs = plan_suite(paper(), 128_256)
    assert len(runs) == 255
    by_budget = [
        sum(run.budget == label and run.corpus == "dclm" for run in runs) for label in PAPER_BUDGETS
    ]
    assert by_budget == [5, 10, 15, 10, 15, 15, 15]
    one = [run for run in runs if run.corpus == "dclm"]
    assert sum(run.tokens for run in one) == pytest.approx(2.23e12, rel=2e-3)
    assert sum(run.training_flops for run in one) == pytest.approx(9.2e21, rel=5e-3)
    assert len({run.run for run in runs}) == 255


def test_known_runs_of_the_paper():
    runs = {
        (run.budget, run.shape.width): run for run in plan_suite(paper(corpora=["dclm"]), 128_256)
    }
    first = runs["1e18", 512]
    assert (first.shape.layers, first.batch_size, first.steps) == (6, 32, 32_844)
    assert first.tokens == 32 * 32_844 * 4096  # "4.30 B" in three figures
    assert first.optimiser.learning_rate == pytest.approx(3.646e-3, rel=1e-3)
    assert first.optimiser.beta2 == pytest.approx(0.9950, abs=5e-5)
    last, capped = runs["1e20", 4096], runs["1e20", 512]
    assert (last.shape.layers, last.batch_size, last.steps) == (40, 16, 60_489)
    assert (capped.batch_size, capped.steps) == (128, 821_098)
    assert max(run.shape.width for run in runs.values() if run.budget == "3e19") == 4096


def test_the_suite_of_the_paper_is_the_committed_table():
    table = suite_csv(plan_suite(paper(), 128_256))
    assert table == (GOLDEN / "suite_paper.csv").read_text()


def test_budgets_are_met_and_labels_mean_what_the_recipe_says():
    for row in csv.DictReader(io.StringIO(suite_csv(plan_suite(paper(), 128_256)))):
        assert float(row["forward_flops"]) == pytest.approx(float(row["budget"]), rel=0.01)
        assert int(row["training_flops"]) == 3 * int(row["forward_flops"])
    for run in plan_suite(small([{"label": "1e11", "shapes": ["16x1", "24x1", "64x3"]}]), 512):
        assert run.training_flops == pytest.approx(1e11, rel=0.01)


def test_small_recipe_by_hand():
    (run,) = plan_suite(small([{"label": "1e11", "shapes": ["32x1"]}]), 512)
    matrices, head, attention = 4 * 32 * 32 + 3 * 32 * 80, 512 * 32, 2 * 128 * 32
    per_token = 3 * (2 * (matrices + head) + attention)
    assert (run.batch_size, run.steps) == (2, round(1e11 / per_token / 256))
    assert run.optimiser.learning_rate == pytest.approx(0.15 / 32**0.5 * (256 / 2048) ** 0.5)
    assert run.optimiser.embedding_learning_rate == pytest.approx(0.5 * (256 / 2048) ** 0.5)


@pytest.mark.parametrize(
    ("width", "heads", "head_dim"),
    [(16, 1, 16), (24, 1, 24), (40, 2, 20), (48, 3, 16), (112, 7, 16)],
)
def test_odd_widths_get_even_heads(width, heads, head_dim):
    (run,) = plan_suite(small([{"label": "1e12", "shapes": [f"{width}x1"]}]), 512)
    assert (run.shape.heads, run.shape.head_dim) == (heads, head_dim)


def test_seeds_and_replicates_multiply_cells():
    budgets = [{"label": "1e11", "shapes": ["16x1", "24x1"]}]
    runs = plan_suite(
        small(
            budgets, seeds=[0, 1], replicates=[{"budget": "1e11", "shape": "24x1", "seeds": [2]}]
        ),
        512,
    )
    assert [(run.shape.width, run.seed) for run in runs] == [
        (16, 0),
        (16, 1),
        (24, 0),
        (24, 1),
        (24, 2),
    ]


def test_a_budget_may_have_its_own_seeds():
    budgets = [
        {"label": "1e11", "shapes": ["16x1"]},
        {"label": "3e11", "shapes": ["24x1"], "seeds": [7]},
    ]
    runs = plan_suite(
        small(
            budgets, seeds=[0, 1], replicates=[{"budget": "3e11", "shape": "24x1", "seeds": [0, 7]}]
        ),
        512,
    )
    assert [(run.budget, run.seed) for run in runs] == [
        ("1e11", 0),
        ("1e11", 1),
        ("3e11", 7),
        ("3e11", 0),
    ]


def test_a_shape_too_large_for_its_budget_is_an_error():
    with pytest.raises(
        ValueError,
        match=r"suite.budgets.0.shapes.0: \d+ steps of 1 x 128 tokens .* more than 1% off",
    ):
        plan_suite(small([{"label": "1e9", "shapes": ["112x3"]}]), 512)


def test_a_budget_that_no_run_meets_is_an_error():
    with pytest.raises(
        ValueError, match=r"suite.budgets.0.label: no run of recipe marin2025 meets this budget"
    ):
        plan_suite(paper(["1e14"]), 128_256)


def test_the_bill_adds_up():
    costs = Costs(device="gpu", peak_flops_per_s=9.89e14, utilisation=0.4, start_s=0)
    runs = plan_suite(paper(), 128_256)
    hours = sum(run_seconds(run, costs) for run in runs) / 3600
    assert hours == pytest.approx(sum(run.training_flops for run in runs) / (9.89e14 * 0.4) / 3600)
    assert 19_000 < hours < 20_000
    text = bill(runs, costs)
    assert f"{hours:,.1f}" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("all ")]
    assert [row[1] for row in rows[:-1]] == [budget.label for budget in paper().budgets] * (
        len(paper().corpora) > 1
    )


def test_the_bill_names_a_subset_the_disk_and_the_longest_chain():
    costs = Costs(
        device="gpu", peak_flops_per_s=9.89e14, utilisation=0.4, start_s=0, tokens_per_core_s=1e6
    )
    runs = plan_suite(paper(), 128_256)
    lines = bill(runs, costs).splitlines()
    first = runs[0].corpus
    small = [run for run in runs if run.corpus == first and float(run.budget) <= 1e19]
    hours = sum(run.training_flops for run in small) / (9.89e14 * 0.4) / 3600
    expected = (
        f"a subset, {first} with budgets up to 1e19: {len(small)} runs, {hours:,.1f} GPU-hours; "
    )
    assert any(line.startswith(expected) for line in lines)
    parameters = sum(count_parameters(run.shape).total for run in runs)
    assert f"models {4 * parameters / 1e12:.3g} TB" in next(
        line for line in lines if line.startswith("disk: ")
    )
    longest = max(run.training_flops for run in runs)
    chain = next(line for line in lines if line.startswith("longest chain: "))
    assert f"{longest / (9.89e14 * 0.4) / 3600:,.2f} h on one GPU" in chain
    assert "a subset" not in bill([run for run in runs if float(run.budget) <= 1e19], costs)


def chinchilla(shapes, budget, **recipe):
    raw = {
        "corpora": ["a"],
        "recipe": {"name": "chinchilla", **recipe},
        "budgets": [{"label": budget, "shapes": shapes}],
    }
    return plan_suite(Suite.model_validate(raw), 512 if budget < "2" else 32_000)


def test_chinchilla_by_hand():
    (run,) = chinchilla(["64x3"], "1e12")
    width, context = 64, 256
    per_token = (
        3 * (2 * (4 * width**2 + 3 * width * 176) + 4 * context * width + 3 * context * 2) * 3
        + 3 * 2 * width * 512
    )
    tokens = 1e12 / per_token
    assert (run.shape.heads, run.shape.head_dim, run.shape.intermediate) == (2, 32, 176)
    assert run.batch_size == round(0.4 * tokens**0.5 / context)
    assert run.training_flops == run.tokens * per_token == pytest.approx(1e12, rel=0.01)
    assert (run.columns().attention_flops, run.columns().budget_counts) == (
        "full",
        "training_flops",
    )
    assert {
        getattr(run.optimiser, key)
        for key in ("learning_rate", "embedding_learning_rate", "head_learning_rate")
    } == {0.5 / 64}
    assert (
        run.optimiser.schedule,
        run.optimiser.final_share,
        run.optimiser.weight_decay,
    ) == ("cosine", 0.1, 0.1)
    assert (run.implementation, run.device) == ("auto", "cpu")


def test_chinchilla_on_gpus_has_batches_that_gpus_can_share():
    runs = chinchilla(["512x8", "1024x12"], "3e19", context_length=2048, head_dim=64, device="gpu")
    assert [(run.implementation, run.device, run.shape.head_dim) for run in runs] == [
        ("torch", "gpu", 64)
    ] * 2
    assert all(run.batch_size > 8 and run.batch_size % 8 == 0 for run in runs)
    assert runs[1].optimiser.learning_rate == 0.5 / 1024


def test_suite_columns_hold_the_corpus_once():
    assert SUITE_COLUMNS[0] == "corpus" and "suite" not in SUITE_COLUMNS


def test_the_spec_of_a_run_survives_json():
    for run in [*plan_suite(paper(["1e18"], ["dclm"]), 128_256), *chinchilla(["64x3"], "1e12")]:
        spec = run.spec()
        text = canonical_json(spec.model_dump(mode="json"))
        assert RunSpec.model_validate_json(text) == spec
        assert canonical_json(RunSpec.model_validate_json(text).model_dump(mode="json")) == text
        with pytest.raises(ValueError, match="extra"):
            RunSpec.model_validate({**spec.model_dump(mode="json"), "extra": 1})


def test_specs_hold_only_what_their_schedule_needs():
    (cosine,) = chinchilla(["64x3"], "1e12")
    (wsd,) = plan_suite(small([{"label": "1e11", "shapes": ["32x1"]}]), 512)
    assert "decay_share" not in cosine.optimiser.model_dump()
    assert "final_share" not in wsd.optimiser.model_dump()


@pytest.mark.parametrize("kind", list(SETTINGS))
@pytest.mark.parametrize("name", ["cpu_small", "chinchilla", "marin2025"])
def test_every_recipe_plans_every_optimiser(name, kind):
    budget = {"label": "1e18"} if name == "marin2025" else {"label": "1e12", "shapes": ["64x3"]}
    raw = {"corpora": ["a"], "recipe": {"name": name, "optimiser": kind}, "budgets": [budget]}
    runs = plan_suite(Suite.model_validate(raw), 128_256 if name == "marin2025" else 512)
    assert runs and {run.spec().optimiser.kind for run in runs} == {kind}


def test_the_old_key_for_the_implementation_is_refused_with_the_new_one():
    with pytest.raises(ValueError, match="`step` is now called `implementation`"):
        Suite.model_validate(
            {
                "corpora": ["a"],
                "recipe": {"name": "cpu_small", "step": "torch"},
                "budgets": [{"label": "1e11", "shapes": ["16x1"]}],
            }
        )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("kind", SETTINGS)
def test_the_native_implementation_is_refused_where_it_cannot_train(architecture, kind):
    choice = {"name": "cpu_small", "architecture": architecture, "optimiser": kind}
    native = TypeAdapter(Recipe).validate_python({**choice, "implementation": "native"})
    (size,) = native.grid("1e11", ["32x2"], 512).sizes
    trained = bool(covers(size.shape, native.choices, size.optimiser))
    assert (not native.settings_problems()) == trained
    assert not TypeAdapter(Recipe).validate_python(choice).settings_problems()


def test_a_plan_with_many_runs_is_linear_and_complete():
    """20,000 runs, the most of an experiment: a quadratic step would take minutes."""
    seeds = list(range(10_000))
    more = [{"budget": "1e11", "shape": "24x1", "seeds": [10_000, 3]}]
    runs = plan_suite(small([{"label": "1e11", "shapes": ["16x1", "24x1"]}], seeds, more), 512)
    assert [run.seed for run in runs] == [*seeds, *seeds, 10_000]
    experiment = PlannedExperiment(settings=None, runs=tuple(runs))
    assert len(experiment.runs_of("a", "1e11")) == 20_001
    assert experiment.runs_of("a", "9e9") == []


def test_a_batch_above_the_limit_is_an_error_of_the_plan():
    suite = Suite.model_validate(
        {
            "corpora": ["a"],
            "recipe": {"name": "cpu_small", "batch_reference_tokens": 1, "context_length": 1},
            "budgets": [{"label": "1e30", "shapes": ["2x1"]}],
        }
    )
    with pytest.raises(PlanError, match="sequences, and the limit is 1,048,576"):
        plan_suite(suite, 260)


def test_times_of_jobs_are_at_least_a_minute_and_never_infinite():
    run = plan_suite(small([{"label": "1e11", "shapes": ["16x1"]}]), 512)[0]
    slow = Costs(device="cpu", peak_flops_per_s=1, utilisation=1e-6)
    limits = JobLimits(hours_per_run=1e-9)
    asked = training_resources(run, limits, slow)
    assert asked.runtime == 1
    assert attempts(run, asked, slow) == 10**9
    assert training_resources(run, JobLimits(hours_per_run=1e300), slow).runtime == 10**9 + 30
