"""Synthetic tables with planted laws: three corpora, four budgets, six sizes, the families of the
default experiment."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relscale.contract.buckets import PARTITIONS
from relscale.contract.corpus_statistics import CORPUS_STATISTICS, STATISTICS
from relscale.contract.losses import LOSSES_COLUMNS
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.backtest import BACKTEST
from relscale.contract.tables.buckets import BUCKETS
from relscale.contract.tables.classical import CLASSICAL_LAWS
from relscale.contract.tables.conditions import CONDITIONS
from relscale.contract.tables.control_slopes import CONTROL_SLOPES
from relscale.contract.tables.controls import CONTROLS
from relscale.contract.tables.counts import COUNTS
from relscale.contract.tables.curve_forecasts import CURVE_FORECASTS
from relscale.contract.tables.curves import CURVES
from relscale.contract.tables.decomposition import DECOMPOSITION
from relscale.contract.tables.exponents import EXPONENTS
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.loss_to_loss import LOSS_TO_LOSS
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.position_laws import POSITION_LAWS
from relscale.contract.tables.positions import POSITIONS
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.representation import REPRESENTATION
from relscale.contract.tables.statistics_exponents import STATISTICS_EXPONENTS
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.contract.tables.tuned import TUNED
from relscale.contract.tables.tuned_sizes import TUNED_SIZES
from relscale.contract.tables.two_stage import TWO_STAGE

CORPORA = ("curated", "web", "web_synthetic")
BUDGETS = ("5e10", "1e11", "2e11", "5e11")
BUCKET_KEYS = (("all", "all"), *((part, name) for part in PARTITIONS for name in PARTITIONS[part]))
"""Partition and bucket of the rows of buckets.csv."""
REFERENCE = 1.6e11
SHAPES = ((16, 1), (24, 1), (32, 1), (32, 2), (48, 2), (64, 2))
FAMILIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "validation": ("", "bits_per_byte", ("own",)),
    "knowledge": ("STEM", "bits_per_byte", ("STEM", "humanities", "social_sciences", "other")),
    "topics": (
        "People",
        "bits_per_byte",
        (
            "People",
            "Geography",
            "History",
            "Arts",
            "Biology",
            "Physics",
            "Mathematics",
            "Society",
            "Technology",
            "Philosophy",
            "Everyday_life",
        ),
    ),
    "language": ("US", "bits_per_byte", ("US", "GB", "IE", "QA", "CN", "DE", "RU")),
    "behaviour": (
        "factual",
        "choice_probability_per_byte",
        ("factual", "deception", "bias", "sycophancy", "toxicity"),
    ),
}


def _representation() -> list[dict[str, object]]:
    """Rows of two domains in three corpora, and their differences in differences."""
    rows: list[dict[str, object]] = []
    shares = {"lean_a": (0.6, 0.04), "even": (0.2, 0.2), "lean_b": (0.04, 0.6)}

    def add(value: float, **columns: object) -> None:
        rows.append(
            {
                "family": "strata",
                "metric": "bits_per_byte",
                "scale": "ratio",
                "floors": "none",
                "estimator": "joint",
                "value": value,
                "ci_low": value - 0.002,
                "ci_high": value + 0.003,
                "status": "ok",
                **columns,
            }
        )

    for corpus, (ours, theirs) in shares.items():
        odds = math.log(ours / theirs)
        for quantity, gap in (("level", 0.1 - 0.06 * odds), ("slope", 0.002 * odds)):
            about = {"corpus": corpus, "kind": "corpus", "quantity": quantity}
            add(gap, subject="a / b", log_share=odds, **about)
            for name, share in (("a", ours), ("b", theirs)):
                log_share = math.log(share)
                own = 0.7 - 0.06 * log_share if quantity == "level" else -0.08 + 0.002 * log_share
                add(own, subject=name, log_share=log_share, **{**about, "scale": "loss"})
    for quantity, gap, own in (("level", -0.06, -0.06), ("slope", 0.002, 0.002)):
        for subject, scale, slope in (("a / b", "ratio", gap), *((x, "loss", own) for x in "ab")):
            about = {"subject": subject, "scale": scale, "quantity": quantity}
            add(slope, corpus="all", kind="dose", **about)
            for row in [row for row in rows if row["kind"] == "corpus"]:
                if all(row[name] == value for name, value in about.items()):
                    named = {"corpus": row["corpus"], "log_share": row["log_share"]}
                    add(float(str(row["value"])) + 0.001, kind="line", **about, **named)
    ends = {"corpus": "lean_a - lean_b", "kind": "difference", "subject": "a / b"}
    for quantity, value in (("level", -0.325), ("slope", 0.0108)):
        told = {"expected": "negative", "written": "2026-11-29", "agreement": "agrees"}
        add(value, quantity=quantity, margin=0.01, log_share=5.4, **ends, **told)
        add(1.1 * value, quantity=quantity, margin=0.01, **{**ends, "estimator": "vertex"})
        add(math.nan, quantity=quantity, scale="reducible", floors="surface", **ends)
        rows[-1]["status"] = "floors_not_identified"
        add(1.2 * value, quantity=quantity, scale="reducible", floors="assumed 0.5", **ends)
    return rows


def rows_of(columns: tuple[str, ...], rows: list[dict[str, object]]) -> pd.DataFrame:
    """Make a table of a contract's columns; what a row does not name is empty."""
    return pd.DataFrame(rows, columns=list(columns))


def planted(corpus: int, family: str, place: int) -> tuple[float, float]:
    """Return gamma and dbeta of a domain by its place in its family; the baseline is 1 and 0."""
    if place == 0:
        return 1.0, 0.0
    scale = 0.05 if family == "behaviour" else 0.12
    gamma = 1 + scale * math.sin(1.7 * place + corpus) + (0.06 if family != "behaviour" else 0.0)
    return gamma, 0.03 * math.sin(2.3 * place + 0.6 * corpus) * (
        0.3 if family == "behaviour" else 1.0
    )


def make_tables(
    families: dict[str, tuple[str, str, tuple[str, ...]]] | None = None,
    corpora: tuple[str, ...] = CORPORA,
    budgets: tuple[str, ...] = BUDGETS,
    noise: float = 0.006,
) -> dict[str, pd.DataFrame]:
    """Make the tables that figures read, with planted laws and a little noise, from a fixed
    seed."""
    families = FAMILIES if families is None else families
    rng = np.random.default_rng(5)
    points, absolute, relative, decomposition, losses = [], [], [], [], []
    for c, corpus in enumerate(corpora):
        for family, (baseline, metric, domains) in families.items():
            level, exponent = (
                (0.4, 0.0) if metric == "choice_probability_per_byte" else (2.5 + 0.1 * c, 0.09)
            )
            for place, domain in enumerate(domains):
                gamma, dbeta = planted(c, family, place)
                absolute.append(
                    {
                        "corpus": corpus,
                        "family": family,
                        "domain": domain,
                        "metric": metric,
                        "estimator": "vertex",
                        "compute": "training_flops",
                        "coefficient": level * gamma * REFERENCE ** (exponent - dbeta),
                        "exponent": exponent - dbeta,
                        "offset": np.nan,
                        "standard_error": 0.004,
                        "ci_low": exponent - dbeta - 0.01,
                        "ci_high": exponent - dbeta + 0.01,
                        "r2": 0.99,
                        "num_points": len(budgets),
                        "status": "ok",
                    }
                )
                for budget in budgets:
                    flops = float(budget)
                    gap = (
                        gamma
                        * (flops / REFERENCE) ** dbeta
                        * math.exp(noise * rng.standard_normal())
                        if place
                        else 1.0
                    )
                    error = level * (flops / REFERENCE) ** -exponent * gap
                    points.append(
                        {
                            "corpus": corpus,
                            "family": family,
                            "metric": metric,
                            "domain": domain,
                            "estimator": "vertex",
                            "budget": budget,
                            "forward_flops": flops / 3,
                            "training_flops": flops,
                            "value": error,
                            "standard_error": 0.004 * error,
                            "gap": gap,
                            "gap_standard_error": 0.006 if place else 0.0,
                            "status": "ok",
                        }
                    )
                    for k, (width, layers) in enumerate(SHAPES):
                        losses.append(
                            _run(
                                corpus,
                                budget,
                                width,
                                layers,
                                k,
                                family,
                                domain,
                                metric,
                                error,
                                rng,
                                noise,
                            )
                        )
                if place:
                    relative += _laws(
                        corpus, family, metric, domain, baseline, gamma, dbeta, len(budgets), place
                    )
                    decomposition.append(_slopes(corpus, family, metric, domain, baseline, dbeta))
    return {
        "points": rows_of(POINTS.names, points),
        "absolute": rows_of(ABSOLUTE.names, absolute),
        "relative": rows_of(RELATIVE.names, relative),
        "decomposition": rows_of(DECOMPOSITION.names, decomposition),
        "losses": rows_of(LOSSES_COLUMNS, losses + _continuation(corpora, budgets, rng)),
        "optima": rows_of(OPTIMA.names, _optima(corpora, budgets)),
        "backtest": rows_of(BACKTEST.names, _predictions(points, budgets, noise)),
        "curves": pd.DataFrame(_curves_of_laws(points, budgets), columns=list(CURVES.names)),
        "classical": rows_of(CLASSICAL_LAWS.names, _classical(families, corpora)),
        "exponents": rows_of(EXPONENTS.names, _exponents(families, corpora)),
        "controls": rows_of(CONTROLS.names, _controls(points)),
        "control_slopes": rows_of(CONTROL_SLOPES.names, _control_slopes(relative, points)),
        "corpus_statistics": rows_of(CORPUS_STATISTICS.names, _statistics(absolute)),
        "statistics_exponents": rows_of(STATISTICS_EXPONENTS.names, _correlations()),
        "counts": rows_of(COUNTS.names, _counts(families, corpora)),
        "buckets": rows_of(BUCKETS.names, _buckets(families, corpora)),
        "positions": rows_of(POSITIONS.names, _positions(families, corpora, budgets)),
        "position_laws": rows_of(POSITION_LAWS.names, _position_laws(families, corpora, budgets)),
        "forecast": pd.DataFrame(_forecasts(points, noise), columns=list(FORECAST.names)),
        "loss_to_loss": pd.DataFrame(
            [_loss_to_loss(row, planted_of(row)[0]) for row in decomposition],
            columns=list(LOSS_TO_LOSS.names),
        ),
        "representation": rows_of(REPRESENTATION.names, _representation()),
        "suite_contrasts": rows_of(SUITE_CONTRASTS.names, _suite_contrasts(families, corpora)),
        "suite_contrast_points": rows_of(
            SUITE_CONTRAST_POINTS.names, _suite_contrast_points(families, corpora, budgets)
        ),
        "two_stage": rows_of(TWO_STAGE.names, [_sigmoid(corpus) for corpus in corpora]),
        "covariates": pd.DataFrame(
            {
                "domain": ["GB", "IE", "DE", "QA", "RU", "CN"],
                "value": [21.3, 10.9, 20.8, 4.07, 1.02, 0.708],
            }
        ),
        "suite": pd.DataFrame(
            [
                {"run": f"{corpus}-{budget}-{w}x{n}", "corpus": corpus, "budget": budget}
                for corpus in corpora
                for budget in budgets
                for w, n in SHAPES
            ]
        ),
        "curve": _curves(corpora, budgets, rng),
        "conditions": rows_of(CONDITIONS.names, [_condition(corpus) for corpus in corpora]),
        "curve_forecasts": rows_of(CURVE_FORECASTS.names, _curve_forecasts(corpora, budgets)),
        "tuned": rows_of(TUNED.names, _tuned(relative)),
        "tuned_sizes": rows_of(TUNED_SIZES.names, _tuned_sizes(corpora, budgets)),
    }


def _condition(corpus) -> dict[str, object]:
    """Return a law of a training condition."""
    return {
        "corpus": corpus,
        "family": "validation",
        "domain": "own",
        "metric": "bits_per_byte",
        "law": "data_constrained",
        "parameter": "R_tokens",
        "value": 8.0,
        "ci_low": 6.0,
        "ci_high": 11.0,
        "status": "ok",
    }


def _curve_forecasts(corpora, budgets) -> list[dict[str, object]]:
    """Return forecasts of training curves whose errors have both signs."""
    rows = []
    for corpus in corpora:
        for place, budget in enumerate(budgets):
            for k, (width, layers) in enumerate(SHAPES):
                error = 3.0 * math.sin(1.3 * k + place)
                rows.append(
                    {
                        "corpus": corpus,
                        "budget": budget,
                        "run": f"{corpus}-{budget}-{width}x{layers}",
                        "observed": 3.0,
                        "forecast": 3.0 * (1 + error / 100),
                        "ci_low": 2.9,
                        "ci_high": 3.1,
                        "ci_level": 0.95,
                        "last_value": 3.15,
                        "error_percent": error,
                        "last_value_error_percent": 5.0,
                        "best_other": 3.0,
                        "decision": "undecided",
                        "num_points": 50,
                        "status": "ok" if k % 2 else "not_identified",
                    }
                )
    return rows


def best_tokens(budget: str) -> float:
    """Return the planted optimal token count of a budget."""
    return 3.2e5 * (float(budget) / 5e10) ** 0.55


def _run(
    corpus, budget, width, layers, k, family, domain, metric, error, rng, noise
) -> dict[str, object]:
    tokens = best_tokens(budget) * 10 ** (0.9 - 0.36 * k)
    params = float(budget) / 6 / tokens
    away = math.log10(tokens / best_tokens(budget))
    worse = (
        math.exp(0.12 * away**2 + noise * rng.standard_normal())
        if metric == "bits_per_byte"
        else 1 + noise * rng.standard_normal()
    )
    return {
        "corpus": corpus,
        "run": f"{corpus}-{budget}-{width}x{layers}",
        "seed": 0,
        "recipe": "cpu_small",
        "budget": budget,
        "forward_flops": float(budget) / 3,
        "training_flops": float(budget),
        "num_params_embedding": 512 * width,
        "num_params_head": 512 * width,
        "num_params_transformer": int(params),
        "num_params_total": int(params) + 1024 * width,
        "tokens": int(tokens),
        "family": family,
        "domain": domain,
        "metric": metric,
        "unit": "bits/byte" if metric == "bits_per_byte" else "1",
        "value": error * worse,
        "standard_error": 0.004 * error,
        "num_items": 400,
        "num_bytes": 40000,
        "num_truncated": 3,
        "at_chance": False,
        "excluded_reason": "",
    }


def _continuation(corpora, budgets, rng) -> list[dict[str, object]]:
    rows = []
    for corpus in corpora:
        for budget in budgets:
            for k, (width, layers) in enumerate(SHAPES):
                loss = (
                    1.5
                    - 0.12 * math.log10(float(budget) / 5e10)
                    + 0.02 * (k - 2.5) ** 2 / 6
                    + 0.01 * rng.standard_normal()
                )
                accuracy = (
                    0.25 + 0.75 / (1 + math.exp(2.5 * (loss - 0.8))) + 0.01 * rng.standard_normal()
                )
                for metric, value in (("choice_loss_nats", loss), ("accuracy", accuracy)):
                    rows.append(
                        _run(
                            corpus,
                            budget,
                            width,
                            layers,
                            k,
                            "continuation",
                            "same_topic",
                            metric,
                            value,
                            rng,
                            0.0,
                        )
                    )
    return rows


ERROR_WORDS = (
    "narrows",
    "widens",
    "parallel",
    "crosses",
    "undecided",
    "narrows slightly",
    "widens slightly",
)
RISING_WORDS = ("rises", "falls", "parallel", "undecided", "rises slightly", "falls slightly")


def _laws(
    corpus, family, metric, domain, baseline, gamma, dbeta, budgets, place
) -> list[dict[str, object]]:
    """Return the laws on the scales `ratio` and `difference`; both have the same verdict."""
    rows = []
    words = RISING_WORDS if metric == "choice_probability_per_byte" else ERROR_WORDS
    decades = math.log(max(map(float, BUDGETS)) / min(map(float, BUDGETS)))
    for estimator, half, shift in (
        ("joint", 0.006, 0.0),
        ("vertex", 0.013, 0.004),
        ("best_run", 0.02, -0.006),
    ):
        row = {
            "corpus": corpus,
            "family": family,
            "metric": metric,
            "treatment": domain,
            "baseline": baseline,
            "estimator": estimator,
            "scale": "ratio",
            "path": "optimal",
            "law": "line",
            "compute": "training_flops",
            "reference_compute": REFERENCE,
            "gamma": gamma,
            "gamma_ci_low": gamma * 0.994,
            "gamma_ci_high": gamma * 1.006,
            "dbeta": dbeta + shift,
            "standard_error": half / 2.1,
            "dof": 20,
            "ci_low": dbeta + shift - half,
            "ci_high": dbeta + shift + half,
            "ci_level": 0.95,
            "ci_method": "runs",
            "change": (dbeta + shift) * decades,
            "change_standard_error": half / 2.1 * decades,
            "change_ci_low": (dbeta + shift - half) * decades,
            "change_ci_high": (dbeta + shift + half) * decades,
            "p_difference": 0.01,
            "p_equivalence": 0.5,
            "p_difference_adjusted": 0.03,
            "p_equivalence_adjusted": 0.9,
            "margin": max(0.1 * abs(math.log(gamma)), 0.005),
            "detectable_dbeta": 0.008,
            "gap_first": gamma * 1.01,
            "gap_last": gamma * 0.99,
            "reduction_slope_points_per_decade": -100 * gamma * dbeta * math.log(10),
            "r2": 0.9,
            "num_runs": 24,
            "num_budgets": budgets,
            "faster": "treatment" if dbeta < 0 else "baseline",
            "verdict": words[place % len(words)],
            "scales_agree": "true" if place % 2 else "false",
            "status": "ok",
        }
        level = 2.4
        rows += [row, row | _difference(level, gamma, dbeta + shift, half)]
    return rows


def _difference(level, gamma, slope, half) -> dict[str, object]:
    """Return the cells in which the scale `difference` is not the ratio."""
    middle = level * (gamma - 1)
    return {
        "scale": "difference",
        "gamma": middle,
        "gamma_ci_low": middle - 0.02,
        "gamma_ci_high": middle + 0.02,
        "dbeta": level * slope,
        "ci_low": level * (slope - half),
        "ci_high": level * (slope + half),
        "gap_first": middle * 1.01,
        "gap_last": middle * 0.99,
        "reduction_slope_points_per_decade": math.nan,
    }


def _slopes(corpus, family, metric, domain, baseline, dbeta) -> dict[str, object]:
    return {
        "corpus": corpus,
        "family": family,
        "metric": metric,
        "treatment": domain,
        "baseline": baseline,
        "slope_params": 0.8 * dbeta,
        "slope_params_standard_error": 0.004,
        "slope_params_ci_low": 0.8 * dbeta - 0.008,
        "slope_params_ci_high": 0.8 * dbeta + 0.008,
        "slope_tokens": 0.1 * dbeta - 0.003,
        "slope_tokens_standard_error": 0.003,
        "slope_tokens_ci_low": 0.1 * dbeta - 0.009,
        "slope_tokens_ci_high": 0.1 * dbeta + 0.003,
        "slice_params_points_per_decade": -180 * dbeta,
        "slice_tokens_points_per_decade": -20 * dbeta + 0.4,
        "num_runs": 24,
        "status": "ok",
    }


def _optima(corpora, budgets) -> list[dict[str, object]]:
    rows = []
    for c, corpus in enumerate(corpora):
        for budget in budgets:
            for estimator, shift in (("vertex", 1.0), ("best_run", 1.3)):
                tokens = best_tokens(budget) * shift
                error = (
                    (2.5 + 0.1 * c)
                    * (float(budget) / REFERENCE) ** -0.09
                    * math.exp(0.12 * math.log10(shift) ** 2)
                )
                rows.append(
                    {
                        "corpus": corpus,
                        "budget": budget,
                        "estimator": estimator,
                        "optimum_by": "validation",
                        "optimum_tokens": tokens,
                        "optimum_params": float(budget) / 6 / tokens,
                        "metric": "bits_per_byte",
                        "value": error,
                        "curvature": 0.12 if estimator == "vertex" else np.nan,
                        "num_runs": len(SHAPES),
                        "status": "ok",
                    }
                )
    return rows


def _predictions(points, budgets, noise) -> list[dict[str, object]]:
    """Predictions of each budget from the third on, off by planted noise that sometimes leaves the
    interval."""
    rng = np.random.default_rng(7)
    rows = []
    for point in (point for point in points if point["budget"] in budgets[2:]):
        for quantity in ("value", "gap") if point["gap"] != 1.0 else ("value",):
            observed = point[quantity]
            predicted = observed * math.exp(noise * rng.standard_normal())
            rows.append(
                {
                    **{key: point[key] for key in ("corpus", "family", "domain", "metric")},
                    "estimator": "joint",
                    "quantity": quantity,
                    "held_out_budget": point["budget"],
                    "predicted": predicted,
                    "observed": observed,
                    "ci_low": predicted * (1 - 1.5 * noise),
                    "ci_high": predicted * (1 + 1.5 * noise),
                    "error_percent": 100 * (predicted / observed - 1),
                }
            )
    return rows


def _curves_of_laws(points, budgets) -> list[dict[str, object]]:
    """The gap of each treatment on a grid to a decade beyond the data; the interval widens there
    by a calibration factor."""
    first, last = (choose(map(float, budgets)) for choose in (min, max))
    grid = [*np.geomspace(first, last, 5), *np.geomspace(last, 10 * last, 5)[1:]]
    rows = []
    for point in (point for point in points if point["budget"] == budgets[-1]):
        if point["gap"] == 1.0:
            continue
        gamma, dbeta = planted_of({**point, "treatment": point["domain"]})
        for flops in grid:
            beyond = flops > last
            value = gamma * (flops / REFERENCE) ** dbeta
            half = 0.006 * (1 + 2 * max(0.0, math.log10(flops / last)))
            rows.append(
                {
                    **{key: point[key] for key in ("corpus", "family", "metric", "domain")},
                    "quantity": "gap",
                    "scale": "ratio",
                    "path": "optimal",
                    "law": "line",
                    "compute": flops,
                    "value": value,
                    "ci_low": value * (1 - half),
                    "ci_high": value * (1 + half),
                    "beyond": beyond,
                    "horizon": max(1.0, flops / last),
                    "factor": 1.5 if beyond else 1.0,
                }
            )
    return rows


def _forecasts(points, noise) -> list[dict[str, object]]:
    """Forecasts of gaps at three horizons: the law errs by planted noise that grows with the
    horizon, and the gap that stays errs by more."""
    rng = np.random.default_rng(11)
    rows = []
    for point in points:
        if point["gap"] == 1.0:
            continue
        for horizon_class, horizon in (("next", 2.0), ("3x", 3.2), ("10x", 10.0)):
            error = noise * horizon**0.5 * rng.standard_normal()
            predicted = point["gap"] * math.exp(error)
            half = 2.5 * noise * horizon**0.5
            rows.append(
                {
                    **{key: point[key] for key in ("corpus", "family", "metric", "domain")},
                    "quantity": "gap",
                    "law": "line",
                    "horizon": horizon,
                    "horizon_class": horizon_class,
                    "fitted_compute": REFERENCE,
                    "held_out_budget": point["budget"],
                    "held_out_run": "",
                    "predicted": predicted,
                    "observed": point["gap"],
                    "ci_low": predicted * (1 - half),
                    "ci_high": predicted * (1 + half),
                    "error_percent": 100 * math.expm1(error),
                    "error_constant_percent": 200 * noise * horizon**0.5,
                    "error_last_four_percent": 150 * noise * horizon**0.5,
                }
            )
    return rows


def planted_of(row) -> tuple[float, float]:
    """Return gamma and dbeta of a treatment of the default families; 1 and 0 of another."""
    domains = FAMILIES.get(row["family"], ("", "", ()))[2]
    if row["corpus"] not in CORPORA or row["treatment"] not in domains:
        return 1.0, 0.0
    return planted(CORPORA.index(row["corpus"]), row["family"], domains.index(row["treatment"]))


def _loss_to_loss(row, gamma) -> dict[str, object]:
    """A law through all runs of a gap, and the parts of its slope; every third is not split."""
    slope = float(row["slope_params"])
    split = len(str(row["treatment"])) % 3 > 0
    parts = {"floor": 0.4 * slope, "rate": 0.6 * slope} if split else {}
    return {
        **{key: row[key] for key in ("corpus", "family", "metric", "treatment", "baseline")},
        "c0": math.log(gamma),
        "c1": 0.0,
        "c2": 0.0,
        **{f"dbeta_{part}": value for part, value in parts.items()},
        **{f"dbeta_{part}_ci_low": value - 0.005 for part, value in parts.items()},
        **{f"dbeta_{part}_ci_high": value + 0.005 for part, value in parts.items()},
        "dbeta_floor_lowest": slope - 0.01,
        "dbeta_floor_highest": slope + 0.01,
        "nearness": 0.4,
        "through_loss_p": 0.3,
        "status": "ok" if split else "floors_not_identified",
    }


def _sigmoid(corpus) -> dict[str, object]:
    return {
        "corpus": corpus,
        "family": "continuation",
        "domain": "same_topic",
        "loss_metric": "choice_loss_nats",
        "accuracy_metric": "accuracy",
        "chance": 0.25,
        "floor": 0.27,
        "ceiling": 0.95,
        "steepness": 2.5,
        "steepness_ci_low": 1.9,
        "steepness_ci_high": 3.2,
        "midpoint": 0.8,
        "midpoint_ci_low": 0.7,
        "midpoint_ci_high": 0.9,
        "r2": 0.8,
        "loss_min": 1.3,
        "loss_max": 1.55,
        "accuracy_min": 0.33,
        "accuracy_max": 0.42,
        "num_runs": 24,
        "status": "foot_only",
    }


def _curves(corpora, budgets, rng) -> pd.DataFrame:
    rows = []
    for corpus in corpora:
        for budget in budgets:
            for k, (width, layers) in enumerate(SHAPES):
                tokens = best_tokens(budget) * 10 ** (0.9 - 0.36 * k)
                for step in range(1, 31):
                    seen = tokens * step / 30
                    loss = 2.0 + 4.2 * (1 + seen / 2e4) ** -0.35 + 0.03 * rng.standard_normal()
                    rows.append(
                        {
                            "run": f"{corpus}-{budget}-{width}x{layers}",
                            "step": step,
                            "tokens": seen,
                            "loss_nats_per_token": loss,
                        }
                    )
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def tables() -> dict[str, pd.DataFrame]:
    """The tables of the default experiment's shape."""
    return make_tables()


@pytest.fixture(scope="session")
def maker() -> Callable[..., dict[str, pd.DataFrame]]:
    """The maker of synthetic tables, for tests that want another shape."""
    return make_tables


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of published tables."""
    return Path(__file__).parents[3] / "workflow" / "reference"


Families = dict[str, tuple[str, str, tuple[str, ...]]]


def _classical(families: Families, corpora: tuple[str, ...]) -> list[dict[str, object]]:
    """Rows of classical.csv: three laws per domain, the last one not identified."""
    return [
        {
            "corpus": corpus,
            "family": family,
            "domain": domain,
            "metric": metric,
            "law": law,
            "parameter": "E",
            "value": 1.5,
            "left_out_error_percent": error * (1 + 0.1 * place),
            "num_points": 24,
            "status": status,
        }
        for corpus in corpora
        for family, (_, metric, domains) in families.items()
        for place, domain in enumerate(domains)
        for law, error, status in (
            ("kaplan_surface", 1.2, "ok"),
            ("hoffmann_surface", 0.4, "ok"),
            ("overtraining", 0.9, "not_identified"),
        )
    ]


def _contrasted(
    families: Families, corpora: tuple[str, ...]
) -> list[tuple[dict[str, object], float, float]]:
    """Return key, G and slope of every domain under later corpora against the first."""
    return [
        (
            {
                "treatment": corpus,
                "baseline": corpora[0],
                "family": family,
                "metric": metric,
                "domain": domain,
                "status": "ok",
            },
            1 + 0.04 * place - 0.03 * number,
            0.01 * place - 0.015,
        )
        for number, corpus in enumerate(corpora[1:])
        for family, (_, metric, domains) in families.items()
        if family != "validation"
        for place, domain in enumerate(domains)
    ]


def _suite_contrasts(families: Families, corpora: tuple[str, ...]) -> list[dict[str, object]]:
    """Rows of suite_contrasts.csv."""
    return [
        {
            **key,
            "scale": scale,
            "compute": "training_flops",
            "reference_compute": REFERENCE,
            "gamma": gamma,
            "dbeta": slope,
            "standard_error": 0.004,
            "ci_low": slope - 0.01,
            "ci_high": slope + 0.01,
            "ci_level": 0.95,
            "verdict": "widens" if slope > 0.01 else "undecided",
        }
        for key, gamma, slope in _contrasted(families, corpora)
        for scale in ("ratio", "difference")
    ]


def _suite_contrast_points(
    families: Families, corpora: tuple[str, ...], budgets: tuple[str, ...]
) -> list[dict[str, object]]:
    """Rows of suite_contrast_points.csv, on the laws of `_suite_contrasts`."""
    rows = []
    for key, gamma, slope in _contrasted(families, corpora):
        for budget in budgets:
            gap = gamma * (float(budget) / REFERENCE) ** slope
            ends = {"ci_low": 0.98 * gap, "ci_high": 1.02 * gap}
            rows.append(
                {
                    **key,
                    "budget": budget,
                    "compute": float(budget),
                    "treatment_value": 2 * gap,
                    "baseline_value": 2.0,
                    "gap": gap,
                    "fitted_gap": gap,
                    **{f"gap_{end}": value for end, value in ends.items()},
                    **{f"fitted_gap_{end}": value for end, value in ends.items()},
                }
            )
    return rows


def _exponents(families: Families, corpora: tuple[str, ...]) -> list[dict[str, object]]:
    """Rows of exponents.csv; approach 1 has no result."""
    return [
        {
            "corpus": corpus,
            "family": family,
            "approach": approach,
            "params_exponent": value,
            "params_exponent_ci_low": value - width,
            "params_exponent_ci_high": value + width,
            "status": "ok" if value == value else "too_few_runs",
        }
        for corpus in corpora
        for family in families
        for approach, value, width in (
            ("approach_1", math.nan, math.nan),
            ("approach_2", 0.47, 0.06),
            ("approach_3", 0.45, 3.0),
        )
    ]


def _controls(points: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Rows of controls.csv: two orders, with gaps that are 0.9 times those of the first budget."""
    first = min(points, key=lambda row: float(row["budget"]))["budget"]
    return [
        {
            **{name: row[name] for name in ("corpus", "family", "domain")},
            "control": "ngram",
            "metric": "bits_per_byte",
            "order": order,
            "text_bytes": size,
            "best": order == 2,
            "value": row["value"],
            "gap": row["gap"] * 0.9 + 0.01 * order,
            "status": "ok",
        }
        for row in points
        if row["budget"] == first
        for order in (1, 2)
        for size in (10_000, 100_000, 1_000_000)
    ]


def _control_slopes(
    relative: list[dict[str, Any]], points: list[dict[str, Any]]
) -> list[dict[str, object]]:
    """Rows of control_slopes.csv: slopes of the control are a third of those of the runs."""
    rows = [row for row in relative if row["estimator"] == "vertex" and row["scale"] == "ratio"]
    return [
        {
            **{name: row[name] for name in ("corpus", "family", "treatment", "baseline")},
            "control": "ngram",
            "metric": "bits_per_byte",
            "movement": "alike",
            **_around("slope", row["dbeta"] / 3),
            **_around("slope_runs", row["dbeta"]),
            **_around("gap", 0.9 * row["gamma"]),
            **_around("gap_runs", row["gamma"]),
            "dbeta": row["dbeta"],
            "text_exponent": 0.5,
            "middle_bytes": 1e6,
            "status": "ok",
        }
        for row in rows
    ]


def _statistics(absolute: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Rows of corpus_statistics.csv: statistics grow with the place of the domain."""
    domains = dict.fromkeys((row["family"], row["domain"]) for row in absolute)
    return [
        {
            **{"kind": "domain", "family": family, "domain": domain, "status": "ok"},
            **{
                name: value
                for order, statistic in enumerate(STATISTICS)
                for name, value in _around(statistic, 1.0 + 0.1 * place * (order + 1)).items()
            },
        }
        for place, (family, domain) in enumerate(domains)
    ]


def _correlations() -> list[dict[str, object]]:
    """Rows of statistics_exponents.csv."""
    return [
        {
            **{"quantity": quantity, "metric": "bits_per_byte", "estimator": "joint"},
            **{"covariate": statistic, "spearman_r": 0.25, "ci_low": -0.125, "ci_high": 0.5},
            **{"p_permutation": 0.25, "p_holm": 0.5, "n": 11, "verdict": "not_shown"},
        }
        for quantity in ("exponent", "dbeta")
        for statistic in STATISTICS
    ]


def _tuned(relative: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Rows of tuned.csv: slopes on the frontier are half of those by default, and undecided."""
    rows = [row for row in relative if row["estimator"] == "vertex" and row["scale"] == "ratio"]
    names = ("corpus", "family", "metric", "treatment", "baseline", "verdict")
    return [
        {
            **{name: row[name] for name in names},
            "frontier": f"{row['corpus']}_tuned",
            "estimator": "vertex",
            "dbeta": row["dbeta"],
            "ci_low": row["dbeta"] - 0.01,
            "ci_high": row["dbeta"] + 0.01,
            "dbeta_tuned": row["dbeta"] / 2,
            "ci_low_tuned": row["dbeta"] / 2 - 0.01,
            "ci_high_tuned": row["dbeta"] / 2 + 0.01,
            "verdict_tuned": "undecided",
            "survives": "undecided" if row["verdict"] == "undecided" else "lost",
            "status": "ok",
        }
        for row in rows
    ]


def _tuned_sizes(corpora: tuple[str, ...], budgets: tuple[str, ...]) -> list[dict[str, object]]:
    """Rows of tuned_sizes.csv: an arm is better by 2 % at all sizes but the first."""
    return [
        {
            "corpus": corpus,
            "frontier": f"{corpus}_tuned",
            "budget": budget,
            "num_params_total": 1000 * (place + 1),
            "num_members": 3,
            "chosen": f"{corpus}_fast" if place else corpus,
            "value": 3.0,
            "value_tuned": 2.94 if place else 3.0,
            "status": "ok",
        }
        for corpus in corpora
        for budget in budgets
        for place in range(len(SHAPES))
    ]


def _around(name: str, value: float) -> dict[str, float]:
    return {name: value, f"{name}_ci_low": value - 0.01, f"{name}_ci_high": value + 0.01}


def _counts(families: Families, corpora: tuple[str, ...]) -> list[dict[str, object]]:
    """Rows of counts.csv for two ways of counting parameters."""
    return [
        {
            "corpus": corpus,
            "family": family,
            "counted_params": way,
            "counted_flops": flops,
            "approach": "approach_2",
            "params_exponent": value,
            "params_exponent_ci_low": value - 0.05,
            "params_exponent_ci_high": value + 0.05,
            "status": "ok",
        }
        for corpus in corpora
        for family in families
        for way, value in (("total", 0.44), ("transformer", 0.55))
        for flops in ("exact", "6ND")
    ]


def _buckets(families: Families, corpora: tuple[str, ...]) -> list[dict[str, object]]:
    """Rows of buckets.csv: digits have a wide interval, and non-ASCII bytes no law."""
    rows = []
    for corpus in corpora:
        for family, (baseline, metric, domains) in families.items():
            for place, treatment in enumerate(name for name in domains if name != baseline):
                for partition, bucket in BUCKET_KEYS:
                    known = bucket != "non_ascii"
                    slope = 0.004 * (place + 1) if known else math.nan
                    half = 0.05 if bucket == "digits" else 0.002
                    rows.append(
                        {
                            "corpus": corpus,
                            "family": family,
                            "metric": metric,
                            "treatment": treatment,
                            "partition": partition,
                            "bucket": bucket,
                            "baseline": baseline,
                            "estimator": "joint",
                            "ci_level": 0.95,
                            "byte_share": 1.0 if bucket == "all" else 0.2,
                            "dbeta": slope,
                            "ci_low": slope - half,
                            "ci_high": slope + half,
                            "p_difference_adjusted": 0.01 if bucket == "letters" else 0.5,
                            "status": "ok" if known else "too_few_items",
                        }
                    )
    return rows


def _positions(
    families: Families, corpora: tuple[str, ...], budgets: tuple[str, ...]
) -> list[dict[str, object]]:
    """Rows of positions.csv: 3 + 2 t^-.5 nats, less for each budget."""
    return [
        {
            "corpus": corpus,
            "family": family,
            "domain": "family_mean",
            "budget": budget,
            "first_position": first,
            "last_position": 2 * first - 1,
            "mean_position": float(first),
            "loss": 3 + 2 * first**-0.5 - 0.1 * place,
            "standard_error": 0.02,
            "num_tokens": 100,
            "num_runs": 1,
            "status": "ok",
        }
        for corpus in corpora
        for family in families
        for place, budget in enumerate(budgets)
        for first in (1, 2, 4, 8, 16, 32, 64)
    ]


def _position_laws(
    families: Families, corpora: tuple[str, ...], budgets: tuple[str, ...]
) -> list[dict[str, object]]:
    """Rows of position_laws.csv; the law of the first budget is not identified."""
    return [
        {
            "corpus": corpus,
            "family": family,
            "domain": "family_mean",
            "budget": budget,
            "loss_inf": 3 - 0.1 * place if place else math.nan,
            "amplitude": 2.0 if place else math.nan,
            "exponent": 0.5 if place else math.nan,
            "exponent_ci_low": 0.4 if place else math.nan,
            "exponent_ci_high": 0.6 if place else math.nan,
            "status": "ok" if place else "not_identified",
        }
        for corpus in corpora
        for family in families
        for place, budget in enumerate(budgets)
    ]
