"""A run that was killed resumes and gives the same bytes."""

import logging
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict

import numpy as np
import pytest
from run_specs import optimiser_of, run_spec
from shapes import lstm_shape

from relscale.config.suite import Suite
from relscale.files import read_json, sha256_of, write_json
from relscale.plan.architecture import Choices, Shape
from relscale.plan.suite import plan_suite
from relscale.training.checkpoint import KEPT, Checkpoints
from relscale.training.loop import Hooks, InterruptedRunError, train
from relscale.training.native_build import available
from relscale.training.torch_trainer import TorchTrainer

SHAPE = Shape(
    width=16,
    layers=1,
    heads=1,
    kv_heads=1,
    head_dim=16,
    intermediate=48,
    vocab_size=64,
    context_length=16,
)
SHARED = {"beta1": 0.9, "beta2": 0.99, "warmup_share": 0.1, "decay_share": 0.5, "clip_norm": 1.0}
ADAM = {
    "kind": "adam",
    "learning_rate": 0.01,
    "embedding_learning_rate": 0.02,
    "head_learning_rate": 0.03,
    "weight_decay": 0.0,
    **SHARED,
}
CAUTIOUS = ADAM | {
    "kind": "cautious_adamc",
    "embedding_learning_rate": 0.01,
    "head_learning_rate": 0.01,
    "weight_decay": 0.1,
}
STEPS = 230


def spec(optimiser, shape=SHAPE):
    return run_spec(shape, optimiser, steps=STEPS, batch_size=3)


def model(optimiser=ADAM, shape=SHAPE):
    return TorchTrainer(shape, Choices(), optimiser_of(optimiser), seed=1)


@pytest.fixture
def tokens():
    return (np.arange(3000) * np.arange(3000) % 61).astype(np.uint16)


def same(first, second):
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


def stopping_after(steps):
    """Say stop when asked for the n-th time."""
    left = iter([False] * (steps - 1))
    return lambda: next(left, True)


@pytest.mark.parametrize(
    ("shape", "optimiser"),
    [
        (SHAPE, ADAM),
        (SHAPE, CAUTIOUS),
        *(
            (SHAPE, CAUTIOUS | {"kind": kind})
            for kind in ("adamw", "adamc", "cautious_adamw", "muon")
        ),
        *((lstm_shape(SHAPE), other) for other in (ADAM, CAUTIOUS, CAUTIOUS | {"kind": "muon"})),
    ],
    ids=lambda one: one["kind"] if isinstance(one, dict) else one.architecture,
)
def test_a_run_interrupted_again_and_again_gives_the_same_bytes(shape, optimiser, tokens, tmp_path):
    defined = spec(optimiser, shape)
    straight = model(optimiser, shape)
    expected = train(defined, tokens, straight)
    for steps in (1, 7, 96, 3):
        with pytest.raises(InterruptedRunError):
            train(
                defined,
                tokens,
                model(optimiser, shape),
                Hooks(checkpoints=Checkpoints(tmp_path), stop=stopping_after(steps)),
            )
    last = model(optimiser, shape)
    hooks = Hooks(checkpoints=Checkpoints(tmp_path, every_steps=50))
    assert train(defined, tokens, last, hooks) == expected
    assert same(last.state(), straight.state())
    assert [path.name for path in sorted(tmp_path.glob("*.json"))] == [
        "step-000000200.json",
        "step-000000230.json",
    ]


def test_a_finished_run_is_read_from_its_last_checkpoint(tokens, tmp_path):
    first, again = model(), model()
    outcome = train(spec(ADAM), tokens, first, Hooks(checkpoints=Checkpoints(tmp_path)))
    again.update = None  # nothing is trained
    assert train(spec(ADAM), tokens, again, Hooks(checkpoints=Checkpoints(tmp_path))) == outcome
    assert same(first.state(), again.state())


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tmp_path, caplog):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2, 3):
        checkpoints.save(step, {"weight": np.full(4, step)}, {"curve": [], "pending": [0.5]})
    assert (
        len(list(tmp_path.glob("step-*.safetensors")))
        == KEPT
        == len(list(tmp_path.glob("step-*.json")))
    )
    newest = tmp_path / "step-000000003.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    found = checkpoints.latest()
    assert (found.step, found.state["weight"].tolist(), found.loop) == (
        2,
        [2, 2, 2, 2],
        {"curve": [], "pending": [0.5]},
    )
    assert "step-000000003.safetensors: damaged, skipped: " in caplog.text
    (tmp_path / "step-000000002.json").write_text("{")
    assert checkpoints.latest() is None


@pytest.mark.parametrize(
    "change",
    [
        {"step": 3},
        {"step": 40},
        {"step": "2"},
        {"loop": {"curve": [], "pending": []}},
        {"loop": {}},
        {"more": 1},
        {"checksum": "0" * 16},
    ],
)
def test_every_field_that_decides_how_training_resumes_is_inside_the_checksum(
    change, tmp_path, caplog
):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.save(step, {"weight": np.full(4, step)}, {"curve": [], "pending": [0.5]})
    newest = tmp_path / "step-000000002.json"
    write_json(newest, read_json(newest) | change)
    assert checkpoints.latest().step == 1
    assert "step-000000002.safetensors: damaged, skipped: " in caplog.text


@pytest.mark.parametrize("content", ["[]", "null", "3", '"text"', "", "\0\0\0", "{}"])
def test_json_of_another_kind_is_a_damaged_checkpoint(content, tmp_path, caplog):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.save(step, {"weight": np.full(4, step)}, {})
    (tmp_path / "step-000000002.json").write_text(content)
    assert checkpoints.latest().step == 1
    assert "step-000000002.safetensors: damaged, skipped: " in caplog.text


def test_a_checkpoint_of_a_version_without_a_checksum_of_the_step_is_not_resumed_from(
    tokens, tmp_path, caplog
):
    straight, again = model(), model()
    expected = train(spec(ADAM), tokens, straight)
    with pytest.raises(InterruptedRunError):
        hooks = Hooks(checkpoints=Checkpoints(tmp_path), stop=stopping_after(9))
        train(spec(ADAM), tokens, model(), hooks)
    path = tmp_path / "step-000000009.json"
    old = {name: value for name, value in read_json(path).items() if name != "checksum"}
    write_json(path, old | {"step": 100})
    assert train(spec(ADAM), tokens, again, Hooks(checkpoints=Checkpoints(tmp_path))) == expected
    assert "its JSON does not have the keys step, sha256, loop and checksum" in caplog.text
    assert same(straight.state(), again.state())


def test_files_with_other_names_are_no_checkpoints(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"weight": np.zeros(2)}, {})
    for name in ("step-000000001 (copy).json", "step-.json", "step-x.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "step-000000005.json").write_bytes((tmp_path / "step-000000001.json").read_bytes())
    assert checkpoints.latest().step == 1


def test_a_checkpoint_beyond_the_last_step_is_refused(tokens, tmp_path):
    Checkpoints(tmp_path).save(STEPS + 1, {"weight": np.zeros(2)}, {})
    with pytest.raises(ValueError, match=r"a checkpoint of step 231; the run has 230 steps"):
        train(spec(ADAM), tokens, model(), Hooks(checkpoints=Checkpoints(tmp_path)))


def test_half_a_checkpoint_is_none(tmp_path):
    Checkpoints(tmp_path).save(1, {"weight": np.zeros(2)}, {})
    (tmp_path / "step-000000001.json").unlink()
    assert Checkpoints(tmp_path).latest() is None


def test_a_checkpoint_that_cannot_be_written_says_which_is_the_last_good_one(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"weight": np.zeros(2)}, {})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("relscale.training.checkpoint.save_file", full)
    with pytest.raises(
        ValueError,
        match=r"step-000000002.safetensors: .*No space left on device; "
        r"the last good one is that of step 1",
    ):
        checkpoints.save(2, {"weight": np.zeros(2)}, {})
    assert checkpoints.latest().step == 1
    assert not list(tmp_path.glob("*.tmp"))


def test_a_second_process_waits_and_says_for_whom(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    order = []

    def second():
        with Checkpoints(tmp_path).locked():
            order.append("second")

    with Checkpoints(tmp_path).locked():
        thread = threading.Thread(target=second)
        thread.start()
        while "waiting" not in caplog.text:
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert "locked by process " in caplog.text


def test_state_of_another_model_is_refused(tokens, tmp_path):
    train(spec(ADAM), tokens, model(), Hooks(checkpoints=Checkpoints(tmp_path)))
    for other in (CAUTIOUS,):
        with pytest.raises(ValueError, match=r"state of an optimiser"):
            train(spec(other), tokens, model(other), Hooks(checkpoints=Checkpoints(tmp_path)))
    larger = TorchTrainer(
        Shape(**asdict(SHAPE) | {"width": 32}), Choices(), optimiser_of(ADAM), seed=1
    )
    with pytest.raises(
        ValueError, match=r"model.embed_tokens.weight is \(64, 16\), not \(64, 32\)"
    ):
        train(spec(ADAM), tokens, larger, Hooks(checkpoints=Checkpoints(tmp_path)))


class Stage:
    """The training stage as a process, on a run of a few seconds."""

    def __init__(self, folder, tokens, implementation):
        # Long enough to be killed several times: a step takes tens of microseconds natively and
        # milliseconds in torch.
        budget = {"label": "2e10" if implementation == "native" else "6e8", "shapes": ["16x1"]}
        raw = {
            "corpora": ["a"],
            "recipe": {"name": "cpu_small", "context_length": 16, "implementation": implementation},
            "budgets": [budget],
        }
        (self.run,) = plan_suite(Suite.model_validate(raw), 64)
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

    def start(self, out, *, checkpoints="checkpoints", defined_by="code"):
        paths = {
            "manifest": "manifest.json",
            "tokenizer": "tokenizer.json",
            "checkpoints": checkpoints,
        }
        paths |= {
            "out-record": f"{out}/record.json",
            "out-curve": f"{out}/curve.csv",
            "out-model": f"{out}/model",
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
            "--defined-by",
            defined_by,
            "--every-steps",
            "50",
        ]
        command = [sys.executable, "-m", "relscale.stages.train", *options, *named]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def bytes_of(self, out):
        return [
            sha256_of(self.folder / out / name)
            for name in ("record.json", "curve.csv", "model/model.safetensors")
        ]

    def wait_for_checkpoint(self, process, more_than=0):
        """Wait until a later checkpoint is there; False where the run ended before."""
        while process.poll() is None:
            steps = [
                int(path.stem.removeprefix("step-"))
                for path in self.folder.glob("checkpoints/*/step-*.json")
            ]
            if max(steps, default=0) > more_than:
                return max(steps)
            time.sleep(0.005)
        return 0


@pytest.fixture(params=["native", "torch"])
def process(tmp_path, tokens, request):
    if request.param == "native" and not available():
        pytest.skip(available().reason)
    return Stage(tmp_path, tokens, request.param)


@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.soak)])
def test_kill_9_at_random_moments_and_a_last_call_give_the_bytes_of_a_straight_run(process, kills):
    straight = process.start("straight", checkpoints="other")
    assert straight.wait() == 0, straight.stdout.read()
    moments, reached, killed = random.Random(kills), 0, 0
    for _ in range(kills):
        running = process.start("out")
        reached = process.wait_for_checkpoint(running, reached)
        if reached:
            time.sleep(moments.uniform(0, 0.05))
            killed += running.poll() is None
        running.kill()
        running.wait()
    assert killed >= 2
    last = process.start("out")
    said = last.communicate()[0]
    assert last.returncode == 0, said
    assert "resuming after step " in said
    assert process.bytes_of("out") == process.bytes_of("straight")


def test_sigterm_saves_and_leaves_with_its_own_exit_code(process):
    running = process.start("out")
    assert process.wait_for_checkpoint(running)
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=60)[0]
    assert running.returncode == 75, said
    assert "stopped after step " in said
    assert not (process.folder / "out/record.json").exists()
    again = process.start("out")
    assert "resuming after step " in again.communicate()[0]
    assert again.returncode == 0
    assert read_json(process.folder / "out/record.json")["excluded_reason"] is None


def test_another_definition_does_not_resume(process):
    first = process.start("first")
    assert first.wait() == 0
    second = process.start("second", defined_by="other code")
    said = second.communicate()[0]
    assert second.returncode == 0
    assert "resuming" not in said
    assert len(list((process.folder / "checkpoints").iterdir())) == 2


def test_tokens_that_change_while_a_run_is_trained_on_them_end_it_and_leave_nothing_to_resume_from(
    process,
):
    straight = process.start("straight", checkpoints="other")
    assert straight.wait() == 0
    path = process.folder / "train.bin"
    before = path.read_bytes()
    running = process.start("out")
    assert process.wait_for_checkpoint(running)
    with path.open("r+b") as handle:  # in place: the run has the file mapped
        handle.write(before[2000:4000])
    said = running.communicate()[0]
    assert (
        running.returncode == 1
        and "train.bin: changed while a run was trained on it; the run is not kept" in said
    ), said
    assert not (process.folder / "out").exists()
    refused = process.start("out")
    assert f"{path}: its SHA-256 is " in refused.communicate()[0]
    assert refused.returncode == 1
    path.write_bytes(before)
    last = process.start("out")
    said = last.communicate()[0]
    assert last.returncode == 0 and "resuming after step" not in said, said
    assert process.bytes_of("out") == process.bytes_of("straight")
