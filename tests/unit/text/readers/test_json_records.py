"""Reader `json`."""

import gzip
import json
from pathlib import Path

import pytest

from relscale.config.readers import JsonRecords
from relscale.text.readers import read_documents


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
        ("[1]", r"a\.json record 1: must be a mapping of keys, not '1'"),
        ('"x"', r"a\.json: must be a list or mapping of records, not str"),
        ("{", r"a\.json: not valid JSON"),
        ('[{"text": 5}]', r"a\.json record 1: text = '5' must be a string"),
    ],
)
def test_json_errors_name_the_file(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        list(read_documents(tmp_path, JsonRecords(kind="json", files="a.json", text="text")))
