"""The workflow itself: lint, format, a dry run of every experiment, and the pins."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from checkouts import copy_checkout

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def run(*command):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "experiment", sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))
)
def test_every_experiment_plans(experiment):
    done = run(
        BIN / "snakemake",
        "--cores",
        "1",
        "--dry-run",
        "--configfile",
        f"experiments/{experiment}.yaml",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    of_released = experiment in ("released", "checkpoints")
    rule = "rule evaluate_released:" if of_released else "rule train:"
    # A checkout may have finished results.
    finished = "Nothing to be done" in done.stdout and (ROOT / f"results/{experiment}").is_dir()
    assert finished or rule in done.stdout + done.stderr


def test_the_paper_has_255_training_jobs():
    done = run(
        BIN / "snakemake", "--cores", "1", "--dry-run", "--configfile", "experiments/paper.yaml"
    )
    counts = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
    assert (
        sum(
            int(count)
            for rule, count in counts.items()
            if re.fullmatch(r"train(_\d+gpu)?(_long)?", rule)
        )
        == 255
    )


def test_a_checkout_in_a_folder_with_spaces(tmp_path):
    folder = tmp_path / "a folder; with spaces"
    folder.mkdir()
    checkout = copy_checkout(folder, "")
    done = checkout.snakemake("--", "results/tiny/tables/suite.csv")
    assert (checkout.results / "tables/suite.csv").is_file()
    assert (
        "identifier" not in done.stdout + done.stderr
        and "not found" not in done.stdout + done.stderr
    )


def test_lint():
    done = run(BIN / "snakemake", "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_format():
    done = run(BIN / "snakefmt", "--check", "--line-length", "100", "workflow")
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_keep_to_the_house_style():
    text = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    for directive in ("retries:", "script:", "run:", "cache:", "shadow:"):
        assert f"\n    {directive}" not in text
    assert text.count("    shell:") == text.count("exec &> >(tee {log:q})")


def test_only_one_rule_file_holds_functions_and_none_of_them_makes_a_spec():
    rules = sorted((ROOT / "workflow/rules").glob("*.smk"))
    functions = {
        path.name: re.findall(r"^def (\w+)", path.read_text(), re.MULTILINE) for path in rules
    }
    assert [name for name, found in functions.items() if found] == ["common.smk"]
    assert not [name for name in functions["common.smk"] if "spec" in name or "key" in name]


def test_the_pins_agree():
    lock = re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / "envs/requirements.lock").read_text(), re.M)
    assert not {"torch", "pip"} & {line.split("==")[0] for line in lock}
    torch = next(
        line.split("?= ")[1]
        for line in (ROOT / "Makefile").read_text().splitlines()
        if line.startswith("TORCH ?=")
    )
    conda = yaml.safe_load((ROOT / "envs/environment.yaml").read_text())
    (pip,) = [item["pip"] for item in conda["dependencies"] if isinstance(item, dict)]
    assert pip == [torch, *lock]
