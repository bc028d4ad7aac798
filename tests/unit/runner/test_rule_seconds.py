"""Expected seconds of jobs, from the records of earlier calls."""

import json

from relscale.runner.rule_seconds import OF_TINY, RECORDS, rule_seconds


def write(folder, *records):
    folder.mkdir(parents=True, exist_ok=True)
    for number, (rule, seconds) in enumerate(records):
        text = json.dumps({"rule_name": rule, "s": seconds})
        (folder / f"{rule}-{number}.jsonl").write_text(text + "\n")


def test_records_of_this_experiment_and_of_shared_jobs_come_first(tmp_path):
    write(tmp_path / RECORDS / "mine/laws", ("laws", 30.0), ("laws", 50.0))
    write(tmp_path / RECORDS / "shared/documents", ("documents", 7.0))
    write(tmp_path / RECORDS / "other/optima", ("optima", 1000.0))
    found = rule_seconds(tmp_path, "mine")
    assert (found["laws"], found["documents"]) == (40.0, 7.0)
    assert found["optima"] == OF_TINY["optima"]


def test_without_records_or_with_damaged_ones_the_tiny_experiment_is_taken(tmp_path):
    assert rule_seconds(tmp_path, "mine") == OF_TINY
    folder = tmp_path / RECORDS / "mine"
    write(folder, ("laws", "fast"))
    for name, text in (("empty", ""), ("cut", '{"rule_name": "laws", '), ("list", "[1]")):
        (folder / f"{name}.jsonl").write_text(text)
    assert rule_seconds(tmp_path, "mine") == OF_TINY
