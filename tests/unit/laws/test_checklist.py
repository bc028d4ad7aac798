"""The checklist of a fit."""

import re

from relscale.laws.checklist import NOT_IN_THE_TABLE, checklist
from relscale.laws.fit import fit_family
from relscale.laws.spec import LawSpec

SPEC = LawSpec(
    family="topics", baseline="base", draws=100, estimators=("joint",), classical=("overtraining",)
)


def test_every_number_is_that_of_the_table(plant_surface):
    losses = plant_surface()
    topics = losses.index[losses.family == "topics"]
    losses.loc[topics[:3], "excluded_reason"] = "diverged"
    corpora = fit_family(losses, SPEC).corpora
    text = checklist(corpora, SPEC)
    runs = losses.drop_duplicates("run")
    assert f"{len(runs)} runs" in text and "4 budgets" in text
    assert f"D from {runs.tokens.min():.3g} to {runs.tokens.max():.3g}" in text
    assert "6 to 6 times N D" in text
    assert "Gadre et al. (2024)" in text and "kaplan" not in text
    assert f"3 of {len(topics)} rows: diverged: 3" in text


def test_the_recipe_is_stated_or_asked_for(plant_surface):
    losses = plant_surface()
    text = checklist(fit_family(losses, SPEC).corpora, SPEC)
    assert NOT_IN_THE_TABLE in text
    stated = checklist(fit_family(losses.assign(recipe="cosine"), SPEC).corpora, SPEC)
    assert NOT_IN_THE_TABLE not in stated and "by recipe: cosine" in stated


def test_no_answer_is_empty(plant_surface):
    text = checklist(fit_family(plant_surface(), SPEC).corpora, SPEC)
    for name, answer in re.findall(r"^- \*\*(.*?):\*\* (.*)$", text, flags=re.MULTILINE):
        assert name and answer and "nan" not in answer, name
