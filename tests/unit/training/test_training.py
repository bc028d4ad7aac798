import itertools
import math
import re
import resource
import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from rounding import float32_error
from run_specs import optimiser_of, run_spec

from relscale.config.suite import Suite
from relscale.evaluation.run_record import read_evaluated_run
from relscale.files import read_json, sha256_of, write_json
from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import SETTINGS, CautiousAdamCSettings, OptimiserKind
from relscale.plan.suite import plan_suite
from relscale.runtime import call
from relscale.stages import train as stage
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.build import build_trainer
from relscale.training.checkpoint import Checkpoints
from relscale.training.curve import CURVE_COLUMNS
from relscale.training.implementations import write_implementations
from relscale.training.loop import Hooks, train
from relscale.training.model import initialise, load_decoder
from relscale.training.native_build import Support, available
from relscale.training.optimisers import OPTIMISERS, build_optimiser
from relscale.training.optimisers.cautious_adamc import CautiousAdamC
from relscale.training.optimisers.flat_adam import FlatAdam
from relscale.training.process_group import ProcessGroup
from relscale.training.record import read_record
from relscale.training.schedule import schedule
from relscale.training.seeds import initial_seed, order_seed
from relscale.training.stream import windows
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
ADAM = {
    "kind": "adam",
    "learning_rate": 0.01,
    "embedding_learning_rate": 0.02,
    "head_learning_rate": 0.03,
    "beta1": 0.9,
    "beta2": 0.99,
    "weight_decay": 0.0,
    "warmup_share": 0.1,
    "decay_share": 0.5,
    "clip_norm": 1.0,
}
CAUTIOUS = ADAM | {
    "kind": "cautious_adamc",
    "embedding_learning_rate": 0.01,
    "head_learning_rate": 0.01,
    "weight_decay": 0.1,
}


def gradients(decoder, step):
    generator = torch.Generator().manual_seed(step)
    return {
        name: torch.randn(p.shape, generator=generator) for name, p in decoder.named_parameters()
    }


def run_steps(settings, factors):
    """Take steps with given gradients and return parameters by name."""
    decoder = Decoder(SHAPE)
    initialise(decoder, 0)
    optimiser = build_optimiser(decoder, optimiser_of(settings))
    for step, factor in enumerate(factors):
        for name, parameter in decoder.named_parameters():
            gradient = gradients(decoder, step)[name]
            parameter.grad = gradient if parameter.grad is None else parameter.grad.copy_(gradient)
        optimiser.step(factor)
    return {name: parameter.detach().double() for name, parameter in decoder.named_parameters()}


def reference(settings, factors):
    """The same from the equations, in float64, one tensor at a time."""
    decoder = Decoder(SHAPE)
    initialise(decoder, 0)
    values = {name: p.detach().double() for name, p in decoder.named_parameters()}
    first = {name: torch.zeros_like(value) for name, value in values.items()}
    second = {name: torch.zeros_like(value) for name, value in values.items()}
    beta1, beta2 = settings["beta1"], settings["beta2"]
    for step, factor in enumerate(factors):
        grads = {name: g.double() for name, g in gradients(decoder, step).items()}
        norm = math.sqrt(sum(float((g**2).sum()) for g in grads.values()))
        scale = min(1.0, settings["clip_norm"] / norm)
        for name, value in values.items():
            g = grads[name] * scale
            first[name] = beta1 * first[name] + (1 - beta1) * g
            second[name] = beta2 * second[name] + (1 - beta2) * g**2
            m, v = first[name] / (1 - beta1 ** (step + 1)), second[name] / (1 - beta2 ** (step + 1))
            kind = "embedding_" if "embed" in name else "head_" if "head" in name else ""
            rate = settings[f"{kind}learning_rate"] * factor
            if settings["kind"] == "adam":
                update = m / (v.sqrt() + 1e-8) + settings["weight_decay"] * value
            else:
                update = m / (v.sqrt() + 1e-15)
                if "cautious" in settings["kind"]:
                    mask = (g * update > 0).double()
                    update = update * mask / (mask.mean() + 1e-15)
                if value.dim() > 1 and "embed" not in name:
                    corrected = factor if settings["kind"].endswith("adamc") else 1.0
                    update = update + settings["weight_decay"] * corrected * value
            values[name] = value - rate * update
    return values


RATES = {"embedding_learning_rate": 0.02, "head_learning_rate": 0.03}


@pytest.mark.parametrize(
    "settings",
    [
        ADAM,
        ADAM | {"weight_decay": 0.1},
        CAUTIOUS,
        *(CAUTIOUS | RATES | {"kind": kind} for kind in ("adamw", "adamc", "cautious_adamw")),
    ],
)
@pytest.mark.parametrize("rule", [{}, {"schedule": "cosine", "final_share": 0.1}])
def test_optimiser_equals_the_equations_step_by_step(settings, rule):
    settings = {**settings, "warmup_share": 0.25} | rule
    if rule:
        settings = {name: value for name, value in settings.items() if name != "decay_share"}
    factors = [schedule(step, 12, optimiser_of(settings)) for step in range(12)]
    ours, theirs = run_steps(settings, factors), reference(settings, factors)
    # Twelve steps of about ten element-wise operations each, on values below 1 that move by at most
    # the sum of the learning rates.
    allowed = float32_error(1 + sum(factors) * settings["head_learning_rate"], 12 * 10)
    for name, value in theirs.items():
        torch.testing.assert_close(
            ours[name], value, rtol=0, atol=allowed, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_adamw_is_that_of_torch_with_its_groups():
    """A toy problem: given gradients; the decay leaves out norms and the embedding."""
    settings = CAUTIOUS | {"kind": "adamw", "clip_norm": 1e9}
    factors = [0.5, 1.0, 0.8, 0.2]
    ours = run_steps(settings, factors)
    decoder = Decoder(SHAPE)
    initialise(decoder, 0)
    named = dict(decoder.named_parameters())
    decayed = {name for name, p in named.items() if p.dim() > 1 and "embed" not in name}
    groups = [
        {"params": [p for name, p in named.items() if name in decayed], "weight_decay": 0.1},
        {"params": [p for name, p in named.items() if name not in decayed], "weight_decay": 0.0},
    ]
    theirs = torch.optim.AdamW(groups, betas=(0.9, 0.99), eps=1e-15)
    for step, factor in enumerate(factors):
        for name, gradient in gradients(decoder, step).items():
            named[name].grad = gradient
        for group in theirs.param_groups:
            group["lr"] = settings["learning_rate"] * factor
        theirs.step()
    allowed = float32_error(1 + sum(factors) * settings["learning_rate"], 4 * 10)
    for name, parameter in named.items():
        torch.testing.assert_close(ours[name], parameter.double(), rtol=0, atol=allowed)


def test_muon_orthogonalises_the_momentum_of_block_matrices_and_adamw_trains_the_rest():
    settings = CAUTIOUS | RATES | {"kind": "muon", "weight_decay": 0.0}
    before = run_steps(settings, [])
    after = run_steps(settings, [1.0])
    adamw = reference(settings | {"kind": "adamw"}, [1.0])
    decoder = Decoder(SHAPE)
    matrices = 0
    for name, gradient in gradients(decoder, 0).items():
        if "layers" not in name or gradient.dim() < 2:
            allowed = float32_error(1.03, 10)
            torch.testing.assert_close(after[name], adamw[name], rtol=0, atol=allowed)
            continue
        matrices += 1
        scale = settings["learning_rate"] * 0.2 * math.sqrt(max(gradient.shape))
        update = (before[name] - after[name]) / scale
        left, values, right = torch.linalg.svd(gradient.double(), full_matrices=False)
        # The iteration X <- a X + b (X X') X + c (X X')^2 X acts on singular values alone.
        values = values / gradient.double().norm()
        for _ in range(5):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        exact = left @ torch.diag(values) @ right
        # bfloat16 has eight bits, and each of the five iterations rounds five products.
        assert float((update - exact).norm() / exact.norm()) < 25 * 2**-9
    assert matrices == 7 * SHAPE.layers


def test_each_kind_of_optimiser_is_built_and_unknown_kinds_are_refused():
    assert set(OPTIMISERS) == set(SETTINGS) == set(get_args(OptimiserKind))
    assert isinstance(build_optimiser(Decoder(SHAPE), optimiser_of(ADAM)), FlatAdam)
    assert isinstance(build_optimiser(Decoder(SHAPE), optimiser_of(CAUTIOUS)), CautiousAdamC)
    with pytest.raises(
        ValueError, match=r"'sgd' .* does not match any of the expected tags: 'adam', "
    ):
        optimiser_of(ADAM | {"kind": "sgd"})


def test_schedule_by_hand():
    settings = optimiser_of(ADAM | {"warmup_share": 0.2, "decay_share": 0.4})
    factors = [schedule(step, 10, settings) for step in range(10)]
    assert factors == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_cosine_from_its_equation():
    cosine = {"schedule": "cosine", "warmup_share": 0.2, "final_share": 0.1}
    settings = optimiser_of(ADAM | cosine | {"decay_share": None})
    factors = [schedule(step, 11, settings) for step in range(11)]
    # Warm-up over 2.2 steps; the peak is at the third, from where the cosine takes eight steps to
    # its end at the last.
    expected = [
        1 / 2.2,
        2 / 2.2,
        *(0.1 + 0.45 * (1 + math.cos(math.pi * done / 8)) for done in range(9)),
    ]
    assert factors == pytest.approx(expected)
    assert factors[-1] == pytest.approx(0.1)
    assert schedule(0, 1, settings) == 1.0
    with pytest.raises(ValueError, match=r"schedule cosine has no decay_share"):
        optimiser_of(ADAM | cosine)
    with pytest.raises(ValueError, match=r"schedule wsd needs decay_share"):
        optimiser_of(ADAM | {"decay_share": None})
    with pytest.raises(ValueError, match=r"Input should be 'wsd' or 'cosine'"):
        optimiser_of(ADAM | {"schedule": "linear"})


def test_windows_cover_an_epoch_once_and_do_not_depend_on_the_batch():
    first = list(itertools.islice(windows(16 * 7 + 1, 16, seed=3), 14))
    assert sorted(first[:7]) == list(range(7)) == sorted(first[7:])
    assert first[:7] != first[7:]
    assert list(itertools.islice(windows(16 * 7 + 1, 16, seed=4), 7)) != first[:7]
    assert list(itertools.islice(windows(16 * 7 + 1, 16, seed=3, skip=9), 5)) == first[9:]
    with pytest.raises(ValueError, match=r"16 tokens hold no window of 16 \+ 1"):
        next(windows(16, 16, seed=0))


def spec(steps=40):
    return run_spec(SHAPE, ADAM, steps=steps, batch_size=4)


def test_every_seed_size_and_length_has_its_own_initial_values_and_order_of_the_data():
    sizes = (SHAPE, replace(SHAPE, width=2 * SHAPE.width), replace(SHAPE, layers=2))
    specs = [
        run_spec(size, ADAM, steps=steps, batch_size=4).model_copy(update={"seed": seed})
        for size, steps, seed in itertools.product(sizes, (40, 80), (0, 1))
    ]
    seeds = [initial_seed(one) for one in specs] + [order_seed(one) for one in specs]
    assert len(set(seeds)) == len(seeds)
    # Published results depend on these numbers.
    assert (initial_seed(specs[0]), order_seed(specs[0])) == (
        18307400792564675790,
        3515273644825895798,
    )


def model(settings=ADAM, **unchecked):
    optimiser = optimiser_of(settings).model_copy(update=unchecked)
    return TorchTrainer(SHAPE, Choices(), optimiser, seed=1)


@pytest.fixture
def tokens():
    return (np.arange(4000) * np.arange(4000) % 61).astype(np.uint16)


def same(first, second):
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


def test_training_learns_and_repeats_itself_bit_for_bit(tokens):
    models, outcomes = [model(), model()], []
    for one in models:
        rows = []
        outcomes.append(train(spec(), tokens, one, Hooks(progress=rows.append)))
        assert outcomes[-1].curve == rows
    assert outcomes[0] == outcomes[1]
    assert same(models[0].state(), models[1].state())
    curve = outcomes[0].curve
    assert curve[0].loss_nats_per_token == pytest.approx(math.log(64), abs=0.05)
    assert curve[-1].loss_nats_per_token < math.log(61) - 0.5
    assert curve[-1].tokens == 40 * 4 * 16
    assert outcomes[0].epochs == pytest.approx(40 * 4 / 249)
    assert outcomes[0].excluded_reason is None


def test_a_run_that_diverges_says_where(tokens):
    outcome = train(spec(), tokens, model(learning_rate=math.nan))
    assert re.fullmatch(
        r"diverged: loss is (nan|inf) between steps \d+ and \d+ of 40", outcome.excluded_reason
    )


@pytest.mark.parametrize("saved", [False, True])
def test_a_gradient_that_is_not_finite_stops_a_run_and_is_not_saved(tokens, tmp_path, saved):
    one = model()
    norms = one.gradient_norms
    one.gradient_norms = lambda: np.where(
        one.optimiser.adam.param_groups[0]["lr"] < 0.01, np.inf, norms()
    )
    checkpoints = Checkpoints(tmp_path, every_steps=1) if saved else None
    outcome = train(spec(), tokens, one, Hooks(checkpoints=checkpoints))
    assert outcome.status == "diverged"
    assert re.fullmatch(
        r"diverged: gradient norm is inf between steps \d+ and \d+ of 40", outcome.excluded_reason
    )
    assert all(math.isfinite(row.gradient_norm) for row in outcome.curve)
    assert not saved or len(list(tmp_path.glob("step-*.json"))) < 3


def test_the_curve_has_learning_rates_gradients_and_speed(tokens):
    rows = train(spec(), tokens, model()).curve
    assert [row.learning_rate for row in rows] == pytest.approx(
        [0.01 * schedule(step, 40, optimiser_of(ADAM)) for step in range(40)]
    )
    one = model()
    one.update(
        np.stack(
            [
                tokens[16 * window : 16 * window + 17]
                for window in itertools.islice(windows(4000, 16, order_seed(spec())), 4)
            ]
        ).astype(np.int64),
        1.0,
    )
    # The same operations on the same numbers.
    assert one.gradient_norms() == pytest.approx([rows[0].gradient_norm], rel=1e-6)
    assert all(row.tokens_per_second > 0 and 20 < row.memory_mib < 10**5 for row in rows)


def test_tensorboard_files_on_request(planned, monkeypatch):
    _, arguments, folder = planned
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(
        ValueError, match=r"training.tensorboard = true: .*pip install 'relscale\[tensorboard\]'"
    ):
        run_stage([*arguments("missing"), "--tensorboard", str(folder / "board")])
    monkeypatch.undo()
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run_stage([*arguments("out"), "--tensorboard", str(folder / "board")])
    (board,) = (folder / "board").iterdir()
    events = EventAccumulator(str(board))
    events.Reload()
    written = [(event.step, event.value) for event in events.Scalars("loss_nats_per_token")]
    rows = [line.split(",") for line in (folder / "out/curve.csv").read_text().splitlines()[1:]]
    assert written == [(int(row[2]), pytest.approx(float(row[4]), abs=1e-5)) for row in rows]


def test_weights_that_are_not_finite_after_the_last_step_exclude_a_run(tokens):
    outcome = train(spec(steps=1), tokens, model(learning_rate=math.nan))
    assert outcome.excluded_reason == "diverged: weights are not finite after step 1"
    assert len(outcome.curve) == 1


def planned_run(**recipe):
    """Plan one run of `cpu_small` with more settings of the recipe."""
    raw = {
        "corpora": ["a"],
        "recipe": {"name": "cpu_small", "context_length": 16} | recipe,
        "budgets": [{"label": "1e8", "shapes": ["16x1"]}],
    }
    (run,) = plan_suite(Suite.model_validate(raw), 64)
    return run


@pytest.fixture
def planned(tmp_path, tokens):
    """A planned run with its tokens on disk; returns the stage's arguments."""
    run = planned_run()
    tokens.tofile(tmp_path / "train.bin")
    sums = {"train.bin": sha256_of(tmp_path / "train.bin")}
    write_json(
        tmp_path / "manifest.json", {"tokens": len(tokens), "dtype": "uint16", "sha256": sums}
    )
    write_json(
        tmp_path / "tokenizer.json",
        {"added_tokens": [{"id": 0, "content": "<|endoftext|>", "special": True}]},
    )

    def arguments(out, implementation="torch", planned=run, **optimiser):
        spec = planned.spec()
        changed = spec.model_copy(
            update={
                "optimiser": spec.optimiser.model_copy(update=optimiser),
                "implementation": implementation,
            }
        )
        paths = {"--manifest": "manifest.json", "--tokenizer": "tokenizer.json"}
        outs = {
            "--out-record": "record.json",
            "--out-curve": "curve.csv",
            "--out-speed": "speed.csv",
            "--out-model": "model",
        }
        named = [(key, tmp_path / name) for key, name in paths.items()] + [
            (key, tmp_path / out / name) for key, name in outs.items()
        ]
        safe = [
            "--checkpoints",
            str(tmp_path / out / "checkpoints"),
            "--defined-by",
            "code",
            "lock",
            "--every-steps",
            "",
        ]
        return [
            "--spec",
            changed.model_dump_json(),
            "--threads",
            "1",
            *safe,
            *(str(part) for pair in named for part in pair),
        ]

    return run, arguments, tmp_path


def run_stage(words):
    call(stage.main, words)


@pytest.mark.parametrize("implementation", ["auto", "torch"])
def test_the_stage_writes_a_loadable_model_a_curve_and_a_record(planned, implementation):
    run, arguments, folder = planned
    run_stage(arguments("first", implementation))
    run_stage(arguments("second", implementation))
    record = read_record(folder / "first/record.json")
    assert record.columns == run.columns()
    assert record.status == "trained"
    assert record.excluded_reason is None
    assert record.defined_by == ["code", "lock"]
    assert record.implementation.partition(" ")[0] == (
        "native" if implementation == "auto" and available() else "torch"
    )
    assert load_decoder(folder / "first/model").shape == run.shape
    header, *rows = (folder / "first/curve.csv").read_text().splitlines()
    assert header == ",".join(CURVE_COLUMNS)
    assert rows[-1].startswith(f"{run.run},{run.steps},{run.tokens},")
    for name in ("record.json", "curve.csv", "model/model.safetensors", "model/config.json"):
        assert sha256_of(folder / "first" / name) == sha256_of(folder / "second" / name)


@pytest.mark.parametrize("diverged", [False, True])
def test_the_evaluation_reads_the_record_that_training_writes(planned, diverged):
    run, arguments, folder = planned
    run_stage(arguments("out", **({"learning_rate": 1e30, "clip_norm": 1e30} if diverged else {})))
    record = read_record(folder / "out/record.json")
    read = read_evaluated_run(folder / "out/record.json")
    assert read.spec.device == run.device
    assert read.excluded_reason == record.excluded_reason
    assert (read.excluded_reason is not None) == diverged
    assert read.columns == {name: getattr(run.columns(), name) for name in read.columns}


def test_the_key_optimiser_of_a_recipe_decides_how_the_stage_trains(planned):
    default, arguments, folder = planned
    # All other settings are equal, so only the key can change the weights.
    other = planned_run(optimiser="cautious_adamc")
    assert other.optimiser == CautiousAdamCSettings(
        **default.optimiser.model_dump(exclude={"kind"})
    )
    run_stage(arguments("default"))
    run_stage(arguments("other", "auto", other))
    run_stage(arguments("again", "torch", other))
    record = read_record(folder / "other/record.json")
    assert record.status == "trained" and record.spec.optimiser == other.optimiser
    assert record.implementation.startswith("torch")  # the native trainer has adam only
    weights = {
        out: sha256_of(folder / out / "model/model.safetensors")
        for out in ("default", "other", "again")
    }
    assert weights["other"] == weights["again"] != weights["default"]
    assert record.final_loss_nats_per_token < math.log(64)


def test_the_native_trainer_is_refused_where_it_cannot_be_used(planned, monkeypatch):
    _, arguments, _ = planned
    monkeypatch.setattr(
        "relscale.training.build.supports", lambda *_: Support(reason="no compiler was there")
    )
    with pytest.raises(
        ValueError,
        match=r"suite.recipe.implementation: .*: no compiler was there; .* \(the choices are ",
    ):
        run_stage(arguments("out", "native"))


def test_a_run_that_torch_trains_because_the_library_is_missing_says_so(
    planned, monkeypatch, caplog
):
    _, arguments, folder = planned
    monkeypatch.setattr(
        "relscale.training.build.supports", lambda *_: Support(reason="no compiler was there")
    )
    run_stage(arguments("out", "auto"))
    warned = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
    assert any("torch trains the run: no compiler was there" in line for line in warned)
    assert read_record(folder / "out/record.json").implementation == "torch"


def test_the_record_names_the_threads_that_decide_the_bytes_of_torch(planned):
    _, arguments, folder = planned
    words = arguments("out")
    words[words.index("--threads") + 1] = "2"
    run_stage(words)
    assert read_record(folder / "out/record.json").implementation == "torch, 2 threads"


def test_the_native_step_gives_the_same_bytes_with_every_number_of_threads(planned):
    if not available():
        pytest.skip(str(available().reason))
    _, arguments, folder = planned
    for threads in ("1", "2"):
        words = arguments(threads, "native")
        words[words.index("--threads") + 1] = threads
        run_stage(words)
    for name in ("record.json", "curve.csv", "model/model.safetensors"):
        assert sha256_of(folder / "1" / name) == sha256_of(folder / "2" / name)
    assert read_record(folder / "1/record.json").implementation == "native"


def test_several_processes_are_no_way_around_the_native_trainer():
    spec = planned_run(implementation="native").spec()
    group = ProcessGroup()
    group.world_size = 2
    with pytest.raises(ValueError, match=r"the native step has no 2 processes"):
        build_trainer(spec, 1, group)


@contextmanager
def files_up_to(size):
    """Let writes fail beyond this size of a file, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 1000, 3000, 10_000])
def test_a_disk_that_is_full_at_the_end_is_one_line_and_the_next_call_needs_no_training(
    planned, size, monkeypatch
):
    _, arguments, folder = planned
    run_stage(arguments("straight"))
    out = folder / "out"
    run_stage(arguments("out"))
    for path in (out / "model", out / "curve.csv"):  # of the last attempt, to be made again
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with (
        files_up_to(size),
        pytest.raises(ValueError, match=r"/out: the run has ended, but its results cannot be"),
    ):
        run_stage(arguments("out"))
    assert not (out / "record.json").exists()
    assert not (out / "model/model.safetensors").exists()
    assert not [path.name for path in out.iterdir() if path.name.endswith(".tmp")]
    monkeypatch.setattr(TorchTrainer, "update", None)  # nothing is trained
    run_stage(arguments("out"))
    for name in ("record.json", "curve.csv", "model/model.safetensors", "model/tokenizer.json"):
        assert sha256_of(out / name) == sha256_of(folder / "straight" / name)


def test_a_folder_that_cannot_be_written_is_one_line(planned):
    _, arguments, folder = planned
    (folder / "out").write_text("a file")
    with pytest.raises(ValueError, match=r"/out/checkpoints.*: cannot hold checkpoints: .*Errno"):
        run_stage(arguments("out"))
    words = arguments("out")
    words[words.index("--checkpoints") + 1] = str(folder / "elsewhere")
    with pytest.raises(ValueError, match=r"/out: the run has ended, but .*; called again, the job"):
        run_stage(words)


def test_what_a_killed_attempt_left_is_replaced_and_removed(planned):
    _, arguments, folder = planned
    out = folder / "out"
    for name in (".model.4711.tmp", "model", "checkpoints"):
        (out / name).mkdir(parents=True)
    (out / ".model.4711.tmp/model.safetensors").write_bytes(b"half")
    (out / "model/of_another_run").write_bytes(b"old")
    (out / ".record.json.4711.tmp").write_text("{")
    run_stage(arguments("out"))
    assert sorted(path.name for path in out.iterdir()) == [
        "checkpoints",
        "curve.csv",
        "model",
        "record.json",
        "speed.csv",
    ]
    assert not (out / "model/of_another_run").exists()
    (checkpoints,) = (out / "checkpoints").iterdir()
    (checkpoints / ".step-000000007.safetensors.4711.tmp").write_bytes(b"half")
    run_stage(arguments("out"))
    assert not list(checkpoints.glob(".*.tmp"))


def test_the_table_of_implementations_says_which_runs_differ(planned, caplog):
    run, arguments, folder = planned
    run_stage(arguments("one"))
    content = read_json(folder / "one/record.json")
    for name in ("two", "three"):
        other = content["spec"]["columns"] | {"run": name}
        spec = content["spec"] | {"columns": other}
        record = content | {"spec": spec, "columns": other, "implementation": "native avx2"}
        write_json(folder / name / "record.json", record)
    paths = [folder / name / "record.json" for name in ("two", "one", "three")]
    caplog.clear()
    write_implementations(paths[::2], folder / "implementations.csv")
    assert not caplog.records
    write_implementations(paths, folder / "implementations.csv")
    assert (folder / "implementations.csv").read_text() == (
        "run,status,implementation,remarks\n"
        "two,trained,native avx2,\n"
        f"{run.run},trained,torch,most runs were trained by: native avx2\n"
        "three,trained,native avx2,\n"
    )
    assert "different steps: native avx2: 2 runs; torch: 1 runs; " in caplog.text


@pytest.mark.parametrize("implementation", ["auto", "torch"])
def test_a_diverged_run_keeps_its_record_with_the_reason(planned, implementation):
    _, arguments, folder = planned
    run_stage(
        arguments(
            "out", implementation, learning_rate=1e30, head_learning_rate=1e30, clip_norm=1e30
        )
    )
    record = read_record(folder / "out/record.json")
    assert record.excluded_reason.startswith("diverged: loss is")
    assert record.status == "diverged"
    assert (folder / "out/curve.csv").read_text().startswith(",".join(CURVE_COLUMNS))
    assert "final_loss_nats_per_token" not in read_json(folder / "out/record.json")
    assert not (folder / "out/model/model.safetensors").exists()


def test_tokens_that_do_not_match_their_manifest_are_refused(planned):
    _, arguments, folder = planned
    write_json(folder / "manifest.json", {"tokens": 5, "dtype": "uint16"})
    with pytest.raises(ValueError, match=r"train.bin: 4000 tokens; .*manifest.json says 5"):
        run_stage(arguments("out"))
    write_json(
        folder / "manifest.json",
        {"tokens": 4000, "dtype": "uint16", "sha256": {"train.bin": "0" * 64}},
    )
    with pytest.raises(
        ValueError, match=r"train.bin: its SHA-256 is [0-9a-f]{64}; .*manifest.json says 0{64}"
    ):
        run_stage(arguments("out"))
    (folder / "train.bin").unlink()
    with pytest.raises(ValueError, match=r"train.bin: cannot be read"):
        run_stage(arguments("out"))
