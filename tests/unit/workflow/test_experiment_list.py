"""`relscale experiments` lists every experiment with the cost of its plan."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import load_experiment
from relscale.plan.cost import bill
from relscale.plan.suite import plan_suite
from relscale.workflow.experiment_list import first_sentence, list_experiments, listing_text

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def listed():
    return {each.name: each for each in list_experiments(ROOT)}


def test_every_configuration_is_listed_by_the_name_that_make_takes(listed):
    names = {
        path.relative_to(ROOT / "experiments").with_suffix("").as_posix()
        for path in (ROOT / "experiments").rglob("*.yaml")
    }
    assert set(listed) == names | {"default"} and "published/olmo_ladder" in names
    for each in listed.values():
        assert each.sentence.endswith((".", ":")) and len(each.sentence) > 20
        assert not each.cost.startswith("cannot be used")


@pytest.mark.parametrize("name", ["default", "paper", "tiny"])
def test_the_cost_is_that_of_the_plan(name, listed):
    overlays = [] if name == "default" else [ROOT / f"experiments/{name}.yaml"]
    experiment = load_experiment(ROOT / "config.yaml", *overlays)
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    (total,) = re.findall(r"^all {10,}(.*)$", bill(runs, experiment.costs), re.MULTILINE)[-1:]
    number, _, flops, time = total.split()
    words = listed[name].cost
    assert words.startswith(f"{int(number):,} runs, {float(flops):.2g} FLOPs")
    shown = float(re.search(r"([\d,.]+) (?:CPU-minutes|GPU-hours)", words)[1].replace(",", ""))
    assert shown == pytest.approx(float(time.replace(",", "")), abs=0.51)  # GPU-hours are whole


def test_experiments_that_train_nothing_say_so(listed):
    assert listed["released"].cost.startswith("trains nothing: scores 255 released models on 4")
    assert listed["published/llm_line"].cost.startswith("trains nothing: laws of the table ")


def test_an_overlay_with_a_mistake_is_listed_with_the_mistake(tmp_path):
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/bad.yaml").write_text("# Mine. More.\nexperiment: bad\nlaws: {x: 1}\n")
    (tmp_path / "experiments/plain.yaml").write_text("experiment: plain\n")
    default, bad, plain = list_experiments(tmp_path)
    assert (bad.name, bad.sentence) == ("bad", "Mine.")
    assert bad.cost.startswith("cannot be used: ") and "laws.x = 1: unknown key" in bad.cost
    assert plain.sentence == "" and plain.cost == default.cost
    text = listing_text([bad, plain])
    assert text.count("    Mine.") == 1 and "\n    \n" not in text


def test_the_line_for_editors_is_not_the_sentence(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "# yaml-language-server: $schema=x.json\n# One\n# sentence. Two.\na: 1\n# Late."
    )
    assert first_sentence(path) == "One sentence."


def test_outside_a_checkout_the_command_says_where_to_go(tmp_path):
    done = CliRunner().invoke(app, ["experiments", "--folder", str(tmp_path)])
    assert "has no config.yaml; change to a checkout" in str(done.exception)


def test_the_help_of_make_lists_the_command():
    done = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert re.search(r"make experiments +list the experiments", done.stdout)
