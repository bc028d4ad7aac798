"""The mapping of a losses table from outside: a closed model whose errors name every mistake."""

from typing import get_args

import pytest
import yaml

from relscale.config.errors import ConfigError
from relscale.config.losses import HELPERS, LossesTable, OurColumn, OurNumber
from relscale.config.losses_file import read_mapping
from relscale.contract.columns import FLAGS, TEXT
from relscale.contract.losses import LOSSES_COLUMNS

WIDE = {"path": "x.csv", "shape": "wide", "domains": {"C4": "c4"}}


def written(content, tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def test_columns_of_a_mapping_are_those_of_the_losses_table_and_three_helpers():
    assert get_args(OurColumn) == (*LOSSES_COLUMNS, "higher_is_better", *HELPERS)
    not_numbers = TEXT | FLAGS | {"seed", "decayed"}
    assert [one for one in get_args(OurColumn) if one not in not_numbers] == list(
        get_args(OurNumber)
    )


def test_a_mapping_is_a_file_of_its_own_or_a_section(tmp_path):
    alone = read_mapping(written(WIDE, tmp_path))
    section = read_mapping(written({"experiment": "mine", "losses": WIDE}, tmp_path))
    assert alone == section == LossesTable.model_validate(WIDE)
    assert read_mapping(written(WIDE, tmp_path), "other.csv").path == "other.csv"


def test_a_number_without_a_point_is_a_number(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text("path: x.csv\nconstants: {tokens: 3e11}\n")
    assert read_mapping(path).constants == {"tokens": "3e11"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colums": {}}, "losses.colums = {}: unknown key; the choices are path, format"),
        ({"columns": {"toknes": "t"}}, "the choices are 'corpus', 'run'"),
        ({"units": {"tokens": "milions"}}, "must be a factor, or one of ones, thousands"),
        ({"units": {"tokens": 0}}, "must be a factor above 0"),
        ({"units": {"tokens": "perplexity"}}, "units.tokens is perplexity: only for value"),
        ({"units": {"tokens": "exaflops"}}, "units.tokens is exaflops: only for training_flops"),
        ({"units": {"value": "in_name"}}, "units.value is in_name: only for num_params_total"),
        ({"constants": {"corpus": 7}}, 'constants.corpus must be text: put it in quotes, "7"'),
        ({"constants": {"tokens": "many"}}, "constants.tokens must be a number, not 'many'"),
        ({"constants": {"at_chance": "no"}}, "constants.at_chance must be true or false"),
        ({"columns": {"tokens": ["a", "b"]}}, "columns.tokens is a list: only corpus, run"),
        (
            {"columns": {"tokens": "a"}, "constants": {"tokens": 3}},
            "tokens is in columns and in constants",
        ),
        (
            {
                "columns": {"tokens": "a"},
                "derive": {"tokens": "training_flops / (6 x num_params_total)"},
            },
            "derive.tokens: tokens is given in columns or constants already",
        ),
        ({"derive": {"training_flops": "6ND"}}, "the choices are '6 x num_params_total x tokens'"),
        ({"shape": "wide"}, "domains is missing: a wide table needs the column of each domain"),
        ({"domains": {"C4": {"loss": "c4"}}}, "domains.C4 is a mapping of metrics: only a wide"),
        (WIDE | {"columns": {"value": "v"}}, "columns or constants have value: in a wide table"),
        (
            WIDE | {"domains": {"C4": {"loss": "a"}, "Pile": "b"}},
            "domains.C4 is a mapping of metrics and domains.Pile is not",
        ),
        (WIDE | {"standard_errors": {"Pile": "p"}}, "standard_errors.Pile does not match"),
        (
            WIDE | {"families": {"a": ["C4"], "b": ["C4"]}},
            "families: C4 is in more than one family",
        ),
        (WIDE | {"families": {"a": ["Pile"]}}, "families: Pile is not in domains"),
        (
            {"units": {"value": "percent"}, "metric_units": {"acc": "percent"}},
            "units.value is for all metrics: give it, or metric_units",
        ),
        (
            {"higher_is_better": ["m"], "lower_is_better": ["m"]},
            "m: in higher_is_better and in lower_is_better",
        ),
        ({"numbers": {"decimal": "comma", "thousands": "comma"}}, "cannot be both"),
        ({"csv": {"separator": ";"}}, "the choices are 'auto', 'comma', 'semicolon'"),
        ({"domains": {"_odd": "x"}}, "must begin with a letter or digit"),
    ],
)
def test_mistakes_are_named_with_file_and_key(tmp_path, change, message):
    path = written({"path": "x.csv", **change}, tmp_path)
    with pytest.raises(ConfigError) as caught:
        read_mapping(path)
    assert message in str(caught.value)
    assert "mapping.yaml: losses" in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path):
    path = written({"path": "x.csv", "shape": "broad", "steps": "first", "unit": {}}, tmp_path)
    with pytest.raises(ConfigError, match=r"3 problem\(s\)"):
        read_mapping(path)


def test_a_file_that_is_not_a_mapping_is_an_error(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text("- path\n")
    with pytest.raises(ValueError, match=r"mapping\.yaml: must be a mapping"):
        read_mapping(path)
    path.write_text("path: x.csv\npath: y.csv\n")
    with pytest.raises(ValueError, match="is already given in line 1"):
        read_mapping(path)
