"""Another workflow imports this one as a module, with its own configuration and its own rules."""

import os
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from checkouts import ROOT, copy_checkout

pytestmark = pytest.mark.workflow
SNAKEFILE = """
configfile: "config/config.yaml"

shell.prefix("export OTHER='{{{{}}}}'; ")

rule all:
    default_target: True
    input:
        "runs.txt",

module relscale:
    snakefile: {snakefile!r}
    config: config["relscale"]

use rule * from relscale as relscale_*

rule runs:
    input:
        rules.relscale_suite.output[0],
    output:
        "runs.txt",
    shell:
        "wc -l < {{input}} > {{output}}; echo $OTHER >> {{output}}; echo $PYTHONPATH >> {{output}}"
"""


class Project:
    """A project that imports the workflow of a checkout."""

    def __init__(self, folder, checkout):
        self.folder, self.checkout = folder, checkout
        (folder / "config").mkdir(parents=True)
        (folder / "profiles/default").mkdir(parents=True)
        (folder / "profiles/default/config.yaml").write_text("benchmark-extended: true\n")
        (folder / "Snakefile").write_text(
            SNAKEFILE.format(snakefile=str(checkout / "workflow/Snakefile"))
        )
        self.configure()

    def configure(self, **changes):
        tiny = yaml.safe_load((ROOT / "experiments/tiny.yaml").read_text())
        content = {"title": "ours", "relscale": {**tiny, "experiment": "mine", **changes}}
        (self.folder / "config/config.yaml").write_text(yaml.safe_dump(content))

    def call(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": "/of/the/project"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout, elsewhere than the project."""
    return copy_checkout(tmp_path_factory.mktemp("elsewhere"), "").folder


@pytest.fixture
def project(tmp_path, checkout):
    return Project(tmp_path / "project", checkout)


def test_a_job_of_the_module_runs_and_the_project_keeps_target_prefix_and_module_path(project):
    code, said = project.call()
    assert code == 0, said
    suite = pd.read_csv(project.folder / "results/mine/tables/suite.csv")
    assert len(suite) == 18 and set(suite["corpus"]) == {"curated", "web"}
    count, other, path = (project.folder / "runs.txt").read_text().splitlines()
    assert int(count) == 19 and other == "{}"
    assert path == f"{project.checkout}/src:/of/the/project"
    assert not (project.folder / "results/shared").exists()
    assert project.call("--dry-run")[1].count("Nothing to be done") == 1


def test_all_rules_of_the_module_plan_with_their_own_files(project):
    code, said = project.call("--dry-run", "relscale_all")
    assert code == 0, said
    assert "rule relscale_figure5_language:" in said and "rule relscale_train:" in said
    assert f"{project.checkout}/CITATION.cff" in said
    assert f"{project.checkout}/workflow/reference/internet_users_outlets.csv" in said


def test_a_mistake_in_the_configuration_of_the_module_is_named(project):
    project.configure(lawz={"draws": 3}, laws={"draws": 1})
    code, said = project.call("--dry-run")
    assert code != 0
    assert "config of the module: lawz" in said and "config of the module: laws.draws = 1" in said
    assert "Traceback" not in said


def test_a_prefix_and_calls_without_extended_records_are_refused(project):
    (project.folder / "profiles/default/config.yaml").write_text("keep-going: true\n")
    assert "needs the option --benchmark-extended" in project.call("--dry-run")[1]
    text = (project.folder / "Snakefile").read_text()
    (project.folder / "Snakefile").write_text(
        text.replace('    config: config["relscale"]\n', '    config: config["relscale"]\n'
                     '    prefix: "below"\n')
    )  # fmt: skip
    assert (
        "`prefix` and `replace_prefix` are not possible"
        in project.call("--dry-run", "--benchmark-extended")[1]
    )
