"""Datasets of the Hub, read from a folder with the same layout."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.config.sources import HubOrigin
from relscale.text.hub_datasets import require, stream_texts

TEXTS = ["plain", "ünï 中文 🙂", "two\nlines\r\nand\u2028more", "", " spaces ", "x" * 5000, "last"]


def lines(values: list[str]) -> bytes:
    rows = (json.dumps({"text": value, "n": 1}, ensure_ascii=False) for value in values)
    return "".join(f"{row}\n" for row in rows).encode()


@pytest.mark.parametrize("ending", ["jsonl.gz", "parquet"])
def test_datasets_streams_what_lies_in_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    pytest.importorskip("datasets", reason="the extra `hub` is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(pa.table({"text": TEXTS, "n": range(len(TEXTS))}), path)
    else:
        path.write_bytes(gzip.compress(lines(TEXTS)))
    # A folder stands for the repository: the library opens both the same way.
    source = HubOrigin(kind="hub", dataset=str(tmp_path), revision="0" * 40)
    for skip in (0, 3):
        assert list(stream_texts("mine", source, f"data/a.{ending}", "text", skip)) == TEXTS[skip:]
    with pytest.raises(
        ValueError, match=rf"sources\.mine: .* at 0{{40}}, data/a\.{ending} row 1: no key 'body'"
    ):
        next(stream_texts("mine", source, f"data/a.{ending}", "body"))
    with pytest.raises(ValueError, match=r"sources\.mine: .*gone\.parquet: cannot be read: "):
        next(stream_texts("mine", source, "data/gone.parquet", "text"))


def test_a_missing_package_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"sources\.mine: .* needs the package `no_such_package`, .* `hub` extra"
    ):
        require("mine", "no_such_package")
