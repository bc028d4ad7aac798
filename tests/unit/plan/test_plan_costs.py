"""`relscale plan` with wall-clock time, money and measured costs."""

from pathlib import Path

import pytest
from native_levels import levels
from typer.testing import CliRunner

from relscale.cli import app
from relscale.cli.plan_costs import write_costs
from relscale.config.load import load_experiment
from relscale.plan.cost import STATED

ROOT = Path(__file__).parents[3]


def plan(*words):
    done = CliRunner().invoke(
        app, ["plan", *map(str, words), "--config", str(ROOT / "config.yaml")]
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_more_gpus_take_less_time_and_cost_the_same():
    paper = ROOT / "experiments/paper.yaml"
    outputs = [plan(paper, "--devices", number, "--price", 2) for number in (8, 64)]
    money = {line for text in outputs for line in text.splitlines() if line.startswith("money:")}
    assert len(money) == 1 and "GPU-hours at 2 each" in money.pop()
    assert "on 8 GPUs" in outputs[0] and "on 64 GPUs" in outputs[1]
    assert "money:" not in plan(paper)


@pytest.mark.skipif(not levels(), reason="this machine has no native step")
def test_measured_costs_are_an_overlay_that_changes_only_the_costs(tmp_path):
    tiny, written = ROOT / "experiments/tiny.yaml", tmp_path / "costs.yaml"
    assert "measured on this machine" in plan(tiny, "--costs", written)
    before = load_experiment(ROOT / "config.yaml", tiny)
    after = load_experiment(ROOT / "config.yaml", tiny, written)
    assert after.costs != before.costs
    assert after.costs.device == "cpu" and after.costs.utilisation == before.costs.utilisation
    assert after.suite == before.suite
    assert written.read_text().startswith("# measured on this machine (")


def test_costs_that_could_not_be_measured_are_not_written(tmp_path):
    costs = load_experiment(ROOT / "config.yaml").costs
    source = f"{STATED}; not measured on this machine, since it has no GPU"
    with pytest.raises(ValueError, match=r"costs\.yaml: not measured on this machine, since"):
        write_costs(tmp_path / "costs.yaml", costs, source)
    assert not (tmp_path / "costs.yaml").exists()
