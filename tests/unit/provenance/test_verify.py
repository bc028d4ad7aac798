import json
from dataclasses import replace
from pathlib import Path

import pytest

from relscale.provenance.archive import archived, members, pack
from relscale.provenance.checksums import Checksums
from relscale.provenance.dag import Job
from relscale.provenance.verify import summary
from relscale.provenance.verify import verify as compare


def job(
    rule="laws",
    *,
    inputs=("results/x/losses.csv",),
    outputs=("results/x/laws.csv",),
    record="benchmarks/laws.jsonl",
    **params,
):
    return Job(
        rule=rule,
        wildcards={"family": "language"},
        params=params,
        inputs=inputs,
        outputs=outputs,
        record=record,
    )


def verify(jobs, folder):
    return compare(jobs, Checksums.read(folder, Path("benchmarks/checksums.json")))


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def checkout(tmp_path):
    """A folder in which the job ran with code "a" and margin 0.01."""
    write(tmp_path, "results/x/losses.csv", "12345")
    write(tmp_path, "results/x/laws.csv", "laws")
    ran = {
        "params": {"code": "a", "spec": '{"margin":0.01,"seed":0}'},
        "input_size_mb": {"results/x/losses.csv": 5 / 2**20},
    }
    write(
        tmp_path,
        "benchmarks/laws.jsonl",
        json.dumps({"params": {"code": "before"}}) + "\n" + json.dumps(ran) + "\n",
    )
    return tmp_path


def test_what_agrees_with_its_latest_record_is_fresh(checkout):
    (finding,) = verify([job(code="a", spec='{"margin":0.01,"seed":0}')], checkout)
    assert finding.fresh
    assert summary([finding]) == "1 jobs: 1 fresh, 0 not\n"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"code": "b", "spec": '{"margin":0.01,"seed":0}'}, "code: a -> b"),
        ({"code": "a", "spec": '{"margin":0.02,"seed":0}'}, "spec.margin: 0.01 -> 0.02"),
        (
            {"code": "a", "spec": '{"margin":0.01,"seed":0,"level":0.9}'},
            "spec.level: absent -> 0.9",
        ),
        (
            {"code": "a", "spec": '{"margin":0.01,"seed":0}', "lock": "torch 2"},
            "lock: absent -> torch 2",
        ),
        ({"code": "a"}, 'spec: {"margin":0.01,"seed":0} -> absent'),
    ],
)
def test_each_difference_is_named(checkout, params, reason):
    (finding,) = verify([job(**params)], checkout)
    assert finding.reasons == [reason]


def test_an_input_of_another_size_and_one_that_is_new_are_named(checkout):
    write(checkout, "results/x/losses.csv", "123456")
    (finding,) = verify(
        [
            job(
                code="a",
                spec='{"margin":0.01,"seed":0}',
                inputs=("results/x/losses.csv", "new.csv"),
            )
        ],
        checkout,
    )
    assert finding.reasons == [
        "input new.csv: did not exist when it ran",
        "input results/x/losses.csv: was 5 bytes, is 6",
    ]


def test_an_input_that_is_not_read_any_more_is_named(checkout):
    fresh = {"code": "a", "spec": '{"margin":0.01,"seed":0}'}
    (finding,) = verify([job(**fresh, inputs=())], checkout)
    assert finding.reasons == ["input results/x/losses.csv: is not read any more"]
    must_exist = replace(job(**fresh, inputs=()), existing=("results/x/losses.csv",))
    (finding,) = verify([must_exist], checkout)
    assert finding.fresh


def test_an_edited_command_is_named_and_so_is_one_that_was_not_recorded(checkout):
    fresh = {"code": "a", "spec": '{"margin":0.01,"seed":0}'}
    (finding,) = verify([job(**fresh, command="b")], checkout)
    assert finding.reasons == ["command: absent -> b"]


def test_a_missing_result_a_missing_record_and_what_follows(checkout):
    jobs = [
        job("gone", inputs=(), outputs=("results/x/gone.csv",)),
        job(
            "unrecorded",
            inputs=(),
            outputs=("results/x/losses.csv",),
            record="benchmarks/nothing.jsonl",
        ),
        job(code="a", spec='{"margin":0.01,"seed":0}'),
        job("page", inputs=("elsewhere.csv",), record=None),
    ]
    gone, unrecorded, follows, page = verify(jobs, checkout)
    assert gone.missing == ["results/x/gone.csv"]
    assert unrecorded.reasons == [
        "benchmarks/nothing.jsonl: no record of a job: the file does not exist"
    ]
    assert follows.follows == ["unrecorded family=language"] and not follows.reasons
    assert page.fresh
    text = summary([gone, unrecorded, follows, page])
    assert text.startswith("4 jobs: 1 fresh, 3 not (1 of the fresh ones keep no record")
    assert "stale because they are made from these: laws 1" in text


def test_a_runs_own_record_counts_where_the_other_is_lost(checkout):
    record = {"spec": {"seed": 0}, "defined_by": ["a", "torch 1"]}
    write(checkout, "results/x/runs/r/record.json", json.dumps(record))
    run = job(
        "train",
        inputs=(),
        outputs=("results/x/runs/r/record.json",),
        record="no.jsonl",
        code="a",
        lock="torch 2",
        spec='{"seed":1}',
    )
    (finding,) = verify([run], checkout)
    assert finding.reasons == ["lock: torch 1 -> torch 2", "spec.seed: 0 -> 1"]


DAMAGED = (b"", b"\n", b'{"params"', b"[]", b"3", b"\xff\xfe\xff", b'{"params": 3}')


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_record_is_one_finding_and_the_report_goes_on(checkout, text):
    (checkout / "benchmarks/laws.jsonl").write_bytes(text)
    write(checkout, "results/x/other.csv", "other")
    write(checkout, "benchmarks/other.jsonl", '{"params": {}}')
    damaged, other = verify(
        [
            job(),
            job(
                "other",
                inputs=(),
                outputs=("results/x/other.csv",),
                record="benchmarks/other.jsonl",
            ),
        ],
        checkout,
    )
    (reason,) = damaged.reasons
    assert reason.startswith("benchmarks/laws.jsonl: not a record of a job: ")
    assert other.fresh
    assert summary([damaged, other]).startswith(
        "2 jobs: 1 fresh, 1 not\nlaws family=language\n    benchmarks/laws.jsonl: not a record"
    )


@pytest.mark.parametrize("text", (*DAMAGED[:-1], b'{"defined_by": 3}'))
def test_so_is_a_damaged_record_of_a_run(checkout, text):
    write(checkout, "results/x/runs/r/record.json", "")
    (checkout / "results/x/runs/r/record.json").write_bytes(text)
    train = job(
        "train",
        outputs=("results/x/runs/r/record.json",),
        code="a",
        spec='{"margin":0.01,"seed":0}',
    )
    train, evaluate = verify(
        [
            train,
            job("evaluate", inputs=train.outputs, outputs=("results/x/laws.csv",), record=None),
        ],
        checkout,
    )
    (reason,) = train.reasons
    assert reason.startswith("results/x/runs/r/record.json: not a record of a job: ")
    assert evaluate.follows == ["train family=language"] and not evaluate.reasons


def test_weights_and_text_are_never_archived():
    outputs = (
        "results/x/runs/r/record.json",
        "results/x/runs/r/model",
        "results/x/runs/r/model.safetensors",
        "results/x/items.parquet",
    )
    outputs += (
        "results/shared/families/f/requests.parquet",
        "results/shared/families/f/manifest.json",
        "results/shared/t/train.bin",
    )
    packed = archived(job(outputs=outputs), "results/x")
    assert packed == [
        "results/x/runs/r/record.json",
        "results/x/items.parquet",
        "results/shared/families/f/manifest.json",
    ]


def test_the_same_files_are_the_same_archive_and_stale_ones_none(checkout):
    fresh = verify([job(code="a", spec='{"margin":0.01,"seed":0}')], checkout)
    names = members(fresh, checkout, "results/x")
    assert [str(name) for name in names] == ["benchmarks/laws.jsonl", "results/x/laws.csv"]
    assert pack(names, checkout, "results/x", checkout / "1.tar.gz") == pack(
        names, checkout, "results/x", checkout / "2.tar.gz"
    )
    with pytest.raises(
        ValueError,
        match=r"results/x: 1 job\(s\) are not fresh, laws family=language among them "
        r"\(code: a -> b\)",
    ):
        members(
            verify([job(code="b", spec='{"margin":0.01,"seed":0}')], checkout),
            checkout,
            "results/x",
        )
