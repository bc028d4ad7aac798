"""A wheel holds everything: the commands and the workflow run from it, outside a checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from checkouts import ROOT, copy_checkout
from two_domains import two_domains

import relscale

pytestmark = pytest.mark.workflow
BUILT_FROM = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md")


def run(*words, cwd, **variables):
    """Run a command without this checkout on the module path."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**outside, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the checkout without a download."""
    folder = tmp_path_factory.mktemp("built")
    copy_checkout(folder, "")
    for name in BUILT_FROM:
        shutil.copy2(ROOT / name, folder / name)
    words = ["-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index"]
    run(sys.executable, *words, "--wheel-dir", folder / "wheels", cwd=folder)
    (found,) = (folder / "wheels").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of programs of a new environment with the wheel.

    It sees the libraries of this environment, but not the checkout that is installed there.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True, with_pip=False)
    programs = folder / "bin"
    where = run(
        programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))",
        cwd=folder,
    )  # fmt: skip
    Path(where.strip(), "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    words = ["-m", "pip", "--python", programs / "python", "install", "--no-deps", "--no-index"]
    run(sys.executable, *words, "--ignore-installed", wheel, cwd=folder)
    return programs


def test_the_wheel_has_the_listed_files_of_the_workflow_and_no_others(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if not name.endswith("/")}
    listed = json.loads((ROOT / "src/relscale/workflow/project_files.json").read_text())
    wanted = set()
    for name in listed:
        files = [ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*")
        wanted |= {str(path.relative_to(ROOT)) for path in files if path.is_file()}
    packed_files = {name for name in names if name.startswith("relscale/project/")}
    assert {name.removeprefix("relscale/project/") for name in packed_files} == wanted
    assert {"relscale/py.typed", "relscale/provenance/facade_0_1.txt"} <= names
    templates = (ROOT / "src/relscale/pages/templates").rglob("*.j2")
    assert {str(path.relative_to(ROOT / "src")) for path in templates} <= names


def test_the_commands_run_in_an_empty_folder(installed, tmp_path):
    assert run(installed / "relscale", "--version", cwd=tmp_path) == (
        f"relscale {relscale.__version__}\n"
    )
    two_domains().to_csv(tmp_path / "losses.csv", index=False)
    words = ["--losses", "losses.csv", "--family", "f", "--baseline", "a", "--out", "laws"]
    words += ["--optimum-by", "family_mean", "--draws", "100", "--estimator", "vertex"]
    run(installed / "relscale", "laws", *words, cwd=tmp_path)
    relative = pd.read_csv(tmp_path / "laws/relative.csv")
    assert set(relative.query("scale == 'ratio'")["verdict"]) == {"widens"}
    place = "import relscale; print(relscale.__file__)"
    assert str(installed.parent) in run(installed / "python", "-c", place, cwd=tmp_path)


def test_the_commands_of_the_first_hour_run_in_an_empty_folder(installed, tmp_path):
    said = run(installed / "relscale", "laws", "--demo", cwd=tmp_path)
    assert "Humanities against STEM: " in said
    assert (tmp_path / "relscale-demo/figures/family_laws.png").is_file()
    cell = "relscale-demo/relative.csv:1:margin"
    assert "a change up to the margin is small" in run(
        installed / "relscale", "explain", cell, cwd=tmp_path
    )
    found = json.loads(run(installed / "relscale", "doctor", "--json", cwd=tmp_path))
    names = {check["name"]: check for check in found["checks"]}
    assert not found["broken"] and "environment" not in names
    assert str(installed.parent) in names["workflow files"]["detail"]


def test_the_workflow_runs_in_a_folder_that_init_wrote(installed, tmp_path):
    said = run(installed / "relscale", "init", "project", cwd=tmp_path)
    assert "relscale run experiments/tiny.yaml" in said
    folder = tmp_path / "project"
    run(installed / "relscale", "plan", "--out", "runs.csv", cwd=folder)
    assert len(pd.read_csv(folder / "runs.csv")) == 141
    snakemake = [installed / "python", "-m", "snakemake", "--cores", "1", "--configfile"]
    run(*snakemake, "experiments/tiny.yaml", "--", "results/tiny/tables/suite.csv", cwd=folder)
    assert len(pd.read_csv(folder / "results/tiny/tables/suite.csv")) == 18
    planned = run(*snakemake, "experiments/tiny.yaml", "--dry-run", cwd=folder)
    assert "rule train:" in planned and str(installed.parent) not in planned


def test_init_never_writes_into_a_folder_with_files(installed, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("mine")
    done = subprocess.run(
        [installed / "relscale", "init", "kept"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: kept: exists and is not an empty folder: name a new one\n"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["file"]
