"""A folder of safetensors from a model in GGUF, the format of llama.cpp, so that it can be scored.

`convert_gguf` writes the folder. Quantised weights become the float32 numbers that they stand for:
the folder is the quantised model, not the one that was quantised. `transformers` reads the file and
needs the packages of the extra `gguf`.
"""

import importlib.util
import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from relscale.files import sha256_of, temporary_name, write_json

NEEDED = ("accelerate", "gguf")
"""Packages of the extra `gguf`."""
RECORD = "conversion.json"
"""The record of the conversion, in the folder."""
WORDS = {"gpt-2": "the rule of GPT-2", "smollm": "the same, and each digit is a word"}
"""How a text is cut into words before they become tokens, by the name that a file gives it
(`tokenizer.ggml.pre`). `transformers` sets the rule of GPT-2 for all of them, so other names are
refused."""


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """How a folder was made from a GGUF file."""

    file: str
    """Name of the file."""
    sha256: str
    """Its SHA-256."""
    name: str
    """The model's name in the file."""
    licence: str | None
    """The licence in the file, if it has one."""
    tensors: dict[str, int]
    """Number of tensors by type, such as `Q4_1`."""
    num_params: int
    """Parameters; a head that is the embedding counts once."""


def convert_gguf(file: Path, out: Path, sha256: str | None = None) -> Conversion:
    """Write a model folder in the Hugging Face layout, with its tokenizer, from a GGUF file.

    Args:
        file: the GGUF file.
        out: the folder to write, which must not exist.
        sha256: expected SHA-256 of the file; not checked if none.

    Returns:
        The record that `conversion.json` in the folder has.

    Raises:
        ValueError: if the folder exists, a package is missing, the file has another checksum,
            cannot be read, or has a tokenizer whose rules `transformers` does not follow.
    """
    if out.exists():
        raise ValueError(f"--out {out}: exists; remove it or name another folder")
    if not file.is_file():
        raise ValueError(f"{file}: no such file")
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ValueError(
            f"reading GGUF needs the package(s) {', '.join(missing)}; install relscale with its "
            "`gguf` extra"
        )
    found = sha256_of(file)
    if sha256 is not None and found != sha256.lower():
        raise ValueError(f"{file}: its SHA-256 is {found}, and {sha256} was expected")
    header = _header(file)
    temporary = temporary_name(out)
    try:
        num_params = _save(file, temporary, header["tokenizer.ggml.pre"])
        record = Conversion(
            file=file.name,
            sha256=found,
            name=str(header.get("general.name", file.stem)),
            licence=header.get("general.license"),
            tensors=header["tensors"],
            num_params=num_params,
        )
        write_json(temporary / RECORD, asdict(record))
        temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return record


def _header(file: Path) -> dict[str, Any]:
    """Return the header's texts by key, and under `tensors` the number of tensors by type.

    Raises:
        ValueError: if the file cannot be read, or its tokenizer is not byte-level.
    """
    import gguf  # type: ignore[import-not-found, unused-ignore]  # of the extra

    try:
        reader = gguf.GGUFReader(file)
    except Exception as error:  # the library raises errors of many kinds
        raise ValueError(f"{file}: is not a GGUF file that can be read: {error}") from error
    names = (
        "general.name",
        "general.license",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
    )
    header = {name: reader.fields[name].contents() for name in names if name in reader.fields}
    if (kind := header.get("tokenizer.ggml.model")) != "gpt2":
        raise ValueError(
            f"{file}: tokenizer.ggml.model = {kind!r}: only byte-level BPE ('gpt2') is converted"
        )
    if (rule := header.get("tokenizer.ggml.pre")) not in WORDS:
        raise ValueError(
            f"{file}: tokenizer.ggml.pre = {rule!r}: this rule for words is not known; the choices "
            f"are {', '.join(WORDS)}"
        )
    types = Counter(tensor.tensor_type.name for tensor in reader.tensors)
    return {**header, "tensors": dict(sorted(types.items()))}


def _save(file: Path, folder: Path, rule: str) -> int:
    """Save model and tokenizer, and return the number of parameters."""
    import torch
    import transformers

    read = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    )
    # The model that was read counts as quantised and cannot be saved, although its weights are
    # float32: build it anew from its configuration.
    settings = read.config.to_dict()
    settings.pop("quantization_config", None)
    settings.pop("_name_or_path", None)
    config = type(read.config).from_dict(settings)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict(), assign=True)
    if config.tie_word_embeddings:
        model.tie_weights()
    model.save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    if rule == "smollm":
        _cut_digits(tokenizer)
    tokenizer.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def _cut_digits(tokenizer: Any) -> None:
    """Make each digit a word of its own, before the rule of GPT-2 applies."""
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
