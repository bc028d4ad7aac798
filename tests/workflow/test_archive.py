"""The archive: in a fresh clone every figure is redrawn from it, to the same bytes, and nothing
else is made."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from checkouts import ROOT, copy_checkout

pytestmark = [pytest.mark.workflow, pytest.mark.network]


@contextmanager
def changed(path, change):
    """Change a file's bytes, or remove it, for a while; its times afterwards are those that it
    had."""
    before, stat = path.read_bytes(), path.stat()
    change(path)
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def edited(path):
    """Replace the last digit other than 0 by another, so that the size stays the same."""
    text = path.read_text()
    last = max(text.rfind(digit) for digit in "123456789")
    path.write_text(text[:last] + str(int(text[last]) % 9 + 1) + text[last + 1 :])


def with_another_loss(path):
    """Change the loss in a run's record, and nothing that defines the run; the size stays."""
    path.write_text(re.sub(r'("final_loss_nats_per_token": )\d', r"\g<1>9", path.read_text()))


def empty(path):
    """Leave nothing in a file."""
    path.write_text("")


def relscale(folder, *arguments):
    """Call the package of the copy, whose code made the results."""
    command = [sys.executable, "-c", "from relscale.cli import main; main()", *arguments]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(folder / "src"),
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def packed(finished):
    done = relscale(
        finished.folder, "archive", "experiments/tiny.yaml", "--out", "results/tiny.tar.gz"
    )
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
        name
        for name in names
        if name.endswith(
            (".safetensors", ".bin", "requests.parquet", "train.parquet", "validation.parquet")
        )
    ]
    assert not [
        name
        for name in names
        if name.startswith("results/shared") and not name.endswith(("manifest.json", "report.json"))
    ]
    for wanted in (
        "tables/losses.parquet",
        "laws/relative.csv",
        "figures/figure1_teaser.svg",
        "explorer.html",
        "SHA256SUMS",
    ):
        assert f"results/tiny/{wanted}" in names
    assert sum(name.endswith("/record.json") for name in names) == 18
    assert packed.stat().st_size < 20e6


def test_the_readers_command_checks_every_packed_file(unpacked):
    command = re.search(
        r"tar xzf name\.tar\.gz && (sha256sum .*)", (ROOT / "docs/user/reproduce.md").read_text()
    ).group(1)
    command = command.replace("results/name/", "results/tiny/").split()
    lines = (unpacked.results / "SHA256SUMS").read_text().splitlines()
    assert len(lines) > 200
    done = subprocess.run(command, cwd=unpacked.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with changed(unpacked.results / "laws/relative.csv", edited):
        done = subprocess.run(
            command, cwd=unpacked.folder, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["results/tiny/laws/relative.csv: FAILED"]


def test_a_fresh_clone_with_the_archive_has_nothing_to_do(unpacked):
    assert unpacked.stale() == {}


def test_every_figure_is_redrawn_without_training(unpacked, finished):
    figures = finished.contents("figures")
    shutil.rmtree(unpacked.results / "figures")
    stale = unpacked.stale({}, "figures")
    assert set(stale) == {"figures"} | {
        name.removeprefix("figures/").partition(".")[0] for name in figures
    }
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
    said = [
        line
        for line in done.stdout.splitlines()
        if line.startswith("    ") and not line.startswith(("    missing: ", "    and "))
    ]
    assert said == [], done.stdout


def test_verify_names_what_was_edited_in_the_unpacked_archive(unpacked):
    with changed(unpacked.results / "laws/relative.csv", edited):
        done = relscale(unpacked.folder, "verify", "experiments/tiny.yaml")
    assert (
        "    results/tiny/laws/relative.csv: differs from the job's output (another checksum)"
        in done.stdout.splitlines()
    )


def test_changed_results_are_named(finished):
    results, (one, other, *_) = finished.results, sorted(finished.results.glob("runs/curated-*"))
    cases = [
        (results / "figures/figure1_teaser.svg", empty, "{}: is empty"),
        (
            results / "laws/relative.csv",
            edited,
            "{}: differs from the job's output (another checksum)",
        ),
        (
            one / "record.json",
            with_another_loss,
            "{}: differs from the job's output (another checksum)",
        ),
        (
            other / "record.json",
            lambda path: path.write_text("{"),
            "{}: not a record of a job: Expecting property name",
        ),
        (results / "html/relative.html", Path.unlink, "missing: {}"),
    ]
    with ExitStack() as stack:
        for path, change, _ in cases:
            stack.enter_context(changed(path, change))
        said = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    assert said.returncode == 1
    for path, _, reason in cases:
        assert f"    {reason.format(path.relative_to(finished.folder))}" in said.stdout, (
            said.stdout + said.stderr
        )
    assert relscale(finished.folder, "verify", "experiments/tiny.yaml").returncode == 0


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("figures/figure1_teaser.svg", empty, "is empty"),
        ("html/findings.html", edited, "differs from the job's output (another checksum)"),
    ],
)
def test_changed_results_are_not_packed(finished, name, change, reason):
    with changed(finished.results / name, change):
        done = relscale(
            finished.folder, "archive", "experiments/tiny.yaml", "--out", "results/changed.tar.gz"
        )
    assert done.returncode == 1
    assert (
        "job(s) are not fresh" in done.stderr and f"(results/tiny/{name}: {reason})" in done.stderr
    ), done.stderr
    assert not (finished.folder / "results/changed.tar.gz").exists()


def test_an_experiment_that_is_not_finished_is_not_packed(tmp_path):
    checkout = copy_checkout(tmp_path, "")
    done = relscale(
        checkout.folder, "archive", "experiments/tiny.yaml", "--out", "results/tiny.tar.gz"
    )
    assert done.returncode == 1
    assert re.search(
        r"results/tiny: \d+ job\(s\) are not fresh, .* among them \(missing: results/\S+\)",
        done.stderr,
    ), done.stderr
    assert not (checkout.folder / "results/tiny.tar.gz").exists()


def test_a_retraining_that_was_killed_before_the_evaluation_is_named(finished):
    """Training leaves other weights and a record of its own; Snakemake's metadata is not asked."""
    run = next(finished.results.glob("runs/curated-*"))
    record = finished.folder / f"benchmarks/results/tiny/train/{run.name}.jsonl"
    weights = run / "model/model.safetensors"
    with (
        changed(run / "record.json", with_another_loss),
        changed(weights, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x")),
        changed(
            record,
            lambda path: path.write_text(path.read_text().replace('"jobid": ', '"jobid": 1')),
        ),
    ):
        done = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    assert done.returncode == 1
    name = run.relative_to(finished.folder)
    assert (
        f"    input {name}/record.json: changed since the job read it (another checksum)"
        in done.stdout
    )
    assert (
        f"    input {name}/model: changed since the job read it (another checksum)" in done.stdout
    )
    assert "\ntrain" not in done.stdout and "\nevaluate" in done.stdout


def test_what_is_only_younger_is_fresh(finished):
    touched = [
        *finished.results.rglob("*"),
        *(finished.folder / "workflow").rglob("*"),
        finished.folder / "CITATION.cff",
    ]
    before = {path: path.stat() for path in touched}
    for path in touched:
        path.touch()
    try:
        done = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    finally:
        for path, stat in before.items():
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert done.returncode == 0, done.stdout


def test_the_crate_has_the_archived_results_the_workflow_and_true_checksums(finished, packed):
    out = finished.folder / "results/tiny.crate.zip"
    words = ["--licence", "CC-BY-4.0", "--agent", "Ada", "--out", "results/tiny.crate.zip"]
    done = relscale(finished.folder, "crate", "experiments/tiny.yaml", *words)
    assert done.returncode == 0, done.stderr
    assert not (finished.results / "tables/croissant.json").exists(), "results are left as made"
    with zipfile.ZipFile(out) as crate, tarfile.open(packed) as archive:
        names = set(crate.namelist())
        results = {name for name in archive.getnames() if name.startswith(("results", "bench"))}
        # Files of the archive that the crate describes itself.
        results -= {"results/tiny/SHA256SUMS"}
        results = {name for name in results if "/certificate/" not in name}
        assert results <= names
        assert {"workflow/Snakefile", "config.yaml", "experiments/tiny.yaml"} <= names
        graph = json.loads(crate.read("ro-crate-metadata.json"))["@graph"]
        files = {entity["name"]: entity for entity in graph if "sha256" in entity}
        for name in results:
            assert hashlib.sha256(crate.read(name)).hexdigest() == files[name]["sha256"], name
        croissant = json.loads(crate.read("results/tiny/tables/croissant.json"))
        assert len(croissant["recordSet"]) == 2
    (run,) = (entity for entity in graph if entity["@type"] == "CreateAction")
    assert {"@id": "results/tiny/laws/relative.csv"} in run["result"]
    assert {"@id": "experiments/tiny.yaml"} in run["object"]
    software = {entity["name"] for entity in graph if entity["@type"] == "SoftwareApplication"}
    assert {"relscale", "torch", "numpy", "pandas"} <= software
    assert not any(name.endswith((".bin", ".safetensors", "requests.parquet")) for name in names)


def test_models_are_published_as_they_were_trained_or_not_at_all(finished, tmp_path):
    out, licence = str(tmp_path / "models"), ("--licence", "mit")
    (finished.folder / "experiments/warmup.yaml").write_text(
        "suite: {recipe: {warmup_share: 0.2}}\n"
    )
    done = relscale(
        finished.folder,
        "publish",
        "experiments/tiny.yaml",
        "experiments/warmup.yaml",
        "--out",
        out,
        *licence,
    )
    (finished.folder / "experiments/warmup.yaml").unlink()
    assert done.returncode == 1 and not Path(out).exists()
    assert (
        "18 of 18 runs differ from the present plan (spec.optimiser.warmup_share: 0.1 -> 0.2): "
        "curated-" in done.stderr
    )
    done = relscale(finished.folder, "publish", "experiments/tiny.yaml", "--out", out, *licence)
    assert done.returncode == 0, done.stderr
    assert "18 of 18 runs" in done.stdout and "nothing was uploaded" in done.stdout
    described = json.loads((Path(out) / "dataset/croissant.json").read_text())
    for table in described["distribution"]:
        data = (Path(out) / "dataset" / table["contentUrl"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == table["sha256"]
    assert all(
        "| warmup_share | 0.1 |" in card.read_text() for card in Path(out).glob("*/README.md")
    )


def test_stale_results_are_not_packed(finished):
    module = finished.folder / "src/relscale/laws/estimators/joint.py"
    before = module.read_text()
    module.write_text(before + "\n_EDITED = True\n")
    try:
        done = relscale(
            finished.folder, "archive", "experiments/tiny.yaml", "--out", "results/stale.tar.gz"
        )
        said = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    finally:
        module.write_text(before)
    assert done.returncode == 1
    assert (
        "job(s) are not fresh" in done.stderr and "`relscale verify` lists them all" in done.stderr
    )
    assert not (finished.folder / "results/stale.tar.gz").exists()
    assert said.returncode == 1
    assert "laws: 2 jobs" in said.stdout and "code: " in said.stdout
    assert "train" not in said.stdout


@pytest.mark.parametrize(
    ("name", "before", "after", "rules"),
    [
        (
            "workflow/rules/report.smk",
            "--csv {input.table:q}",
            "--csv  {input.table:q}",
            {"table_page"},
        ),
        (
            "workflow/rules/laws.smk",
            "--covariates {input.covariates:q}",
            "--covariates={input.covariates:q}",
            {"correlation", "table_page"},
        ),
        (
            "workflow/rules/common.smk",
            "shell.prefix(PREFIX)",
            "shell.prefix('umask 2; ' + PREFIX)",
            {},
        ),
        ("src/relscale/workflow/shell.py", "PYTHONHASHSEED=0", "PYTHONHASHSEED=1", {}),
        ("CITATION.cff", "title: ", "title: Another ", {"provenance"}),
        ("src/relscale/pages/templates/findings.css", "{", " {", {"findings"}),
    ],
)
def test_verify_finds_the_same_jobs_stale_as_the_workflow(finished, name, before, after, rules):
    def change(path):
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    with changed(finished.folder / name, change):
        stale = finished.stale()
        said = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    assert set(rules) <= set(stale)
    assert re.search(rf"^\d+ jobs: \d+ fresh, {sum(stale.values())} not$", said.stdout, re.M), (
        stale,
        said.stdout,
    )


def test_verify_finds_nothing_after_a_run_and_names_a_changed_setting(finished):
    done = relscale(finished.folder, "verify", "experiments/tiny.yaml")
    assert done.returncode == 0, done.stdout
    (finished.folder / "experiments/margin.yaml").write_text("laws: {margin_share: 0.02}\n")
    done = relscale(finished.folder, "verify", "experiments/tiny.yaml", "experiments/margin.yaml")
    (finished.folder / "experiments/margin.yaml").unlink()
    assert done.returncode == 1
    assert "spec.margin_share: 0.1 -> 0.02" in done.stdout
    assert "train" not in done.stdout and "evaluate" not in done.stdout


def test_the_project_has_a_command_for_it():
    done = subprocess.run(
        ["make", "--dry-run", "archive", "EXPERIMENT=tiny"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "relscale archive experiments/tiny.yaml --out results/tiny.tar.gz" in done.stdout
