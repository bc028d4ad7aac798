"""What each figure is drawn from, and what it is told. Functions only."""

FIGURE_FAMILIES = figure_families(FAMILIES)
PAPER_FAMILIES = [
    family for family in ("knowledge", "language", "behaviour", "risk") if family in FAMILIES
]
COMPARED = [family for family in FAMILIES if EXPERIMENT.families[family].baseline]
TEASER = [family for family in EXPERIMENT.figures.teaser if family in FAMILIES]
# The family of the pipeline's last panel: continuations where there are any, since many options of
# one kind make the clearest sigmoid.
TWO_STAGE = sorted(
    filter(is_two_stage, FAMILIES),
    key=lambda family: EXPERIMENT.families[family].kind != "continuation",
)
CATEGORIES = {
    "figure": "1 Figures of the paper",
    "isoflop": "2 Diagnostics",
    "loss": "2 Diagnostics",
    "residuals": "2 Diagnostics",
    "backtest": "2 Diagnostics",
    "estimators": "2 Diagnostics",
    "detectable": "2 Diagnostics",
    "topics": "1 Figures of the paper",
    "paper": "3 Beside the paper",
}


def law_files(families, *kinds):
    """Return named law tables of families, as the figures take them."""
    return {kind: [f"{RESULTS}/laws/{family}/{kind}.csv" for family in families] for kind in kinds}


def figure_tables(figure):
    """Return the tables that a figure is drawn from, by the name that the figure gives them."""
    optimum_by, choice = EXPERIMENT.laws.optimum_by, TWO_STAGE[:1]
    reference = "workflow/reference"
    if figure in FIGURE_FAMILIES:
        covariates = (
            {"covariates": [f"{reference}/{EXPERIMENT.figures.covariates}"]}
            if figure == "figure5_language"
            else {}
        )
        return law_files([FIGURE_FAMILIES[figure]], "points", "absolute", "relative") | covariates
    optimum_losses = {
        "losses": [f"{RESULTS}/evaluations/{optimum_by}/losses.parquet"],
        "optima": [f"{RESULTS}/laws/optima.csv"],
    }
    return {
        "figure1_teaser": lambda: law_files(TEASER, "points", "relative"),
        "figure2_pipeline": lambda: optimum_losses
        | {
            "losses": [
                f"{RESULTS}/evaluations/{family}/losses.parquet" for family in [optimum_by, *choice]
            ]
        }
        | law_files([optimum_by], "points", "absolute")
        | law_files(choice, "two_stage", "predictions"),
        "figure3_prompts": lambda: {
            "losses": [f"{RESULTS}/tables/losses.parquet"],
            "prompts": [f"{reference}/paper_prompts.csv"],
        }
        | ({"own_prompts": [f"{RESULTS}/laws/prompts.csv"]} if PROMPTS else {}),
        "figure6_size_or_data": lambda: law_files(
            [EXPERIMENT.figures.size_or_data], "decomposition"
        ),
        "isoflop_curves": lambda: optimum_losses,
        "loss_curves": lambda: {
            "curve": [f"{RESULTS}/tables/curves.csv"],
            "suite": [f"{RESULTS}/tables/suite.csv"],
        },
        "isoflop_metrics": lambda: {
            "losses": [f"{RESULTS}/tables/losses.parquet"],
            "optima": [f"{RESULTS}/laws/optima.csv"],
            "points": [f"{RESULTS}/laws/points.csv"],
        },
        "residuals": lambda: law_files(COMPARED, "points", "absolute", "relative"),
        "backtest": lambda: law_files(COMPARED, "backtest"),
        "detectable": lambda: law_files(COMPARED, "relative"),
        "estimators": lambda: law_files(TEASER, "relative"),
        "paper_beside": lambda: law_files(PAPER_FAMILIES, "points", "relative")
        | {"published": [f"{reference}/paper_slopes.csv"]},
    }[figure]()


def family_view(family):
    """Return what a figure is told of a family."""
    settings = EXPERIMENT.families[family]
    return {
        "family": family,
        "metric": settings.metrics[0],
        "baseline": settings.baseline or "",
        "domains": settings.domain_names(),
    }


def window():
    """Return the tokens that models see at once; 0 where each checkpoint has its own."""
    return (
        EXPERIMENT.suite.recipe.context_length
        if TRAINED
        else EXPERIMENT.released.max_length or 0
    )


def figure_spec(figure):
    """Return what a figure is told beside its tables."""
    laws, figures = EXPERIMENT.laws, EXPERIMENT.figures
    common = {"corpora": SUITES, "labels": figures.labels}
    by_law = common | {"estimator": laws.estimators[0]}
    drawn = by_law | {"compute": laws.compute, "extrapolate_decades": figures.extrapolate_decades}
    if figure in FIGURE_FAMILIES:
        spec = drawn | family_view(FIGURE_FAMILIES[figure]) | {"paper_line": figures.paper_line}
        return (
            spec | {"covariate_label": figures.covariate_label}
            if figure == "figure5_language"
            else spec
        )
    teaser, compared = [family_view(family) for family in TEASER], [
        family_view(family) for family in COMPARED
    ]
    published = {
        "knowledge": "knowledge",
        "language": "language",
        "behaviour": "risk",
        "risk": "risk",
    }
    return {
        "figure1_teaser": lambda: drawn
        | {"corpus": figures.corpus, "families": teaser, "paper_line": figures.paper_line},
        "figure2_pipeline": lambda: common
        | {
            "corpus": figures.corpus,
            "family": laws.optimum_by,
            "choice_family": "".join(TWO_STAGE[:1]),
            "compute": laws.compute,
            "extrapolate_decades": figures.extrapolate_decades,
        },
        "figure3_prompts": lambda: common | {"compute": laws.compute, "window": window()},
        "figure6_size_or_data": lambda: common | family_view(figures.size_or_data),
        "isoflop_curves": lambda: common | {"family": laws.optimum_by, "compute": laws.compute},
        "loss_curves": lambda: common
        | {"budgets": [budget.label for budget in EXPERIMENT.suite.budgets]},
        "isoflop_metrics": lambda: common
        | {
            "families": [
                {
                    "family": family,
                    "metrics": EXPERIMENT.families[family].metrics,
                    "domain": EXPERIMENT.families[family].baseline or "",
                }
                for family in FAMILIES
            ],
            "compute": laws.compute,
        },
        "residuals": lambda: by_law | {"families": compared, "compute": laws.compute},
        "backtest": lambda: by_law | {"families": compared},
        "detectable": lambda: by_law | {"families": compared},
        "estimators": lambda: by_law | {"families": teaser},
        "paper_beside": lambda: by_law
        | {
            "families": [
                family_view(family) | {"paper": published[family]} for family in PAPER_FAMILIES
            ],
            "pairs": figures.paper_corpora,
        },
    }[figure]()
