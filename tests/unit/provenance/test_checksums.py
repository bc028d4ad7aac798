"""Files that differ from those that jobs read and wrote.

They are found by checksums if those were noted, by the order of times if not.
"""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from relscale.provenance.archive import members
from relscale.provenance.checksums import WHOLE_MB, Checksums, checksum, note
from relscale.provenance.dag import Job
from relscale.provenance.verify import verify

PLACE = Path("benchmarks/results/x/checksums.json")
LONG_AGO = 1_700_000_000
"""When the jobs ran, in seconds."""


def job(rule, inputs, outputs, record=None, log=None):
    return Job(
        rule=rule, wildcards={}, params={}, inputs=inputs, outputs=outputs, record=record, log=log
    )


TRAIN = job("train", (), ("results/x/curve.csv", "results/x/model"), "benchmarks/train.jsonl")
EVALUATE = job("evaluate", TRAIN.outputs, ("results/x/losses.csv",), "benchmarks/evaluate.jsonl")
PAGE = job("page", EVALUATE.outputs, ("results/x/page.html",), log="logs/page.log")
JOBS = (TRAIN, EVALUATE, PAGE)


class Checkout:
    """A folder in which three jobs ran, one after another."""

    def __init__(self, folder):
        self.folder = folder
        for number, one in enumerate(JOBS):
            self.run(one, f"{one.rule} wrote", LONG_AGO + 100 * number)

    def run(self, one, text, when):
        """Write the outputs of a job, and then its record as Snakemake does."""
        for path in one.outputs:
            self.write(f"{path}/weights" if path.endswith("model") else path, text, when)
        if one.record:
            self.write(one.record, json.dumps({"params": {}, "s": when}), when)
        if one.log:
            self.write(one.log, "", when)

    def write(self, name, text, when=None):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if when is not None:
            os.utime(path, (when, when))
            os.utime(path.parent, (when, when))

    def note(self):
        note(JOBS, Checksums.read(self.folder, PLACE))
        return self

    def findings(self):
        return {found.job.rule: found for found in verify(JOBS, Checksums.read(self.folder, PLACE))}

    def reasons(self):
        return {rule: found.reasons for rule, found in self.findings().items() if found.reasons}


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_nothing_is_said_of_what_jobs_left(checkout):
    assert checkout.reasons() == {}
    assert checkout.note().reasons() == {}


def test_an_input_that_was_made_anew_after_it_was_read(checkout):
    """As after a retraining that was killed before the evaluation; the curve is the same bytes as
    before."""
    checkout.note().run(TRAIN, "train wrote", LONG_AGO + 500)
    assert checkout.reasons() == {}
    checkout.write("results/x/model/weights", "TRAIN WROTE", LONG_AGO + 500)
    found = checkout.findings()
    assert found["train"].fresh
    assert found["evaluate"].reasons == [
        "input results/x/model: changed since the job read it (another checksum)"
    ]
    assert found["page"].follows == ["evaluate"]


def test_the_same_by_times_without_noted_checksums(checkout):
    checkout.run(TRAIN, "TRAIN WROTE", LONG_AGO + 500)
    unproven = "newer than results/x/losses.csv, and no checksum shows that it is the same"
    assert checkout.reasons() == {
        "evaluate": [f"input results/x/curve.csv: {unproven}", f"input results/x/model: {unproven}"]
    }


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("path", ["results/x/losses.csv", "results/x/page.html"])
def test_an_empty_result(checkout, path, noted):
    if noted:
        checkout.note()
    checkout.write(path, "", LONG_AGO + 200)
    (reasons,) = checkout.reasons().values()
    assert reasons == [f"{path}: is empty"]


@pytest.mark.parametrize(
    "path", ["results/x/losses.csv", "results/x/model/weights", "results/x/page.html"]
)
def test_an_edited_result_even_with_its_old_time_and_size(checkout, path):
    checkout.note()
    checkout.write(
        path, (checkout.folder / path).read_text().upper(), (checkout.folder / path).stat().st_mtime
    )
    (reasons,) = checkout.reasons().values()
    assert reasons == [
        f"{path.removesuffix('/weights')}: differs from the job's output (another checksum)"
    ]
    findings = list(checkout.findings().values())
    with pytest.raises(
        ValueError,
        match=r"results/x: . job\(s\) are not fresh, .* among them "
        rf"\({path.removesuffix('/weights')}: differs",
    ):
        members(findings, checkout.folder, "results/x")


def test_an_edited_result_by_times_without_noted_checksums(checkout):
    checkout.write("results/x/losses.csv", "edited", LONG_AGO + 160)
    assert checkout.reasons() == {
        "evaluate": [
            "results/x/losses.csv: changed 60 s after the job ended, "
            "and no checksum shows that it is the same"
        ]
    }


def test_an_edit_does_not_become_what_the_job_wrote(checkout):
    checkout.write("results/x/losses.csv", "edited", LONG_AGO + 160)
    checkout.write("results/x/page.html", "")
    before = checkout.reasons()
    assert set(before) == {"evaluate", "page"}
    assert checkout.note().reasons() == before
    assert set(json.loads((checkout.folder / PLACE).read_text())) == {"results/x/curve.csv"}


@pytest.mark.parametrize("how", ["touched", "copied", "written again"])
def test_the_same_content_is_fresh_however_young(checkout, tmp_path_factory, how):
    checkout.note()
    if how == "copied":
        there = tmp_path_factory.mktemp("copy") / "checkout"
        shutil.copytree(checkout.folder, there, copy_function=shutil.copyfile)
        checkout.folder = there
    for path in checkout.folder.rglob("*"):
        if how == "touched":
            path.touch()
        elif path.is_file() and how == "written again" and "results" in path.parts:
            path.write_bytes(path.read_bytes())
    assert checkout.reasons() == {}


def test_what_runs_again_is_noted_again_and_the_rest_stays(checkout):
    checkout.note()
    before = json.loads((checkout.folder / PLACE).read_text())
    later = time.time() + 1000
    for number, one in enumerate((EVALUATE, PAGE)):
        checkout.run(one, "another", later + 100 * number)
    assert checkout.reasons() == {}
    after = json.loads((checkout.note().folder / PLACE).read_text())
    assert after["results/x/curve.csv"] == before["results/x/curve.csv"]
    assert after["results/x/losses.csv"]["wrote"] != before["results/x/losses.csv"]["wrote"]
    assert after["results/x/page.html"]["read"] == after["results/x/losses.csv"]["wrote"]


def test_an_edit_between_two_notes_is_still_known_after_the_second(checkout):
    checkout.note().write("results/x/curve.csv", "edited")
    checkout.run(PAGE, "another", time.time() + 1000)
    assert set(checkout.note().reasons()) == {"train"}


def test_what_did_not_change_is_not_read_again(checkout, monkeypatch):
    checkout.note()
    # Files as new as the noted checksums, by the tick of the clock, are read again. All files
    # here are, so the checksums are made newer.
    noted = json.loads((checkout.folder / PLACE).read_text())
    checkout.write(
        PLACE,
        json.dumps(
            {name: entry | {"noted_s": entry["noted_s"] + 60} for name, entry in noted.items()}
        ),
    )
    read = []
    monkeypatch.setattr(
        "relscale.provenance.checksums.checksum",
        lambda path: read.append(path.name) or checksum(path),
    )
    assert checkout.reasons() == {}
    assert sorted(read) == ["evaluate.jsonl", "train.jsonl"]


def test_damaged_checksums_are_an_error_that_names_the_file(checkout):
    for text in ("", "[]", '{"a": {"read": {}}}'):
        checkout.write(PLACE, text)
        with pytest.raises(
            ValueError, match=r"checksums.json: (not valid JSON|does not hold checksums)"
        ):
            checkout.reasons()
    note(JOBS, Checksums.read_or_begin(checkout.folder, PLACE))
    assert checkout.reasons() == {}


def test_a_large_file_is_summed_in_pieces(tmp_path):
    path = tmp_path / "weights"
    with path.open("wb") as handle:
        handle.truncate(3 * WHOLE_MB * 2**20)
    before = checksum(path)
    for place in (0, 2**20 - 1, 3 * WHOLE_MB * 2**20 - 1):
        with path.open("r+b") as handle:
            handle.seek(place)
            handle.write(b"x")
        assert checksum(path) != before
        before = checksum(path)


def test_a_folders_checksum_is_of_names_and_contents_but_not_of_snakemakes_own_file(tmp_path):
    for name, text in (
        ("a/one", "1"),
        ("a/two/three", "3"),
        ("b/one", "1"),
        ("b/two/three", "3"),
        ("b/.snakemake_timestamp", ""),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert checksum(tmp_path / "a") == checksum(tmp_path / "b")
    (tmp_path / "b/one").rename(tmp_path / "b/other")
    assert checksum(tmp_path / "a") != checksum(tmp_path / "b")
