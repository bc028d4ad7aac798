import numpy as np
import pyarrow as pa
import pytest

from relscale.contract.arrow import arrow_array, arrow_table, numpy_array

CASES = [
    (["a", "", None, "ü€"], pa.string()),
    ([True, None, False] * 7, pa.bool_()),
    ([1, None, -3], pa.int64()),
    ([1.5, float("inf"), None], pa.float64()),
    ([1, 2], pa.float64()),
    ([], pa.string()),
    ([], pa.bool_()),
]


@pytest.mark.parametrize(("values", "kind"), CASES)
def test_arrays_equal_those_of_pyarrow(values, kind):
    array = arrow_array(values, kind)
    array.validate(full=True)
    assert array.equals(pa.array(values, type=kind))


def test_arrays_that_cannot_be_made():
    with pytest.raises(ValueError, match="are not supported"):
        arrow_array([[1]], pa.list_(pa.int64()))
    with pytest.raises(TypeError, match="Cannot cast"):
        arrow_array([1.5], pa.int64())


def test_tables_equal_those_of_pyarrow():
    schema = pa.schema([("name", pa.string()), ("size", pa.int64())])
    rows = [{"size": 1, "name": "a"}, {"size": 2, "name": None}]
    assert arrow_table(rows, schema).equals(pa.Table.from_pylist(rows, schema=schema))


@pytest.mark.parametrize(
    "values", [np.arange(20, dtype=np.int32), np.arange(20) / 3, np.arange(20) % 3 == 0]
)
def test_columns_come_back_as_numpy_arrays(values):
    array = pa.array(values)
    np.testing.assert_array_equal(numpy_array(array), values)
    np.testing.assert_array_equal(numpy_array(array[3:11]), values[3:11])
    np.testing.assert_array_equal(numpy_array(pa.chunked_array([array[:3], array[3:]])), values)
    assert numpy_array(array[:0]).shape == (0,) and numpy_array(array).dtype == values.dtype
