import json
import math
import shutil
from collections import Counter

import numpy as np
import pytest
import torch
from uniform_model import Uniform

from relscale.evaluation.metrics import OptionScores, item_metrics
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released import model_folder
from relscale.released.model_folder import ReleasedFolder
from relscale.released.opened_model import ReleasedModel, open_released
from relscale.released.shared_context import bundles_of
from relscale.released.shared_scoring import SharedContextModel, can_share
from relscale.released.weight_files import WeightFiles


@pytest.fixture
def copy(models, tmp_path):
    return shutil.copytree(models["gpt2"], tmp_path / "model")


def change_json(file, **values):
    file.write_text(
        json.dumps({**json.loads(file.read_text(encoding="utf-8")), **values}), encoding="utf-8"
    )


def without_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def pickled_only(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_weights(folder):
    (folder / "model.safetensors").unlink()


def own_code(folder):
    change_json(folder / "config.json", auto_map={"AutoModelForCausalLM": "modeling.Model"})


def own_tokenizer_code(folder):
    change_json(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tok.Tok", None]})


def fewer_entries_in_the_model(folder):
    change_json(folder / "config.json", vocab_size=100)


def far_more_entries_in_the_model(folder):
    change_json(folder / "config.json", vocab_size=50257)


def no_type(folder):
    (folder / "config.json").write_text("{}", encoding="utf-8")


def no_configuration(folder):
    (folder / "config.json").unlink()


def unknown_type(folder):
    change_json(folder / "config.json", model_type="nobody")


def one_more_layer(folder):
    change_json(folder / "config.json", n_layer=3)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            without_tokenizer,
            "has no tokenizer; config.json must be accompanied by one of tokenizer.json",
        ),
        (pickled_only, r"its weights are pickled \(pytorch_model.bin\), which is never read"),
        (without_weights, r"has no weights \(\*.safetensors\)"),
        (
            own_code,
            "config.json: auto_map requests code of the model's own, which is never run",
        ),
        (own_tokenizer_code, "tokenizer_config.json: auto_map requests code"),
        (
            fewer_entries_in_the_model,
            "its tokenizer has 440 entries and the model 100; they do not belong together",
        ),
        (far_more_entries_in_the_model, "its tokenizer has only 440 entries for the model's 50257"),
        (no_type, "config.json: has no model_type"),
        (no_configuration, "has no config.json"),
        (unknown_type, "nobody"),
        (
            one_more_layer,
            "of its parameters are missing in its weights or have another shape: transformer.h.2",
        ),
    ],
)
def test_folders_that_cannot_be_scored(copy, spoil, message):
    spoil(copy)
    with pytest.raises(ValueError, match=message):
        open_released(str(copy))


def test_windows_that_the_model_does_not_allow(copy):
    with pytest.raises(ValueError, match="a window of 321 tokens; the model allows 320"):
        open_released(str(copy), max_length=321)
    with pytest.raises(ValueError, match="a window of 0 tokens"):
        open_released(str(copy), max_length=0)
    assert open_released(str(copy), max_length=64, device="cpu").max_length == 64


def test_names_that_are_nothing(copy, tmp_path):
    with pytest.raises(ValueError, match="no such folder, and not a Hub id"):
        open_released(str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="give a revision, best a commit"):
        open_released("somebody/model")
    with pytest.raises(ValueError, match="a local folder has no revision; leave out 'main'"):
        open_released(str(copy), "main")


def test_an_id_of_the_hub_is_fetched_without_pickles_or_code_and_its_commit_kept(
    models, tmp_path, monkeypatch
):
    asked = {}
    commit = "0123456789" * 4

    def snapshot_download(name, **arguments):
        asked.update(arguments, name=name)
        return str(shutil.copytree(models["qwen3"], tmp_path / commit))

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    model = open_released("somebody/model", "step100", device="cpu")
    assert (asked["name"], asked["revision"]) == ("somebody/model", "step100")
    assert not [
        pattern for pattern in asked["allow_patterns"] if pattern.endswith((".bin", ".py", ".pt"))
    ]
    said = model.description()
    assert (said.model, said.commit, said.dtype, said.model_type) == (
        "somebody/model",
        commit,
        "float32",
        "qwen3",
    )
    assert (
        said.num_params_total
        == said.num_params_embedding + said.num_params_head + said.num_params_transformer
    )


def test_a_repository_that_is_not_there(monkeypatch):
    def snapshot_download(name, **arguments):
        raise OSError("no route\nto the hub")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(
        ValueError, match=r"model somebody/model@main: cannot be fetched from the Hub: no route$"
    ):
        model_folder.find_folder("somebody/model", "main")


def test_tied_embeddings_are_counted_once(models):
    said = open_released(str(models["llama"]), device="cpu").description()
    assert said.num_params_head == 0
    assert said.num_params_embedding == 445 * 48


def small(kind, **values):
    import transformers

    sizes = {
        "vocab_size": 60,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 96,
    }
    return transformers.AutoConfig.for_model(kind, **{**sizes, **values})


@pytest.fixture
def requests():
    """Requests of three groups, with options of very different length, contexts that differ early
    and late, and copies."""
    generator = np.random.default_rng(3)
    contexts, continuations, group = [], [], []
    for number, size in enumerate((40, 20, 4)):
        prefix = generator.integers(0, 60, size)
        for length in (1, 5, 9, 30):
            own = np.concatenate([prefix, generator.integers(0, 60, length)])
            for option in (1, 1, 2, 20):
                contexts.append(own)
                continuations.append(generator.integers(0, 60, option))
                group.append(number)
    contexts += [contexts[0], contexts[0], contexts[5]]
    continuations += [continuations[0], continuations[3], continuations[0]]
    return contexts, continuations, np.array([*group, 0, -1, 2])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("gpt2", {}),
        ("gpt_neox", {"intermediate_size": 32}),
        ("llama", {"intermediate_size": 32, "num_key_value_heads": 1}),
        ("qwen2", {"intermediate_size": 32, "num_key_value_heads": 1}),
        ("qwen3", {"intermediate_size": 32, "num_key_value_heads": 2, "head_dim": 8}),
    ],
)
def test_shared_contexts_and_any_batch_give_the_plain_scores(reference, requests, kind, values):
    import transformers

    module = transformers.AutoModelForCausalLM.from_config(small(kind, **values))
    reference.fill(module)
    contexts, continuations, group = requests
    plain = SharedContextModel(module, context_length=96, sharing=False).score(
        contexts, continuations
    )
    expected = []
    with torch.inference_mode():
        for context, continuation in zip(contexts, continuations, strict=True):
            row = torch.tensor(np.concatenate([context, continuation]))
            logits = module(row[None, :-1]).logits[0, len(context) - 1 :].double().log_softmax(-1)
            expected.append(logits.gather(1, row[len(context) :, None]).sum().item())
    np.testing.assert_allclose(plain.log_likelihood, expected, rtol=1e-6, atol=1e-5)
    for batch_tokens in (1, 70, 10_000):
        model = SharedContextModel(module, context_length=96, batch_tokens=batch_tokens)
        assert model.sharing
        shared = model.score(contexts, continuations, group)
        np.testing.assert_allclose(shared.log_likelihood, expected, rtol=1e-6, atol=1e-5)
        np.testing.assert_array_equal(shared.greedy, plain.greedy)
        # Two of the groups have a prefix that is long enough.
        assert model.counts["with_shared_prefix"] == 33
        assert model.counts["tokens_run"] < 0.5 * model.counts["tokens_asked"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("mistral", {}),
        (
            "llama",
            {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}},
        ),
        (
            "qwen3",
            {
                "layer_types": ["full_attention", "sliding_attention"],
                "sliding_window": 8,
                "use_sliding_window": True,
            },
        ),
    ],
)
def test_what_is_not_known_to_allow_sharing_is_run_the_plain_way(reference, requests, kind, values):
    import transformers

    config = small(kind, intermediate_size=32, num_key_value_heads=2, **values)
    assert not can_share(config)
    module = transformers.AutoModelForCausalLM.from_config(config)
    reference.fill(module)
    model = SharedContextModel(module, context_length=96)
    scores = model.score(*requests)
    assert model.counts["with_shared_prefix"] == 0
    row = torch.tensor(np.concatenate([requests[0][3], requests[1][3]]))
    with torch.inference_mode():
        logits = (
            module(row[None, :-1]).logits[0, len(requests[0][3]) - 1 :].double().log_softmax(-1)
        )
    expected = logits.gather(1, row[len(requests[0][3]) :, None]).sum().item()
    assert scores.log_likelihood[3] == pytest.approx(expected, rel=1e-6, abs=1e-5)
    with pytest.raises(
        ValueError,
        match=f"model_type '{kind}' with these settings is not known to allow shared contexts",
    ):
        SharedContextModel(module, context_length=96, sharing=True)


def test_batches_do_not_move_scores_of_rotary_embeddings_that_depend_on_the_length(
    reference, requests
):
    import transformers

    rope = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0, 1.1, 1.2, 1.3],
        "long_factor": [2.0, 3.0, 4.0, 5.0],
    }
    config = small(
        "phi3",
        intermediate_size=32,
        pad_token_id=0,
        rope_parameters=rope,
        original_max_position_embeddings=32,
    )
    module = transformers.AutoModelForCausalLM.from_config(config)
    reference.fill(module, 0.6)  # attention to few places, which a wrong angle moves
    contexts, continuations, group = requests
    alone = SharedContextModel(module, context_length=96, batch_tokens=1)
    together = SharedContextModel(module, context_length=96, batch_tokens=10_000)
    np.testing.assert_allclose(
        together.score(contexts, continuations, group).log_likelihood,
        alone.score(contexts, continuations, group).log_likelihood,
        rtol=1e-6,
        atol=1e-5,
    )


def test_batches_are_halved_until_memory_suffices(reference, requests):
    import transformers

    module = transformers.AutoModelForCausalLM.from_config(small("gpt2"))
    reference.fill(module)
    contexts, continuations, group = requests
    expected = SharedContextModel(module, context_length=96).score(contexts, continuations, group)
    most = 100

    def scarce(module, arguments, keywords):
        if keywords["input_ids"].numel() > most:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"
            )

    model = SharedContextModel(module, context_length=96, batch_tokens=1600)
    with module.base_model.register_forward_pre_hook(scarce, with_kwargs=True):
        scores = model.score(contexts, continuations, group)
        np.testing.assert_allclose(
            scores.log_likelihood, expected.log_likelihood, rtol=1e-6, atol=1e-5
        )
        assert model.batch_tokens == 100
        assert model.counts["halvings"] == 4
        assert model.counts["requests"] == len(contexts)
        most = 10
        with pytest.raises(RuntimeError, match="can't allocate memory"):
            model.score(contexts, continuations, group)


def test_other_errors_are_not_taken_for_a_lack_of_memory(reference, requests):
    import transformers

    module = transformers.AutoModelForCausalLM.from_config(
        small("gpt2", max_position_embeddings=50)
    )
    with pytest.raises((RuntimeError, IndexError)):
        SharedContextModel(module, context_length=96).score(*requests)


@pytest.mark.parametrize(
    ("context", "continuation", "message"),
    [
        ([], [1], "request 1: context and continuation must each have a token; they have 0 and 1"),
        ([1], [], "request 1: context and continuation must each have a token; they have 1 and 0"),
        ([1] * 90, [1] * 8, "request 1: 97 tokens exceed the model's context of 96"),
        ([1], [60], "request 1: token 60 is not in the model's vocabulary of 60 entries"),
        ([-1], [6], "request 1: token -1 is not in the model's vocabulary"),
    ],
)
def test_requests_that_cannot_be_scored(context, continuation, message):
    import transformers

    module = transformers.AutoModelForCausalLM.from_config(small("gpt2"))
    with pytest.raises(ValueError, match=message):
        SharedContextModel(module, context_length=96).score([[1], context], [[2], continuation])


def test_each_distinct_request_is_run_once(requests):
    contexts, continuations, group = requests
    bundles = bundles_of(contexts, continuations, group, sharing=True)
    served = Counter(
        index
        for bundle in bundles
        for bough in bundle.boughs
        for indices in bough.sequences
        for index in indices
    )
    assert served == Counter(range(len(contexts)))
    assert [len(bundle.prefix) for bundle in bundles] == [40, 20, 0, 0]
    batches = [batch for bundle in bundles for batch in bundle.batches(200)]
    for bundle in bundles:
        for batch in bundle.batches(200):
            assert len(batch) == 1 or len(batch) * (batch[0].length - len(bundle.prefix)) <= 200
    assert sum(len(batch) for batch in batches) == sum(len(bundle.boughs) for bundle in bundles)


class Pieces:
    """A tokenizer with `size` characters per token and one special token in front."""

    prefix = 0
    special = frozenset({0})

    def __init__(self, size):
        self.size = size

    def read_back(self, texts, tokens):
        return [(text, text) for text in texts]

    def encode_texts(self, texts, *, special, spelled=True):
        return [[0] * special + [1] * math.ceil(len(text) / self.size) for text in texts]

    def bytes_after(self, text, tokens):
        return len(text[tokens * self.size :].encode())


@pytest.mark.parametrize("masked", [0, 2])
def test_bits_per_byte_of_a_text_under_two_tokenizers_differ_by_the_model_only(masked):
    # 8 characters, 10 bytes: 8 tokens of 1 bit each, or 4 tokens of 2 bits: 0.8 bits per byte
    # either way. Special tokens count in neither.
    text = "naïve né"
    found = []
    for entries, size in ((2, 1), (4, 2)):
        folder = ReleasedFolder(
            path=None,
            name="uniform",
            commit=None,
            config={"model_type": "uniform"},
            weights=WeightFiles(read=(), not_read=()),
        )
        model = ReleasedModel(
            folder, SharedContextModel(Uniform(entries), context_length=3), Pieces(size)
        )
        document = TextDocument(domain="d", stratum="s", item="i", text=text)
        scores = model.score_documents([document], masked_tokens=masked // size)
        table = scores.requests.table
        assert scores.log_likelihood.dtype == np.float64
        numerator, denominator = item_metrics(
            ["bits_per_byte"],
            OptionScores(
                log_likelihood=scores.log_likelihood,
                num_bytes=table.num_bytes,
                first=table.first,
                gold=table.gold,
            ),
        )["bits_per_byte"]
        found.append((numerator[0], denominator[0]))
    # The two masked characters are two bytes.
    assert found[0] == pytest.approx((8 - masked, 10 - masked))
    assert found[1] == pytest.approx(found[0])


def test_the_account_counts_what_was_cut_and_what_was_shared(models):
    model = open_released(str(models["llama"]), max_length=60, device="cpu")
    prefix = (
        "The state of the market is: history, music, law. Because the order of the cells, and "
        "never the river.\n\n"
    )
    items = [
        TextItem(
            domain="d",
            stratum="s",
            item=str(number),
            prefix=prefix,
            context="law " * size + "is",
            options=(" the", " of the"),
            gold=0,
        )
        for number, size in enumerate((1, 2, 3, 40))
    ]
    account = model.score_items(items).account
    assert (
        account["items"],
        account["truncated"],
        account["requests"],
        account["with_shared_prefix"],
    ) == (4, 1, 8, 6)
    assert account["left_out"] == {}
    document = TextDocument(domain="d", stratum="s", item="a", text="the law " * 60)
    short = TextDocument(domain="d", stratum="s", item="b", text="law")
    assert model.score_documents([document, short], masked_tokens=20).account["left_out"] == {
        "masked": 1
    }
