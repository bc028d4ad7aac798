"""The canonical table comes back from every layout and format, to the last bit."""

import json

import pandas as pd
import pyarrow as pa
import pytest
from outside_tables import WIDE, assert_same, canonical, read, wide_of

from relscale.contract.io import read_table


def as_json(frame):
    """Return a table as JSON lines with all digits, which `to_json` does not write."""
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def compressed(text, path, kind):
    with pa.CompressedOutputStream(str(path), kind) as stream:
        stream.write(text.encode())


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "jsonl": lambda frame, path: path.write_text(as_json(frame), encoding="utf-8"),
    "ndjson": lambda frame, path: path.write_text("\ufeff" + as_json(frame), encoding="utf-8"),
    "json": lambda frame, path: path.write_text(
        f"[{','.join(as_json(frame).splitlines())}]", encoding="utf-8"
    ),
    "csv.gz": lambda frame, path: compressed(frame.to_csv(index=False), path, "gzip"),
    "csv.zst": lambda frame, path: compressed(frame.to_csv(index=False), path, "zstd"),
    "jsonl.gz": lambda frame, path: compressed(as_json(frame), path, "gzip"),
}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("shape", ["long", "wide"])
def test_the_table_comes_back_from_every_layout_and_format(table, tmp_path, ending, shape):
    path = tmp_path / f"losses.{ending}"
    WRITERS[ending](wide_of(table) if shape == "wide" else table, path)
    found = read(path, **(WIDE if shape == "wide" else {}))
    assert_same(found.frame, table)


def test_a_canonical_table_is_read_as_the_reader_of_canonical_tables_reads_it(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read(path).frame, read_table(path), check_exact=True)


def test_the_order_of_rows_and_columns_does_not_matter(table, tmp_path):
    path = tmp_path / "losses.csv"
    shuffled = table.sample(frac=1, random_state=3)[list(table)[::-1]]
    shuffled.to_csv(path, index=False)
    assert_same(read(path).frame, table)


def test_two_metrics_in_a_wide_table_become_rows(table, tmp_path):
    path = tmp_path / "wide.csv"
    wide = wide_of(table).assign(us_acc=0.5, uk_acc=0.25)
    wide.to_csv(path, index=False)
    found = read(
        path,
        shape="wide",
        domains={
            "US": {"loss": "US loss", "accuracy": "us_acc"},
            "UK": {"loss": "UK loss", "accuracy": "uk_acc"},
        },
        standard_errors={"US": {"loss": "US se"}},
    ).frame
    counts = found.groupby(["domain", "metric"])["value"].agg(["size", "mean"])
    assert counts["size"].tolist() == [20] * 4
    assert counts.loc[("UK", "accuracy"), "mean"] == 0.25
    known = found["standard_error"].notna()
    assert set(zip(found["domain"][known], found["metric"][known], strict=True)) == {("US", "loss")}


def test_families_of_domains_can_be_stated(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.drop(columns="family").to_csv(path, index=False)
    found = read(path, families={"english": ["US", "UK"]})
    assert set(found.frame["family"]) == {"english"}
    assert set(found.frame["domain"]) == {"US", "UK"}
    assert any("in no family" in one and "Côte d'Ivoire" in one for one in found.decisions)


def test_domains_are_selected_and_renamed(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.to_csv(path, index=False)
    found = read(path, domains={"america": "US", "britain": "UK"})
    expected = table[table["domain"] != "Côte d'Ivoire"]
    expected = expected.assign(domain=expected["domain"].map({"US": "america", "UK": "britain"}))
    expected = expected.sort_values(["domain", "run"]).reset_index(drop=True)
    assert_same(found.frame, expected)
    assert any("20 rows of 1 domain(s)" in one for one in found.decisions)


def test_rows_are_selected_by_a_column_and_counted(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.assign(state=["crashed"] * 3 + ["finished"] * (len(table) - 3)).to_csv(path, index=False)
    found = read(path, only={"state": ["finished"]})
    assert len(found.frame) == len(table) - 3
    assert "3 rows are left out whose state is crashed" in found.decisions


def test_names_are_joined_from_columns(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.drop(columns="run").assign(place=table["run"].str[-1]).to_csv(path, index=False)
    found = read(path, columns={"run": ["budget", "place"]})
    assert_same(found.frame, table)


def test_a_compressed_file_that_is_cut_is_an_error_with_its_name(table, tmp_path):
    path = tmp_path / "losses.csv.gz"
    table.to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"losses\.csv\.gz: cannot be read"):
        read(path)


def test_the_planted_table_is_as_it_says():
    frame = canonical()
    assert len(frame) == 60
    assert frame.groupby("budget")["num_params_total"].nunique().tolist() == [5] * 4
