"""Reader `parquet`."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.config.readers import ParquetRows
from relscale.text.readers import read_documents


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
