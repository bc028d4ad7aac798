"""Reader `domain_folders`."""

from pathlib import Path

import pytest

from relscale.config.readers import DomainFolders
from relscale.text.readers import read_documents


def test_each_folder_is_a_domain(tmp_path: Path) -> None:
    for name, text in (
        ("c4/val/a.jsonl", '{"text": "one"}\n\n{"text": "two"}\n'),
        ("wiki/val/b.json", '[{"text": "three"}]'),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "wiki/plain.txt").write_text("four")
    found = [
        (document.domain, document.text)
        for document in read_documents(
            tmp_path, DomainFolders(kind="domain_folders", files="**/*.*")
        )
    ]
    assert found == [("c4", "one"), ("c4", "two"), ("wiki", "four"), ("wiki", "three")]
    deeper = read_documents(tmp_path, DomainFolders(kind="domain_folders", files="*/*/*", level=2))
    assert {document.domain for document in deeper} == {"val"}
    with pytest.raises(ValueError, match=r"wiki/plain\.txt: has no folder of level 2"):
        list(
            read_documents(tmp_path, DomainFolders(kind="domain_folders", files="**/*.*", level=2))
        )
