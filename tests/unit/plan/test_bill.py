"""Wall-clock and money of a suite, on schedules that are counted by hand."""

import pytest

from relscale.config.load import load_experiment
from relscale.plan.bill import Bill, bill_of, cost_text, duration
from relscale.plan.cost import run_seconds
from relscale.plan.suite import plan_suite


def bill(seconds, devices=None):
    return Bill(
        corpora=1,
        tokens=1,
        training_flops=1.0,
        device="gpu",
        device_seconds=tuple(map(float, seconds)),
        devices_of_run=tuple(devices or [1] * len(seconds)),
    )


@pytest.mark.parametrize(
    ("seconds", "devices", "wall"),
    [
        ([5, 4, 3], 1, 12),
        ([5, 4, 3], 2, 7),  # 5 next to 4, then 3 after the 4
        ([5, 4, 3], 3, 5),
        ([10, 1, 1, 1], 2, 10),  # the longest run decides
        ([10, 1, 1, 1], 100, 10),
    ],
)
def test_runs_are_spread_with_the_longest_first(seconds, devices, wall):
    assert bill(seconds).wall_seconds(devices) == wall


def test_a_run_on_two_devices_occupies_both_and_takes_half_as_long():
    """8 device-seconds on two devices take 4 s; then the two runs of 3 s side by side."""
    assert bill([8, 3, 3], [2, 1, 1]).wall_seconds(2) == 7
    assert bill([8, 3, 3], [2, 1, 1]).wall_seconds(1) == 14
    assert bill([8, 3, 3], [2, 1, 1]).wall_seconds(3) == 6


def test_money_is_device_hours_times_the_price():
    assert bill([1800, 5400]).price(3.0) == pytest.approx(6.0)


def test_the_bill_of_the_tiny_suite_adds_up(monkeypatch, pytestconfig):
    monkeypatch.chdir(pytestconfig.rootpath)
    experiment = load_experiment("config.yaml", "experiments/tiny.yaml")
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    found = bill_of(runs, experiment.costs)
    assert (found.runs, found.corpora, found.device) == (18, 2, "cpu")
    assert found.total_seconds == pytest.approx(
        sum(run_seconds(run, experiment.costs) for run in runs)
    )
    assert found.wall_seconds(1) == pytest.approx(found.total_seconds)
    # both corpora have the same runs
    assert found.wall_seconds(2) == pytest.approx(found.total_seconds / 2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3540, "59 min"),
        (3600, "1 h"),
        (7800, "2 h 10 min"),
        (200_000, "2 d 8 h"),
        (172_800, "2 d"),
    ],
)
def test_durations_have_at_most_two_units(seconds, text):
    assert duration(seconds) == text


def test_the_text_has_wall_clock_and_money():
    found = bill([7200, 3600])
    assert cost_text(found, 1).startswith("wall-clock: 3 h on 1 GPU if the longest")
    assert cost_text(found, 2, 2.5).splitlines() == [
        "wall-clock: 2 h on 2 GPUs if the longest runs start first; training only",
        "money: 7.50 for 3.0 GPU-hours at 2.5 each",
    ]
