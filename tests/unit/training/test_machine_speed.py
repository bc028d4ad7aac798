"""The speed of this machine, measured with a planted clock."""

from pathlib import Path

import pytest
from native_levels import levels

from relscale.config.load import load_experiment
from relscale.plan.cost import bill, run_seconds
from relscale.plan.planned_run import Run
from relscale.plan.suite import plan_suite
from relscale.training.machine_speed import (
    SHAPES,
    TORCH_SECONDS,
    TORCH_STEPS,
    calibrate,
    calibrate_torch,
    fit_speed,
    measured_costs,
    representative,
)

ROOT = Path(__file__).parents[3]
OVERHEAD_S, FLOPS_PER_S, START_S = 2e-4, 3e10, 0.25


class PlantedMachine:
    """A clock that advances by the time of a step on a machine of known speed."""

    def __init__(self, slow_step: int | None = None):
        self.now, self.steps, self.slow_step = 0.0, 0, slow_step

    def clock(self) -> float:
        return self.now

    def step_of(self, run: Run):
        def step():
            self.steps += 1
            self.now += OVERHEAD_S + run.training_flops / run.steps / FLOPS_PER_S
            self.now += 0.5 if self.steps == self.slow_step else 0.0

        return step


@pytest.fixture(scope="module", name="experiment")
def experiment_fixture():
    return load_experiment(ROOT / "config.yaml")


@pytest.fixture(scope="module", name="runs")
def runs_fixture(experiment):
    return plan_suite(experiment.suite, experiment.tokenizer.vocab_size)


def calibrated(runs, machine, seconds=10.0):
    return calibrate(
        runs,
        seconds,
        clock=machine.clock,
        step_of=machine.step_of,
        start_of=lambda: START_S,
    )


@pytest.mark.parametrize("slow_step", [None, 3, 1000])
def test_the_planted_speed_is_found_and_the_bill_rests_on_it(experiment, runs, slow_step):
    machine = PlantedMachine(slow_step)
    found = calibrated(runs, machine)
    assert found.flops_per_s == pytest.approx(FLOPS_PER_S, rel=1e-6)
    assert found.step_overhead_s == pytest.approx(OVERHEAD_S, rel=1e-5)
    costs = found.applied(experiment.costs)
    planted = [START_S + run.steps * OVERHEAD_S + run.training_flops / FLOPS_PER_S for run in runs]
    assert [run_seconds(run, costs) for run in runs] == pytest.approx(planted, rel=1e-6)
    text = bill(runs, costs, found.text())
    assert f"{sum(planted) / 60:,.1f}" in text.splitlines()[-4].split()
    assert "measured on this machine (" in text.splitlines()[-1]
    assert "assumed" not in text


def test_the_measurement_takes_ten_seconds(runs):
    machine = PlantedMachine()
    calibrated(runs, machine)
    assert machine.now == pytest.approx(10, rel=0.1)


def test_the_shapes_measured_are_those_in_which_the_compute_is(runs):
    chosen = representative(runs)
    assert len(chosen) == SHAPES
    sizes = [run.training_flops / run.steps for run in chosen]
    total = sum(run.training_flops for run in runs)
    below = [
        sum(run.training_flops for run in runs if run.training_flops / run.steps < size) / total
        for size in sizes
    ]
    assert sizes == sorted(sizes)
    assert all(share <= place for share, place in zip(below, (1 / 6, 1 / 2, 5 / 6), strict=True))


def test_a_suite_of_one_shape_has_a_rate_and_no_overhead(runs):
    one = [run for run in runs if run.run == runs[0].run]
    found = calibrated(one, PlantedMachine())
    per_step = one[0].training_flops / one[0].steps
    assert found.step_overhead_s == 0
    assert per_step / found.flops_per_s == pytest.approx(OVERHEAD_S + per_step / FLOPS_PER_S)


def test_larger_steps_that_are_slower_than_in_proportion_have_no_negative_overhead():
    overhead, rate = fit_speed([(1e8, 1e-3), (2e8, 4e-3)])
    assert overhead == 0
    assert 5e10 < rate < 1e11


def test_what_the_native_step_does_not_train_keeps_the_stated_speed():
    paper = load_experiment(ROOT / "config.yaml", ROOT / "experiments/paper.yaml")
    runs = plan_suite(paper.suite, paper.tokenizer.vocab_size)
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU, whose speed can be measured")
    costs, source = measured_costs(runs[:1], paper.costs)
    assert costs == paper.costs
    assert source.endswith("is trained on a GPU and torch finds none")


def test_the_largest_three_shapes_are_measured_in_torch_for_fifty_steps(experiment, runs):
    machine = PlantedMachine()
    taken = {}

    def trainer_of(run):
        step = machine.step_of(run)

        def take():
            taken[run.run] = taken.get(run.run, 0) + 1
            step()

        return take, lambda: None

    found = calibrate_torch(
        runs, clock=machine.clock, trainer_of=trainer_of, start_of=lambda: START_S
    )
    assert found.flops_per_s == pytest.approx(FLOPS_PER_S, rel=1e-6)
    assert found.step_overhead_s == pytest.approx(OVERHEAD_S, rel=1e-5)
    assert list(taken.values()) == [1 + TORCH_STEPS] * SHAPES
    sizes = sorted({run.training_flops / run.steps for run in runs})
    assert [run.training_flops / run.steps for run, _ in found.timings] == sizes[-SHAPES:]
    assert "step in torch" in found.text()


def test_slow_steps_in_torch_are_fewer():
    experiment = load_experiment(ROOT / "config.yaml", ROOT / "experiments/tiny.yaml")
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)[:1]
    machine = PlantedMachine()
    steps = []

    def trainer_of(run):
        def take():
            steps.append(run)
            machine.now += TORCH_SECONDS / 4

        return take, lambda: None

    calibrate_torch(runs, clock=machine.clock, trainer_of=trainer_of, start_of=lambda: START_S)
    assert len(steps) == 1 + 4


def test_the_step_in_torch_of_this_machine_has_a_speed():
    experiment = load_experiment(ROOT / "config.yaml", ROOT / "experiments/tiny.yaml")
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)[:3]
    found = calibrate_torch(runs, start_of=lambda: START_S)
    assert 1e5 < found.flops_per_s < 1e14
    assert len(found.timings) == 3 and all(seconds > 0 for _, seconds in found.timings)


@pytest.mark.skipif(not levels(), reason="this machine has no native step")
def test_the_native_step_of_this_machine_has_a_speed(runs):
    small = [run for run in runs if run.budget == "1e11"]
    found = calibrate(small, seconds=0.1)
    assert 1e7 < found.flops_per_s < 1e14
    assert found.start_s > 0
    assert found.machine.endswith(levels()[0])
