"""A checklist of how laws were fitted, for the methods section of a paper.

The questions are those of Li et al. (2025, "(Mis)Fitting: A Survey of Scaling Laws",
arXiv:2502.18969), in our words. The answers come from the settings and the runs alone; a question
that the table cannot answer says so.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from relscale.laws.auto_model import NAME as AUTO
from relscale.laws.cells import Array, SuiteRuns
from relscale.laws.classical import error_law
from relscale.laws.classical.registry import CLASSICAL
from relscale.laws.metric_fits import CorpusFits
from relscale.laws.spec import FAMILY_MEAN, LawSpec
from relscale.laws.surface_fit.projection import START_PAIRS

POINTS = {
    "all": "all (N, D), seeds averaged",
    "params_limited": "(N, D) whose loss depends on N alone, seeds averaged",
    "tokens_limited": "(N, D) whose loss depends on D alone, seeds averaged",
    "optima": "the minima of IsoFLOP curves",
}
"""Points that a classical law is fitted to, by `ClassicalLaw.runs`."""
NOT_IN_THE_TABLE = "not in the losses table: state it"


def checklist(corpora: Sequence[CorpusFits], spec: LawSpec) -> str:
    """Return the checklist as Markdown.

    Args:
        corpora: the fits of a family, one per corpus.
        spec: settings of the fits.
    """
    lines = [
        f"# How the laws of family {spec.family} were fitted",
        "",
        "Made from the settings and the runs of the fits; the questions follow Li et al. (2025,",
        "arXiv:2502.18969).",
    ]
    for title, answers in (
        ("The law", _forms(spec)),
        ("The runs", _runs(corpora, spec)),
        ("Counting", _counts(corpora, spec)),
        ("The fit", _fit(corpora, spec)),
        ("Uncertainty and extrapolation", _uncertainty(corpora, spec)),
    ):
        lines += ["", f"## {title}", "", *(f"- **{name}:** {text}" for name, text in answers)]
    return "\n".join(lines) + "\n"


def _forms(spec: LawSpec) -> Iterator[tuple[str, str]]:
    """Yield the laws that were fitted."""
    chosen = (
        f"{AUTO} takes the law that predicts budgets that are left out best, of those that the "
        "data do not refuse; "
        if AUTO in spec.estimators
        else ""
    )
    yield (
        "Relative law",
        f"log G over log F by the estimators {', '.join(spec.estimators)}; the first one decides "
        f"verdicts; {chosen}the others have log G = log gamma + dbeta log F. Baseline: "
        f"{spec.baseline or 'none'}.",
    )
    for name in spec.classical:
        if name in CLASSICAL:
            form = CLASSICAL[name].form
            yield (
                f"`{name}`",
                f"{form.source}; {form.num_parameters} parameters; points: "
                f"{POINTS[CLASSICAL[name].runs]}; shown only where the data identify it",
            )
    if error_law.NAME in spec.classical:
        both = spec.accuracy_metric in spec.metrics and spec.loss_metric in spec.metrics
        yield (
            f"`{error_law.NAME}`",
            f"{error_law.SOURCE}; 3 parameters; points: runs, mean error of the domains by their "
            "mean loss; shown only where the data identify it"
            if both
            else f"not fitted: {spec.loss_metric} and {spec.accuracy_metric} are not both among "
            "the metrics",
        )
    yield "Quantity", f"{', '.join(spec.metrics)} of the domains of {spec.family}"


def _runs(corpora: Sequence[CorpusFits], spec: LawSpec) -> Iterator[tuple[str, str]]:
    """Yield the data that were fitted."""
    for corpus in corpora:
        runs = corpus.runs
        compute, tokens = np.exp(runs.log_compute), 10**runs.log10_tokens
        yield (
            f"Runs of {runs.corpus}",
            f"{len(runs.runs)} runs, {runs.num_cells} combinations of size and tokens, "
            f"{len(runs.budgets)} budgets; D from {tokens.min():.3g} to {tokens.max():.3g}, "
            f"{spec.compute} from {compute.min():.3g} to {compute.max():.3g}; "
            + "; ".join(_sizes(count, params, tokens) for count, params in _params(runs)),
        )
    family = corpora[0].family if corpora else pd.DataFrame()
    yield "Checkpoints", _checkpoints(family)
    yield "Seeds", _seeds(corpora)
    yield "Learning rate, batch size, schedule", _recipes(family)
    yield "Excluded", _excluded(family)


def _params(runs: SuiteRuns) -> list[tuple[str, Array]]:
    """Return the ways of counting parameters that the table has, first that of the laws."""
    if not runs.params_split:
        return [("all parameters", runs.params_total)]
    return [
        ("parameters of transformer and head", runs.params_model),
        ("all parameters", runs.params_total),
    ]


def _sizes(count: str, params: Array, tokens: Array) -> str:
    """Return the ranges of N and of tokens per parameter by a way of counting."""
    ratio = tokens / params
    return (
        f"{params.min():.3g} to {params.max():.3g} {count}, {ratio.min():.3g} to "
        f"{ratio.max():.3g} tokens for each"
    )


def _checkpoints(family: pd.DataFrame) -> str:
    """Return whether the values are those of final checkpoints."""
    if "step" in family.columns:
        return "evaluations along the runs (column `step`)"
    return "one per run, as the table has it"


def _seeds(corpora: Sequence[CorpusFits]) -> str:
    """Return how many combinations of size and tokens were trained more than once."""
    counts = [np.bincount(corpus.runs.run_cell) for corpus in corpora]
    repeated = sum(int(np.sum(count > 1)) for count in counts)
    total = sum(len(count) for count in counts)
    return f"{repeated} of {total} combinations of size and tokens have several runs"


def _recipes(family: pd.DataFrame) -> str:
    """Return the recipes of the runs."""
    if "recipe" in family.columns and family["recipe"].notna().any():
        names = sorted(family["recipe"].dropna().astype(str).unique())
        return f"by recipe: {', '.join(names)}"
    return NOT_IN_THE_TABLE


def _excluded(family: pd.DataFrame) -> str:
    """Return which rows were not used, by reason."""
    if "used" not in family.columns or family["used"].all():
        return "no row"
    left = family[~family["used"]]["reason"].value_counts()
    reasons = "; ".join(f"{reason}: {count}" for reason, count in left.items())
    return f"{int(left.sum())} of {len(family)} rows: {reasons}"


def _counts(corpora: Sequence[CorpusFits], spec: LawSpec) -> Iterator[tuple[str, str]]:
    """Yield how sizes, tokens and compute are counted."""
    split = [corpus.runs.params_split for corpus in corpora]
    yield (
        "N",
        "transformer and head, without the embedding"
        if split and all(split)
        else "all parameters: the table does not split them",
    )
    yield "D", "training tokens, as the table has them"
    ratios = [
        np.exp(corpus.runs.log_compute) / (corpus.runs.params_model * 10**corpus.runs.log10_tokens)
        for corpus in corpora
    ]
    every = np.concatenate(ratios) if ratios else np.array([np.nan])
    yield (
        "Compute",
        f"{spec.compute}, as the table has it: {every.min():.3g} to {every.max():.3g} times N D",
    )


def _fit(corpora: Sequence[CorpusFits], spec: LawSpec) -> Iterator[tuple[str, str]]:
    """Yield objective, optimiser and starts."""
    located = sorted({corpus.runs.optimum_by for corpus in corpora})
    yield (
        "Optimum of a budget",
        "by the "
        + "; ".join(
            "mean over the family's domains" if name == FAMILY_MEAN else f"loss of family {name}"
            for name in located
        ),
    )
    yield (
        "Objective",
        "weighted least squares of the log loss (relative errors); surfaces also by "
        f"{spec.surface_loss} of the log loss"
        + (f" with delta {spec.huber_delta:g}" if spec.huber_delta else ""),
    )
    yield (
        "Weights of observations",
        "at the points of IsoFLOP curves and for surfaces, the inverse variance of a size by its "
        "number of seeds and its items, where repeated seeds or items are "
        "known, else equal; classical laws: equal for all (N, D); laws over runs: equal for all "
        "runs" + ("; sigmoids: the inverse variance of a run" if spec.chance is not None else ""),
    )
    yield (
        "Optimiser and starts",
        f"surfaces: variable projection from {len(START_PAIRS)} starts, and by robust losses "
        "damped Gauss-Newton and L-BFGS-B; classical laws: damped Gauss-Newton from the best four "
        "of their starting values; laws of one variable with an irreducible loss: a grid of "
        "exponents, refined about the best, with the other two parameters by linear least "
        "squares; loss against loss: Levenberg-Marquardt"
        + ("; sigmoids: Levenberg-Marquardt" if spec.chance is not None else "")
        + "; straight lines, planes and parabolas: linear least squares",
    )
    yield "Check of the law", "errors at the largest budgets, up to half of them, left out"


def _uncertainty(corpora: Sequence[CorpusFits], spec: LawSpec) -> Iterator[tuple[str, str]]:
    """Yield how intervals were made, and the range of the data."""
    items = any(corpus.items for corpus in corpora)
    yield (
        "Intervals",
        f"{100 * spec.level:g} %, {spec.draws} draws, seed {spec.seed}; noise of runs and budgets, "
        + ("and of the evaluation items" if items else "without that of the evaluation items"),
    )
    yield (
        "Multiple tests",
        "verdicts are adjusted over the treatments and corpora of the family; intervals are not",
    )
    highest = max((float(corpus.runs.log_compute.max()) for corpus in corpora), default=np.nan)
    yield (
        "Extrapolation",
        f"laws are fitted up to {spec.compute} of {np.exp(highest):.3g}; bands beyond are drawn "
        "only with an interval that back-tests calibrated",
    )
