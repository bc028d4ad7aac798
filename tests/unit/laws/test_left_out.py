"""Rows, domains and gaps that laws leave out are named in the summary."""

import numpy as np
import pandas as pd
import pytest

from relscale.laws.run import fit_laws

SETTINGS = {
    "family": "topics",
    "baseline": "base",
    "draws": 100,
    "estimators": ("vertex",),
    "optimum_by": "family_mean",
}


@pytest.fixture(name="frame")
def frame_fixture(plant):
    domains = {"base": (2.0, 0.10, 0.0), "easy": (1.5, 0.10, 0.0), "treat": (2.4, 0.13, 0.05)}
    table = plant(run_sd=0.01, domain_sd=0.01, domains=domains)
    return table[table["family"] == "topics"].reset_index(drop=True)


@pytest.fixture(name="two")
def two_fixture(frame):
    other = frame.assign(corpus="books", run="b-" + frame["run"], value=1.1 * frame["value"])
    return pd.concat([frame, other], ignore_index=True)


def test_a_complete_table_has_no_note(frame):
    assert fit_laws(frame, **SETTINGS).notes == ()


def test_values_are_counted_by_reason(frame):
    table = frame.copy()
    runs = sorted(table["run"].unique())
    diverged = table["run"] == runs[0]
    table.loc[diverged, "excluded_reason"] = "diverged"
    empty = (table["run"] == runs[1]) & (table["domain"] == "easy")
    table.loc[empty, "value"] = np.nan
    found = fit_laws(table, **SETTINGS)
    assert found.notes == (
        f"3 of {len(table)} values of family 'topics' are left out, reason 'diverged': 1 run(s), "
        f"first {runs[0]!r} of corpus 'web'; domain(s) 'base', 'easy', 'treat'",
        f"1 of {len(table)} values of family 'topics' are left out, reason 'not finite': 1 run(s), "
        f"first {runs[1]!r} of corpus 'web'; domain(s) 'easy'",
    )
    assert all(f"Note: {note}." in found.summary() for note in found.notes)
    # They are in the summary, and each law has its own remarks.
    assert not found.laws.ratio["remarks"].str.contains("reason").any()


def test_values_without_a_row_are_counted(frame):
    run = sorted(frame["run"].unique())[2]
    lost = frame[(frame["run"] != run) | (frame["domain"] != "treat")]
    (note,) = fit_laws(lost, **SETTINGS).notes
    assert note == (
        f"1 of {len(frame)} values of family 'topics' have no row: 1 run(s), first {run!r} of "
        "corpus 'web'; domain(s) 'treat'"
    )


def test_domains_and_baselines_that_a_corpus_lacks_are_named(two):
    books = two["corpus"] == "books"
    (note,) = fit_laws(two[~books | (two["domain"] != "easy")], **SETTINGS).notes
    expected = "corpus 'books' has no usable value of domain(s) 'easy' in bits_per_byte, so no law"
    assert note.startswith(expected)
    (note,) = fit_laws(two[~books | (two["domain"] != "base")], **SETTINGS).notes
    assert "'books' has no usable value of the baseline 'base' in bits_per_byte: its dom" in note
    none = two.assign(excluded_reason=np.where(books, "wrong tokenizer", None))
    first, second = fit_laws(none, **SETTINGS).notes
    assert "reason 'wrong tokenizer'" in first
    assert second == "corpus 'books' has no usable value of bits_per_byte, so no law of it"


def test_a_family_of_its_baseline_alone_has_absolute_laws_and_no_gaps(frame):
    found = fit_laws(frame[frame["domain"] == "base"], **SETTINGS)
    assert found.notes == (
        "family 'topics' has only its baseline, 'base': it has absolute laws and no gaps",
    )
    assert len(found.laws.absolute) and not len(found.laws.relative)
    assert found.notes[0] in found.summary() and "no gaps" in repr(found)


def test_the_only_metric_is_fitted_if_none_is_named(frame):
    found = fit_laws(frame.assign(metric="loss"), **SETTINGS)
    assert found.spec.metrics == ("loss",) and set(found.laws.relative["metric"]) == {"loss"}
    both = pd.concat([frame.assign(metric=name) for name in ("loss", "ppl")])
    with pytest.raises(ValueError, match="bits_per_byte is not in losses; the choices are loss, "):
        fit_laws(both, **SETTINGS)
    usual = pd.concat([frame, frame.assign(metric="loss")])
    assert fit_laws(usual, **SETTINGS).spec.metrics == ("bits_per_byte",)
    with pytest.raises(ValueError, match=r"missing column\(s\) metric"):
        fit_laws(frame.drop(columns="metric"), **SETTINGS)


def test_a_perplexity_called_loss_is_noted(frame):
    (note,) = fit_laws(frame.assign(metric="loss", value=20 * frame["value"]), **SETTINGS).notes
    assert note.startswith("loss is ") and note.endswith("is it perplexity?")
    score = {"higher_is_better": (), "lower_is_better": ("surprise",), "metrics": ("surprise",)}
    assert not fit_laws(
        frame.assign(metric="surprise", value=20 * frame["value"]), **SETTINGS, **score
    ).notes


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda path: path.write_text("x"), "out: it is a file, and a folder is needed"),
        (lambda path: (path / "summary.txt").mkdir(parents=True), "summary.txt is a folder, and a"),
        (lambda path: (path / "relative.csv").mkdir(parents=True), "relative.csv is a folder, and"),
    ],
)
def test_the_place_of_the_results_is_checked_before_the_table_is_read(tmp_path, build, match):
    build(tmp_path / "out")
    with pytest.raises(ValueError, match=match):
        fit_laws(tmp_path / "none.csv", **SETTINGS, out=tmp_path / "out")
    with pytest.raises(
        ValueError, match=r"laws\.csv: a folder is needed, and this is the name of "
    ):
        fit_laws(tmp_path / "none.csv", **SETTINGS, out=tmp_path / "laws.csv")
