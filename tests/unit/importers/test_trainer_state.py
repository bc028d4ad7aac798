"""Format `trainer_state`: states of the Hugging Face Trainer."""

import math

import pytest
from imported_files import run_facts, trainer_state, write_csv, write_json

from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

FILE = "trainer_state.json"


def options(tmp_path, *runs, **others):
    return ImportOptions(runs=run_facts(tmp_path / "runs.csv", runs), six_nd=True, **others)


def test_each_folder_is_a_run_and_its_last_evaluation_counts(tmp_path):
    for name, loss in (("a", 3.0), ("b", 2.5)):
        state = trainer_state(1000, {"c4": loss, "ice": loss + 1})
        write_json(tmp_path / "out" / name / FILE, state)
    found = import_losses("trainer_state", [tmp_path / "out"], options(tmp_path, "a", "b"))
    assert found.frame[["run", "domain", "value"]].to_numpy().tolist() == [
        ["a", "c4", 3.0],
        ["b", "c4", 2.5],
        ["a", "ice", 4.0],
        ["b", "ice", 3.5],
    ]
    assert "4 evaluation(s) before the last one of their run" in found.left_out


def test_tokens_and_flops_come_from_the_state(tmp_path):
    state = trainer_state(1000, {"": 3.0}, tokens=2_000_000_000)
    path = write_json(tmp_path / "a" / FILE, state)
    table = write_csv(tmp_path / "runs.csv", [["run", "num_params_total"], ["a", 100_000_000]])
    found = import_losses("trainer_state", [path], ImportOptions(runs=table, corpus="c"))
    row = found.frame.iloc[0]
    assert (row["run"], row["domain"], row["metric"]) == ("a", "eval", "loss")
    assert (row["tokens"], row["training_flops"]) == (2_000_000_000, 1.2e18)
    assert any("total_flos" in line for line in found.decisions)


def test_the_latest_checkpoint_of_a_run_counts(tmp_path):
    for step, loss in ((1000, 3.0), (2000, 2.0)):
        path = tmp_path / "out" / "a" / f"checkpoint-{step}" / FILE
        write_json(path, trainer_state(step, {"c4": loss}, max_steps=2000))
    found = import_losses("trainer_state", [tmp_path / "out"], options(tmp_path, "a"))
    assert list(found.frame["run"]) == ["a"] and list(found.frame["value"]) == [2.0]
    assert "1 file(s) of earlier checkpoints of the same run" in found.left_out
    alone = tmp_path / "out" / "a" / "checkpoint-2000"
    assert list(import_losses("trainer_state", [alone], options(tmp_path, "a")).frame["run"]) == [
        "a"
    ]


def test_an_unfinished_run_is_excluded_with_the_reason(tmp_path):
    state = trainer_state(900, {"c4": 3.0}, max_steps=1000)
    path = write_json(tmp_path / "a" / FILE, state)
    frame = import_losses("trainer_state", [path], options(tmp_path, "a")).frame
    assert list(frame["excluded_reason"]) == ["unfinished: step 900 of 1000"]


def test_a_loss_that_is_nan_is_excluded(tmp_path):
    path = write_json(tmp_path / "a" / FILE, trainer_state(10, {"c4": math.nan, "ice": 2.0}))
    frame = import_losses("trainer_state", [path], options(tmp_path, "a")).frame
    assert frame["excluded_reason"].fillna("").tolist() == ["nan at step 10", ""]


def entry(**values):
    return {"log_history": [values], "global_step": 10}


BAD = {
    "list": ([1], r"is not a Trainer's state: the file has no JSON object"),
    "keys": ({"history": []}, r"key\(s\) log_history, global_step are missing; it has history"),
    "history": ({"log_history": 3, "global_step": 10}, r"log_history must be a list"),
    "entry": ({"log_history": [3], "global_step": 10}, r"log_history\[0\]: is 3, not an object"),
    "text": (entry(step=1, eval_c4_loss="low"), r"log_history\[0\]: eval_c4_loss is 'low'"),
    "null": (entry(step=1, eval_c4_loss=None), r"eval_c4_loss is None, not a number"),
    "step": (entry(eval_c4_loss=2.0), r"log_history\[0\]: has eval_c4_loss, but no step"),
    "none": (entry(step=1, loss=2.0), r"no evaluation is recognized"),
    "empty": ({"log_history": [], "global_step": 10}, r"no evaluation is recognized"),
    "steps": ({"log_history": [], "global_step": "ten"}, r"global_step is 'ten', not a number"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_state_is_named_with_its_place(tmp_path, case):
    value, message = BAD[case]
    path = write_json(tmp_path / "a" / FILE, value)
    with pytest.raises(ValueError, match=rf"trainer_state\.json.*{message}"):
        import_losses("trainer_state", [path], options(tmp_path, "a"))


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"log_history": [{"step": 1, "eval_c4', r"not valid JSON"),
        ('{"global_step": 1, "global_step": 2}', r"the key 'global_step' occurs twice"),
        ("[" * 100_000, r"nested too deeply|not valid JSON"),
        ("", r"not valid JSON"),
    ],
)
def test_a_cut_file_is_an_error(tmp_path, text, message):
    path = tmp_path / "a" / FILE
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"trainer_state\.json: .*{message}"):
        import_losses("trainer_state", [path], options(tmp_path, "a"))


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    outside = write_json(tmp_path / "secret" / FILE, trainer_state(10, {"c4": 3.0}))
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / FILE).symlink_to(outside)
    with pytest.raises(ValueError, match=r"a link that leads out of .*out; remove it"):
        import_losses("trainer_state", [tmp_path / "out"], options(tmp_path, "a"))
    (tmp_path / "out" / "a" / FILE).unlink()
    (tmp_path / "out" / "b").symlink_to(outside.parent)
    with pytest.raises(ValueError, match=r"out/b: a link that leads out"):
        import_losses("trainer_state", [tmp_path / "out"], options(tmp_path, "a"))


def test_an_archive_is_not_opened(tmp_path):
    path = tmp_path / "trainer_state.json.zip"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"must end in \.json; unpack archives first"):
        import_losses("trainer_state", [path], ImportOptions())
