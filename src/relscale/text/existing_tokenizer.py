"""Take an existing tokenizer from a file or from the Hub, and check that it can be used."""

import hashlib
import logging
from pathlib import Path

from tokenizers import Tokenizer

from relscale.config.corpora import GivenTokenizer
from relscale.files import replacing, write_json
from relscale.text.local_files import local_files, stamps
from relscale.text.manifests import LocalRecord
from relscale.text.tokenizer import load_tokenizer, tokenizer_text
from relscale.text.tokenizer_checks import keep_form, switch_off

_LOG = logging.getLogger(__name__)


def take_tokenizer(
    given: GivenTokenizer, vocab_size: int, listing: str, out: Path, manifest: Path
) -> None:
    """Copy an existing tokenizer and write its manifest.

    The copy has the same bytes, unless the file holds padding, truncation, dropout or the
    normalizer NFC: these are not copied.

    Args:
        given: where the tokenizer is.
        vocab_size: number of entries it must have.
        listing: the workflow's name for a local file (`relscale.text.local_files`).
        out: the tokenizer's file to write.
        manifest: the manifest to write.

    Raises:
        ValueError: naming key and value, if there is no such file, it does not pass
            `check_tokenizer`, or it has another number of entries.
    """
    file = _tokenizer_file(given)
    # Taken before the file is read, so that a later change is noticed by the next call.
    seen = stamps(local_files(file)) if given.path is not None else {}
    content = file.read_bytes()
    with replacing(out) as temporary:
        temporary.write_bytes(content)
        tokenizer = load_tokenizer(temporary, _name(given))
        entries = tokenizer.get_vocab_size()
        as_given = Tokenizer.from_str(content.decode())
        if carried := switch_off(as_given) + keep_form(as_given):
            _LOG.warning("%s: its %s is switched off", _name(given), " and ".join(carried))
            temporary.write_text(tokenizer_text(tokenizer), encoding="utf-8")
        if entries != vocab_size:
            raise ValueError(
                f"tokenizer.vocab_size = {vocab_size}: the given tokenizer has {entries} entries"
            )
    record = LocalRecord(files={file.name: hashlib.sha256(content).hexdigest()})
    if given.path is not None:
        record = record.model_copy(update={"listing": listing, "stamps": seen})
    write_json(manifest, record.model_dump(mode="json", exclude_unset=True))


def _name(given: GivenTokenizer) -> str:
    """Return key and value of a tokenizer, for messages."""
    if given.path is not None:
        return f"tokenizer.given.path = {given.path!r}"
    return f"tokenizer.given.hub = {given.hub!r} at {given.revision}"


def _tokenizer_file(given: GivenTokenizer) -> Path:
    """Return the tokenizer's file; one on the Hub is downloaded.

    Raises:
        ValueError: naming key and value, if there is no such file.
    """
    if given.path is not None:
        if not Path(given.path).is_file():
            raise ValueError(f"tokenizer.given.path = {given.path!r}: no such file")
        return Path(given.path)
    try:
        from huggingface_hub import hf_hub_download  # part of the `hub` extra
    except ImportError as error:
        raise ValueError(
            "tokenizer.given.hub: needs the package `huggingface_hub`, which is not installed;"
            " install relscale with its `hub` extra"
        ) from error
    assert given.hub is not None
    try:
        return Path(hf_hub_download(given.hub, "tokenizer.json", revision=given.revision))
    except Exception as error:  # the library raises errors of many packages
        raise ValueError(
            f"tokenizer.given.hub = {given.hub!r} at {given.revision}: cannot be downloaded:"
            f" {type(error).__name__}: {error}. A gated repository needs a token in the environment"
            " variable HF_TOKEN; `tokenizer.given.path` takes a local file"
        ) from error
