import math
from dataclasses import replace

import pytest
import torch
from rounding import float32_error, roundings_of_a_logit
from shapes import lstm_shape
from torch.nn import functional

from relscale.files import write_json
from relscale.plan.accounting import count_parameters
from relscale.plan.architecture import Choices, RopeScaling, Shape
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.architectures.qwen3 import Decoder, rotary_angles
from relscale.training.folder import hugging_face_config
from relscale.training.initial import parameter_shapes
from relscale.training.model import build_decoder, initialise, load_decoder, save_decoder

SHAPE = Shape(
    width=24,
    layers=2,
    heads=3,
    kv_heads=3,
    head_dim=8,
    intermediate=48,
    vocab_size=97,
    context_length=33,
)
LSTM = lstm_shape(SHAPE)
LLAMA3 = Choices(
    norm_epsilon=1e-5,
    rope_theta=500_000.0,
    rope_scaling=RopeScaling(original_max_position_embeddings=16),
    init_std=0.02,
)


def perturbed(shape: Shape, choices: Choices) -> CausalDecoder:
    """A decoder whose norms, biases and head are not at their trivial start."""
    decoder = build_decoder(shape, choices)
    initialise(decoder, seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return decoder.eval()


@pytest.mark.parametrize(
    ("shape", "choices"),
    [
        (SHAPE, Choices()),
        (replace(SHAPE, heads=4, kv_heads=2, head_dim=10), Choices()),
        (SHAPE, LLAMA3),
        (replace(SHAPE, width=40, heads=2, kv_heads=2, head_dim=20, layers=1), LLAMA3),
    ],
)
def test_logits_equal_those_of_transformers_loaded_from_our_folder(tmp_path, shape, choices):
    transformers = pytest.importorskip("transformers")
    decoder = perturbed(shape, choices)
    save_decoder(decoder, tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, attn_implementation="eager"
    ).eval()
    for length in (1, 7, 31, 33):
        tokens = torch.randint(
            0, shape.vocab_size, (3, length), generator=torch.Generator().manual_seed(length)
        )
        with torch.inference_mode():
            expected = theirs(tokens).logits
            allowed = float32_error(float(expected.abs().max()), roundings_of_a_logit(shape))
            torch.testing.assert_close(decoder(tokens), expected, rtol=0, atol=allowed)


def test_the_logits_of_an_lstm_equal_those_of_its_equations():
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    decoder = perturbed(LSTM, Choices())
    parameters = {name: value.double() for name, value in decoder.state_dict().items()}
    for length in (1, 7, 33):
        tokens = torch.randint(0, 97, (3, length), generator=torch.Generator().manual_seed(length))
        outputs = parameters["model.embed_tokens.weight"][tokens]
        for layer in range(LSTM.layers):
            of_input, of_state, bias, more = (
                parameters[f"model.layers.{layer}.lstm.{name}_l0"]
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            state = cell = torch.zeros(3, LSTM.width, dtype=torch.float64)
            states = []
            for time in range(length):
                gates = outputs[:, time] @ of_input.T + state @ of_state.T + bias + more
                entered, kept, new, shown = gates.chunk(4, dim=1)
                cell = kept.sigmoid() * cell + entered.sigmoid() * new.tanh()
                state = shown.sigmoid() * cell.tanh()
                states.append(state)
            outputs = torch.stack(states, dim=1)
        expected = functional.linear(outputs, parameters["lm_head.weight"])
        # Each time step and layer adds the products of two rows of the width.
        terms = LSTM.layers * (length + 1) * 2 * LSTM.width
        allowed = float32_error(float(expected.abs().max()), terms)
        with torch.inference_mode():
            torch.testing.assert_close(decoder(tokens).double(), expected, rtol=0, atol=allowed)


def test_biases_of_an_lstm_start_at_zero_but_those_of_the_forget_gate_at_one():
    decoder = build_decoder(LSTM)
    initialise(decoder, seed=3)
    for layer in decoder.model.layers:
        assert layer.lstm.bias_ih_l0.view(4, -1).tolist() == [
            [0] * 24,
            [1] * 24,
            [0] * 24,
            [0] * 24,
        ]
        assert not layer.lstm.bias_hh_l0.any()
        for matrix in (layer.lstm.weight_ih_l0, layer.lstm.weight_hh_l0):
            # 2,304 draws: the standard deviation has a standard error of 1.5 %.
            assert matrix.std().item() == pytest.approx(24**-0.5, rel=0.06)


@pytest.mark.parametrize(("shape", "choices"), [(SHAPE, LLAMA3), (LSTM, Choices())])
def test_saving_and_loading_gives_the_same_logits_bit_for_bit(tmp_path, shape, choices):
    decoder = perturbed(shape, choices)
    save_decoder(decoder, tmp_path)
    tokens = torch.arange(20).view(2, 10)
    with torch.inference_mode():
        loaded = load_decoder(tmp_path)
        assert torch.equal(loaded(tokens), decoder(tokens))
    assert loaded.shape == shape


def test_transformers_cannot_read_a_saved_lstm_and_says_so(tmp_path):
    transformers = pytest.importorskip("transformers")
    save_decoder(perturbed(LSTM, Choices()), tmp_path)
    with pytest.raises(ValueError, match="model type `lstm` but Transformers does not recognize"):
        transformers.AutoConfig.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "shape",
    [
        SHAPE,
        replace(SHAPE, heads=4, kv_heads=2, head_dim=10, layers=3),
        LSTM,
        replace(LSTM, width=25, layers=3),
    ],
)
def test_parameter_counts_are_those_of_the_instantiated_model(shape):
    with torch.device("meta"):
        decoder = build_decoder(shape)
    counted = count_parameters(shape)
    assert counted.total == sum(parameter.numel() for parameter in decoder.parameters())
    assert counted.embedding == decoder.model.embed_tokens.weight.numel()
    assert counted.head == decoder.lm_head.weight.numel()


@pytest.mark.parametrize(
    "shape",
    [
        SHAPE,
        replace(SHAPE, heads=4, kv_heads=2, head_dim=10, layers=3),
        LSTM,
        replace(LSTM, width=25, layers=3),
    ],
)
def test_parameters_are_named_and_ordered_as_in_the_instantiated_model(shape):
    with torch.device("meta"):
        decoder = build_decoder(shape)
    assert list(parameter_shapes(shape)) == [
        (name, tuple(parameter.shape)) for name, parameter in decoder.named_parameters()
    ]


def test_the_paper_models_have_the_published_parameter_counts():
    common = {"vocab_size": 128_256, "context_length": 4096, "head_dim": 128}
    small = Shape(width=896, layers=10, heads=7, kv_heads=7, intermediate=3584, **common)
    large = Shape(width=2816, layers=28, heads=22, kv_heads=22, intermediate=11264, **common)
    for shape, total in ((small, 358_306_688), (large, 4_275_080_960)):
        with torch.device("meta"):
            decoder = Decoder(shape)
        counted = count_parameters(shape)
        assert (
            counted.total == total == sum(parameter.numel() for parameter in decoder.parameters())
        )
        assert (
            counted.embedding == decoder.model.embed_tokens.weight.numel() == 128_256 * shape.width
        )
        assert counted.head == decoder.lm_head.weight.numel() == 128_256 * shape.width
        rest = [
            parameter.numel()
            for name, parameter in decoder.model.named_parameters()
            if not name.startswith("embed_tokens")
        ]
        assert (
            counted.transformer
            == sum(rest)
            == shape.layers * (16 * shape.width**2 + 2 * shape.width + 256) + shape.width
        )


def test_rotary_angles_by_hand():
    cosine, sine = rotary_angles(2, 4, Choices(rope_theta=100.0))
    assert cosine[0].tolist() == [1, 1, 1, 1]
    assert sine[1].tolist() == pytest.approx([math.sin(1), math.sin(0.1)] * 2)


@pytest.mark.parametrize("shape", [SHAPE, LSTM])
def test_no_position_sees_a_later_token(shape):
    decoder = perturbed(shape, Choices())
    tokens = torch.arange(12).view(1, 12)
    changed = tokens.clone()
    changed[0, 7:] += 3
    with torch.inference_mode():
        assert torch.equal(decoder(tokens)[:, :7], decoder(changed)[:, :7])
        assert not torch.equal(decoder(tokens)[:, 7], decoder(changed)[:, 7])


def test_the_same_seed_gives_the_same_parameters_and_another_seed_others():
    first, second, other = Decoder(SHAPE), Decoder(SHAPE), Decoder(SHAPE)
    initialise(first, 1)
    initialise(second, 1)
    initialise(other, 2)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    assert not torch.equal(first.lm_head.weight, other.lm_head.weight)


def test_a_folder_of_another_kind_of_model_is_refused(tmp_path):
    write_json(
        tmp_path / "config.json", hugging_face_config(SHAPE, Choices()) | {"model_type": "llama"}
    )
    with pytest.raises(ValueError, match=r"config.json: model_type = 'llama'; only 'qwen3'"):
        load_decoder(tmp_path)


def test_tensors_that_do_not_fit_the_configuration_are_refused(tmp_path):
    save_decoder(perturbed(SHAPE, Choices()), tmp_path)
    write_json(tmp_path / "config.json", hugging_face_config(replace(SHAPE, layers=3), Choices()))
    with pytest.raises(ValueError, match=r"model.safetensors: does not fit config.json"):
        load_decoder(tmp_path)
