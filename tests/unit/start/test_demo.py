"""`relscale laws --demo`: a real table, verdicts in words, and nobody's files are replaced."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.contract.scales import on_scale
from relscale.files import read_json, sha256_of
from relscale.start.demo import WRITTEN, check_out, demo_losses, explain_rows

ROOT = Path(__file__).parents[3]


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of the demo, and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "new"
    done = invoke("laws", "--demo", "--out", out)
    assert done.exit_code == 0, done.output
    return out, done.output


def gap(**changed):
    """A row of relative.csv for one gap."""
    row = {
        "corpus": "c", "family": "f", "metric": "bits_per_byte", "treatment": "b", "baseline": "a",
        "scale": "ratio", "verdict": "parallel", "gap_first": 1.2, "gap_last": 1.21,
        "change": 0.0083, "change_ci_low": -0.001, "change_ci_high": 0.0176, "ci_level": 0.95,
        "margin": 0.0187, "status": "ok",
    }  # fmt: skip
    return {**row, **changed}


def test_the_demo_explains_every_verdict_of_its_table(demo):
    out, text = demo
    relative = on_scale(pd.read_csv(out / "relative.csv"))
    assert len(relative) == 3
    words = " ".join(text.split())
    for row in relative.itertuples():
        assert f"{row.treatment} against {row.baseline}: {row.verdict}." in words
        assert f"{row.gap_first:.3f} times the loss of {row.baseline}" in words
        assert f"The margin is {row.margin:.3f}, 10 % of the gap" in words
    assert "`parallel`" in words and "`undecided`" in words
    assert "the estimator auto alone and no classical laws" in words
    assert (out / "demo.txt").read_text(encoding="utf-8") == text


def test_every_file_that_the_demo_names_is_there(demo):
    out, text = demo
    lines = text.partition("Files\n")[2].partition("\n\n")[0].splitlines()
    assert len(lines) == 5
    for line in lines:
        assert Path(line.split()[0]).is_file()
    known = read_json(out / WRITTEN)
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {*known, WRITTEN}
    assert all(sha256_of(out / name) == checksum for name, checksum in known.items())


def test_the_table_of_the_demo_gives_the_laws_of_the_demo(demo, tmp_path):
    out, _ = demo
    words = ("--losses", out / "losses.csv", "--baseline", "STEM", "--estimator", "auto")
    words += ("--optimum-by", "family_mean", "--classical", "kaplan_compute", "--out", tmp_path)
    assert invoke("laws", *words).exit_code == 0
    ours, theirs = (pd.read_csv(folder / "relative.csv") for folder in (tmp_path, out))
    columns = ["treatment", "scale", "dbeta", "ci_low", "ci_high", "verdict"]
    pd.testing.assert_frame_equal(ours[columns], theirs[columns], rtol=1e-8)


def test_the_demo_has_the_published_values_of_four_groups():
    given = demo_losses(ROOT)
    raw = pd.read_csv(ROOT / "workflow/reference/published/olmo_ladder/losses.csv")
    raw = raw[raw["domain"].isin(["stem_test", "humanities_test", "social_sciences_test"])]
    ours = given.frame[given.frame["domain"].isin(["STEM", "Humanities", "Social sciences"])]
    assert len(given.frame) == 100 and len(ours) == len(raw) == 75
    assert sorted(ours["value"]) == sorted(raw["value"])


def test_a_second_demo_replaces_the_first_and_no_other_file(tmp_path):
    """Checked without fitting: `check_out` decides before anything is computed."""
    out = tmp_path / "demo"
    out.mkdir()
    check_out(out)  # empty
    (out / "mine.csv").write_text("x")
    with pytest.raises(ValueError, match=r"has mine.csv, which no demo wrote; name a new folder"):
        check_out(out)
    digest = sha256_of(out / "mine.csv")
    (out / WRITTEN).write_text(f'{{"mine.csv": "{digest}"}}')
    check_out(out)
    (out / "mine.csv").write_text("edited")
    with pytest.raises(ValueError, match=r"mine.csv was edited after the demo wrote it"):
        check_out(out)
    (out / "mine.csv").write_text("x")
    (out / "deeper").mkdir()
    (out / "deeper/other").write_text("")
    with pytest.raises(ValueError, match=r"has deeper/other, which no demo wrote"):
        check_out(out)
    with pytest.raises(ValueError, match=r"is not a folder"):
        check_out(out / "mine.csv")


def test_a_folder_with_files_is_refused_by_the_command_and_stays(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    done = invoke("laws", "--demo", "--out", tmp_path)
    assert isinstance(done.exception, ValueError) and "thesis.tex" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_demo_takes_out_alone_and_other_fits_need_a_baseline():
    for words, option in ((("--figures",), "--figures"), (("--draws", "200"), "--draws")):
        done = invoke("laws", "--demo", *words)
        assert f"takes --out alone, not {option}" in str(done.exception)
    done = invoke("laws", "--losses", "table.csv")
    assert "--baseline and --out: must be given" in str(done.exception)


def test_a_verdict_is_explained_with_its_margin_and_its_change():
    (text,) = explain_rows(pd.DataFrame([gap()]), 0.10)
    assert text.startswith("b against a: parallel. The change of the gap over the observed compute")
    assert "1.200 times the loss of a at the lowest compute and 1.210 times at the highest" in text
    assert "log G by +0.008 (95 % interval -0.001 to +0.018)" in text
    assert "The margin is 0.019, 10 % of the gap |log G|" in text
    assert "difference scale" not in text


def test_the_smallest_margin_and_the_other_scale_are_named():
    other = gap(scale="difference", verdict="narrows", gap_first=0.3, gap_last=0.2)
    (text,) = explain_rows(pd.DataFrame([gap(margin=0.005), other]), 0.10)
    assert "The margin is 0.005, the smallest margin, for gaps near 0." in text
    assert text.endswith("On the difference scale (bits per byte): narrows, from +0.300 to +0.200.")


def test_a_gap_without_a_verdict_is_not_explained():
    assert explain_rows(pd.DataFrame([gap(verdict="")]), 0.10) == []
