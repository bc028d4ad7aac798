"""Reader `service_manuals`."""

import gzip
import json
from pathlib import Path

from relscale.config.readers import ServiceManuals
from relscale.text.readers import read_documents


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
