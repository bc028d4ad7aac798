import math
from dataclasses import replace

import pytest
import torch
from rounding import float32_error, roundings_of_a_logit

from relscale.files import write_json
from relscale.plan.accounting import count_parameters
from relscale.plan.architecture import Choices, RopeScaling, Shape
from relscale.training.architectures.qwen3 import Decoder, rotary_angles
from relscale.training.folder import hugging_face_config
from relscale.training.initial import parameter_shapes
from relscale.training.model import initialise, load_decoder, save_decoder

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
LLAMA3 = Choices(
    norm_epsilon=1e-5,
    rope_theta=500_000.0,
    rope_scaling=RopeScaling(original_max_position_embeddings=16),
    init_std=0.02,
)


def perturbed(shape: Shape, choices: Choices) -> Decoder:
    """A decoder whose norms and head are not at their trivial start."""
    decoder = Decoder(shape, choices)
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


def test_saving_and_loading_gives_the_same_logits_bit_for_bit(tmp_path):
    decoder = perturbed(SHAPE, LLAMA3)
    save_decoder(decoder, tmp_path)
    tokens = torch.arange(20).view(2, 10)
    with torch.inference_mode():
        assert torch.equal(load_decoder(tmp_path)(tokens), decoder(tokens))


@pytest.mark.parametrize(
    "shape", [SHAPE, replace(SHAPE, heads=4, kv_heads=2, head_dim=10, layers=3)]
)
def test_parameter_counts_are_those_of_the_instantiated_model(shape):
    with torch.device("meta"):
        decoder = Decoder(shape)
    counted = count_parameters(shape)
    assert counted.total == sum(parameter.numel() for parameter in decoder.parameters())
    assert counted.embedding == decoder.model.embed_tokens.weight.numel()
    assert counted.head == decoder.lm_head.weight.numel()


@pytest.mark.parametrize(
    "shape", [SHAPE, replace(SHAPE, heads=4, kv_heads=2, head_dim=10, layers=3)]
)
def test_parameters_are_named_and_ordered_as_in_the_instantiated_model(shape):
    with torch.device("meta"):
        decoder = Decoder(shape)
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


def test_attention_is_causal():
    decoder = perturbed(SHAPE, Choices())
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
