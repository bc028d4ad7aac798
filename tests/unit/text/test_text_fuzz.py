"""Random files: a reader gives the texts that were written, or a ValueError that names the file."""

import codecs
import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relscale.config.readers import (
    CsvRows,
    DictionaryQuestions,
    DomainFolders,
    IceFiles,
    JsonRecords,
    ParquetRows,
    ServiceManuals,
    TextFiles,
)
from relscale.text.cleaning import clean
from relscale.text.exams import read_questions
from relscale.text.formats import read_located, read_text, read_texts, text_in
from relscale.text.readers import read_documents

QUICK = settings(max_examples=50, derandomize=True, deadline=None, database=None)
LONG = settings(max_examples=20_000, derandomize=True, deadline=None, database=None)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
CELLS = st.lists(ANY_TEXT, max_size=6)


def json_lines(texts: list[str]) -> bytes:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


def json_list(texts: list[str]) -> bytes:
    rows = [{"n": 1, "text": text} for text in texts]
    return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def csv_file(texts: list[str]) -> bytes:
    handle = io.StringIO(newline="")
    rows = csv.writer(handle, quoting=csv.QUOTE_ALL)
    rows.writerows([["id", "text"], *(["1", text] for text in texts)])
    return handle.getvalue().encode("utf-8-sig")


def parquet(texts: list[str], kind: pa.DataType) -> bytes:
    handle = io.BytesIO()
    column = pa.array([text.encode() for text in texts], pa.binary()).cast(kind)
    pq.write_table(pa.table({"text": column}), handle, row_group_size=2)
    return handle.getvalue()


CONTAINERS: dict[str, Callable[[list[str]], bytes]] = {
    "a.jsonl": json_lines,
    "b.jsonl": lambda texts: codecs.BOM_UTF8 + json_lines(texts).replace(b"\n", b"\r\n"),
    "c.json": json_list,
    "d.csv": csv_file,
    "e.parquet": lambda texts: parquet(texts, pa.string()),
    "f.parquet": lambda texts: parquet(texts, pa.binary()),
    "g.parquet": lambda texts: parquet(texts, pa.large_string()),
}


def zipped(name: str, data: bytes) -> bytes:
    handle = io.BytesIO()
    with zipfile.ZipFile(handle, "w") as archive:
        archive.writestr("__MACOSX/._" + name, b"\0")
        archive.writestr(name, data)
    return handle.getvalue()


def packings(name: str, data: bytes) -> dict[str, bytes]:
    found = {name: data, f"{name}.zip": zipped(name, data)}
    if not name.endswith(".parquet"):
        half = len(data) // 2
        found[f"{name}.gz"] = gzip.compress(data[:half]) + gzip.compress(data[half:])
        found[f"{name}.zst"] = pa.compress(data, codec="zstd", asbytes=True)
    return found


def documents(path: Path) -> list[str]:
    kinds: dict[str, Any] = {"csv": CsvRows, "parquet": ParquetRows}
    kind = path.name.split(".")[1]
    reader = kinds.get(kind, JsonRecords)(
        kind=kind if kind in kinds else "json", files=path.name, text="text"
    )
    return [document.text for document in read_documents(path.parent, reader)]


def check_containers(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        for name, write in CONTAINERS.items():
            for packed, data in packings(name, write(texts)).items():
                path = Path(folder) / packed
                path.write_bytes(data)
                assert list(read_texts(path, "text")) == texts, packed
                assert documents(path) == texts, packed
                located = [text_in(record, "text", where) for where, record in read_located(path)]
                assert located == texts, packed
                half = len(texts) // 2
                assert list(read_texts(path, "text", half)) == texts[half:], packed


@given(CELLS)
@QUICK
def test_every_container_gives_the_same_texts(texts: list[str]) -> None:
    check_containers(texts)


@pytest.mark.soak
@given(CELLS)
@LONG
def test_every_container_gives_the_same_texts_for_long(texts: list[str]) -> None:
    check_containers(texts)


READERS: list[tuple[Any, dict[str, Any]]] = [
    (TextFiles, {"kind": "text_files", "split_at": "I+", "max_characters": 3}),
    (CsvRows, {"kind": "csv", "text": "text", "domain": "text", "domain_is_host": True}),
    (JsonRecords, {"kind": "json", "text": "text", "domain": "text"}),
    (ServiceManuals, {"kind": "service_manuals"}),
    (DictionaryQuestions, {"kind": "dictionary_questions"}),
    (DomainFolders, {"kind": "domain_folders"}),
    (IceFiles, {"kind": "ice", "written_only": False}),
]


def check_broken(name: str, data: bytes) -> None:
    """Read a file through all doors; the only error is a line that names the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "US" / name
        path.parent.mkdir()
        path.write_bytes(data)
        doors: list[Callable[[], Any]] = [
            lambda: list(read_texts(path, "text")),
            lambda: list(read_located(path)),
            lambda: read_text(path),
            *(
                lambda form=form: list(read_questions(path.parent, name, form))
                for form in ("embedded", "original", "hub")
            ),
        ]
        for kind, keys in READERS:
            reader = kind(files="*/*", strip_markup=True, strip_urls=True, **keys)
            doors.append(
                lambda reader=reader: [
                    clean(document.text, reader).encode()
                    for document in read_documents(Path(folder), reader)
                ]
            )
        for door in doors:
            try:
                door()
            except ValueError as error:
                assert type(error) is ValueError, repr(error)
                assert name in str(error), str(error)
                assert len(str(error)) < 2000, str(error)


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "entry", "pos", "definitions", "documentation", "question"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
GOOD = [
    (name, data)
    for plain, write in CONTAINERS.items()
    if not plain.endswith(".parquet")  # damaged pages are pyarrow's matter
    for name, data in packings(plain, write(["one", "ünï 🙂\n", '"', ""])).items()
]
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=3)), min_size=1, max_size=4)


def changed(data: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    """Replace some bytes; an empty replacement cuts the file."""
    for place, new in changes:
        place %= len(data) + 1
        data = data[:place] + new + data[place + len(new) :] if new else data[:place]
    return data


BYTES = st.binary(max_size=60) | st.text('{}[]":,\\ud8text\n\r1<>&#I ', max_size=60).map(str.encode)
NAMES = st.sampled_from(
    ["a.jsonl", "a.json", "a.csv", "a.txt", "a.md", "a.jsonl.gz", "a.zst", "a.zip"]
)


@given(NAMES, BYTES)
@QUICK
def test_random_bytes_end_in_a_message_with_the_file(name: str, data: bytes) -> None:
    check_broken(name, data)


@given(st.sampled_from(["a.jsonl", "a.json"]), NESTED)
@QUICK
def test_random_nesting_ends_in_a_message_with_the_file(name: str, value: Any) -> None:
    check_broken(name, json.dumps(value).encode())


@given(st.sampled_from(GOOD), CHANGES)
@QUICK
def test_changed_files_end_in_a_message_with_the_file(
    good: tuple[str, bytes], changes: list[tuple[int, bytes]]
) -> None:
    check_broken(good[0], changed(good[1], changes))


@pytest.mark.soak
@given(NAMES, BYTES, NESTED, st.sampled_from(GOOD), CHANGES)
@LONG
def test_broken_files_end_in_a_message_for_long(
    name: str, data: bytes, value: Any, good: tuple[str, bytes], changes: list[tuple[int, bytes]]
) -> None:
    check_broken(name, data)
    check_broken("a.json", json.dumps(value).encode())
    check_broken(good[0], changed(good[1], changes))


@given(
    CELLS, st.integers(0, 5), st.sampled_from([b"{", b'{"text": 1}', b'{"text": "\xff"}', b"\0"])
)
@QUICK
def test_a_broken_line_changes_no_record_before_it(
    texts: list[str], place: int, broken: bytes
) -> None:
    place = min(place, len(texts))
    data = json_lines(texts[:place]) + broken + b"\n" + json_lines(texts[place:])
    found: list[str] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_bytes(data)
        with pytest.raises(ValueError, match=rf"a\.jsonl line {place + 1}: "):
            for text in read_texts(path, "text"):
                found.append(text)
    assert found == texts[:place]
