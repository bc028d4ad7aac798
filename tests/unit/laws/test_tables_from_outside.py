"""Losses tables that other people wrote: the laws of the same table written well, or one line."""

import logging

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.contract.io import read_table
from relscale.contract.scales import on_scale
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.fit import fit_family
from relscale.laws.fit_error import FitError
from relscale.laws.grid import fit_grid
from relscale.laws.run import fit_laws
from relscale.laws.spec import LawSpec

SETTINGS = {"family": "topics", "baseline": "base", "draws": 100, "estimators": ("vertex",)}
NUMBERS = ["dbeta", "ci_low", "ci_high", "gap_first", "gap_last"]


@pytest.fixture(name="frame")
def frame_fixture(plant):
    domains = {"base": (2.0, 0.10, 0.0), "easy": (1.5, 0.10, 0.0), "treat": (2.4, 0.13, 0.05)}
    return plant(run_sd=0.01, domain_sd=0.01, domains=domains)


@pytest.fixture(name="truth")
def truth_fixture(frame):
    return fit_laws(frame, **SETTINGS).laws.ratio


def laws_of(frame, path, **settings):
    frame.to_csv(path, index=False)
    return fit_laws(path, **{**SETTINGS, **settings})


def renamed(frame, names, **columns):
    return frame.assign(**columns).replace({"domain": names})


@pytest.mark.parametrize(
    ("baseline", "easy", "treat"),
    [
        ("US", "India", "NA"),
        ("NA", "nan", "None"),
        ("2019", "2020", "2021"),
        ("1", "01", "1.0"),
        ("True", "False", "null"),
        ("=A1", "+1", "@x"),
        ("1e5", "1E5", "100000"),
    ],
)
def test_names_of_domains_are_text(frame, truth, tmp_path, baseline, easy, treat):
    names = {"base": baseline, "easy": easy, "treat": treat}
    found = laws_of(
        renamed(frame, names), tmp_path / "losses.csv", baseline=baseline, out=tmp_path / "out"
    )
    by_name = truth.replace({"treatment": names}).set_index("treatment")
    for relative in (
        found.laws.ratio,
        on_scale(read_table(tmp_path / "out/relative.csv", RELATIVE.names)),
    ):
        assert sorted(relative["treatment"]) == sorted([easy, treat])
        assert set(relative["baseline"]) == {baseline}
        np.testing.assert_allclose(
            relative.set_index("treatment").loc[[easy, treat], NUMBERS],
            by_name.loc[[easy, treat], NUMBERS],
            rtol=1e-6,  # the file has ten digits
        )
        assert by_name["verdict"].to_dict() == relative.set_index("treatment")["verdict"].to_dict()
    assert f"{treat} / {baseline}" in found.summary()


def test_families_corpora_and_runs_may_look_like_numbers(frame, truth, tmp_path):
    runs = {name: str(index) for index, name in enumerate(frame["run"].unique())}
    family = frame["family"].replace("topics", "7")
    numbered = frame.assign(corpus="2024", run=frame["run"].map(runs), family=family)
    found = laws_of(numbered, tmp_path / "losses.csv", family="7")
    np.testing.assert_allclose(found.laws.ratio["dbeta"], truth["dbeta"])
    assert set(found.laws.ratio["corpus"]) == {"2024"}
    as_numbers = numbered.assign(family=frame["family"].map({"topics": 7, "validation": 8}))
    found = fit_laws(as_numbers, **{**SETTINGS, "family": "7", "optimum_by": "8"})
    np.testing.assert_allclose(found.laws.ratio["dbeta"], truth["dbeta"])


def test_spellings_of_one_budget_are_one_budget(frame, truth, tmp_path):
    odd = frame["run"].str.contains("n[135]")
    mixed = frame.assign(budget=frame["budget"].where(~odd, frame["budget"].str.upper()))
    found = laws_of(mixed, tmp_path / "losses.csv")
    np.testing.assert_allclose(found.laws.ratio["dbeta"], truth["dbeta"])
    assert set(found.optima["budget"]) == set(frame["budget"])
    long = frame.assign(budget=[str(int(float(budget))) for budget in frame["budget"]])
    topics, validation = (long["family"] == name for name in ("topics", "validation"))
    apart = fit_family(frame[topics], LawSpec(**SETTINGS), optimum_losses=long[validation]).ratio
    np.testing.assert_allclose(apart["dbeta"], truth["dbeta"])


@pytest.mark.parametrize("column", ["corpus", "run", "family", "domain", "metric", "budget"])
def test_an_empty_name_is_an_error_with_column_and_line(frame, tmp_path, column):
    empty = frame.assign(**{column: frame[column].where(frame.index % 9 != 4)})
    with pytest.raises(ValueError, match=rf"losses\.csv: {column} is empty in .*, first line"):
        laws_of(empty, tmp_path / "losses.csv")
    with pytest.raises(ValueError, match=rf"losses: {column} is empty .* first row 5 \(below"):
        fit_laws(empty, **SETTINGS)
    if column == "budget":  # budgets compare as numbers
        return
    blank = frame.assign(**{column: frame[column].where(frame.index != 4, f"{frame[column][4]} ")})
    with pytest.raises(
        ValueError, match=rf"row 5 \(below the header\): {column} is .* with blanks"
    ):
        fit_laws(blank, **SETTINGS)


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("1", "0"), ("TRUE", "FALSE"), ("y", "")])
def test_a_domain_at_chance_has_no_verdict(frame, tmp_path, yes, no):
    chance = np.where(frame["domain"] == "easy", yes, no)
    found = laws_of(frame.assign(at_chance=chance), tmp_path / "losses.csv").laws.ratio
    rows = found.set_index("treatment")
    assert rows.loc["easy", ["status", "verdict"]].tolist() == ["at_chance", ""]
    assert np.isnan(rows.loc["easy", "p_difference"])
    assert rows.loc["treat", "status"] == "ok"


def test_words_that_are_not_truth_values_are_errors(frame, tmp_path):
    chance = np.where(frame["domain"] == "easy", "perhaps", "no")
    with pytest.raises(ValueError, match=r"losses.csv: line 4: at_chance is 'perhaps': true or"):
        laws_of(frame.assign(at_chance=chance), tmp_path / "losses.csv")


@pytest.mark.parametrize("word", ["none", "None", "NA", "nan", "-", "  ", "null"])
def test_a_word_for_nothing_is_no_reason(frame, truth, tmp_path, word):
    found = laws_of(frame.assign(excluded_reason=word), tmp_path / "losses.csv").laws.ratio
    np.testing.assert_allclose(found["dbeta"], truth["dbeta"])
    assert not found["remarks"].str.contains("left out").any()


def test_a_family_without_a_usable_row_says_why(frame, tmp_path):
    with pytest.raises(
        ValueError,
        match=r"losses.csv: no usable row of family 'topics' \(reason 'diverged': 72\)",
    ):
        laws_of(frame.assign(excluded_reason="diverged"), tmp_path / "losses.csv")
    with pytest.raises(ValueError, match=r"no usable row of family 'topics' \(reason 'not finite'"):
        laws_of(frame.assign(value=None), tmp_path / "losses.csv")


def test_integers_of_many_digits_are_flops(plant, tmp_path):
    frame = plant(run_sd=0.01, budgets=("1e19", "1e20", "1e21", "1e22"))
    long = frame.assign(training_flops=[str(int(value)) for value in frame["training_flops"]])
    long = long.drop(columns="forward_flops")
    found = laws_of(long, tmp_path / "losses.csv").laws.ratio
    truth = fit_laws(frame, **SETTINGS).laws.ratio
    np.testing.assert_allclose(found[NUMBERS], truth[NUMBERS], rtol=1e-9)


def test_an_infinite_standard_error_takes_its_run_away_and_nothing_else(frame, tmp_path):
    frame = frame.assign(standard_error=0.01)
    one = frame["run"] == "web-1e11-n3-s0"
    frame.loc[one, "standard_error"] = np.inf
    found = laws_of(frame, tmp_path / "losses.csv").laws.ratio
    without = fit_laws(frame[~one], **SETTINGS).laws.ratio
    np.testing.assert_allclose(found["dbeta"], without["dbeta"])
    assert found["remarks"].str.contains(r"1 run\(s\) left out: standard error not finite").all()


def test_a_negative_standard_error_is_an_error_and_a_missing_one_is_not(frame, truth, tmp_path):
    frame = frame.assign(standard_error=0.01)
    frame.loc[frame["run"].str.contains("n0"), "standard_error"] = np.nan
    found = laws_of(frame, tmp_path / "losses.csv").laws.ratio
    half = (truth["ci_high"] - truth["ci_low"]) / 2
    assert (np.abs(found["dbeta"] - truth["dbeta"]) < half).all()
    frame.loc[7, "standard_error"] = -0.01
    with pytest.raises(ValueError, match=r"standard_error is -0.01 for .* row 8 .below.*0 or more"):
        laws_of(frame, tmp_path / "losses.csv")


@pytest.mark.parametrize("column", ["tokens", "num_params_total", "training_flops"])
def test_a_unit_of_millions_is_an_error_that_names_the_columns(frame, tmp_path, column):
    wrong = frame.drop(columns="forward_flops")
    wrong[column] /= 1e6
    match = r"losses.csv: run 'web-5e10-n0-s0': training_flops .*num_params_total .* x tokens"
    with pytest.raises(ValueError, match=match):
        laws_of(wrong, tmp_path / "losses.csv")


def test_parts_of_the_parameters_in_another_unit_are_an_error(frame, tmp_path):
    parts = {"num_params_head": frame["num_params_total"] * 0.1e-6}
    wrong = frame.assign(**parts, num_params_transformer=frame["num_params_total"] * 0.8e-6)
    with pytest.raises(ValueError, match="the parts and the sum are in different units"):
        laws_of(wrong, tmp_path / "losses.csv")


def test_forward_flops_called_training_are_noted_everywhere(frame, tmp_path, caplog):
    wrong = frame.assign(training_flops=frame["forward_flops"]).drop(columns="forward_flops")
    with caplog.at_level(logging.WARNING):
        found = laws_of(wrong, tmp_path / "losses.csv", out=tmp_path / "out")
    note = "training_flops over (parameters x tokens) is 2 (median) as for forward_flops"
    assert len(caplog.records) == 1 and note in caplog.text
    assert note in found.summary() and note in (tmp_path / "out/summary.txt").read_text()
    for name, table in (("relative", RELATIVE), ("optima", OPTIMA)):
        remarks = read_table(tmp_path / f"out/{name}.csv", table.names)["remarks"]
        assert remarks.str.contains(note, regex=False).all()


def test_a_table_with_usual_units_has_no_note(frame, caplog):
    for axis in ("training_flops", "forward_flops"):
        assert fit_laws(frame, compute=axis, **SETTINGS).notes == ()
    assert not caplog.records


def test_a_run_that_is_there_twice_is_noted(frame):
    copy = frame[frame["run"] == "web-1e11-n2-s0"].assign(run="again")
    notes = fit_laws(pd.concat([frame, copy]), **SETTINGS).notes
    assert notes == (
        "1 run(s) have all values of another run of the same budget and size and count as seeds "
        "(first web-1e11-n2-s0)",
    )


def with_metric(frame, metric, **columns):
    """The losses and, as a second metric, a share that rises with compute."""
    shares = frame[frame["family"] == "topics"].assign(metric=metric, **columns)
    return pd.concat([frame, shares.assign(value=0.9 / shares["value"])], ignore_index=True)


@pytest.mark.parametrize(
    "metric", ["accuracy", "acc", "acc,none", "acc_norm,none", "Accuracy", "exact_match", "F1"]
)
def test_metrics_that_rise_are_known_by_their_usual_names(frame, metric):
    """A treatment whose loss falls faster has an accuracy that rises faster."""
    found = fit_laws(with_metric(frame, metric), **SETTINGS, metrics=(metric,)).laws.ratio
    row = found.set_index("treatment").loc["treat"]
    assert (row["verdict"], row["faster"]) == ("rises", "treatment")


@pytest.mark.parametrize("metric", ["word_perplexity,none", "Loss", "brier_score"])
def test_metrics_that_fall_are_known_by_their_usual_names(frame, metric):
    renamed_metric = frame.assign(metric=metric)
    found = fit_laws(renamed_metric, **SETTINGS, metrics=(metric,)).laws.ratio
    row = found.set_index("treatment").loc["treat"]
    assert (row["verdict"], row["faster"]) == ("narrows", "treatment")


def test_the_direction_of_another_metric_must_be_stated(frame, tmp_path):
    table = with_metric(frame, "score")
    settings = {**SETTINGS, "metrics": ("score",)}
    with pytest.raises(ValueError, match="metric 'score' is not known: state whether a larger or"):
        fit_laws(table, **settings)
    columned = with_metric(frame.assign(higher_is_better="no"), "score", higher_is_better="yes")
    columned.to_csv(tmp_path / "losses.csv", index=False)
    for found in (
        fit_laws(table, **settings, higher_is_better=("score",)),
        fit_laws(tmp_path / "losses.csv", **settings),
    ):
        row = found.laws.ratio.set_index("treatment").loc["treat"]
        assert (row["verdict"], row["faster"]) == ("rises", "treatment")
    found = fit_laws(table, **settings, lower_is_better=("score",))
    row = found.laws.ratio.set_index("treatment").loc["treat"]
    assert (row["verdict"], row["faster"]) == ("narrows", "baseline")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"higher_is_better": ("bits_per_byte",)}, "'bits_per_byte': smaller values are better"),
        (
            {"higher_is_better": ("score",), "lower_is_better": ("score",)},
            "'score' is both higher_is_better and lower_is_better",
        ),
        ({"metrics": ("score", "score")}, "each entry once; repeated: score"),
        ({"lower_is_better": ("scoer",)}, "stated for metric 'scoer', which the table lacks; it"),
    ],
)
def test_contradictory_directions_and_a_metric_twice(frame, settings, match):
    with pytest.raises(ValueError, match=match):
        fit_laws(with_metric(frame, "score"), **{**SETTINGS, "metrics": ("score",), **settings})


def test_a_direction_that_changes_within_a_metric_is_an_error(frame):
    column = np.where(frame.index % 2, "yes", "no")
    with pytest.raises(ValueError, match="true in some rows of metric bits_per_byte and false"):
        fit_laws(frame.assign(higher_is_better=column), **SETTINGS)


def test_the_command_states_directions_and_refuses_a_metric_twice(frame, tmp_path):
    with_metric(frame, "score").to_csv(tmp_path / "losses.csv", index=False)
    words = ["laws", "--losses", str(tmp_path / "losses.csv"), "--family", "topics"]
    words += ["--baseline", "base", "--estimator", "vertex", "--draws", "100"]
    words += ["--out", str(tmp_path / "out"), "--metric", "score"]
    found = CliRunner().invoke(app, [*words, "--higher-is-better", "score"])
    assert found.exit_code == 0 and "rises" in found.output
    found = CliRunner().invoke(app, words)
    assert isinstance(found.exception, ValueError)
    assert "--higher-is-better score" in str(found.exception)
    found = CliRunner().invoke(app, [*words, "--metric", "score"])
    assert "each entry once; repeated: score" in str(found.exception)


@pytest.mark.parametrize("metric", ["accuracy", "choice_probability", "Accuracy"])
def test_a_percentage_is_not_a_share(frame, metric):
    table = with_metric(frame, metric)
    table.loc[table["metric"] == metric, "value"] *= 100
    with pytest.raises(ValueError, match="a share from 0 to 1, not a percentage, is needed"):
        fit_laws(table, **SETTINGS)


def test_one_run_per_budget_and_one_budget_have_statuses(frame):
    few = {**SETTINGS, "estimators": ("joint", "vertex", "best_run", "akima", "surface")}
    one = fit_laws(frame[frame["run"].str.contains("-n2-")], **few).laws.ratio
    status = one.set_index(["treatment", "estimator"])["status"]["treat"]
    assert status["best_run"] == "ok" and status["vertex"] == "no_usable_optimum"
    single = fit_laws(frame[frame["budget"] == "1e11"], **few).laws.ratio
    assert set(single["status"]) == {"too_few_budgets"}
    assert single["dbeta"].isna().all() and (single["verdict"] == "").all()


def test_an_empty_column_of_directions_states_nothing(frame, tmp_path):
    table = with_metric(frame, "acc")
    table = pd.concat([table, frame.assign(metric="loss")], ignore_index=True)
    settings = {"metrics": ("acc",)}
    truth = laws_of(table, tmp_path / "losses.csv", **settings).laws.ratio
    found = laws_of(table.assign(higher_is_better=""), tmp_path / "losses.csv", **settings)
    assert found.laws.ratio["verdict"].tolist() == truth["verdict"].tolist()
    assert "rises" in truth["verdict"].tolist()
    assert "it improves faster above 0" in found.summary()
    with pytest.raises(ValueError, match="'acc': larger values are better"):
        laws_of(table.assign(higher_is_better="no"), tmp_path / "losses.csv", **settings)


@pytest.mark.parametrize(
    "name", ["{} FLOPs", "NA", "{}1"], ids=["unit", "word for missing", "another digit"]
)
def test_a_budget_with_two_names_is_an_error(frame, tmp_path, name):
    runs = sorted(frame["run"].unique())
    first = frame.loc[frame["run"] == runs[0], "budget"].iloc[0]
    some = (frame["budget"] == first) & frame["run"].isin(runs[:2])
    table = frame.assign(budget=frame["budget"].where(~some, name.format(first)))
    with pytest.raises(ValueError, match=r"the same training_flops, .*: one budget needs one name"):
        laws_of(table, tmp_path / "losses.csv")


@pytest.mark.parametrize(
    ("one", "other"),
    [("C\u00f4te", "Co\u0302te"), ("US", "us"), ("a b", "a\u00a0b"), ("UK", "U\u200bK")],
    ids=["normal form", "case", "blank", "sign without width"],
)
def test_a_name_in_two_spellings_is_an_error(frame, tmp_path, one, other):
    half = frame["run"].isin(sorted(frame["run"].unique())[::2])
    names = np.where(half, one, other)
    table = frame.assign(domain=np.where(frame["domain"] == "treat", names, frame["domain"]))
    with pytest.raises(ValueError, match="domain is spelled in two ways"):
        laws_of(table, tmp_path / "losses.csv")
    for column in ("corpus", "family"):
        with pytest.raises(ValueError, match=f"{column} is spelled in two ways"):
            laws_of(frame.assign(**{column: names}), tmp_path / "losses.csv", family=one)


def test_names_that_look_alike_may_be_two_domains_of_one_run(frame, tmp_path):
    found = laws_of(renamed(frame, {"easy": "it", "treat": "IT"}), tmp_path / "losses.csv")
    assert set(found.laws.ratio["treatment"]) == {"it", "IT"}


def test_a_name_with_a_line_break_is_an_error(frame, tmp_path):
    with pytest.raises(ValueError, match="with a line break"):
        laws_of(renamed(frame, {"treat": "a\nb"}), tmp_path / "losses.csv")


def test_numbers_that_are_all_in_other_units_are_noted(frame):
    table = frame.assign(
        num_params_total=frame["num_params_total"] / 1e6,
        tokens=frame["tokens"] / 1e6,
        training_flops=frame["training_flops"] / 1e12,
    ).drop(columns=["forward_flops", "num_params_head", "num_params_transformer"], errors="ignore")
    notes = " ".join(fit_laws(table, **SETTINGS).notes)
    assert "num_params_total is" in notes and "in another unit" in notes
    assert "holds runs of" in notes


def test_a_loss_that_rises_with_compute_is_noted(frame):
    settings = {**SETTINGS, "estimators": ("best_run",)}
    (note,) = fit_laws(frame.assign(value=1 / frame["value"]), **settings).notes
    assert note.startswith("bits_per_byte rises with compute in every domain")
    assert not fit_laws(frame, **settings).notes


def test_runs_without_a_loss_to_place_the_optimum_are_counted(frame):
    lost = frame["run"].isin(sorted(frame["run"].unique())[:2]) & (frame["domain"] == "easy")
    found = fit_laws(frame[~lost], **SETTINGS, optimum_by="family_mean").laws.ratio
    assert found["remarks"].str.contains("run.s. place no optimum").any()


def test_one_budget_of_whole_numbers_gives_no_plane():
    tokens = np.round(np.geomspace(1e8, 1e10, 8))
    params = np.round(1e20 / 6 / tokens)
    with pytest.raises(FitError, match="vary in size and in tokens"):
        fit_grid(np.linspace(0, 0.1, 8), np.log(params), np.log(tokens))


def test_an_absurd_standard_error_has_no_weight(frame, truth):
    table = frame.assign(standard_error=0.001)
    table.loc[table["run"] == table["run"].iloc[0], "standard_error"] = 1e25
    found = fit_laws(table, **SETTINGS).laws.ratio
    assert found["dbeta"].to_numpy() == pytest.approx(truth["dbeta"].to_numpy(), abs=0.02)
