import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.config.families import Family, PairFamily, QuestionFamily
from relscale.contract.losses import ITEMS_COLUMNS, LOSSES_COLUMNS, RUN_COLUMNS
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.evaluation import score_cache, score_runs
from relscale.evaluation.aggregate import ScoredFamily, losses_rows
from relscale.evaluation.overlap import overlapping
from relscale.evaluation.requests import Item, Option, read_requests, write_requests
from relscale.plan.architecture import Shape
from relscale.runtime import call
from relscale.stages import evaluate, family, losses, overlap
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.model import initialise, save_decoder

SETTINGS = {
    "kind": "pairs",
    "source": "s",
    "metrics": ["choice_probability", "accuracy"],
    "tokens_per_domain": 1000,
    "domains": {
        "A": [{"files": ["pairs.json"], "positive": "good", "negative": "bad"}],
        "B": [{"files": ["more.json"], "positive": "good", "negative": "bad"}],
    },
}
SPEC = json.dumps({"family": "behaviour", "context_length": 64, "settings": SETTINGS})


@pytest.fixture(scope="module")
def place(tmp_path_factory, tokenizer) -> Path:
    """A source, a tokenizer, three runs (one of them diverged) and the requests of a family."""
    root = tmp_path_factory.mktemp("evaluation")
    tokenizer.save(str(root / "tokenizer.json"))
    (root / "source/files").mkdir(parents=True)
    (root / "source/manifest.json").write_text("{}")
    for name, count in (("pairs", 6), ("more", 4)):
        rows = [
            {"good": f"{name} {number} is right", "bad": f"{name} {number} wrong"}
            for number in range(count)
        ]
        (root / f"source/files/{name}.json").write_text(json.dumps(rows))
    shape = Shape(
        width=16,
        layers=1,
        heads=1,
        kv_heads=1,
        head_dim=16,
        intermediate=48,
        vocab_size=259,
        context_length=64,
    )
    for seed in range(3):
        decoder = Decoder(shape)
        initialise(decoder, seed)
        columns = dict.fromkeys(SUITE_COLUMNS, 1) | {
            "corpus": "web",
            "budget": "1e9",
            "recipe": "cpu_small",
            "run": f"r{seed}",
        }
        record = {
            "columns": columns,
            "spec": {"device": "cpu"},
            "excluded_reason": "diverged at step 3" if seed == 2 else None,
        }
        (root / f"runs/r{seed}").mkdir(parents=True)
        (root / f"runs/r{seed}/record.json").write_text(json.dumps(record))
        if seed < 2:
            save_decoder(decoder, root / f"runs/r{seed}/model")
    run_family(root, "")
    return root


def run_family(root: Path, suffix: str) -> None:
    source = [
        "--source",
        str(root / "source/manifest.json"),
        "--tokenizer",
        str(root / "tokenizer.json"),
    ]
    call(
        family.main,
        [
            "--spec",
            SPEC,
            *source,
            "--out",
            str(root / f"requests{suffix}.parquet"),
            "--manifest",
            str(root / f"manifest{suffix}.json"),
        ],
    )


def run_evaluate(
    root: Path, name: str, seeds: list[int], *more: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    records = [str(root / f"runs/r{seed}/record.json") for seed in seeds]
    outputs = [root / f"{name}-losses.parquet", root / f"{name}-items.parquet"]
    inputs = [
        "--spec",
        SPEC,
        "--requests",
        str(root / "requests.parquet"),
        "--record",
        *records,
        *more,
    ]
    inputs += ["--score-cache", str(root / "cache"), "--defined-by", "code", "lock"]
    words = [*inputs, "--out-losses", str(outputs[0]), "--out-items", str(outputs[1])]
    call(evaluate.main, words)
    return pd.read_parquet(outputs[0]), pd.read_parquet(outputs[1])


def test_family_to_losses(place):
    frame, items = run_evaluate(place, "two", [0, 1])
    assert tuple(frame.columns) == LOSSES_COLUMNS and tuple(items.columns) == ITEMS_COLUMNS
    assert len(frame) == 2 * 2 * 2 and len(items) == 2 * 2 * 10
    assert frame["num_items"].tolist() == [6, 6, 4, 4] * 2
    for row in frame.itertuples():
        at = (
            (items["run"] == row.run)
            & (items["domain"] == row.domain)
            & (items["metric"] == row.metric)
        )
        assert row.value == pytest.approx(
            items.loc[at, "numerator"].sum() / items.loc[at, "denominator"].sum(), rel=1e-12
        )
    probability = items[items["metric"] == "choice_probability"]["numerator"]
    assert probability.between(0, 1).all() and probability.nunique() == 20
    assert frame["excluded_reason"].isna().all() and frame["value"].notna().all()


def test_excluded_runs_keep_their_rows(place):
    frame, items = run_evaluate(place, "all", [0, 1, 2])
    excluded = frame[frame["run"] == "r2"]
    assert excluded["excluded_reason"].tolist() == ["diverged at step 3"] * 4
    assert excluded["value"].isna().all() and not excluded["at_chance"].any()
    assert excluded["num_items"].tolist() == [6, 6, 4, 4]
    assert set(items["run"]) == {"r0", "r1"}


def test_overlapping_items_are_flagged_and_left_out(place):
    requests = read_requests(place / "requests.parquet")
    found = [requests.items[0], requests.items[1]]
    (place / "overlaps.json").write_text(json.dumps({"items": found}))
    frame, items = run_evaluate(place, "overlaps", [0], "--overlaps", str(place / "overlaps.json"))
    assert sorted(items.loc[items["overlaps"], "item"].unique()) == sorted(found)
    assert frame["num_items"].tolist() == [4, 4, 4, 4]
    kept = items[
        (items["metric"] == "choice_probability") & (items["domain"] == "A") & ~items["overlaps"]
    ]
    assert frame.loc[0, "value"] == pytest.approx(kept["numerator"].mean(), rel=1e-12)


def test_same_input_same_bytes(place):
    run_family(place, "-again")
    run_evaluate(place, "first", [0, 1])
    run_evaluate(place, "second", [0, 1])
    pairs = [
        ("requests.parquet", "requests-again.parquet"),
        ("manifest.json", "manifest-again.json"),
    ]
    pairs += [(f"first-{kind}.parquet", f"second-{kind}.parquet") for kind in ("losses", "items")]
    for one, other in pairs:
        assert (
            hashlib.sha256((place / one).read_bytes()).digest()
            == hashlib.sha256((place / other).read_bytes()).digest()
        ), one


def test_an_evaluation_that_was_stopped_scores_no_run_a_second_time(place, monkeypatch, caplog):
    assert not (place / "cache").exists()  # scores that take less than a minute are not stored
    expected = run_evaluate(place, "straight", [0, 1])
    monkeypatch.setattr(score_cache, "STORED_FROM_S", 0.0)
    really = score_runs.read_run

    def stopped(folder, *how):
        if "r1" in str(folder):
            raise KeyboardInterrupt
        return really(folder, *how)

    monkeypatch.setattr(score_runs, "read_run", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_evaluate(place, "stopped", [0, 1])
    assert not (place / "stopped-losses.parquet").exists()
    (kept,) = (place / "cache").iterdir()
    scored = []
    monkeypatch.setattr(
        score_runs,
        "read_run",
        lambda folder, *how: scored.append(folder.parent.name) or really(folder, *how),
    )

    def again(name):
        scored.clear()
        for one, other in zip(run_evaluate(place, name, [0, 1]), expected, strict=True):
            pd.testing.assert_frame_equal(one, other)
        return list(scored)

    assert again("resumed") == ["r1"]
    assert again("finished") == []
    kept.write_bytes(kept.read_bytes()[:40])
    caplog.clear()
    assert again("damaged") == ["r0"]
    assert f"{kept}: damaged, ignored" in caplog.text
    os.utime(
        place / "runs/r1/model/model.safetensors", ns=(0, 0)
    )  # other weights, for all that is known
    assert again("trained anew") == ["r1"]
    shutil.rmtree(place / "cache")


def run_losses(root: Path, names: list[str]) -> pd.DataFrame:
    inputs = [
        "--losses",
        *[str(root / f"{name}-losses.parquet") for name in names],
        "--items",
        *[str(root / f"{name}-items.parquet") for name in names],
    ]
    call(
        losses.main,
        [
            *inputs,
            "--out-losses",
            str(root / "out.parquet"),
            "--out-items",
            str(root / "out-items.parquet"),
            "--out-csv",
            str(root / "out.csv"),
        ],
    )
    return pd.read_parquet(root / "out.parquet")


def test_losses_are_put_together_in_one_order(place):
    run_evaluate(place, "a", [1, 2])
    run_evaluate(place, "b", [0])
    frame = run_losses(place, ["a", "b"])
    bytes_one_way = (place / "out-items.parquet").read_bytes()
    pd.testing.assert_frame_equal(frame, run_losses(place, ["b", "a"]))
    items = pd.read_parquet(place / "out-items.parquet")
    assert list(zip(frame["metric"], frame["domain"], frame["run"], strict=True)) == [
        (metric, domain, run)
        for metric in ("accuracy", "choice_probability")
        for domain in "AB"
        for run in ("r0", "r1", "r2")
    ]
    keys = list(
        zip(
            items["metric"].astype(str),
            items["domain"].astype(str),
            items["run"].astype(str),
            items["item"].astype(str),
            strict=True,
        )
    )
    assert keys == sorted(keys) and len(keys) == 40
    assert len(bytes_one_way) > 0
    from_csv = pd.read_csv(place / "out.csv", dtype={"budget": str})
    np.testing.assert_allclose(from_csv["value"], frame["value"], rtol=1e-9)


def test_losses_that_do_not_go_together(place):
    run_evaluate(place, "a", [0, 1])
    with pytest.raises(
        ValueError,
        match=r"two rows have the same corpus 'web', family 'behaviour', metric 'accuracy', "
        r"domain 'A', run 'r0', in .*a-losses",
    ):
        run_losses(place, ["a", "a"])
    table = pq.read_table(place / "a-losses.parquet")
    pq.write_table(table.drop_columns(["value"]), place / "short-losses.parquet")
    pq.write_table(
        table.append_column("extra", pa.array([1] * len(table))), place / "long-losses.parquet"
    )
    for name, message in (
        ("short", r"short-losses\.parquet: missing column\(s\) value"),
        ("long", r"unknown column\(s\) extra"),
    ):
        pq.write_table(pq.read_table(place / "a-items.parquet"), place / f"{name}-items.parquet")
        with pytest.raises(ValueError, match=message):
            run_losses(place, [name])


def test_overlap_stage(place):
    words = [f"w{number}" for number in range(40)]
    option = Option(context=(0,), continuation=(1,), num_bytes=1)
    texts = {"in": " ".join(words[5:20]), "out": "other " * 20, "short": "w1 w2"}
    write_requests(
        [
            Item(domain="d", stratum="d", item=name, options=(option,), text=text)
            for name, text in texts.items()
        ],
        place / "r.parquet",
    )
    pq.write_table(
        pa.table({"text": ["nothing here", " ".join(words).upper()]}), place / "train.parquet"
    )
    spec = json.dumps({"window_words": 13})
    call(
        overlap.main,
        [
            "--spec",
            spec,
            "--requests",
            str(place / "r.parquet"),
            "--train",
            str(place / "train.parquet"),
            "--out",
            str(place / "o.json"),
        ],
    )
    assert json.loads((place / "o.json").read_text()) == {
        "items": ["in"],
        "items_overlapping": 1,
        "items_searched": 3,
        "items_too_short": 1,
    }


def test_overlap_needs_a_whole_window():
    items = {"item": ["one two three four"]}
    assert overlapping(items, [["zero one two three"]], size=3) == (["item"], 0)
    assert overlapping(items, [["one two", "three four"], ["two, one three; four"]], size=3) == (
        [],
        0,
    )
    assert overlapping({}, [["one two three"]], size=3) == ([], 0)


def family_of(kind: str, metrics: list[str]) -> Family:
    settings = {"source": "s", "metrics": metrics}
    if kind == "questions":
        return QuestionFamily(kind="questions", file="q.jsonl", **settings)
    return PairFamily.model_validate({**SETTINGS, **settings})


def losses_of(
    tmp_path: Path, kind: str, metrics: list[str], items: list[Item], log_likelihood: list[float]
) -> dict[str, dict]:
    write_requests(items, tmp_path / "requests.parquet")
    scored = ScoredFamily(
        name="f",
        settings=family_of(kind, metrics),
        requests=read_requests(tmp_path / "requests.parquet"),
        overlaps=np.zeros(len(items), dtype=bool),
    )
    rows = losses_rows(dict.fromkeys(RUN_COLUMNS, 1), scored, np.array(log_likelihood))
    return {row["metric"]: row for row in rows}


def pair(name: str, stratum: str) -> Item:
    options = tuple(Option(context=(0,), continuation=(token,), num_bytes=2) for token in (1, 2))
    return Item(domain="d", stratum=stratum, item=name, options=options, gold=0, text=name)


def test_subjects_weigh_alike_in_losses_and_by_size_in_accuracy(tmp_path):
    items = [pair("1", "a"), pair("2", "a"), pair("3", "a"), pair("4", "b")]
    right, wrong = [np.log(0.6), np.log(0.2)], [np.log(0.2), np.log(0.6)]
    for kind, probability in (("questions", (0.75 + 0.25) / 2), ("pairs", (3 * 0.75 + 0.25) / 4)):
        rows = losses_of(
            tmp_path,
            kind,
            ["choice_probability", "accuracy"],
            items,
            [*right, *right, *right, *wrong],
        )
        assert rows["choice_probability"]["value"] == pytest.approx(probability)
        assert rows["accuracy"]["value"] == 0.75
        assert rows["accuracy"]["num_bytes"] == 8


def test_at_chance(tmp_path):
    items = [pair(str(number), "a") for number in range(20)]
    right, wrong = [-1.0, -2.0], [-2.0, -1.0]
    metrics = ["choice_loss_nats", "accuracy", "accuracy_per_byte", "bits_per_byte"]
    half = losses_of(tmp_path, "pairs", metrics, items, [*right, *wrong] * 10)
    assert {metric: row["at_chance"] for metric, row in half.items()} == {
        "choice_loss_nats": True,
        "accuracy": True,
        "accuracy_per_byte": True,
        "bits_per_byte": False,
    }
    good = losses_of(tmp_path, "pairs", ["choice_loss_nats"], items, [*right] * 18 + [*wrong] * 2)
    assert not good["choice_loss_nats"]["at_chance"]


def test_requests_without_a_right_option(tmp_path):
    write_requests([pair("1", "a"), pair("2", "a")], tmp_path / "r.parquet")
    table = pq.read_table(tmp_path / "r.parquet")
    pq.write_table(
        table.set_column(5, "gold", pa.array([True, False, False, False])), tmp_path / "r.parquet"
    )
    with pytest.raises(
        ValueError, match=r"r\.parquet: item '2' of domain 'd' must have exactly one right option"
    ):
        read_requests(tmp_path / "r.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "r.parquet")
    with pytest.raises(ValueError, match="has no requests"):
        read_requests(tmp_path / "r.parquet")
