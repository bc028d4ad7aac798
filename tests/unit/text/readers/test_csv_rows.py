"""Reader `csv`."""

import zipfile
from pathlib import Path

import pytest

from relscale.config.readers import CsvRows
from relscale.text.readers import read_documents
from relscale.text.readers.csv_rows import host_of


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
            r"news\.zip line 2: no key 'body' \(the setting `text` of the reader\);"
            " the choices are link, text",
        ),
        (
            {"domain": "host"},
            r"line 2: no key 'host' \(the setting `domain` of the reader\); the choices are"
            " link, text",
        ),
        (
            {"member": "x.csv"},
            r"news\.zip: has no 'x\.csv'; the choices for `member` are news\.csv",
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


@pytest.mark.parametrize(
    ("address", "host"),
    [("http://www.rte.ie/news", "rte.ie"), ("HTTPS://ABC.go.com", "abc.go.com"), ("nothing", "")],
)
def test_host_of(address: str, host: str) -> None:
    assert host_of(address) == host
