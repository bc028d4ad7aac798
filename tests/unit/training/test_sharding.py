"""Parameters divided among two and four processes (gloo): the losses of one process, and a run that
is stopped, or loses a process, and resumes has the bits of one that is not."""

import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rounding import float32_error, roundings_of_a_gradient
from run_specs import optimiser_of, run_spec
from shapes import lstm_shape

from relscale.files import read_json, sha256_of, write_json
from relscale.plan.architecture import Choices, Shape
from relscale.training.checkpoint import Checkpoints
from relscale.training.execution import Execution
from relscale.training.folder import read_values
from relscale.training.launch import launch
from relscale.training.loop import train
from relscale.training.torch_trainer import TorchTrainer

SHAPE = Shape(
    width=32,
    layers=2,
    heads=2,
    kv_heads=1,
    head_dim=16,
    intermediate=48,
    vocab_size=61,
    context_length=16,
)
COMMON = {
    "beta1": 0.9,
    "beta2": 0.99,
    "weight_decay": 0.1,
    "warmup_share": 0.1,
    "decay_share": 0.5,
    "clip_norm": 0.1,
}
# A cautious mask is 0 or 1 by the sign of a product, which rounding may turn where the gradient of
# an entry is within rounding of zero. Such an entry then differs by a whole update, and the loss by
# the square of the rate: below 1e-6 at this rate.
RATES = {"adamw": 0.003, "adamc": 0.003, "cautious_adamw": 2e-4, "cautious_adamc": 2e-4}
KINDS = ["adamw", "adamc", "cautious_adamw"]
STEPS = 20
LSTM = lstm_shape(SHAPE)


def optimiser(kind):
    names = ("learning_rate", "embedding_learning_rate", "head_learning_rate")
    return {"kind": kind} | COMMON | dict.fromkeys(names, RATES[kind])


def job(name, kind="cautious_adamc", shape=SHAPE, **changes):
    spec = run_spec(shape, optimiser(kind), steps=STEPS, batch_size=8)
    common = {"name": name, "spec": spec.model_dump(mode="json"), "sharded": False}
    common |= {"micro_batch": None, "checkpoints": "", "stop_after": 0, "fully_sharded": True}
    return common | changes


@pytest.fixture(scope="module")
def tokens():
    return (np.arange(5000) * np.arange(5000) % 61).astype(np.uint16)


def losses_of_one_process(tokens, kind, shape=SHAPE):
    model = TorchTrainer(shape, Choices(), optimiser_of(optimiser(kind)), 1, Execution())
    spec = run_spec(shape, optimiser(kind), steps=STEPS, batch_size=8)
    return [row.loss_nats_per_token for row in train(spec, tokens, model).curve], model


@pytest.fixture(scope="module")
def alone(tokens):
    return losses_of_one_process(tokens, "cautious_adamc")


def run_in(processes, folder, tokens, jobs, *, code=0):
    """Return the outcomes in each process by job, of those jobs that all processes ended."""
    tokens.tofile(folder / "tokens.bin")
    write_json(folder / "jobs.json", jobs)
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        patch.setenv("OMP_NUM_THREADS", "1")
        assert launch(processes, "process_group_member", [str(folder)]) == code
    outcomes = [read_json(folder / f"outcomes-{rank}.json") for rank in range(processes)]
    return {one["name"]: out for one, out in zip(jobs, zip(*outcomes, strict=True), strict=False)}


@pytest.fixture(scope="module")
def two(tmp_path_factory, tokens):
    folder = tmp_path_factory.mktemp("two")
    jobs = [
        job("straight"),
        job("parts", micro_batch=2, activation_checkpointing=True),
        job("stopped", checkpoints="kept", stop_after=7),
        job("resumed", checkpoints="kept"),
        job("whole", fully_sharded=False),
        job("lstm", shape=LSTM, activation_checkpointing=True),
        *(job(kind, kind) for kind in KINDS),
        job("full", checkpoints="full", every_steps=5, largest_file_of_the_last=1000),
        # The last: a process is killed in it.
        job("lost", checkpoints="lost", every_steps=5, stop_after=8, kill=True),
    ]
    with pytest.MonkeyPatch.context() as patch:
        said = []
        patch.setattr(logging.getLogger("relscale.training.launch"), "error", said_to(said))
        outcomes = run_in(2, folder, tokens, jobs, code=128 + 9)
    return outcomes, folder, said


def said_to(said):
    return lambda message, *arguments: said.append(message % arguments)


def test_the_layers_of_an_lstm_are_sharded_like_blocks(two, tokens):
    expected, _ = losses_of_one_process(tokens, "cautious_adamc", LSTM)
    for outcome in two[0]["lstm"]:
        np.testing.assert_allclose(losses(outcome), expected, rtol=1e-6, atol=0)


def losses(outcome):
    return [row["loss_nats_per_token"] for row in outcome["curve"]]


# One rounding of a loss is 6e-8, and sums of the same terms in another order differ by a few; micro
# batches add terms in one more order, whose errors the cautious masks carry on.
@pytest.mark.parametrize(
    ("name", "rtol"),
    [("straight", 1e-6), ("parts", float32_error(1, roundings_of_a_gradient(SHAPE, 8)))],
)
def test_two_processes_have_the_losses_of_one(two, alone, name, rtol):
    for outcome in two[0][name]:
        np.testing.assert_allclose(losses(outcome), alone[0], rtol=rtol, atol=0)
    assert alone[0][-1] < alone[0][0] - 100 * RATES["cautious_adamc"]


def test_four_processes_have_the_losses_of_one(tmp_path, tokens, alone):
    found = run_in(4, tmp_path, tokens, [job("four"), job("plain", "adamw")])
    plain, _ = losses_of_one_process(tokens, "adamw")
    for name, expected in (("four", alone[0]), ("plain", plain)):
        for outcome in found[name]:
            np.testing.assert_allclose(losses(outcome), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_adam_has_the_losses_of_one_process(two, tokens, kind):
    expected, _ = losses_of_one_process(tokens, kind)
    for outcome in two[0][kind]:
        np.testing.assert_allclose(losses(outcome), expected, rtol=1e-6, atol=0)
    assert expected[-1] < expected[0] - 100 * RATES[kind]
    assert losses(two[0][kind][0]) != losses(two[0]["straight"][0])


def test_a_checkpoint_has_a_part_per_process_and_none_has_the_whole_state(two, alone):
    _, folder, _ = two
    (parts,) = (folder / "kept").glob("step-000000007")
    files = sorted(parts.iterdir())
    assert [path.suffix for path in files] == [".safetensors"] * 2
    saved = read_json(parts.with_suffix(".json"))
    assert saved["sha256"] == {path.name: sha256_of(path) for path in files}
    state = 12 * sum(parameter.numel() for parameter in alone[1].decoder.parameters())
    names = 30_000  # of the values, with places, in the header of a file
    assert all(path.stat().st_size < 0.51 * state + names for path in files)


def test_a_part_that_was_changed_is_a_damaged_checkpoint(two, tmp_path, caplog):
    kept = two[1] / "kept"
    copy = tmp_path / "copy"
    shutil.copytree(kept, copy)
    assert Checkpoints(copy).latest().step == STEPS
    part = next((copy / f"step-{STEPS:09d}").iterdir())
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert Checkpoints(copy).latest().step == 7
    assert f"/step-{STEPS:09d}: damaged, skipped: {part.name} changed\n" in caplog.text
    (copy / "step-000000007" / "notes.txt").touch()
    assert Checkpoints(copy).latest() is None
    assert "/step-000000007: damaged, skipped: notes.txt not of this checkpoint\n" in caplog.text
    shutil.rmtree(copy / "step-000000007")
    assert Checkpoints(copy).latest() is None
    names = sorted(path.name for path in (kept / "step-000000007").iterdir())
    assert f"/step-000000007: damaged, skipped: {', '.join(names)} missing\n" in caplog.text


def test_a_state_of_another_model_is_refused_also_if_it_has_all_that_this_one_needs(two, tmp_path):
    shutil.copytree(two[1] / "kept", tmp_path / "kept")
    smaller = job("smaller", shape=replace(SHAPE, layers=1), checkpoints="kept")
    tokens = np.fromfile(two[1] / "tokens.bin", dtype=np.uint16)
    for outcome in run_in(2, tmp_path, tokens, [smaller])["smaller"]:
        assert f"kept/step-{STEPS:09d}: first.model.layers.1." in outcome["error"]
        assert outcome["error"].endswith("missing or unknown")


def test_where_one_process_cannot_write_its_part_all_end_and_nothing_looks_finished(two):
    outcomes, folder, _ = two
    for outcome in outcomes["full"]:
        assert "step-000000005: the checkpoint cannot be written: rank 1: " in outcome["error"]
        assert outcome["error"].endswith("the last good one is none")
    assert list((folder / "full").iterdir()) == []


def test_a_run_that_lost_a_process_says_so_and_resumes_to_the_same_bits(two, tokens, tmp_path):
    outcomes, folder, said = two
    assert "lost" not in outcomes
    assert said == [
        "process 1 was killed by SIGKILL; the other processes of the run were ended. Called again, "
        "the job resumes from the last checkpoint"
    ]
    shutil.copytree(folder / "lost", tmp_path / "lost")
    # A process that is killed while it writes a checkpoint leaves this behind.
    for left in (".step-000000010.tmp", "step-000000010"):
        shutil.copytree(tmp_path / "lost/step-000000005", tmp_path / "lost" / left)
    with Checkpoints(tmp_path / "lost").locked():
        names = sorted(path.name for path in (tmp_path / "lost").iterdir())
    assert names == ["lock", "step-000000005", "step-000000005.json"]
    again = run_in(2, tmp_path, tokens, [job("again", checkpoints="lost")])["again"]
    straight = read_values(folder / "straight", SHAPE)
    resumed = read_values(tmp_path / "again", SHAPE)
    assert all(np.array_equal(straight[name], resumed[name]) for name in straight)
    assert losses(again[0]) == losses(outcomes["straight"][0])


def test_a_stopped_run_resumes_to_the_same_bits(two):
    outcomes, folder, _ = two
    assert [one["stopped"] for one in outcomes["stopped"]] == ["stopped after step 7 of 20"] * 2
    straight, resumed = (read_values(folder / name, SHAPE) for name in ("straight", "resumed"))
    assert all(np.array_equal(straight[name], resumed[name]) for name in straight)
    assert losses(outcomes["straight"][0]) == losses(outcomes["resumed"][0])


def test_each_process_keeps_its_part_of_the_moments_and_saves_the_whole_model(two, alone):
    outcomes, folder, _ = two
    total = 2 * sum(parameter.numel() for parameter in alone[1].decoder.parameters())
    kept = [one["moments"] for one in outcomes["straight"]]
    assert sum(kept) == total
    assert max(kept) < 0.51 * total
    saved, whole = (read_values(folder / name, SHAPE) for name in ("straight", "whole"))
    for name, value in saved.items():
        # Cautious masks may turn the sign of an update that is within rounding of zero, so single
        # entries differ by an update; rows in a wrong place would differ by as much as they are.
        difference = np.linalg.norm(value - whole[name]) / np.linalg.norm(whole[name])
        assert difference < 1e-3, (name, difference)
