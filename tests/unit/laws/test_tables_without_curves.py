"""Tables of losses that have no IsoFLOP curves: an answer or a status, never a traceback."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

from relscale.contract.status import status_of
from relscale.laws.run import fit_laws

SIZES = np.geomspace(1e7, 1e9, 8)
TWELVE = np.geomspace(1e7, 1e9, 12)


def table(params, tokens, *, noise=0.003, domains=("base", "treat"), digits=9):
    """Return losses of a planted surface; every run is a budget of its own."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "corpus": "web",
            "family": "topics",
            "domain": domain,
            "metric": "bits_per_byte",
            "run": f"run{place}",
            "budget": f"{6 * n * d:.4g}",
            "training_flops": 6 * n * d,
            "num_params_total": n,
            "tokens": d,
            "value": round(
                (1.5 + 0.3 * index + (300 + 50 * index) / n**0.33 + 500 / d**0.3)
                * np.exp(rng.normal(0, noise) if noise else 0.0),
                digits,
            ),
        }
        for (place, (n, d)), (index, domain) in itertools.product(
            enumerate(zip(params, tokens, strict=True)), enumerate(domains)
        )
    )


def curves():
    """Return four IsoFLOP curves of five sizes."""
    compute = np.repeat(np.geomspace(1e17, 1e19, 4), 5)
    params = np.sqrt(compute / 120) * np.tile(np.geomspace(0.4, 2.5, 5), 4)
    return params, compute / 6 / params


TABLES = {
    "constant tokens per parameter": lambda: table(SIZES, 20 * SIZES),
    "the same with three seeds": lambda: table(np.repeat(SIZES, 3), np.repeat(20 * SIZES, 3)),
    "exact power law of sizes": lambda: table(SIZES, 3 * SIZES**1.2),
    "exact power law without noise": lambda: table(SIZES, 3 * SIZES**1.2, noise=0),
    "rounded power law": lambda: table(np.round(SIZES, -5), np.round(3 * SIZES**1.2, -7)),
    "two ratios": lambda: table(np.tile(SIZES, 2), np.concatenate([20 * SIZES, 40 * SIZES])),
    "one run per budget": lambda: table(TWELVE, 10 ** np.random.default_rng(1).uniform(9, 11, 12)),
    "one domain": lambda: table(*curves(), domains=("base",)),
    "one point": lambda: table(SIZES[:1], 20 * SIZES[:1]),
    "two points": lambda: table(SIZES[:2], 20 * SIZES[:2]),
    "three points": lambda: table(SIZES[:3], 20 * SIZES[:3]),
    "five points": lambda: table(SIZES[:5], [1e9, 5e9, 2e9, 9e9, 4e9]),
    "ties": lambda: table(*curves(), digits=1),
    "constant tokens": lambda: table(SIZES, np.full(8, 1e10)),
    "constant parameters": lambda: table(np.full(8, 1e8), SIZES * 100),
    "repeats of one run": lambda: table(np.full(8, 1e8), np.full(8, 1e10)),
    "curves without noise": lambda: table(*curves(), noise=0),
    "one value": lambda: table(*curves()).assign(value=2.0),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("estimators", [("joint",), ("surface",), ("best_run", "vertex", "akima")])
def test_there_is_an_answer_or_a_status_by_any_estimator(name, estimators):
    frame = TABLES[name]()
    baseline = {"baseline": "base"} if frame["domain"].nunique() > 1 else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_laws(frame, family="topics", draws=100, estimators=estimators, **baseline)
        assert found.summary().strip()
    for rows in found.laws.tables.values():
        for word in rows.get("status", ()):
            status_of(word)
    surface = found.laws.surface
    hidden = ~surface["status"].map(lambda word: status_of(word).carries_estimate).astype(bool)
    assert surface.loc[hidden, ["alpha", "beta", "irreducible"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "name", ["constant tokens per parameter", "exact power law of sizes", "one value"]
)
def test_a_table_that_identifies_no_surface_gets_none(name):
    found = fit_laws(TABLES[name](), family="topics", draws=100, estimators=("surface",))
    assert (found.laws.surface["status"] == "not_identified").all()
    assert (found.laws.surface["remarks"] != "").all()


def test_the_spread_of_tokens_per_parameter_is_in_the_table():
    found = fit_laws(TABLES["two ratios"](), family="topics", draws=100, estimators=("surface",))
    assert found.laws.surface["tokens_per_param_decades"].to_numpy() == pytest.approx(np.log10(2))
