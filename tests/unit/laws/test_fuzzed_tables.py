"""Any damage to a losses table is one error, or changes nothing in the rows that are whole."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.laws.inputs import check_losses
from relscale.laws.run import fit_laws

SEEDED = settings(
    derandomize=True,
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
KEYS = ["corpus", "run", "family", "domain", "metric"]
KEPT = [*KEYS, "budget", "value", "tokens", "num_params_total", "training_flops", "standard_error"]
ODD = st.one_of(
    st.sampled_from(
        [
            "", " ", "NA", "None", "nan", "inf", "-inf", "-1", "0", "1,5", "1.5%", "2,265", "1_0",
            "0x1", "1e", "yes", "maybe", "=1+1", "'", '"', "a\nb", ";", "\t", "é", "\ufeff", "１",
            "1e400", "1e-400", "9" * 400, "true", "2019", "1E18", "\0", "\ud800",
        ]
    ),
    st.text(max_size=4),
)  # fmt: skip
CELL = st.tuples(st.just("cell"), st.integers(0, 10**6), st.integers(0, 10**6), ODD)
ROW = st.tuples(st.sampled_from(["drop", "double", "cut", "header"]), st.integers(0, 10**6))
COLUMN = st.tuples(
    st.sampled_from(["remove", "move", "copy", "rename"]), st.integers(0, 10**6), ODD
)
MUTATIONS = st.lists(st.one_of(CELL, ROW, COLUMN), min_size=1, max_size=3)
ENCODING = st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "latin-1", "utf-16", "cp1252"])
DIALECT = st.sampled_from(
    [{}] * 5 + [{"delimiter": ";"}, {"quoting": csv.QUOTE_ALL}, {"lineterminator": "\r\n"}]
)


@pytest.fixture(name="frame")
def frame_fixture(plant):
    frame = plant(budgets=("5e10", "1e11", "2e11"), num_sizes=4, run_sd=0.01)
    frame["domain"] = frame["domain"].replace("treat", "Côte")
    return frame.drop(columns=["forward_flops", "seed"]).assign(
        standard_error=0.01, at_chance=False
    )


def mutated(header, rows, mutations):
    """Apply mutations to text cells."""
    table = [list(header), *(list(row) for row in rows)]
    for kind, place, *rest in mutations:
        at = 1 + place % (len(table) - 1) if len(table) > 1 else 0
        column = place % max(len(table[0]), 1)
        if kind == "cell":
            row = table[at]
            if row:
                row[rest[0] % len(row)] = rest[1]
        elif kind == "drop" and at:
            del table[at]
        elif kind == "double":
            table.insert(at, list(table[at]))
        elif kind == "cut":
            table[at] = table[at][: place % 5]
        elif kind == "header":
            table.insert(at or 1, list(table[0]))
        elif kind == "rename" and column < len(table[0]):
            table[0][column] = rest[0]
        else:
            for row in table:
                if column < len(row):
                    if kind == "remove":
                        del row[column]
                    elif kind == "move":
                        row.insert(0, row.pop(column))
                    elif kind == "copy":
                        row.append(row[column])
    return table


def as_bytes(table, encoding, dialect):
    text = io.StringIO(newline="")
    csv.writer(text, **{"lineterminator": "\n", **dialect}).writerows(table)
    return text.getvalue().encode(encoding, errors="replace")


def cells_of(frame):
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    header, *rows = csv.reader(io.StringIO(text.getvalue()))
    return header, rows


def check_whole_rows(found, clean, touched):
    """Rows whose key was not touched have the numbers of the clean table."""
    assert set(found.loc[:, KEYS].map(type).stack()) <= {str}
    both = found[found["used"]].merge(clean, on=KEYS, suffixes=("", "_clean"))
    for column in KEPT[len(KEYS) + 1 :]:
        if f"{column}_clean" not in both:  # only optional columns may be gone
            assert column == "standard_error"
            continue
        differs = ~np.isclose(both[column], both[f"{column}_clean"], rtol=1e-12, equal_nan=True)
        assert not (differs & ~both["run"].isin(touched)).any(), column


@SEEDED
@given(mutations=MUTATIONS, encoding=ENCODING, dialect=DIALECT)
def test_a_damaged_csv_is_one_error_or_the_same_numbers(
    frame, tmp_path, mutations, encoding, dialect
):
    check_damaged(frame, tmp_path, mutations, encoding, dialect)


@pytest.mark.soak
@settings(SEEDED, max_examples=5000)
@given(mutations=MUTATIONS, encoding=ENCODING, dialect=DIALECT)
def test_many_damaged_csv_files_are_one_error_or_the_same_numbers(
    frame, tmp_path, mutations, encoding, dialect
):
    check_damaged(frame, tmp_path, mutations, encoding, dialect)


def check_damaged(frame, tmp_path, mutations, encoding, dialect):
    """Write the damaged table, read and check it."""
    header, rows = cells_of(frame)
    table = mutated(header, rows, mutations)
    path = tmp_path / "losses.csv"
    path.write_bytes(as_bytes(table, encoding, dialect))
    touched = {row[header.index("run")] for row in rows if row not in table}
    try:
        found = check_losses(read_table(path, LOSSES_REQUIRED), "training_flops", str(path))
    except ValueError as error:
        assert str(error).startswith(str(path))
        return
    clean = frame.astype(dict.fromkeys(KEYS, "str"))
    renames = any(kind == "rename" for kind, *_ in mutations)
    if not renames:  # a column under another name of the table has its values
        check_whole_rows(found, clean, touched)


TYPES = st.sampled_from(
    ["category", "object", "str", "float32", "Int64", "Float64", "bool", "bytes"]
)


@settings(SEEDED, max_examples=60)
@given(columns=st.lists(st.tuples(st.integers(0, 99), TYPES), min_size=1, max_size=4))
def test_other_types_of_columns_are_one_error_or_the_same_numbers(frame, tmp_path, columns):
    table = frame.copy()
    for place, kind in columns:
        name = table.columns[place % len(table.columns)]
        try:
            if kind == "bytes":
                table[name] = [str(value).encode() for value in table[name]]
            else:
                table[name] = table[name].astype(kind)
        except (ValueError, TypeError):
            continue
    path = tmp_path / "losses.parquet"
    table.to_parquet(path, index=False)
    try:
        found = check_losses(read_table(path, LOSSES_REQUIRED), "training_flops", str(path))
    except ValueError as error:
        assert str(error).startswith(str(path))
        return
    both = found.merge(frame.astype(dict.fromkeys(KEYS, "str")), on=KEYS, suffixes=("", "_clean"))
    assert len(both) == len(frame) or len(found["metric"].unique()) == 1
    for column in ("value", "tokens", "training_flops"):
        # float32 keeps seven digits
        np.testing.assert_allclose(both[column].astype(float), both[f"{column}_clean"], rtol=1e-6)


@settings(SEEDED, max_examples=20)
@given(mutations=MUTATIONS)
def test_laws_of_a_damaged_csv_are_one_error_or_have_numbers(frame, tmp_path, mutations):
    header, rows = cells_of(frame)
    path = tmp_path / "losses.csv"
    path.write_bytes(as_bytes(mutated(header, rows, mutations), "utf-8", {}))
    try:
        found = fit_laws(path, family="topics", baseline="base", draws=100, estimators=("vertex",))
    except ValueError:
        return
    relative = found.laws.ratio
    assert (relative["dbeta"].notna() | (relative["status"] != "ok")).all()
    assert found.summary() and isinstance(relative, pd.DataFrame)
