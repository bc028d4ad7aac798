"""Folders that are not the model that they seem, and ones that look odd and are right."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.opened_model import open_released

ITEM = TextItem(
    domain="d",
    stratum="s",
    item="1",
    context="the river",
    options=(" is", " never the law"),
    gold=0,
)


@pytest.fixture
def copy(models, tmp_path):
    return lambda name="gpt2": shutil.copytree(models[name], tmp_path / name)


def change_json(file, **values):
    content = {**json.loads(file.read_text(encoding="utf-8")), **values}
    kept = {key: value for key, value in content.items() if value is not ...}
    file.write_text(json.dumps(kept), encoding="utf-8")


def change_weights(folder, change):
    """Rewrite the weights; `change` returns them, or alters them in place."""
    file = folder / "model.safetensors"
    weights = load_file(file)
    save_file(change(weights) or weights, file, metadata={"format": "pt"})


def nats(folder, **settings):
    scores = open_released(str(folder), device="cpu", **settings).score_items([ITEM])
    return scores.log_likelihood.tolist()


def shard(folder):
    """Split the weights into two files and an index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    places = {key: names[number % 2] for number, key in enumerate(sorted(weights))}
    for name in names:
        part = {key: value for key, value in weights.items() if places[key] == name}
        save_file(part, folder / name, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return names, index


def save_with(model, folder, models):
    """Save a model with the tokenizer of the small models."""
    model.save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(models["gpt2"] / file, folder)
    return folder


def other_architecture(name, models, folder, **values):
    """Save a small random model of another architecture."""
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, name.partition("For")[0].partition("LMHead")[0] + "Config")
    sizes = {
        "vocab_size": 445,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "initializer_range": 0.3,
    }
    return save_with(getattr(transformers, name)(config(**{**sizes, **values})), folder, models)


@pytest.mark.parametrize("spread", [0.3, 0.02])
def test_an_encoder_is_refused(models, tmp_path, spread):
    folder = other_architecture(
        "BertLMHeadModel", models, tmp_path / "bert", is_decoder=True, initializer_range=spread
    )
    assert len(nats(folder)) == 2
    change_json(folder / "config.json", is_decoder=False)
    with pytest.raises(ValueError, match=r"bert: is not a left-to-right language model: later tok"):
        open_released(str(folder), device="cpu")


def test_attention_to_both_sides_in_a_decoder_is_refused(models, tmp_path):
    values = {"head_dim": 8, "num_key_value_heads": 2, "use_bidirectional_attention": True}
    folder = gemma_text(models, tmp_path / "gemma", **values)
    with pytest.raises(ValueError, match="is not a left-to-right language model"):
        open_released(str(folder), device="cpu")
    change_json(folder / "config.json", use_bidirectional_attention=False)
    assert len(nats(folder)) == 2


def gemma_text(models, folder, **values):
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=445,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        **values,
    )
    return save_with(Gemma3ForCausalLM(config), folder, models)


def test_mixtures_of_experts_and_states_pass_the_check_of_attention(models, tmp_path):
    for name, values in (
        ("MixtralForCausalLM", {"num_local_experts": 8, "num_key_value_heads": 2}),
        ("MambaForCausalLM", {"intermediate_size": 64}),
    ):
        assert len(nats(other_architecture(name, models, tmp_path / name, **values))) == 2


def fewer_layers(folder):
    change_json(folder / "config.json", num_hidden_layers=1, layer_types=...)


def one_nan(folder):
    change_weights(folder, lambda weights: set_value(weights, float("nan")))


def set_value(weights, value):
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = value
    return weights


def one_infinity(folder):
    change_weights(folder, lambda weights: set_value(weights, float("inf")))


def without_head(folder):
    change_weights(
        folder,
        lambda weights: {key: each for key, each in weights.items() if key != "lm_head.weight"},
    )


def tied_with_a_head_of_its_own(folder):
    change_json(folder / "config.json", tie_word_embeddings=True)


def head_for_rewards(folder):
    change_weights(folder, lambda weights: {**weights, "score.weight": torch.ones(1, 32)})


def another_width(folder):
    change_json(folder / "config.json", intermediate_size=8)


def architecture_for_classes(folder):
    change_json(folder / "config.json", architectures=["Qwen3ForSequenceClassification"])


def another_architecture(folder):
    change_json(folder / "config.json", architectures=["LlamaForCausalLM"])


def adapter(folder):
    (folder / "adapter_config.json").write_text("{}")
    save_file({"a": torch.ones(1)}, folder / "adapter_model.safetensors")


def quantised(folder):
    change_json(folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})


def integers(folder):
    change_weights(
        folder,
        lambda weights: {
            key: each.to(torch.int8) if key.endswith("up_proj.weight") else each
            for key, each in weights.items()
        },
    )


def encoder_and_decoder(folder):
    change_json(folder / "config.json", model_type="t5", architectures=None)


def pointer(name):
    def spoil(folder):
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
        (folder / name).write_text(text)

    return spoil


def cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def empty_weights(folder):
    (folder / "model.safetensors").write_bytes(b"")


def dangling_link(folder):
    file = folder / "model.safetensors"
    file.unlink()
    file.symlink_to(folder / "blobs/0")


def other_name(folder):
    (folder / "model.safetensors").rename(folder / "model.fp16.safetensors")


def half_a_configuration(folder):
    (folder / "config.json").write_text('{"model_type": "qwen3"')


def list_as_tokenizer_configuration(folder):
    (folder / "tokenizer_config.json").write_text("[]")


def number_as_setting(folder):
    change_json(folder / "config.json", num_hidden_layers="two")


def index_and_single(folder):
    shutil.copy(folder / "model.safetensors", folder / "kept")
    shard(folder)
    (folder / "kept").rename(folder / "model.safetensors")


def index_that(change):
    def spoil(folder):
        _, index = shard(folder)
        changed = change(index)
        (folder / "model.safetensors.index.json").write_text(json.dumps(changed))

    return spoil


def shard_is_gone(folder):
    names, _ = shard(folder)
    (folder / names[1]).unlink()


def shard_is_elsewhere(index):
    places = index["weight_map"]
    return {**index, "weight_map": {key: f"../qwen3/{name}" for key, name in places.items()}}


def shard_is_swapped(index):
    places = dict(index["weight_map"])
    first, second, *_ = places
    places[first], places[second] = places[second], places[first]
    return {**index, "weight_map": places}


def weight_is_not_listed(index):
    places = index["weight_map"]
    return {**index, "weight_map": {key: places[key] for key in sorted(places)[1:]}}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            fewer_layers,
            r"1\d of its weights are not used by the model that config.json describes: "
            r"model.layers.1.input_layernorm.weight, .* more",
        ),
        (one_nan, "1 of its parameters are not finite in float32: model.layers.0.mlp.up_proj"),
        (one_infinity, "1 of its parameters are not finite in float32: model.layers.0.mlp.up_proj"),
        (without_head, "1 of its parameters are missing in its weights.*: lm_head.weight"),
        (tied_with_a_head_of_its_own, "config.json ties the head to the embedding"),
        (head_for_rewards, "1 of its weights are not used.*: score.weight"),
        (another_width, r"mlp.down_proj.weight \(weights \[48, \d+\], config.json \[48, 8\]\)"),
        (architecture_for_classes, "architectures in config.json is Qwen3ForSequenceClassificati"),
        (
            another_architecture,
            "model_type 'qwen3' is Qwen3ForCausalLM, and architectures is Llama",
        ),
        (adapter, "has an adapter .adapter_config.json, adapter_model.safetensors., which would"),
        (quantised, "its weights are quantised .quantization_config.; save them in a floating"),
        (integers, r"its weights are quantised \(I8: model.layers.0.mlp.up_proj.weight, "),
        (encoder_and_decoder, "t5 is an encoder-decoder model; only decoders can be scored"),
        (pointer("model.safetensors"), "model.safetensors is a pointer of Git LFS.*git lfs pull"),
        (pointer("tokenizer.json"), "tokenizer.json is a pointer of Git LFS, not the file"),
        (pointer("config.json"), "config.json is a pointer of Git LFS, not the file"),
        (cut, r"model.safetensors \([\d,]+ bytes\) is incomplete or not a safetensors file"),
        (empty_weights, r"model.safetensors \(0 bytes\) is incomplete or not a safetensors file"),
        (dangling_link, "model.safetensors is a link to a file that does not exist"),
        (other_name, "its weights are in model.fp16.safetensors, which is not read"),
        (half_a_configuration, "config.json: not valid JSON"),
        (list_as_tokenizer_configuration, "tokenizer_config.json: must be a JSON object"),
        (number_as_setting, "its config.json cannot be used: .*num_hidden_layers"),
        (index_and_single, "its weights are there twice, as model.safetensors and as model.safet"),
        (shard_is_gone, "index.json names files that do not exist: model-00002-of-00002.safetens"),
        (index_that(shard_is_elsewhere), r"names files that are not in the folder: \.\./qwen3/"),
        (index_that(shard_is_swapped), "index.json lists weights that model-00001.* does not have"),
        (index_that(weight_is_not_listed), "have weights that it does not list.*: lm_head.weight"),
        (index_that(lambda index: []), "model.safetensors.index.json has no weight_map"),
        (index_that(lambda index: {"weight_map": {"a": 3}}), "names files that do not exist: 3"),
    ],
)
def test_a_folder_that_is_not_the_model_it_seems_is_refused_in_one_line(copy, spoil, message):
    folder = copy("qwen3")
    spoil(folder)
    with pytest.raises(ValueError, match=message) as caught:
        open_released(str(folder), device="cpu")
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def test_all_faults_of_a_folder_are_named_at_once(copy):
    folder = copy()
    adapter(folder)
    cut(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ValueError) as caught:
        open_released(str(folder))
    for fault in ("has an adapter", "is incomplete", "has no tokenizer"):
        assert fault in str(caught.value)


def test_a_file_is_not_a_folder(copy):
    with pytest.raises(ValueError, match=r"model.safetensors: is a file; give the folder"):
        open_released(str(copy() / "model.safetensors"))


def test_pickled_weights_must_equal_the_ones_that_are_read(copy):
    folder = copy("llama")
    weights = load_file(folder / "model.safetensors")
    tied = {**weights, "lm_head.weight": weights["model.embed_tokens.weight"]}
    torch.save(tied, folder / "pytorch_model.bin")
    model = open_released(str(folder), device="cpu")
    said = model.description()
    assert (said.weights, said.weights_not_read) == (("model.safetensors",), ("pytorch_model.bin",))
    weights["model.norm.weight"][0] += 1
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(
        ValueError,
        match=r"model.safetensors and pytorch_model.bin do not hold the same weights",
    ):
        open_released(str(folder), device="cpu")


def test_shards_give_the_scores_of_one_file(models, copy):
    folder = copy("qwen3")
    names, _ = shard(folder)
    assert nats(folder) == nats(models["qwen3"])
    save_file({"a": torch.ones(1)}, folder / "consolidated.safetensors")
    said = open_released(str(folder), device="cpu").description()
    assert (said.weights, said.weights_not_read) == (tuple(names), ("consolidated.safetensors",))


def older_gpt2(weights):
    """Names without a prefix, and the masks of attention among the weights."""
    older = {key.removeprefix("transformer."): value for key, value in weights.items()}
    for layer in range(2):
        older[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 320, 320).tril()
        older[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
        older[f"h.{layer}.attn.causal_mask"] = torch.ones(1, 1, 4, 4)
    return older


def test_constants_that_older_releases_keep_among_their_weights_do_not_matter(models, copy):
    folder = copy("gpt2")
    change_weights(folder, older_gpt2)
    assert nats(folder) == nats(models["gpt2"])
    folder = copy("llama")
    inner = "model.layers.0.self_attn.rotary_emb"
    constants = {f"{inner}.{name}": torch.ones(4) for name in ("inv_freq", "cos_cached")}
    change_weights(folder, lambda weights: {**weights, **constants})
    assert nats(folder) == nats(models["llama"])


def test_a_tied_head_may_be_among_the_weights(models, copy):
    folder = copy("llama")
    change_weights(
        folder,
        lambda weights: {**weights, "lm_head.weight": weights["model.embed_tokens.weight"].clone()},
    )
    assert nats(folder) == nats(models["llama"])


def test_the_window_is_the_text_models(models, tmp_path):
    from transformers import (
        Gemma3Config,
        Gemma3ForCausalLM,
        Gemma3ForConditionalGeneration,
        Gemma3TextConfig,
        SiglipVisionConfig,
    )

    text = Gemma3TextConfig(
        vocab_size=445,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=4096,
        sliding_window=64,
    )
    sight = SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    config = Gemma3Config(
        text_config=text.to_dict(),
        vision_config=sight.to_dict(),
        image_token_index=1,
        boi_token_index=2,
        eoi_token_index=3,
    )
    torch.manual_seed(0)
    folder = save_with(Gemma3ForConditionalGeneration(config), tmp_path / "gemma3", models)
    assert "max_position_embeddings" not in json.loads((folder / "config.json").read_text())
    model = open_released(str(folder), device="cpu")
    assert model.max_length == 4096
    # Parameters are those of the text model alone.
    alone = Gemma3ForCausalLM(text).num_parameters()
    assert model.description().num_params_total == alone < model.model.module.num_parameters()
    with pytest.raises(ValueError, match="a window of 4097 tokens; the model allows 4096"):
        open_released(str(folder), device="cpu", max_length=4097)


@pytest.mark.parametrize(
    ("name", "values", "window"),
    [
        # Positions of RoBERTa begin after the number of its padding token.
        ("XLMRobertaForCausalLM", {"max_position_embeddings": 66, "is_decoder": True}, 64),
        ("OPTForCausalLM", {"max_position_embeddings": 64, "word_embed_proj_dim": 32}, 64),
        (
            "MistralForCausalLM",
            {"max_position_embeddings": 512, "sliding_window": 8, "num_key_value_heads": 2},
            512,
        ),
        ("BloomForCausalLM", {"seq_length": 100}, 100),
        ("BloomForCausalLM", {}, 2048),
        (
            "LlamaForCausalLM",
            {
                "max_position_embeddings": 256,
                "rope_parameters": {
                    "rope_type": "yarn",
                    "factor": 4.0,
                    "rope_theta": 1e4,
                    "original_max_position_embeddings": 64,
                },
            },
            256,
        ),
    ],
)
def test_windows_of_architectures(models, tmp_path, name, values, window):
    folder = other_architecture(name, models, tmp_path / "model", **values)
    change_json(folder / "tokenizer_config.json", model_max_length=...)
    model = open_released(str(folder), device="cpu")
    assert model.max_length == window
    if window <= 100:
        # A document of several whole windows: every position of a window is used.
        document = TextDocument(domain="d", stratum="s", item="a", text="the law " * window * 2)
        assert model.score_documents([document]).account["requests"] > 2
        with pytest.raises(ValueError, match=f"a window of {window + 1} tokens; the model "):
            open_released(str(folder), device="cpu", max_length=window + 1)


def test_old_and_new_names_of_rope_give_the_same_scores(models, copy):
    folder, scores = copy("qwen3"), []
    for values in (
        {"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_theta": 5000.0},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0}},
    ):
        none = dict.fromkeys(("rope_scaling", "rope_theta", "rope_parameters"), ...)
        change_json(folder / "config.json", **{**none, **values})
        scores.append(nats(folder))
    assert scores[0] == scores[1] != nats(models["qwen3"])


def test_a_token_for_padding_may_have_no_row_in_the_model(models, copy):
    from transformers import AutoTokenizer

    folder = copy("gpt2")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    more = 445 - len(tokenizer)
    tokenizer.add_tokens([f"<unused{number}>" for number in range(more)])
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    assert tokenizer.pad_token_id == 445
    assert nats(folder) == nats(models["gpt2"])
    model = open_released(str(folder), device="cpu")
    padded = TextItem(
        domain="d", stratum="s", item="1", context="the", options=(" law", "[PAD]"), gold=0
    )
    with pytest.raises(
        ValueError, match=r"gpt2: .*its text has token 445, and the model only 445 entries"
    ):
        model.score_items([padded])


def silent_tokenizer(folder, **numbers):
    """Take the names of special tokens from the tokenizer, and put numbers into config.json."""
    change_json(folder / "tokenizer_config.json", bos_token=..., eos_token=...)
    for name in ("special_tokens_map.json", "generation_config.json"):
        (folder / name).unlink(missing_ok=True)
    change_json(folder / "config.json", **{"bos_token_id": None, "eos_token_id": None, **numbers})


BARE = TextItem(domain="d", stratum="s", item="1", context="", options=("the", "law"), gold=0)


def test_an_end_token_in_a_configuration_alone_precedes_a_text(models, copy):
    whole = open_released(str(models["qwen3"]), device="cpu")
    expected, prefix = whole.score_items([BARE]).log_likelihood.tolist(), whole.tokenizer.prefix
    for numbers, generation in (
        ({"bos_token_id": prefix}, {}),
        ({"eos_token_id": [prefix, 7]}, {}),
        ({}, {"eos_token_id": prefix}),
    ):
        folder = copy("qwen3")
        silent_tokenizer(folder, **numbers)
        (folder / "generation_config.json").write_text(json.dumps(generation))
        model = open_released(str(folder), device="cpu")
        assert model.score_items([BARE]).log_likelihood.tolist() == expected
        shutil.rmtree(folder)


def test_without_any_such_token_only_texts_with_a_context_are_scored(copy):
    folder = copy("qwen3")
    silent_tokenizer(folder)
    model = open_released(str(folder), device="cpu")
    assert len(model.score_items([ITEM]).log_likelihood) == 2
    document = TextDocument(domain="d", stratum="s", item="a", text="the law")
    for score in (
        lambda: model.score_items([BARE]),
        lambda: model.score_documents([document]),
    ):
        with pytest.raises(ValueError, match="its tokenizer has neither bos_token nor eos_token"):
            score()


def test_a_number_that_only_the_model_class_gives_is_no_end_token(copy):
    # 2 is the number of Llama's class; here 2 and 3 are ordinary characters.
    folder = copy("llama")
    silent_tokenizer(folder, eos_token_id=2)
    with pytest.raises(ValueError, match="neither bos_token nor eos_token"):
        open_released(str(folder), device="cpu").score_items([BARE])
    silent_tokenizer(folder, eos_token_id=3)
    assert open_released(str(folder), device="cpu").tokenizer.prefix == 3


def test_vocabulary_and_merges_may_be_in_files_of_their_own(models, copy):
    folder = copy("gpt2")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "tokenizer.json").unlink()
    names = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "vocab.json").write_text(json.dumps(content["model"]["vocab"]))
    merges = [
        each if isinstance(each, str) else " ".join(each) for each in content["model"]["merges"]
    ]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), names["eos_token"])
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "GPT2Tokenizer", **special})
    )
    assert nats(folder) == nats(models["gpt2"])
