"""Two processes that share a run, between CPUs (gloo): the same losses as one, checkpoints and
stops included."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rounding import float32_error, roundings_of_a_gradient
from run_specs import optimiser_of, run_spec

from relscale.config.suite import Suite
from relscale.files import read_json, sha256_of, write_json
from relscale.plan.architecture import Choices, Shape
from relscale.plan.suite import plan_suite
from relscale.training.build import join_process_group
from relscale.training.execution import Execution
from relscale.training.folder import read_values
from relscale.training.launch import TRY_AGAIN, launch
from relscale.training.loop import train
from relscale.training.record import read_record
from relscale.training.torch_trainer import TorchTrainer

SHAPE = Shape(
    width=32,
    layers=2,
    heads=2,
    kv_heads=1,
    head_dim=16,
    intermediate=48,
    vocab_size=64,
    context_length=16,
)
SHARED = {
    "beta1": 0.9,
    "beta2": 0.99,
    "warmup_share": 0.1,
    "decay_share": 0.5,
    "clip_norm": 1.0,
    "learning_rate": 0.003,
}
ADAM = {
    "kind": "adam",
    "embedding_learning_rate": 0.006,
    "head_learning_rate": 0.01,
    "weight_decay": 0.1,
    **SHARED,
}
CAUTIOUS = ADAM | {
    "kind": "cautious_adamc",
    "embedding_learning_rate": 0.003,
    "head_learning_rate": 0.003,
}
STEPS = 30
MEMBER = Path(__file__).with_name("process_group_member.py")


def spec(optimiser):
    return run_spec(SHAPE, optimiser, steps=STEPS, batch_size=8)


def job(name, optimiser, **changes):
    common = {
        "name": name,
        "spec": spec(optimiser).model_dump(mode="json"),
        "sharded": False,
        "micro_batch": None,
        "checkpoints": "",
        "stop_after": 0,
    }
    return common | changes


@pytest.fixture(scope="module")
def tokens():
    return (np.arange(5000) * np.arange(5000) % 61).astype(np.uint16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokens):
    """Results of several runs in two processes, started as torchrun starts them."""
    folder = tmp_path_factory.mktemp("group")
    tokens.tofile(folder / "tokens.bin")
    jobs = [
        job("adam", ADAM),
        job("adam_shared", ADAM, sharded=True, micro_batch=2),
        job("cautious", CAUTIOUS),
        job("cautious_shared", CAUTIOUS, sharded=True),
        job("cautious_stopped", CAUTIOUS, sharded=True, checkpoints="cautious", stop_after=7),
        job("cautious_resumed", CAUTIOUS, checkpoints="cautious"),
        job("adam_stopped", ADAM, checkpoints="adam", stop_after=11),
        job("adam_resumed", ADAM, sharded=True, checkpoints="adam"),
        job("diverged", ADAM | {"learning_rate": 1e30, "clip_norm": 1e30}),
    ]
    write_json(folder / "jobs.json", jobs)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(MEMBER),
        str(folder),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture
def outcomes(folder):
    jobs = read_json(folder / "jobs.json")
    return [
        {
            entry["name"]: out
            for entry, out in zip(jobs, read_json(folder / f"outcomes-{rank}.json"), strict=True)
        }
        for rank in (0, 1)
    ]


def alone(optimiser, tokens, micro_batch):
    model = TorchTrainer(
        SHAPE, Choices(), optimiser_of(optimiser), 1, Execution(micro_batch=micro_batch)
    )
    return train(spec(optimiser), tokens, model), model


@pytest.mark.parametrize(
    ("name", "optimiser", "micro_batch"),
    [
        ("adam", ADAM, 4),
        ("adam_shared", ADAM, 2),
        ("cautious", CAUTIOUS, 4),
        ("cautious_shared", CAUTIOUS, 4),
    ],
)
def test_losses_are_those_of_one_process_with_gradients_summed_up(
    outcomes, tokens, name, optimiser, micro_batch
):
    expected, _ = alone(optimiser, tokens, micro_batch)
    # Only the order of the sum over sequences differs.
    rel = float32_error(1, roundings_of_a_gradient(SHAPE, 8))
    for outcome in outcomes:
        for key in ("loss_nats_per_token", "gradient_norm"):
            found = [row[key] for row in outcome[name]["curve"]]
            np.testing.assert_allclose(
                found, [getattr(row, key) for row in expected.curve], rtol=rel, atol=0
            )
    assert expected.curve[-1].loss_nats_per_token < expected.curve[0].loss_nats_per_token - 0.1


@pytest.mark.parametrize("kind", ["adam", "cautious"])
def test_sharing_the_moments_changes_nothing_but_where_they_are(outcomes, folder, kind):
    whole, shared = (read_values(folder / name, SHAPE) for name in (kind, f"{kind}_shared"))
    if kind == "cautious":  # the other one was cut into other micro batches
        assert all(np.array_equal(whole[name], shared[name]) for name in whole)
    each = [[outcome[name]["moments"] for outcome in outcomes] for name in (kind, f"{kind}_shared")]
    total = 2 * sum(value.size for value in whole.values())
    assert each[0] == [total, total]
    assert sum(each[1]) == total
    assert max(each[1]) < 0.6 * total


@pytest.mark.parametrize(("kind", "steps"), [("cautious", 7), ("adam", 11)])
def test_all_stop_when_one_is_asked_to_and_go_on_to_the_same_bytes(outcomes, folder, kind, steps):
    assert [outcome[f"{kind}_stopped"]["stopped"] for outcome in outcomes] == [
        f"stopped after step {steps} of {STEPS}"
    ] * 2
    straight, resumed = (read_values(folder / name, SHAPE) for name in (kind, f"{kind}_resumed"))
    assert all(np.array_equal(straight[name], resumed[name]) for name in straight)
    deterministic = ("step", "tokens", "learning_rate", "loss_nats_per_token", "gradient_norm")
    rows = [
        [[row[key] for key in deterministic] for row in outcomes[0][name]["curve"]]
        for name in (kind, f"{kind}_resumed")
    ]
    assert rows[0] == rows[1]


def test_a_run_that_diverges_ends_in_all_processes(outcomes):
    reasons = {outcome["diverged"]["reason"] for outcome in outcomes}
    assert len(reasons) == 1
    assert reasons.pop().startswith("diverged: ")


def test_more_processes_than_a_batch_divides_by_are_refused():
    with pytest.raises(
        ValueError,
        match=r"--processes = 3: a-1e8-\S+ cannot be divided among the processes, "
        r"since it has 8 sequences per step",
    ):
        join_process_group(spec(ADAM), 3)


class Stage:
    """The training stage in two processes."""

    def __init__(self, folder, tokens):
        budget = {"label": "1e9", "shapes": ["16x1"]}
        recipe = {
            "name": "cpu_small",
            "context_length": 16,
            "implementation": "torch",
            "batch_reference_tokens": 9_000,
        }
        (self.run,) = plan_suite(
            Suite.model_validate({"corpora": ["a"], "recipe": recipe, "budgets": [budget]}), 64
        )
        assert self.run.batch_size % 2 == 0
        self.folder = folder
        tokens.tofile(folder / "train.bin")
        sums = {"train.bin": sha256_of(folder / "train.bin")}
        write_json(
            folder / "manifest.json", {"tokens": len(tokens), "dtype": "uint16", "sha256": sums}
        )
        write_json(
            folder / "tokenizer.json",
            {"added_tokens": [{"id": 0, "content": "<|endoftext|>", "special": True}]},
        )

    def start(self, out, checkpoints):
        paths = {
            "manifest": "manifest.json",
            "tokenizer": "tokenizer.json",
            "checkpoints": checkpoints,
        }
        paths |= {
            f"out-{key}": f"{out}/{name}"
            for key, name in (("record", "record.json"), ("curve", "curve.csv"), ("model", "model"))
        }
        paths |= {"out-speed": f"{out}/speed.csv"}
        named = [
            part for key, name in paths.items() for part in (f"--{key}", str(self.folder / name))
        ]
        options = [
            "--spec",
            self.run.spec().model_dump_json(),
            "--threads",
            "1",
            "--processes",
            "2",
            "--defined-by",
            "code",
        ]
        command = [
            sys.executable,
            "-m",
            "relscale.stages.train",
            *options,
            "--every-steps",
            "20",
            *named,
        ]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def test_the_stage_in_two_processes_saves_on_sigterm_and_goes_on_to_the_same_bytes(
    tmp_path, tokens
):
    stage = Stage(tmp_path, tokens)
    running = stage.start("out", "checkpoints")
    while running.poll() is None and not list(tmp_path.glob("checkpoints/*/step-*.json")):
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    said = running.communicate()[0]
    assert running.returncode == TRY_AGAIN, said
    assert said.count("stopped after step ") == 1
    again, straight = stage.start("out", "checkpoints"), stage.start("straight", "other")
    said = again.communicate()[0]
    assert again.returncode == 0, said
    assert straight.wait() == 0, straight.stdout.read()
    assert "resuming after step " in said
    for name in ("record.json", "curve.csv", "model/model.safetensors"):
        assert sha256_of(tmp_path / "out" / name) == sha256_of(tmp_path / "straight" / name)
    assert read_record(tmp_path / "out/record.json").implementation == "torch, 2 processes"


def test_where_one_process_fails_the_others_are_ended(tmp_path, monkeypatch, caplog):
    (tmp_path / "member.py").write_text(
        "import os, sys, time\nsys.exit(3) if os.environ['RANK'] == '1' else time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    began = time.monotonic()
    assert launch(2, "member", []) == 3
    assert time.monotonic() - began < 300
    assert "process 1 failed with code 3; the other processes of the run were ended." in caplog.text
