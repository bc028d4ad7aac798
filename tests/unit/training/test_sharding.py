"""Parameters divided among two and four processes (gloo): the losses of one process, and a run that
is stopped and resumed has the bits of one that is not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rounding import float32_error, roundings_of_a_gradient
from run_specs import optimiser_of, run_spec
from shapes import lstm_shape

from relscale.files import read_json, write_json
from relscale.plan.architecture import Choices, Shape
from relscale.training.execution import Execution
from relscale.training.folder import read_values
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
CAUTIOUS = {
    "kind": "cautious_adamc",
    "beta1": 0.9,
    "beta2": 0.99,
    "weight_decay": 0.1,
    "warmup_share": 0.1,
    "decay_share": 0.5,
    "clip_norm": 0.1,
    **dict.fromkeys(("learning_rate", "embedding_learning_rate", "head_learning_rate"), 0.003),
}
STEPS = 20
MEMBER = Path(__file__).with_name("process_group_member.py")
SPEC = run_spec(SHAPE, CAUTIOUS, steps=STEPS, batch_size=8)
LSTM = lstm_shape(SHAPE)
LSTM_SPEC = run_spec(LSTM, CAUTIOUS, steps=STEPS, batch_size=8)


def job(name, **changes):
    common = {"name": name, "spec": SPEC.model_dump(mode="json"), "sharded": False}
    common |= {"micro_batch": None, "checkpoints": "", "stop_after": 0, "fully_sharded": True}
    return common | changes


@pytest.fixture(scope="module")
def tokens():
    return (np.arange(5000) * np.arange(5000) % 61).astype(np.uint16)


@pytest.fixture(scope="module")
def alone(tokens):
    model = TorchTrainer(SHAPE, Choices(), optimiser_of(CAUTIOUS), 1, Execution())
    return [row.loss_nats_per_token for row in train(SPEC, tokens, model).curve], model


def run_in(processes, folder, tokens, jobs):
    tokens.tofile(folder / "tokens.bin")
    write_json(folder / "jobs.json", jobs)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", str(MEMBER), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = [read_json(folder / f"outcomes-{rank}.json") for rank in range(processes)]
    return {one["name"]: out for one, out in zip(jobs, zip(*outcomes, strict=True), strict=True)}


@pytest.fixture(scope="module")
def two(tmp_path_factory, tokens):
    folder = tmp_path_factory.mktemp("two")
    jobs = [
        job("straight"),
        job("parts", micro_batch=2, activation_checkpointing=True),
        job("stopped", checkpoints="kept", stop_after=7),
        job("resumed", checkpoints="kept"),
        job("whole", fully_sharded=False),
        job("lstm", spec=LSTM_SPEC.model_dump(mode="json"), activation_checkpointing=True),
    ]
    return run_in(2, folder, tokens, jobs), folder


def test_the_layers_of_an_lstm_are_sharded_like_blocks(two, tokens):
    alone = TorchTrainer(LSTM, Choices(), optimiser_of(CAUTIOUS), 1, Execution())
    expected = [row.loss_nats_per_token for row in train(LSTM_SPEC, tokens, alone).curve]
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
    assert alone[0][-1] < alone[0][0] - 0.05


def test_four_processes_have_the_losses_of_one(tmp_path, tokens, alone):
    for outcome in run_in(4, tmp_path, tokens, [job("four")])["four"]:
        np.testing.assert_allclose(losses(outcome), alone[0], rtol=1e-6, atol=0)


def test_a_stopped_run_resumes_to_the_same_bits(two):
    outcomes, folder = two
    assert [one["stopped"] for one in outcomes["stopped"]] == ["stopped after step 7 of 20"] * 2
    straight, resumed = (read_values(folder / name, SHAPE) for name in ("straight", "resumed"))
    assert all(np.array_equal(straight[name], resumed[name]) for name in straight)
    assert losses(outcomes["straight"][0]) == losses(outcomes["resumed"][0])


def test_each_process_keeps_its_part_of_the_moments_and_saves_the_whole_model(two, alone):
    outcomes, folder = two
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
