"""The checklist of a fit."""

import re

import pandas as pd

from relscale.laws.checklist import NOT_IN_THE_TABLE, checklist
from relscale.laws.fit import fit_family
from relscale.laws.spec import FAMILY_MEAN, LawSpec

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


def test_every_way_of_counting_of_the_table_is_stated(plant_surface):
    losses = plant_surface()
    text = checklist(fit_family(losses, SPEC).corpora, SPEC)
    runs = losses.drop_duplicates("run")
    ratio = runs.tokens / runs.num_params_total
    assert f"{ratio.min():.3g} to {ratio.max():.3g} tokens for each" in text
    assert "parameters of transformer and head" not in text
    model = runs.num_params_total.round()
    split = losses.assign(
        num_params_transformer=losses.num_params_total.round() - 1000,
        num_params_head=1000,
        num_params_embedding=5000,
        num_params_total=losses.num_params_total.round() + 5000,
    )
    text = checklist(fit_family(split, SPEC).corpora, SPEC)
    assert f"{model.min():.3g} to {model.max():.3g} parameters of transformer and head" in text
    larger = model + 5000
    assert f"{larger.min():.3g} to {larger.max():.3g} all parameters" in text


def test_weights_and_optimisers_are_stated(plant_surface):
    text = checklist(fit_family(plant_surface(), SPEC).corpora, SPEC)
    assert "**Weights of observations:**" in text and "variable projection from 25 starts" in text
    assert "sigmoids" not in text and "all other laws are linear" not in text
    assert "**Optimum of a budget:** by the loss of family validation\n" in text


def test_the_law_that_auto_takes_is_not_called_a_straight_line(plant_surface):
    spec = SPEC.model_copy(update={"estimators": ("auto", "joint"), "optimum_by": FAMILY_MEAN})
    losses = plant_surface()
    text = checklist(fit_family(losses[losses.family == "topics"], spec).corpora, spec)
    assert "auto takes the law that predicts budgets that are left out best" in text
    assert "by the mean over the family's domains" in text
    assert "auto takes" not in checklist(fit_family(losses, SPEC).corpora, SPEC)


def test_the_law_of_the_error_is_listed_with_what_it_needs(plant_surface):
    losses = plant_surface()
    spec = SPEC.model_copy(update={"classical": ("error_exponential",)})
    text = checklist(fit_family(losses, spec).corpora, spec)
    assert "`error_exponential`:** not fitted: bits_per_byte and accuracy are not both" in text
    accuracy = losses.assign(metric="accuracy", value=1 - 0.2 * losses["value"])
    both = pd.concat([losses, accuracy[accuracy.family == "topics"]])
    fitted = spec.model_copy(update={"metrics": ("bits_per_byte", "accuracy"), "chance": 0.25})
    text = checklist(fit_family(both, fitted).corpora, fitted)
    assert "`error_exponential`:** Gadre et al. (2024)" in text and "sigmoids" in text


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
