"""The archive: in a fresh clone every figure is redrawn from it, to the same bytes, and nothing else is made."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from checkouts import ROOT, copy_checkout

pytestmark = [pytest.mark.workflow, pytest.mark.network]


def relscale(folder, *arguments):
    """Call the package of the copy; its version of the code is what results were made with."""
    command = [sys.executable, "-c", "from relscale.cli import main; main()", *arguments]
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(folder / "src")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def packed(finished):
    done = relscale(finished.folder, "archive", "experiments/tiny.yaml", "--out", "results/tiny.tar.gz")
    assert done.returncode == 0, done.stdout + done.stderr
    return finished.folder / "results/tiny.tar.gz"


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory, request):
    """A fresh clone with the archive in it, and no downloads to fall back on."""
    clone = copy_checkout(tmp_path_factory.mktemp("clone"), "")
    with tarfile.open(packed) as archive:
        archive.extractall(clone.folder, filter="data")
    return clone


def test_neither_weights_nor_text_are_packed(packed):
    with tarfile.open(packed) as archive:
        names = archive.getnames()
    assert not [
        name for name in names if name.endswith((".safetensors", ".bin", "requests.parquet", "train.parquet", "validation.parquet"))
    ]
    assert not [name for name in names if name.startswith("results/shared") and not name.endswith(("manifest.json", "report.json"))]
    for wanted in ("tables/losses.parquet", "laws/relative.csv", "figures/figure1_teaser.svg", "explorer.html", "SHA256SUMS"):
        assert f"results/tiny/{wanted}" in names
    assert sum(name.endswith("/record.json") for name in names) == 18
    assert packed.stat().st_size < 20e6


def test_checksums_hold(unpacked):
    lines = (unpacked.results / "SHA256SUMS").read_text().splitlines()
    assert len(lines) > 200
    for line in lines:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((unpacked.folder / name).read_bytes()).hexdigest() == digest


def test_a_fresh_clone_with_the_archive_has_nothing_to_do(unpacked):
    assert unpacked.stale() == {}


def test_every_figure_is_redrawn_without_training(unpacked, finished):
    figures = finished.contents("figures")
    shutil.rmtree(unpacked.results / "figures")
    stale = unpacked.stale({}, "figures")
    assert set(stale) == {"figures"} | {name.removeprefix("figures/").partition(".")[0] for name in figures}
    unpacked.snakemake("--", "figures")
    redrawn = unpacked.contents("figures")
    assert {name: data for name, data in redrawn.items() if not name.endswith(".pdf")} == {
        name: data for name, data in figures.items() if not name.endswith(".pdf")
    }
    assert sorted(redrawn) == sorted(figures)
    assert not list(unpacked.folder.glob("results/tiny/runs/*/model"))


def test_verify_says_what_the_archive_left_out(unpacked):
    done = relscale(unpacked.folder, "verify", "experiments/tiny.yaml")
    assert done.returncode == 1
    assert "missing: results/tiny/runs/" in done.stdout
    assert "code:" not in done.stdout and "spec." not in done.stdout, done.stdout


def test_stale_results_are_not_packed(finished):
    module = finished.folder / "src/relscale/laws/joint.py"
    before = module.read_text()
    module.write_text(before + "\n_EDITED = True\n")
    try:
        done = relscale(finished.folder, "archive", "experiments/tiny.yaml", "--out", "results/stale.tar.gz")
        said = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    finally:
        module.write_text(before)
    assert done.returncode == 1
    assert "job(s) are not fresh" in done.stderr and "run the experiment first" in done.stderr
    assert not (finished.folder / "results/stale.tar.gz").exists()
    assert said.returncode == 1
    assert "laws: 2 jobs" in said.stdout and "code: " in said.stdout
    assert "train" not in said.stdout


def test_verify_finds_nothing_after_a_run_and_names_a_changed_setting(finished):
    done = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    assert done.returncode == 0, done.stdout
    (finished.folder / "experiments/margin.yaml").write_text("laws: {margin: 0.02}\n")
    done = relscale(finished.folder, "verify", "experiments/tiny.yaml", "experiments/margin.yaml")
    (finished.folder / "experiments/margin.yaml").unlink()
    assert done.returncode == 1
    assert "spec.margin: 0.01 -> 0.02" in done.stdout
    assert "train" not in done.stdout and "evaluate" not in done.stdout


def test_the_project_has_a_command_for_it():
    done = subprocess.run(["make", "--dry-run", "archive", "EXPERIMENT=tiny"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "relscale archive experiments/tiny.yaml --out results/tiny.tar.gz" in done.stdout
