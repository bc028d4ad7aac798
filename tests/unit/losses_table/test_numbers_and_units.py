"""Numbers in every way of writing come back exactly, and units convert there and back."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from outside_tables import assert_same, read

from relscale.losses_table.file_units import COUNTS, FACTORS, converted, converted_error
from relscale.losses_table.numbers import SUFFIXES, THOUSANDS, NumberReader, numbers_in

WHOLE = st.integers(min_value=0, max_value=10**15)
REAL = st.floats(min_value=1e-9, max_value=1e15)


@given(number=WHOLE, name=st.sampled_from(sorted(THOUSANDS)), decimal=st.booleans())
def test_numbers_with_thousands_separators_are_those_without(number, name, decimal):
    sign = THOUSANDS[name][0]
    comma = decimal and name != "comma"
    assume(comma or name != "point")
    reader = NumberReader(thousands=THOUSANDS[name], comma=comma)
    assert reader.number(f"{number:,}".replace(",", sign)) == number


@given(number=st.decimals(min_value=0, max_value=10**9, places=4))
def test_decimal_commas_are_decimal_points(number):
    assert NumberReader(comma=True).number(f"{number:f}".replace(".", ",")) == float(number)


@given(number=st.integers(1, 9999), suffix=st.sampled_from("kKmMbBgGtT"), blank=st.booleans())
def test_suffixes_are_exact_factors_of_whole_numbers(number, suffix, blank):
    text = f"{number}{' ' * blank}{suffix}"
    assert NumberReader(suffixes=True).number(text) == number * SUFFIXES[suffix.lower()]
    assert NumberReader().number(text) is None


@given(hundredths=st.integers(1, 99999))
def test_numbers_in_names_are_those_in_cells(hundredths):
    text = f"{hundredths / 100:.2f}B"
    assert numbers_in(f"model-{text}-v2") == [NumberReader(suffixes=True).number(text)]


@given(number=st.floats(allow_nan=False))
def test_any_float_is_read_as_python_writes_it(number):
    found = NumberReader(thousands=",", suffixes=True).number(repr(number))
    assert found == number


@pytest.mark.parametrize(
    "cell",
    ["1,23", "12,34,567", "1234,567", ",123", "1,2345", "1 234 567", "1.234.567", "1e"],
)
def test_numbers_that_are_not_grouped_by_threes_are_refused(cell):
    assert NumberReader(thousands=",").number(cell) is None


@given(unit=st.sampled_from(sorted(set(FACTORS) - {"percent"})), number=st.integers(1, 10**6))
def test_counts_in_a_unit_are_whole_and_exact(unit, number):
    assert converted(np.array([float(number)]), unit, "tokens")[0] == number * int(FACTORS[unit])
    assert "tokens" in COUNTS


@given(tokens=st.integers(1, 10**13), unit=st.sampled_from(["thousands", "millions", "billions"]))
def test_tokens_in_another_unit_come_back_exactly(tokens, unit):
    given_number = tokens / FACTORS[unit]
    assert converted(np.array([given_number]), unit, "tokens")[0] == tokens


@given(share=st.integers(0, 10**6))
def test_percent_are_shares_to_the_nearest_float(share):
    assert converted(np.array([share / 10**4]), "percent", "value")[0] == pytest.approx(
        share / 10**6, rel=3e-16, abs=0
    )


@given(loss=st.floats(min_value=0.01, max_value=20))
def test_perplexities_are_losses(loss):
    found = converted(np.array([math.exp(loss)]), "perplexity", "value")[0]
    assert found == pytest.approx(loss, rel=1e-12)  # a rounding of the perplexity over the loss


@given(value=REAL)
def test_logarithms_are_numbers(value):
    found = converted(np.array([math.log10(value)]), "log10", "training_flops")[0]
    assert found == pytest.approx(value, rel=1e-13)  # 15 digits of the logarithm, times ln 10


@given(value=st.floats(min_value=1.5, max_value=1e4))
def test_standard_errors_convert_to_first_order(value):
    share = 0.01
    step = value * 1e-6
    for unit in ("perplexity", "percent", 7.0):
        ends = converted(np.array([value - step, value + step]), unit, "value")
        slope = (ends[1] - ends[0]) / (2 * step)
        error = converted_error(np.array([share]), np.array([value]), unit)[0]
        # The difference quotient has the rounding of the values over the step.
        assert error == pytest.approx(slope * share, rel=1e-6)


UNITS = {
    "num_params_total": "millions",
    "tokens": "billions",
    "training_flops": "exaflops",
    "value": "perplexity",
}


def test_a_table_in_other_units_is_the_canonical_one(table, tmp_path):
    path = tmp_path / "losses.csv"
    other = table.assign(
        num_params_total=table["num_params_total"] / 1e6,
        tokens=table["tokens"] / 1e9,
        training_flops=table["training_flops"] / 1e18,
        value=np.exp(table["value"]),
        standard_error=table["standard_error"] * np.exp(table["value"]),
    )
    other.to_csv(path, index=False)
    found = read(path, units=UNITS)
    exact = ["num_params_total", "tokens", "run", "domain", "budget"]
    assert_same(found.frame[exact], table[exact])
    for name in ("training_flops", "value", "standard_error"):
        np.testing.assert_allclose(found.frame[name], table[name], rtol=1e-14)
    assert "units are converted: num_params_total from millions" in found.decisions[0]


def test_a_unit_of_one_metric_leaves_the_others(table, tmp_path):
    path = tmp_path / "losses.csv"
    shares = table.assign(metric="accuracy", value=50.0, standard_error=2.0)
    pd.concat([table, shares]).to_csv(path, index=False)
    found = read(path, metric_units={"accuracy": "percent"}).frame
    accuracy = found[found["metric"] == "accuracy"]
    assert set(accuracy["value"]) == {0.5} and set(accuracy["standard_error"]) == {0.02}
    assert_same(found[found["metric"] == "loss"].reset_index(drop=True), table)


def test_a_perplexity_below_one_is_an_error(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.assign(value=0.7).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"loss is 0\.7, and the unit is perplexity"):
        read(path, units={"value": "perplexity"})


def test_sizes_in_names_are_read_and_odd_names_are_errors(table, tmp_path):
    path = tmp_path / "losses.csv"
    sized = table[table["run"].str.startswith("1e18")].drop(columns="num_params_total")
    sized = sized.assign(name=["olmo-190M-" + run for run in sized["run"]])
    sized.to_csv(path, index=False)
    mapping = {"columns": {"num_params_total": "name"}, "units": {"num_params_total": "in_name"}}
    assert set(read(path, **mapping).frame["num_params_total"]) == {190_000_000}
    sized.assign(name="olmo-190M-5B").to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"line 2: name is 'olmo-190M-5B': one number .* has 2"):
        read(path, **mapping)


@pytest.mark.parametrize(
    ("dropped", "derive", "rtol"),
    [
        ("training_flops", {"training_flops": "6 x num_params_total x tokens"}, 0),
        ("tokens", {"tokens": "training_flops / (6 x num_params_total)"}, 0),
        ("num_params_total", {"num_params_total": "training_flops / (6 x tokens)"}, 0),
    ],
)
def test_columns_are_derived_only_if_stated(table, tmp_path, dropped, derive, rtol):
    path = tmp_path / "losses.csv"
    table.drop(columns=dropped).to_csv(path, index=False)
    with pytest.raises(ValueError, match=f"there is no {dropped}"):
        read(path)
    found = read(path, derive=derive)
    np.testing.assert_allclose(found.frame[dropped], table[dropped], rtol=rtol)
    assert any(one.startswith(f"{dropped} is derived: ") for one in found.decisions)


def test_tokens_follow_from_tokens_per_parameter(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.drop(columns=["tokens", "training_flops"]).assign(ratio=20).to_csv(path, index=False)
    found = read(
        path,
        columns={"tokens_per_param": "ratio"},
        derive={
            "training_flops": "6 x num_params_total x tokens",
            "tokens": "tokens_per_param x num_params_total",
        },
    ).frame
    assert (found["tokens"] == 20 * found["num_params_total"]).all()
    flops = 120.0 * found["num_params_total"] ** 2
    np.testing.assert_allclose(found["training_flops"], flops, rtol=1e-15)


def test_a_formula_without_its_columns_is_an_error(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.drop(columns=["tokens", "training_flops"]).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"derive\.training_flops .* there is no tokens"):
        read(path, derive={"training_flops": "6 x num_params_total x tokens"})
