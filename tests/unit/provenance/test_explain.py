"""The job behind a file: its inputs, settings, code, state and command, from plan and records."""

import json
import os
from pathlib import Path

import pytest

from relscale.provenance.checksums import Checksums
from relscale.provenance.dag import Job
from relscale.provenance.explain import (
    Origins,
    Workflow,
    experiment_of,
    explain_file,
    inside,
    overlays_of,
)
from relscale.provenance.verify import verify

ROOT = Path(__file__).parents[3]
LAWS = "results/x/laws/news/relative.csv"
SPEC = '{"draws":1000,"margin_share":0.1,"table":{"path":"a.csv","units":{}}}'
ALL = "results/x/laws/relative.csv"


def job(rule, inputs, outputs, record=None, **params):
    return Job(
        rule=rule,
        wildcards={"family": "news"} if rule == "laws" else {},
        params=params,
        inputs=inputs,
        outputs=outputs,
        record=record,
        log=f"logs/x/{rule}.log" if record else None,
    )


@pytest.fixture
def workflow(tmp_path):
    """A folder in which two jobs ran: laws of a family, and a table that joins families."""
    jobs = [
        job("laws", ("losses.csv",), (LAWS,), "benchmarks/laws.jsonl", code="abc", spec=SPEC),
        job("concatenate", (LAWS,), (ALL,)),
    ]
    for name in ("losses.csv", LAWS, ALL, "logs/x/laws.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    record = {
        "params": {"code": "abc", "command": "c0de", "lock": "numpy 2.4", "spec": SPEC},
        "input_size_mb": {"losses.csv": 4 / 2**20},
        "s": 15.64, "cpu_time": 3.2, "max_rss": "NA",
    }  # fmt: skip
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/laws.jsonl").write_text(json.dumps(record) + "\n")
    for place, name in enumerate(("losses.csv", LAWS, "benchmarks/laws.jsonl", ALL)):
        os.utime(tmp_path / name, (1_800_000_000 + place,) * 2)

    def read(jobs=jobs):
        checksums = Checksums.read(tmp_path, Path("benchmarks/checksums.json"))
        findings = verify(jobs, checksums)
        return Workflow(folder=tmp_path, overlays=[tmp_path / "x.yaml"], findings=findings)

    read.jobs = jobs
    return read


def test_a_result_is_explained_from_its_record(workflow):
    text = explain_file(LAWS, workflow())
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == LAWS
    assert "made by    job laws family=news" in lines
    assert "when       2027-01-15 08:00:02 UTC, 15.6 s, 3.2 CPU-s" in lines
    assert "inputs     losses.csv (not made by a job)" in lines
    assert "settings   draws: 1000" in lines and "margin_share: 0.1" in lines
    assert 'table.path: "a.csv"' in lines and "table.units: {}" in lines
    assert "code       digest abc" in lines and "command    digest c0de" in lines
    assert "libraries  numpy 2.4" in lines
    assert "log        logs/x/laws.log" in lines
    assert f"again      snakemake --cores 1 --configfile x.yaml -- {LAWS}" in lines


def test_a_joined_table_is_followed_to_the_table_of_the_family(workflow):
    text = explain_file(ALL, workflow(), "news")
    first, _, second = text.partition("Its rows of family news are from")
    assert "job concatenate" in first and f"{LAWS} (made by laws family=news)" in first
    assert "job laws family=news" in second
    assert "job laws" not in explain_file(ALL, workflow(), "other")


def test_another_setting_makes_the_result_stale_with_the_reason(workflow):
    laws, joined = workflow.jobs
    changed = job(
        "laws", laws.inputs, laws.outputs, laws.record,
        code="abc", command="c0de", lock="numpy 2.4", spec=SPEC.replace("1000", "200"),
    )  # fmt: skip
    now = workflow([changed, joined])
    assert "state      stale: spec.draws: 1000 -> 200" in explain_file(LAWS, now)
    assert "settings   draws: 1000" in explain_file(LAWS, now)  # as it ran, not as planned
    assert "stale: made from results of laws family=news" in explain_file(ALL, now)


def test_a_file_that_no_job_writes_is_named_with_its_readers(workflow):
    with pytest.raises(ValueError, match=r"losses\.csv: no job .* of .*x\.yaml; it is"):
        explain_file("losses.csv", workflow())
    with pytest.raises(ValueError, match=r"no job writes it in the experiment of .*x\.yaml$"):
        explain_file("results/x/other.csv", workflow())


def test_a_file_inside_an_output_folder_belongs_to_its_job(workflow):
    train = job("train", (), ("results/x/runs/a/model",), "benchmarks/none.jsonl", code="abc")
    text = explain_file("results/x/runs/a/model/config.json", workflow([train]))
    assert "job train" in text and "not yet: its outputs do not exist" in text
    assert "benchmarks/none.jsonl (not there)" in text and "state      stale: missing" in text


def test_the_overlay_of_an_experiment_is_found_by_its_name(tmp_path):
    assert overlays_of("default", ROOT) == []
    assert overlays_of("tiny", ROOT) == [ROOT / "experiments/tiny.yaml"]
    assert overlays_of("olmo_ladder", ROOT) == [ROOT / "experiments/published/olmo_ladder.yaml"]
    with pytest.raises(ValueError, match=r"other: no overlay in .* name the overlays"):
        overlays_of("other", ROOT)


@pytest.mark.parametrize(
    ("path", "experiment"),
    [
        ("logs/x/laws.log", "x"),
        ("benchmarks/results/x/laws.jsonl", "x"),
        ("results/x", ""),
        ("docs/x/y", ""),
    ],
)
def test_the_experiment_of_a_path(path, experiment):
    assert experiment_of(path) == experiment


def test_paths_are_taken_relative_to_the_checkout(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path / "results")
    assert inside(Path("a.csv"), tmp_path) == "results/a.csv"
    assert inside(tmp_path / "results/a.csv", Path("..")) == "results/a.csv"
    with pytest.raises(ValueError, match="is not in the checkout"):
        inside(Path("/elsewhere/a.csv"), tmp_path)


def test_a_file_outside_of_results_needs_the_overlays_of_an_experiment(tmp_path):
    origins = Origins(folder=tmp_path)
    (tmp_path / "results/shared").mkdir(parents=True)
    for name, is_result in (("results/shared/a", False), ("results/x/a.csv", True)):
        assert origins.is_result(tmp_path / name) is is_result
    assert not origins.is_result(Path("/elsewhere/a.csv"))
    with pytest.raises(ValueError, match=r"name the overlays of an experiment that uses it"):
        origins.of(tmp_path / "results/shared/a")
