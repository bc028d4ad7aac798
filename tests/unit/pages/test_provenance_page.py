"""The provenance page: costs summed by hand, and everything that the page must name."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from relscale.files import sha256_of
from relscale.pages.provenance import duration, machine, provenance_page, stage_costs
from relscale.pages.spec import SHOWN_PACKAGES, ProvenanceSpec
from relscale.runtime import call
from relscale.stages import provenance

SPEC: dict[str, Any] = {
    "experiment": "tiny",
    "digests": {"tokenizer": "d1ge57"},
    "packages": ["numpy"],
    "shared_keys": [],
}
SOURCES = [
    {
        "source": "s&t",
        "package": "p",
        "version": "1.0",
        "sha256": "ab12",
        "num_files": 1,
        "num_bytes": 10,
        "licence": "CC-BY-4.0",
        "citation": "Doe <2020>",
    },
    {
        "source": "own",
        "package": None,
        "version": None,
        "sha256": "cd34",
        "num_files": 1,
        "num_bytes": 10,
        "licence": "ours",
        "citation": "us",
    },
]


def record(folder: Path, name: str, rule: str, **changes: object) -> None:
    values = {
        "rule_name": rule,
        "s": 10.0,
        "cpu_time": 8.0,
        "max_rss": 100.0,
        "params": {"code": "c0de"},
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.jsonl").write_text(json.dumps(values) + "\n")


def test_time_is_summed_by_stage_and_shared_jobs_of_others_are_left_out(tmp_path: Path) -> None:
    record(tmp_path / "own/train", "a", "train", s=60.0, cpu_time=50.0)
    record(
        tmp_path / "own/train",
        "b",
        "train",
        s=30.0,
        cpu_time=40.0,
        max_rss=300.0,
        params={"code": "0ther"},
    )
    record(tmp_path / "shared/source", "sotu-123", "source", s="NA", cpu_time="NA", max_rss="NA")
    record(tmp_path / "shared/source", "elsewhere-456", "source")
    costs = stage_costs([tmp_path / "own", tmp_path / "absent"], tmp_path / "shared", ["sotu-123"])
    assert [
        (cost.rule, cost.jobs, cost.wall_s, cost.cpu_s, cost.memory_mb, cost.code) for cost in costs
    ] == [
        ("train", 2, 90.0, 90.0, 300.0, "0ther, c0de"),
        ("source", 1, 0.0, 0.0, 0.0, "c0de"),
    ]


def test_parameters_of_a_record_are_optional_and_others_are_ignored(tmp_path: Path) -> None:
    record(tmp_path / "own", "a", "table", params={"spec": "{}"}, jobid=3)
    (tmp_path / "own/b.jsonl").write_text(
        json.dumps({"rule_name": "table", "s": 1, "cpu_time": 2.5, "max_rss": 3}) + "\n"
    )
    (cost,) = stage_costs([tmp_path / "own"], tmp_path / "shared", [])
    assert (cost.jobs, cost.wall_s, cost.cpu_s, cost.code) == (2, 11.0, 10.5, "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.861, "0.861 s"),
        (12.4, "12 s"),
        (59.7, "60 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_provenance_page(tmp_path: Path, root: Path) -> None:
    table = tmp_path / "suite.csv"
    table.write_text("run\na\n")
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    page = provenance_page(
        costs=[],
        sources=pd.DataFrame(SOURCES),
        tables=[table],
        citation=citation,
        spec=ProvenanceSpec.model_validate(SPEC),
    )
    for said in (
        sha256_of(table),
        "d1ge57",
        "CC-BY-4.0",
        "Doe &lt;2020&gt;",
        "s&amp;t",
        "<td>–</td>",
        "Held, W., Hall, D., Liang, P., Yang, D. (2025)",
        "arXiv:2510.24626",
    ):
        assert said in page
    assert "No benchmark records were found" in page
    assert not re.search(r"(src|href)=|https?:", page)
    assert machine()["Python"].startswith("3.")


def test_the_stage_shows_the_costs_and_their_sum(tmp_path: Path, root: Path) -> None:
    record(tmp_path / "own/train", "a", "train", s=60.0, cpu_time=50.0)
    record(tmp_path / "own/laws", "b", "laws", s=30.0, cpu_time=40.0, max_rss=300.0)
    (tmp_path / "suite.csv").write_text("run\na\n")
    pd.DataFrame(SOURCES).to_csv(tmp_path / "sources.csv", index=False)
    words = ["--spec", json.dumps(SPEC), "--sources", str(tmp_path / "sources.csv")]
    words += ["--table", str(tmp_path / "sources.csv"), str(tmp_path / "suite.csv")]
    words += ["--citation", str(root / "CITATION.cff"), "--benchmarks", str(tmp_path / "own")]
    words += ["--shared-benchmarks", str(tmp_path / "shared"), "--out", str(tmp_path / "p.html")]
    call(provenance.main, words)
    costs = (tmp_path / "p.html").read_text().partition('data-name="costs"')[2]
    rows = re.findall(r'<th scope="row">(\w+)</th><td class="number">(\d+)</td>', costs)
    assert rows == [("train", "1"), ("laws", "1"), ("all", "2")]
    assert 'data-seconds="90.00">1 min 30 s' in costs and ">300</td>" in costs


def test_packages_of_a_spec_are_those_that_decide_results() -> None:
    changes = {key: value for key, value in SPEC.items() if key != "packages"}
    assert ProvenanceSpec.model_validate(changes).packages == list(SHOWN_PACKAGES)
