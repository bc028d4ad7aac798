"""Tables of controls: planted gaps and slopes come back, and nothing is dropped."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relscale.contract.control_losses import CONTROL_COLUMNS, CONTROL_ITEMS_COLUMNS
from relscale.contract.tables.control_slopes import CONTROL_SLOPES
from relscale.contract.tables.controls import CONTROLS
from relscale.controls.gaps import Controlled, control_table
from relscale.controls.reading import reading
from relscale.controls.slopes import RunTexts, movement, run_texts, slope_table
from relscale.controls.spec import ControlledFamily, ControlsSpec

SIZES = (1_000, 10_000, 100_000, 1_000_000)
TOO_LARGE = 10_000_000
GAP_AT_1E5, SLOPE = math.log(1.25), 0.03
"""Log gap at 1e5 bytes, and its change per unit of log text."""
SPEC = ControlsSpec(
    families=(
        ControlledFamily(family="validation"),
        ControlledFamily(family="topics", baseline="base"),
    ),
    optimum_by="validation",
    estimator="auto",
    compute="training_flops",
    level=0.95,
    draws=400,
    seed=0,
)


def planted(noise: float = 0.0, slope: float = SLOPE) -> Controlled:
    """Return controls of orders 1 and 2; order 2 is better from 1e5 bytes on.

    Each domain has 60 items of 50 bytes, which differ by `noise` (standard deviation, of the log).
    """
    rng = np.random.default_rng(5)
    spread = {
        domain: np.exp(noise * rng.standard_normal(60)) for domain in ("own", "base", "other")
    }
    items: list[dict[str, Any]] = []
    losses: list[dict[str, Any]] = []
    for order in (1, 2):
        for size in (*SIZES, TOO_LARGE):
            for family, domain in (("validation", "own"), ("topics", "base"), ("topics", "other")):
                level = 3.0 - 0.1 * math.log(size / 1e5) * order
                log_gap = GAP_AT_1E5 + slope * math.log(size / 1e5)
                level *= math.exp(log_gap) if domain == "other" else 1.0
                same = {
                    "corpus": "c", "control": "ngram", "order": order, "text_bytes": size,
                    "family": family, "domain": domain, "metric": "bits_per_byte",
                }  # fmt: skip
                bits = 50 * level * spread[domain]
                missing = size == TOO_LARGE
                losses.append(
                    same
                    | {
                        "unit": "bits per byte",
                        "value": math.nan if missing else float(bits.sum() / 3000),
                        "standard_error": math.nan if missing else 0.1,
                        "num_items": 60,
                        "num_bytes": 3000,
                        "excluded_reason": "the corpus has 2000000 bytes of text"
                        if missing
                        else None,
                    }
                )
                if not missing:
                    items += [
                        same
                        | {
                            "stratum": "s", "item": f"{place:03d}", "numerator": value,
                            "denominator": 50.0, "overlaps": False,
                        }
                        for place, value in enumerate(bits)
                    ]  # fmt: skip
    return Controlled(
        losses=pd.DataFrame(losses, columns=list(CONTROL_COLUMNS)),
        items=pd.DataFrame(items, columns=list(CONTROL_ITEMS_COLUMNS)),
        spec=SPEC,
    )


def laws(dbeta: float, half: float = 0.01) -> pd.DataFrame:
    """Return relative.csv with one law of the gap."""
    return pd.DataFrame(
        [
            {
                "corpus": "c", "family": "topics", "metric": "bits_per_byte", "treatment": "other",
                "baseline": "base", "estimator": "auto", "scale": "ratio", "gamma": 1.2,
                "gamma_ci_low": 1.1, "gamma_ci_high": 1.3, "dbeta": dbeta, "ci_low": dbeta - half,
                "ci_high": dbeta + half, "verdict": "widens",
            }
        ]
    )  # fmt: skip


RUNS = RunTexts(num_bytes=np.array([3e4, 1e5, 10**5.5229]), exponent=0.5)


def test_the_order_of_each_text_is_the_one_with_the_lowest_validation_loss() -> None:
    best = planted().best
    # Above 1e5 bytes the steeper order 2 is lower, below it is higher; at 1e5 the lower order wins.
    assert [best["c", "ngram", size] for size in SIZES] == [1, 1, 1, 2]
    assert ("c", "ngram", TOO_LARGE) not in best


def test_the_table_has_the_planted_gaps_and_keeps_models_without_text() -> None:
    table = control_table(planted())
    assert tuple(table.columns) == CONTROLS.names
    assert len(table) == 2 * 5 * 3
    row = table[(table["order"] == 2) & (table["text_bytes"] == 10_000)].set_index("domain")
    planted_gap = math.exp(GAP_AT_1E5 + SLOPE * math.log(0.1))
    assert row.loc["other", "gap"] == pytest.approx(planted_gap, rel=1e-12)
    assert row.loc["other", "gap_ci_low"] == pytest.approx(planted_gap, rel=1e-9)
    assert math.isnan(row.loc["base", "gap"])
    large = table[table["text_bytes"] == TOO_LARGE]
    assert set(large["status"]) == {"text_too_short"}
    assert set(large["remarks"]) == {"the corpus has 2000000 bytes of text"}
    assert large["value"].isna().all()


def test_intervals_over_items_cover_the_spread_of_the_items() -> None:
    table = control_table(planted(noise=0.3)).set_index(["domain", "order", "text_bytes"])
    row = table.loc[("other", 1, 10_000)]
    half = (math.log(row["gap_ci_high"]) - math.log(row["gap_ci_low"])) / 2
    # The mean of 60 log-normal items has a relative error of sqrt(exp(.3^2) - 1) / sqrt(60); the
    # gap has two. 15 %: the spread of 60 items is itself a draw.
    expected = 2.0 * math.sqrt(2 * (math.exp(0.09) - 1) / 60)
    assert half == pytest.approx(expected, rel=0.15)


def test_slope_and_gap_are_the_planted_ones_over_the_texts_of_the_runs() -> None:
    table = slope_table(planted(), laws(0.04), {"c": RUNS})
    assert tuple(table.columns) == CONTROL_SLOPES.names
    (row,) = table.to_dict("records")
    assert row["num_texts"] == 3  # 1e4 to 1e6: within a factor of sqrt(10) of the runs
    assert (row["first_bytes"], row["last_bytes"]) == (10_000, 1_000_000)
    assert row["slope"] == pytest.approx(SLOPE, rel=1e-9)
    assert row["gap"] == pytest.approx(math.exp(GAP_AT_1E5), rel=1e-4)
    assert row["slope_runs"] == pytest.approx(0.04 / 0.5)
    assert row["slope_runs_ci_low"] == pytest.approx(0.03 / 0.5)
    assert row["gap_runs"] == 1.2
    assert row["movement"] == "alike"
    assert row["status"] == "ok"


def test_all_texts_are_taken_where_the_runs_have_read_more() -> None:
    far = RunTexts(num_bytes=np.array([1e9, 1e10]), exponent=0.5)
    (row,) = slope_table(planted(), laws(0.04), {"c": far}).to_dict("records")
    assert row["num_texts"] == 4
    assert row["remarks"] == "0 text(s) in the range of the runs: all texts"


def test_equal_values_have_no_slope() -> None:
    controlled = planted(noise=0.2)
    items = controlled.items.copy()
    base = items["domain"] == "base"
    items.loc[items["domain"] == "other", "numerator"] = items.loc[base, "numerator"].to_numpy()
    same = Controlled(losses=controlled.losses, items=items, spec=SPEC)
    (row,) = slope_table(same, laws(0.04), {"c": RUNS}).to_dict("records")
    assert row["status"] == "identical"
    assert math.isnan(row["slope"])
    assert row["movement"] == ""


@pytest.mark.parametrize(
    ("control", "runs", "word"),
    [
        ((0.1, 0.2), (0.3, 0.4), "alike"),
        ((-0.2, -0.1), (-0.4, -0.3), "alike"),
        ((-0.2, -0.1), (0.3, 0.4), "opposite"),
        ((-0.1, 0.1), (0.3, 0.4), "only_runs"),
        ((0.1, 0.2), (-0.3, 0.4), "only_control"),
        ((-0.1, 0.2), (-0.3, 0.4), "neither"),
        ((math.nan, math.nan), (0.3, 0.4), ""),
    ],
)
def test_movements_are_compared_by_their_intervals(
    control: tuple[float, float], runs: tuple[float, float], word: str
) -> None:
    ends = ("slope_ci_low", "slope_ci_high", "slope_runs_ci_low", "slope_runs_ci_high")
    assert movement(dict(zip(ends, (*control, *runs), strict=True))) == word


def test_texts_of_the_runs_are_bytes_of_the_usable_optima() -> None:
    optima = pd.DataFrame(
        {
            "corpus": "c",
            "budget": ["1e12", "1e10", "1e11", "1e11"],
            "estimator": ["vertex", "vertex", "vertex", "akima"],
            "optimum_tokens": [1e6, 1e5, 7.0, 9.0],
            "status": ["ok", "flat_within_noise", "curvature_not_positive", "ok"],
        }
    )
    corpora = pd.DataFrame({"corpus": ["c", "c"], "bytes": [150, 50], "tokens": [60, 40]})
    found = run_texts(optima, corpora)["c"]
    assert found.num_bytes == pytest.approx([2e5, 2e6])
    assert found.exponent == pytest.approx(0.5)
    assert found.middle == pytest.approx(2e5 * math.sqrt(10))


def test_the_reading_counts_the_movements_of_the_table() -> None:
    words = ["alike"] * 3 + ["opposite"] + ["only_runs"] * 2 + ["neither"] * 4
    slopes = pd.DataFrame({"control": "ngram", "movement": words})
    said = reading(slopes, 0.95)
    assert "moves in 6 of 10 comparisons" in said
    assert "same direction in 3 of them and in the opposite one in 1, and in 2" in said
    quiet = reading(slopes[slopes["movement"] == "neither"], 0.95)
    assert quiet.startswith("In none of 4 comparisons")
