"""Reading documents and cleaning their text."""

import gzip
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.config.readers import (
    CsvRows,
    DictionaryQuestions,
    JsonRecords,
    ParquetRows,
    ServiceManuals,
    TextFiles,
)
from relscale.text.readers import clean, host_of, matching_files, read_documents, split_text
from relscale.text.records import read_records

PLAIN = TextFiles(kind="text_files", files="*.txt")
MARKUP = TextFiles(kind="text_files", files="*.txt", strip_markup=True)
URLS = TextFiles(kind="text_files", files="*.txt", strip_urls=True)


def test_text_files_come_in_sorted_order_without_the_excluded(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "a_f.txt"):
        (tmp_path / name).write_text(name)
    reader = TextFiles(kind="text_files", files="*.txt", exclude=["*_f.txt"])
    assert [(one.text, one.where) for one in read_documents(tmp_path, reader)] == [
        ("a.txt", "a.txt part 1"),
        ("b.txt", "b.txt part 1"),
    ]


def test_no_matching_file_names_glob_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("x")
    with pytest.raises(ValueError, match=r"no file matches files = '\*\.txt'; it holds there\.md"):
        list(read_documents(tmp_path, PLAIN))


@pytest.mark.parametrize("pattern", ["/etc/*", "../*.txt", ""])
def test_glob_outside_the_source_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="a glob inside the source's folder is needed"):
        matching_files(tmp_path, pattern)


def test_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"a\.txt line 1: not UTF-8 text"):
        list(read_documents(tmp_path, PLAIN))


def test_split_keeps_short_headings_with_what_follows() -> None:
    scene = "SCENE I.\n" + "To be. " * 40 + "\n"
    text = "HAMLET " * 30 + "\nACT I.\n\n" + scene + scene.replace("SCENE I", "SCENE II")
    pieces = split_text(text, "(ACT|SCENE) [IVX]+")
    assert "".join(pieces) == text
    assert [piece[:8] for piece in pieces] == ["HAMLET H", "ACT I.\n\n", "SCENE II"]


def test_long_pieces_are_cut_at_blank_lines_or_else_line_breaks() -> None:
    paragraph = "x" * 290 + " end."
    text = "\n\n".join([paragraph] * 4)
    assert split_text(text, max_characters=500) == [f"{paragraph}\n\n{paragraph}"] * 2
    verse = "\n".join(["y" * 99] * 20)
    pieces = split_text(verse, max_characters=500)
    assert "\n".join(pieces) == verse
    # A last piece of 199 characters would be below the shortest: it stays with the one before.
    assert [len(piece) for piece in pieces] == [599, 599, 799]


def test_csv_rows_in_a_zip_with_domains_by_host(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "news.zip", "w") as archive:
        archive.writestr(
            "news.csv",
            'link,text\nhttps://www.Example.org/a,"one, ""two"""\nhttp://news.example.com:80/b,three\n',
        )
    reader = CsvRows(
        kind="csv",
        files="*.zip",
        member="news.csv",
        text="text",
        domain="link",
        domain_is_host=True,
    )
    assert [(one.text, one.domain) for one in read_documents(tmp_path, reader)] == [
        ('one, "two"', "example.org"),
        ("three", "news.example.com"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"text": "body"},
            r"news\.zip record 1: no key 'body' \(the reader's `text`\); the choices are link, text",
        ),
        (
            {"domain": "host"},
            r"record 1: no key 'host' \(the reader's `domain`\); the choices are link, text",
        ),
        (
            {"member": "x.csv"},
            r"no member 'x\.csv' \(the reader's `member`\); the choices are news\.csv",
        ),
    ],
)
def test_csv_errors_name_file_key_and_choices(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    with zipfile.ZipFile(tmp_path / "news.zip", "w") as archive:
        archive.writestr("news.csv", "link,text\na,b\n")
    reader = CsvRows.model_validate(
        {"kind": "csv", "files": "*.zip", "member": "news.csv", "text": "text"} | change
    )
    with pytest.raises(ValueError, match=message):
        list(read_documents(tmp_path, reader))


def test_csv_row_of_another_length_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3\n")
    with pytest.raises(ValueError, match=r"a\.csv: line 3: the number of columns differs"):
        list(read_records(tmp_path / "a.csv"))


def test_json_list_mapping_and_lines_give_the_same_documents(tmp_path: Path) -> None:
    records = [{"extract": "one", "topic": "Arts"}, {"extract": None, "topic": "History"}]
    (tmp_path / "a.json").write_text(json.dumps(records))
    (tmp_path / "b.json").write_text(json.dumps({"x": records[0], "y": records[1]}))
    with gzip.open(tmp_path / "c.jsonl.gz", "wt") as handle:
        handle.write("".join(json.dumps(record) + "\n" for record in records))
    for name in ("a.json", "b.json", "c.jsonl.gz"):
        reader = JsonRecords(kind="json", files=name, text="extract", domain="topic")
        assert [(one.text, one.domain) for one in read_documents(tmp_path, reader)] == [
            ("one", "Arts"),
            ("", "History"),
        ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", r"a\.json: record 1 is no mapping but '1'"),
        ('"x"', r"a\.json: a JSON list or mapping of records is needed, not str"),
        ("{", r"a\.json: not valid JSON"),
        ('[{"text": 5}]', r"a\.json record 1: text = 5 is no text"),
    ],
)
def test_json_errors_name_the_file(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        list(read_documents(tmp_path, JsonRecords(kind="json", files="a.json", text="text")))


def test_parquet_rows(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"body": ["one", "two"], "where": ["A", "B"], "more": [1, 2]}),
        tmp_path / "a.parquet",
    )
    reader = ParquetRows(kind="parquet", files="*.parquet", text="body", domain="where")
    assert [(one.text, one.domain) for one in read_documents(tmp_path, reader)] == [
        ("one", "A"),
        ("two", "B"),
    ]
    with pytest.raises(ValueError, match=r"no column 'text'; the choices are body, where, more"):
        list(read_documents(tmp_path, ParquetRows(kind="parquet", files="*.parquet", text="text")))


def test_service_manuals_are_of_the_newest_version(tmp_path: Path) -> None:
    for service, date, text in (
        ("s3", "2006-03-01", "new"),
        ("s3", "2001-01-01", "old"),
        ("ec2", "2016-11-15", "other"),
    ):
        folder = tmp_path / service / date
        folder.mkdir(parents=True)
        content = {
            "operations": {
                "Get": {"documentation": f"<p>{text}</p>", "shapes": [{"documentation": "inner"}]}
            },
            "documentation": {"no": 1},
        }
        with gzip.open(folder / "service-2.json.gz", "wt") as handle:
            json.dump(content, handle)
    reader = ServiceManuals(kind="service_manuals", files="*/*/service-2.json.gz")
    assert [one.text for one in read_documents(tmp_path, reader)] == [
        "<p>other</p>",
        "inner",
        "<p>new</p>",
        "inner",
    ]


def test_dictionary_entries_become_documents_even_if_empty(tmp_path: Path) -> None:
    def entry(word: str, text: str) -> dict[str, object]:
        return {
            "entry": word,
            "pos": [{"part_of_speech": "n.", "definitions": [{"text": text, "examples": []}]}],
        }

    (tmp_path / "words_A.json").write_text(
        json.dumps(
            {
                "axiom": entry("axiom", "A self-evident truth."),
                "arere": entry("arere", "See Arear."),
            }
        )
    )
    documents = list(
        read_documents(
            tmp_path, DictionaryQuestions(kind="dictionary_questions", files="words_*.json")
        )
    )
    assert "A self-evident truth." in documents[0].text
    assert [one.text for one in documents[1:]] == [""]


# ---------------------------------------------------------------------------------------------------------------- cleaning


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a  b\t\tc   \n\n\n\nd\n", "a b c\n\nd"),
        ("  indented\n    more", "  indented\n    more"),
        ("cafe\u0301", "café"),
        ("no\u00a0break \u200bzero\ufeff", "no break zero"),
        ("dash \x96 quote \x93x\x94 dots \x85", "dash – quote “x” dots …"),
        ("bell\x07 null\x00 del\x7f", "bell null del"),
        ("lone \ud800surrogate", "lone surrogate"),
        ("o\ufb03ce", "office"),
        ("\n\n text \n", " text"),
        ("", ""),
    ],
)
def test_clean_plain_text(raw: str, cleaned: str) -> None:
    assert clean(raw, PLAIN) == cleaned
    assert clean(cleaned, PLAIN) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("One.<br /><br />Two <i>really</i>.", "One.\n\nTwo really."),
        ("<p>First\n line.</p> <p>Second</p>", "First line.\n\nSecond"),
        ("<p>List</p><ul> <li> a</li> <li> b</li> </ul>", "List\n\na\n\nb"),
        ("x &lt; y &amp; z &eacute;", "x < y & z é"),
        ("<code>&lt;region&gt;</code>", "<region>"),
        ("&lt;p&gt;twice&lt;/p&gt;", "twice"),
        ("1 < 2 and 3 > 2, <3", "1 < 2 and 3 > 2, <3"),
        ("a<!-- no -->b<script>var x;</script>c", "a b c"),
        ("no mark-up", "no mark-up"),
    ],
)
def test_clean_markup(raw: str, cleaned: str) -> None:
    assert clean(raw, MARKUP) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Read this: http://ow.ly/KiDDJ", "Read this:"),
        ("a https://x.org/y?z=1 b", "a b"),
        ("(see www.example.org/a) end", "(see ) end"),
        ("Watch this video: http:/…", "Watch this video: …"),
        ("httpd is a server", "httpd is a server"),
    ],
)
def test_clean_urls(raw: str, cleaned: str) -> None:
    assert clean(raw, URLS) == cleaned


def test_replacements_come_first() -> None:
    reader = TextFiles(
        kind="text_files", files="*", strip_markup=True, replace={"[": "<", "]": ">"}
    )
    assert clean("a[b]c[/b]", reader) == "ac"


@pytest.mark.parametrize(
    ("address", "host"),
    [("http://www.rte.ie/news", "rte.ie"), ("HTTPS://ABC.go.com", "abc.go.com"), ("nothing", "")],
)
def test_host_of(address: str, host: str) -> None:
    assert host_of(address) == host
