"""The runs of experiments/classical.yaml identify planted laws of training conditions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from relscale.laws.condition_table import fit_conditions
from relscale.workflow.experiment import read_experiment
from relscale.workflow.law_specs import conditions_spec

ROOT = Path(__file__).parents[3]
R_TOKENS, GAMMA, CURVATURE, BEST_ASPECT, B_CRIT = 8.0, 0.5, 0.02, 2.5, 1500.0
NOISE = 0.004
"""Standard deviation of the log loss: about that between two seeds of the larger budgets."""


def planted(run, arm, noise):
    """Return the losses row of a run: a surface, changed by the condition of its arm."""
    columns = run.columns()
    params = columns.num_params_head + columns.num_params_transformer
    unique, quality, more = float(columns.tokens), 1.0, 0.0
    tokens = float(columns.tokens)
    if arm is not None:
        unique = min(arm.unique_tokens or np.inf, tokens)
        quality = 1 - (arm.permuted_share or 0)
    worth = unique * (1 + R_TOKENS * (1 - np.exp(-(tokens / unique - 1) / R_TOKENS)))
    if run.corpus == "shapes":
        more = CURVATURE * (np.log(columns.width / columns.layers) - BEST_ASPECT) ** 2
    if arm is not None and arm.batch_size:
        worth = tokens / (1 + tokens / columns.steps / B_CRIT)
        # Twice or half the best rate costs more than the noise.
        more, noise = 0.2 * np.log(arm.learning_rate_factor) ** 2, noise / 2
    loss = 1.0 + 60 / params**0.42 + 90 / (worth**0.38 * quality**GAMMA) + more
    return {
        "corpus": run.corpus,
        "run": run.run,
        "budget": run.budget,
        "num_params_total": columns.num_params_total,
        "num_params_head": columns.num_params_head,
        "num_params_transformer": columns.num_params_transformer,
        "tokens": tokens,
        "training_flops": float(columns.training_flops),
        "family": "validation",
        "domain": "own",
        "metric": "bits_per_byte",
        "value": loss * np.exp(noise),
        "excluded_reason": None,
    }


@pytest.fixture(scope="module")
def table():
    experiment = read_experiment([ROOT / "config.yaml", ROOT / "experiments/classical.yaml"])
    arms = experiment.settings.suite.arms
    noise = NOISE * np.random.default_rng(0).normal(size=len(experiment.runs))
    losses = [
        planted(run, arms.get(run.corpus), each)
        for run, each in zip(experiment.runs, noise, strict=True)
    ]
    suite = [run.columns().model_dump() for run in experiment.runs]
    return fit_conditions(pd.DataFrame(losses), pd.DataFrame(suite), conditions_spec(experiment))


@pytest.mark.parametrize(
    ("law", "parameter", "truth"),
    [
        ("data_constrained", "R_tokens", R_TOKENS),
        ("quality", "gamma", GAMMA),
        ("width_or_depth", "c", CURVATURE),
        ("width_or_depth", "m", BEST_ASPECT),
        ("critical_batch", "B_crit", B_CRIT),
    ],
)
def test_the_design_identifies_the_law(table, law, parameter, truth):
    rows = table[(table["law"] == law) & (table["parameter"] == parameter)]
    (row,) = rows.to_dict("records")
    assert row["status"] == "ok", row["remarks"]
    half = (row["ci_high"] - row["ci_low"]) / 2
    # An interval of 95 % may miss a planted value; twice its width must not.
    assert abs(row["value"] - truth) < 2 * half
    assert half < 0.35 * truth
