"""How a run is executed, what memory that takes, and what its job asks for."""

import itertools
from dataclasses import replace

import pytest
import torch
from memory import most_memory, tells_memory
from rounding import float32_error, roundings_of_a_gradient
from run_specs import optimiser_of
from shapes import lstm_shape

from relscale.config.costs import Costs
from relscale.config.suite import Suite
from relscale.config.training import Training
from relscale.plan.accounting import count_parameters
from relscale.plan.architecture import Choices, Shape
from relscale.plan.qwen3 import Qwen3
from relscale.plan.suite import plan_suite
from relscale.resources.job_resources import LEAST_MINUTES, SLACK
from relscale.resources.training import training_resources
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.compilation import Compiled
from relscale.training.execution import (
    CPU_ROOM_BYTES,
    GIB,
    GPU_LOGITS_PER_CHUNK,
    LOGITS_PER_CHUNK,
    USABLE_SHARE,
    Execution,
    activation_bytes,
    choose_execution,
    state_bytes,
)
from relscale.training.model import build_decoder, initialise
from relscale.training.torch_trainer import TorchTrainer

SHAPE = Shape(
    width=128,
    layers=2,
    heads=2,
    kv_heads=2,
    head_dim=64,
    intermediate=512,
    vocab_size=500,
    context_length=128,
)
PAPER = Shape(
    width=2048,
    layers=21,
    heads=16,
    kv_heads=16,
    head_dim=128,
    intermediate=8192,
    vocab_size=128_256,
    context_length=4096,
)
H100 = Costs(device="gpu", peak_flops_per_s=9.89e14, utilisation=0.4, start_s=60)


def kept_bytes(shape: Shape, sequences: int, in_bfloat16: bool, checkpointing: bool) -> int:
    """Bytes that a forward pass keeps for the backward pass, parameters left out."""
    decoder = build_decoder(shape, Choices())
    initialise(decoder, 0)
    decoder.activation_checkpointing = checkpointing
    apart = {
        tensor.untyped_storage().data_ptr()
        for tensor in [*decoder.parameters(), *decoder.buffers()]
    }
    kept: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = (tensor.untyped_storage().nbytes(), tensor)
        return tensor

    tokens = torch.zeros((sequences, shape.context_length), dtype=torch.int64)
    with (
        torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        decoder.hidden(tokens)
    return sum(size for pointer, (size, _) in kept.items() if pointer not in apart)


ONEDNN = torch.backends.mkldnn.is_available()
"""Whether torch has oneDNN, whose LSTM keeps twice as much as torch's own."""


@pytest.mark.parametrize(
    ("shape", "in_bfloat16"),
    [
        *itertools.product(
            [SHAPE, replace(SHAPE, heads=4, kv_heads=1, head_dim=32, intermediate=320)],
            [False, True],
        ),
        # Not in bfloat16, in which oneDNN has no LSTM for all processors.
        pytest.param(
            lstm_shape(SHAPE),
            False,
            marks=pytest.mark.skipif(not ONEDNN, reason="torch was built without oneDNN"),
        ),
    ],
)
@pytest.mark.parametrize("checkpointing", [False, True])
def test_activations_of_a_block_are_estimated_from_above_and_not_far(
    shape, in_bfloat16, checkpointing
):
    device = "cuda" if in_bfloat16 else "cpu"
    deeper = replace(shape, layers=6)
    # Bytes that four more blocks keep of one more sequence: neither weights in bfloat16, which all
    # sequences share, nor embedding and loss.
    many, few = (
        [kept_bytes(one, count, in_bfloat16, checkpointing) for one in (deeper, shape)]
        for count in (3, 2)
    )
    measured = many[0] - many[1] - (few[0] - few[1])
    # Enough sequences that the optimiser's step does not decide the estimate.
    large, half = (
        [activation_bytes(one, device, count, checkpointing) for one in (deeper, shape)]
        for count in (2000, 1000)
    )
    ratio = measured / ((large[0] - large[1] - (half[0] - half[1])) / 1000)
    assert 0.6 < ratio <= 1.0, ratio


@tells_memory
def test_compiled_blocks_with_activation_checkpointing_hold_one_copy_of_a_block_in_bfloat16():
    shape = replace(
        SHAPE,
        width=512,
        layers=12,
        heads=8,
        kv_heads=8,
        intermediate=2048,
        vocab_size=64,
        context_length=16,
    )
    decoder = Decoder(shape, Choices())
    initialise(decoder, 0)
    decoder.activation_checkpointing = True
    for block in decoder.model.layers:
        block.compile(backend="aot_eager")
    tokens = torch.zeros((1, 16), dtype=torch.int64)

    def forward_and_backward() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = decoder(tokens).float().sum()
        loss.backward()

    forward_and_backward()
    with most_memory() as taken:
        forward_and_backward()
    assert taken() < 2 * count_parameters(shape).transformer / 3
    # Enough sequences that the optimiser's step does not decide the estimate: twice the depth
    # keeps twice the blocks' inputs and no more matrices.
    few, many = (
        activation_bytes(replace(shape, layers=layers, context_length=4096), "cuda", 100, True)
        for layers in (12, 24)
    )
    assert many - few == 12 * 4 * 512 * 4096 * 100


def test_the_state_of_a_process():
    assert state_bytes(10, "cautious_adamc") == 160
    assert state_bytes(10, "cautious_adamc", processes=2, sharded=True) == 80 + 40
    assert state_bytes(10, "adam", processes=2) == 200


def chosen(memory_gib, processes=1, batch_size=16, shape=PAPER):
    total = count_parameters(shape).total
    return choose_execution(
        shape,
        total,
        "cautious_adamc",
        batch_size,
        "cuda",
        processes=processes,
        memory_bytes=memory_gib * GIB,
    )


def test_execution_prefers_whole_batches_then_micro_batches_then_checkpointing_then_sharding():
    assert chosen(1000) == Execution(device="cuda", compiled=True, logits_per_chunk=2**30)
    part = chosen(80)
    assert (
        part.micro_batch is not None
        and 16 % part.micro_batch == 0
        and not part.activation_checkpointing
        and not part.sharded
    )
    tight = next(
        found
        for memory in range(79, 20, -1)
        if (found := chosen(memory)) is not None and found.activation_checkpointing
    )
    assert not tight.sharded
    assert chosen(30) is None
    shared = next(
        found
        for memory in range(60, 20, -1)
        if (found := chosen(memory, 8)) is not None and found.sharded
    )
    assert shared.processes == 8


@pytest.mark.parametrize("memory_gib", [40, 50, 60, 80, 140])
def test_what_is_chosen_fits_and_the_next_larger_part_does_not(memory_gib):
    found, parameters = chosen(memory_gib), count_parameters(PAPER).total
    assert found is not None and found.micro_batch is not None
    room = USABLE_SHARE * memory_gib * GIB - state_bytes(parameters, "cautious_adamc")

    def needed(micro: int, logits: int) -> int:
        return activation_bytes(PAPER, "cuda", micro, found.activation_checkpointing, logits, True)

    assert needed(found.micro_batch, found.logits_per_chunk) <= room
    assert needed(2 * found.micro_batch, LOGITS_PER_CHUNK) > room
    # A micro batch comes before large chunks, and chunks take the memory that it leaves.
    assert needed(found.micro_batch, 2 * found.logits_per_chunk) > room or (
        found.logits_per_chunk == GPU_LOGITS_PER_CHUNK[0]
        or found.logits_per_chunk >= found.micro_batch * 4096 * PAPER.vocab_size
    )


def test_without_a_compiler_the_loss_is_planned_with_its_float32_copies():
    compiled, plain = (
        activation_bytes(PAPER, "cuda", 1, False, LOGITS_PER_CHUNK, compiled)
        for compiled in (True, False)
    )
    blocks, fewer = (
        PAPER.layers * 4096 * Qwen3().block_activation_bytes(PAPER, 2, compiled)
        for compiled in (False, True)
    )
    assert blocks > 1.9 * fewer
    # bfloat16 logits and gradient against bfloat16 logits, float32 logits and their gradient.
    assert plain - compiled == (10 - 4) * LOGITS_PER_CHUNK + blocks - fewer


def test_on_the_cpu_a_large_batch_is_cut_by_a_fixed_room_and_gives_the_same_losses():
    shape = replace(SHAPE, context_length=2048)
    found = choose_execution(shape, count_parameters(shape).total, "adam", 64, "cpu")
    assert found.micro_batch is not None
    assert (
        activation_bytes(shape, "cpu", found.micro_batch, found.activation_checkpointing)
        <= CPU_ROOM_BYTES
    )
    small = replace(
        SHAPE,
        width=16,
        heads=1,
        kv_heads=1,
        head_dim=16,
        intermediate=48,
        vocab_size=64,
        context_length=16,
    )
    optimiser = {"kind": "adam", "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0, "clip_norm": 1.0}
    optimiser |= {"warmup_share": 0.1, "decay_share": 0.5}
    optimiser |= dict.fromkeys(
        ("learning_rate", "embedding_learning_rate", "head_learning_rate"), 0.003
    )
    losses = []
    for execution in (
        Execution(),
        Execution(micro_batch=2),
        Execution(micro_batch=3, activation_checkpointing=True),
    ):
        step = TorchTrainer(small, Choices(), optimiser_of(optimiser), 0, execution)
        generator = torch.Generator().manual_seed(0)
        for _ in range(5):
            step.update(torch.randint(0, 64, (7, 17), generator=generator).numpy(), 1.0)
        losses.append(step.losses())
    # Only the order of the sum over sequences differs.
    rel = float32_error(1, roundings_of_a_gradient(small, 7))
    assert losses[1] == pytest.approx(losses[0], rel=rel)
    assert losses[2] == pytest.approx(losses[0], rel=rel)


def test_the_compiler_is_not_asked_for_the_layers_of_an_lstm():
    optimiser = {"kind": "adam", "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0, "clip_norm": 1.0}
    optimiser |= {"warmup_share": 0.1, "decay_share": 0.5}
    optimiser |= dict.fromkeys(
        ("learning_rate", "embedding_learning_rate", "head_learning_rate"), 0.003
    )
    for shape, is_compiled in ((SHAPE, True), (lstm_shape(SHAPE), False)):
        settings = optimiser_of(optimiser)
        trainer = TorchTrainer(shape, Choices(), settings, 0, Execution(compiled=True))
        for block in trainer.decoder.blocks():
            assert isinstance(block.forward, Compiled) == is_compiled


def paper_run(budget, width):
    raw = {
        "corpora": ["a"],
        "recipe": {"name": "marin2025"},
        "budgets": [{"label": budget}],
        "seeds": [0],
    }
    return next(
        run for run in plan_suite(Suite.model_validate(raw), 128_256) if run.shape.width == width
    )


def test_a_job_asks_for_the_fewest_gpus_that_hold_it_and_end_in_time():
    small, large = paper_run("1e18", 512), paper_run("1e20", 2816)
    assert training_resources(small, Training(gpus_per_run=8), H100).gpu == 1
    asked = training_resources(large, Training(gpus_per_run=8), H100)
    hours = large.training_flops / (0.4 * 9.89e14) / 3600
    assert asked.gpu == 8
    assert hours / 8 < 48 < hours / 4
    assert LEAST_MINUTES + SLACK * 60 * hours / 8 > 48 * 60 == asked.runtime
    unhurried = training_resources(small, Training(gpus_per_run=8), H100)
    assert unhurried.runtime == pytest.approx(
        LEAST_MINUTES + SLACK * small.training_flops / (0.4 * 9.89e14) / 60, rel=0.02
    )
    assert training_resources(large, Training(gpus_per_run=2), H100).gpu == 2
    assert training_resources(large, Training(gpus_per_run=8, hours_per_run=150), H100).gpu == 2


def test_a_job_says_what_memory_its_gpus_need():
    asked = training_resources(paper_run("1e20", 2816), Training(gpus_per_run=8), H100)
    assert 4_275_080_960 * 9 / 2**20 < asked.gpu_mem_mb < 0.9 * 80e9 / 2**20
    # Parameters and moments twice on their way to a checkpoint, and each process's own.
    assert asked.mem_mb > 24 * 4_275_080_960 / 2**20


def test_a_job_on_the_cpu_asks_for_no_gpu_and_little_memory():
    raw = {
        "corpora": ["a"],
        "recipe": {"name": "cpu_small"},
        "budgets": [{"label": "1e11", "shapes": ["32x1"]}],
    }
    (run,) = plan_suite(Suite.model_validate(raw), 512)
    costs = Costs(device="cpu", peak_flops_per_s=1.2e11, utilisation=0.4)
    asked = training_resources(run, Training(gpus_per_run=8), costs)
    assert (asked.gpu, asked.gpu_mem_mb) == (0, 0)
    assert 900 < asked.mem_mb < 1000
    assert asked.resources().keys() == {
        "gpu",
        "mem_mb",
        "gpu_mem_mb",
        "runtime",
        "cpus_per_task",
        "nodes",
    }
