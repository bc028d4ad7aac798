"""The gallery: its tables are read, every entry plans, and the page quotes what the laws give."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from relscale.contract.scales import on_scale
from relscale.laws.correlation import correlation
from relscale.laws.fit import fit_family
from relscale.laws.optima_table import find_optima
from relscale.laws.verdict import holm
from relscale.losses_table.read import read_losses
from relscale.workflow.experiment import read_experiment
from relscale.workflow.law_specs import law_spec, optima_spec

ROOT = Path(__file__).parents[3]
TABLES = ROOT / "workflow/reference/published"
PAGE = " ".join((ROOT / "docs/user/gallery.md").read_text(encoding="utf-8").split())
ENTRIES = {
    "paper_figures": {"runs": 21, "families": {"knowledge": 4, "language": 5, "risk": 5}},
    "olmo_ladder": {"runs": 25, "families": {"texts": 11, "mmlu": 4}},
    "llm_line": {"runs": 83, "families": {"texts": 5}},
}
LICENCES = {"olmo_ladder": "Apache License", "llm_line": "MIT License"}
CORPORA = ("CommonPile", "DCLM", "Nemotron")
LEVEL = 0.05


@pytest.fixture(scope="module", autouse=True)
def in_checkout():
    """Paths of an overlay are relative to the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield


def planned(name):
    """Return the planned experiment of an entry."""
    return read_experiment([Path("config.yaml"), Path(f"experiments/published/{name}.yaml")])


@cache
def fitted(name, family):
    """Return the law tables of a family, fitted as the entry does."""
    experiment = planned(name)
    frame = read_losses(experiment.settings.losses).frame
    return fit_family(frame, law_spec(experiment, family))


def relative_laws(name, family):
    """Return the ratio rows of relative.csv of a family."""
    return on_scale(fitted(name, family).relative)


def back_tests(name, *families):
    """Return the back-tests of gaps of some families of an entry."""
    rows = pd.concat([fitted(name, family).forecast for family in families])
    return rows[rows["quantity"] == "gap"]


def errors_at_the_next_budget(rows):
    """Return the mean errors of the laws and of "the gap stays as it is", in percent."""
    rows = rows[rows["horizon_class"] == "next"]
    return [rows[name].abs().mean() for name in ("error_percent", "error_constant_percent")]


def inside(rows):
    """Return the words `n of m` for the observations inside their intervals."""
    is_inside = rows["observed"].between(rows["ci_low"], rows["ci_high"])
    return f"{is_inside.sum()} of {len(rows)}"


def quoted(number):
    """Return a slope as the page writes it."""
    return f"{number:.4f}".replace("-", "−")


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_plans_and_its_table_has_the_stated_runs_and_domains(name):
    experiment = planned(name)
    assert experiment.from_table and experiment.name == name
    read = read_losses(experiment.settings.losses)
    assert read.frame["run"].nunique() == ENTRIES[name]["runs"]
    domains = read.frame.groupby("family")["domain"].nunique().to_dict()
    assert domains == ENTRIES[name]["families"] and set(experiment.families) == set(domains)
    for family in experiment.families:
        known = set(read.frame.loc[read.frame["family"] == family, "domain"])
        assert experiment.family(family).baseline in known
    assert len(find_optima(read.frame, optima_spec(experiment)))


@pytest.mark.parametrize("name", ENTRIES)
def test_a_table_is_small_and_states_its_source(name):
    folder = TABLES / name
    assert all(path.stat().st_size < 200_000 for path in folder.iterdir())
    readme = (folder / "README.md").read_text(encoding="utf-8")
    source = planned(name).settings.losses.source
    assert "arXiv" in readme and (source.commit is None or source.commit in readme)
    if name in LICENCES:
        licence = (folder / "LICENSE").read_text(encoding="utf-8")
        assert LICENCES[name] in licence and "Changes: " in readme
        assert f"relscale table import {name}" in " ".join(readme.split())
    assert f"EXPERIMENT=published/{name}" in PAGE


def test_the_gaps_are_the_percentages_that_were_read():
    gaps = pd.read_csv(TABLES / "paper_figures/gaps.csv")
    drawn = gaps[gaps["percent_drawn"].notna()]
    sign = np.where(drawn["figure"] == 7, 1, -1)
    expected = 1 + sign * drawn["percent_drawn"] / 100
    assert drawn["value"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-9)
    assert (gaps.loc[gaps["percent_drawn"].isna(), "value"] == 1).all()
    assert len(drawn) == 229


def test_the_slopes_of_the_paper_that_differ_from_zero_are_those_of_the_page():
    laws = pd.concat(
        [relative_laws("paper_figures", name) for name in ("knowledge", "language", "risk")]
    )
    p = laws["p_difference"].to_numpy(dtype=float)
    differ, after = int((p < LEVEL).sum()), int((holm(p) < LEVEL).sum())
    # Seven points leave five degrees of freedom; the numbers are those of
    # benchmarks/paper_points.py, which fits the same points without this project's laws.
    assert (len(laws), differ, after) == (33, 21, 6)
    assert f"Of {len(laws)} slopes, {differ} differ from zero" in PAGE
    assert f"{after} after Holm's adjustment over all {len(laws)}" in PAGE
    # The largest slope of the paper's benchmark, to its four printed digits.
    largest = laws.set_index(["family", "corpus", "treatment"])["dbeta"]
    assert largest["knowledge", "CommonPile", "humanities"] == pytest.approx(-0.0452, abs=5e-5)
    assert largest["language", "DCLM", "Nigeria"] == pytest.approx(0.0034, abs=5e-5)
    assert largest["risk", "DCLM", "Incorrigibility"] == pytest.approx(-0.0101, abs=5e-5)


def test_the_errors_of_forecasts_of_the_papers_gaps_are_those_of_the_page():
    families = ("knowledge", "language", "risk")
    rows = back_tests("paper_figures", *families)
    law, stays = errors_at_the_next_budget(rows)
    assert (
        f'mean error is {law:.2f} %, and that of "the gap stays as it is" is {stays:.2f} %' in PAGE
    )
    better = set()
    for family in families:
        one, other = errors_at_the_next_budget(back_tests("paper_figures", family))
        assert f"({one:.2f} against {other:.2f} %)" in PAGE
        better |= {family} if one < other else set()
    assert better == {"language", "risk"}
    assert rows["observed"].between(rows["ci_low"], rows["ci_high"]).all()


def test_the_correlations_with_internet_users_are_those_of_the_page():
    regions = pd.read_csv(TABLES / "paper_figures/regions.csv")
    users = np.log10(regions["english_speakers_online"].to_numpy(dtype=float))
    found = [correlation(users, -regions[corpus].to_numpy(dtype=float)) for corpus in CORPORA]
    assert {row["n"] for row in found} == {10}
    words = ", ".join(f"{-float(row['pearson_r']):.2f}" for row in found)
    assert f"R = {words}" in PAGE
    # One-sided p of the paper's figure 5c, to the digits of benchmarks/paper_points.py.
    assert [round(float(row["p_one_sided"]), 4) for row in found] == [0.0018, 0.0020, 0.0012]


def wide_models():
    """Return bits per byte of the models of llm-line, a row per model and a column per domain."""
    table = read_losses(planned("llm_line").settings.losses).frame
    return table.pivot_table(
        index=["corpus", "run", "recipe"], columns="domain", values="value"
    ).reset_index()


def largest_shift(models, factor, treatment):
    """Return the largest shift of G between levels at the same loss on C4, in percent.

    A parabola in the log loss is common to all levels.
    """
    models = models.dropna(subset=[treatment, "C4"])
    x = np.log(models["C4"].to_numpy(dtype=float))
    x -= x.mean()
    gap = np.log((models[treatment] / models["C4"]).to_numpy(dtype=float))
    levels = pd.get_dummies(models[factor]).to_numpy(dtype=float)
    found, *_ = np.linalg.lstsq(np.column_stack([levels, x, x * x]), gap, rcond=None)
    return 100 * math.expm1(np.ptp(found[: levels.shape[1]]))


def test_the_exponents_and_shifts_of_llm_line_are_those_of_the_page():
    models = wide_models()
    exponent = {
        corpus: np.polyfit(np.log(rows["C4"]), np.log(rows["Pile UC"]), 1)[0]
        for corpus, rows in models.groupby("corpus")
    }
    assert f"is {exponent['C4']:.2f} for models trained on C4" in PAGE
    assert f"{exponent['FineWeb-Edu']:.2f} on FineWeb-Edu" in PAGE
    assert f"{exponent['The Pile']:.2f} on The Pile" in PAGE
    assert exponent["The Pile Deduped"] == pytest.approx(exponent["The Pile"], abs=0.02)
    assert f"by {largest_shift(models, 'corpus', 'Pile UC'):.0f} % in G" in PAGE
    pile = models[models["corpus"] == "The Pile"].copy()
    parts = pile["recipe"].str.split(", ", expand=True)
    pile["architecture"], same = parts[0], (parts[1] == "gpt-neox").to_numpy()
    others = ["Pile UC", "RefinedWeb", "SlimPajama", "FineWeb-Edu"]
    for rows, words in ((pile, "shifts G by"), (pile[same], "with the same tokenizer by")):
        shifts = [largest_shift(rows, "architecture", name) for name in others]
        assert f"{words} {min(shifts):.1f} to {max(shifts):.1f} %" in PAGE
    assert f"but {len(pile)} models" in PAGE


def test_the_slopes_of_the_ladder_are_those_of_the_page():
    laws = relative_laws("olmo_ladder", "texts").set_index("treatment")
    assert set(laws["law"]) == {"loss_to_loss"}
    slopes = laws["dbeta"].sort_values()
    assert (slopes.index[0], slopes.index[-1]) == ("Code", "Reddit")
    for name in ("Code", "Reddit", "ICE"):
        assert f"{quoted(slopes[name])} for {name}" in PAGE
    assert f"{int((slopes < 0).sum())} of {len(slopes)} sets improve faster than C4" in PAGE


def test_the_back_tests_of_the_ladder_are_those_of_the_page():
    rows = back_tests("olmo_ladder", "texts")
    counts = {name: inside(part) for name, part in rows.groupby("horizon_class")}
    assert (
        f"contain {counts['next']} gaps at the next budget, {counts['3x']} at three times" in PAGE
    )
    assert f"{counts['10x']} at ten times and {counts['30x']} at thirty times" in PAGE
    far = rows[rows["horizon_class"] == "30x"]
    law, stays = (far[f"error{name}_percent"].abs().mean() for name in ("", "_constant"))
    assert (
        f'mean error is {law:.1f} %, and that of "the gap stays as it is" is {stays:.1f} %' in PAGE
    )
