"""The table of laws of training conditions, from a planted suite with arms."""

import numpy as np
import pandas as pd
import pytest

from relscale.config.arm_facts import ArmFacts
from relscale.contract.io import read_table, write_table
from relscale.contract.status import Status
from relscale.contract.tables.conditions import CONDITIONS
from relscale.laws.condition_table import fit_conditions
from relscale.laws.conditions_spec import ConditionsSpec

E, A, B, ALPHA, BETA = 1.1, 20.0, 60.0, 0.35, 0.3
WINDOW = 128
SHAPES = [(16, 1), (24, 1), (32, 2), (48, 2), (64, 3)]
BUDGETS = {"1e10": 1e10, "3e10": 3e10, "1e11": 1e11, "3e11": 3e11}
R_TOKENS, GAMMA, B_CRIT = 8.0, 0.6, 2000.0
ARMS = {
    **{
        f"repeat_{unique}": ArmFacts(corpus="web", changed=("unique_tokens",), unique_tokens=unique)
        for unique in (20_000, 100_000)
    },
    **{
        f"permuted_{share}": ArmFacts(
            corpus="web", changed=("permuted_share",), permuted_share=share / 100
        )
        for share in (20, 50)
    },
    "both": ArmFacts(
        corpus="web",
        changed=("permuted_share", "unique_tokens"),
        permuted_share=0.5,
        unique_tokens=20_000,
    ),
}


def params_of(width, layers):
    return 512 * width + 12 * width**2 * layers


def expected(params, tokens, arm):
    """Return the planted loss; an arm that changes both is far from any law."""
    quality = 1 - (arm.permuted_share or 0)
    unique = min(arm.unique_tokens or np.inf, tokens)
    worth = unique * (1 + R_TOKENS * (1 - np.exp(-(tokens / unique - 1) / R_TOKENS)))
    both = 5 if arm.permuted_share and arm.unique_tokens else 0
    return both + E + A / params**ALPHA + B / (worth**BETA * quality**GAMMA)


def row(corpus, budget, width, layers, seed, value, *, tokens, batch_size):
    params = params_of(width, layers)
    return {
        "corpus": corpus,
        "run": f"{corpus}-{budget}-{width}x{layers}-{batch_size}-s{seed}",
        "budget": budget,
        "seed": seed,
        "num_params_total": params + 512 * width,
        "num_params_head": 512 * width,
        "num_params_transformer": params - 512 * width,
        "tokens": tokens,
        "training_flops": 6 * params * tokens,
        "family": "validation",
        "domain": "own",
        "metric": "bits_per_byte",
        "value": value,
        "excluded_reason": None,
        "width": width,
        "layers": layers,
        "batch_size": batch_size,
        "steps": tokens / batch_size / WINDOW,
    }


def suite_of_arms(arms, noise=0.0):
    """Return losses and suite of a corpus and its arms, two seeds each."""
    rng = np.random.default_rng(0)
    rows = []
    for corpus, arm in {"web": ArmFacts(corpus="web"), **arms}.items():
        for budget, flops in BUDGETS.items():
            for width, layers in SHAPES:
                params = params_of(width, layers)
                tokens = flops / 6 / params
                for seed in (0, 1):
                    value = expected(params, tokens, arm) * np.exp(noise * rng.normal())
                    rows.append(
                        row(corpus, budget, width, layers, seed, value, tokens=tokens, batch_size=4)
                    )
    return pd.DataFrame(rows)


def spec(arms):
    return ConditionsSpec(
        family="validation",
        metrics=("bits_per_byte",),
        compute="training_flops",
        level=0.95,
        arms=arms,
    )


def fitted(frame, arms):
    columns = ["width", "layers", "batch_size", "steps"]
    table = fit_conditions(frame.drop(columns=columns), frame[["run", *columns]], spec(arms))
    assert list(table.columns) == list(CONDITIONS.names)
    return table


def of_law(table, law):
    rows = table[table["law"] == law]
    return rows.set_index("parameter")


def test_planted_conditions_are_found_each_from_its_own_arms():
    table = fitted(suite_of_arms(ARMS), ARMS)
    repetition, quality = of_law(table, "data_constrained"), of_law(table, "quality")
    assert set(repetition["status"]) == {"ok"}, repetition["remarks"].iloc[0]
    assert repetition["value"]["R_tokens"] == pytest.approx(R_TOKENS, rel=1e-4)
    assert quality["value"]["gamma"] == pytest.approx(GAMMA, rel=1e-4)
    for law in (repetition, quality):
        assert law["value"]["E"] == pytest.approx(E, rel=1e-4)
        # 4 budgets of 5 sizes, for the corpus and two arms; seeds are averaged.
        assert set(law["num_points"]) == {60}
    assert set(table["corpus"]) == {"web"}


def test_a_law_without_its_arms_has_rows_that_say_so():
    arms = {name: arm for name, arm in ARMS.items() if name.startswith("repeat")}
    table = fitted(suite_of_arms(arms), arms)
    for law, words in (
        ("quality", "there are no arms that change permuted_share alone"),
        ("width_or_depth", "there are no arms that change nothing but shapes"),
        ("critical_batch", "there are no arms that change batch_size alone"),
    ):
        rows = of_law(table, law)
        assert set(rows["status"]) == {Status.TOO_FEW_RUNS.value}
        assert rows["value"].isna().all()
        assert all(words in remark for remark in rows["remarks"])


def test_runs_that_are_excluded_are_left_out():
    frame = suite_of_arms(ARMS)
    first = frame.index[(frame["corpus"] == "web") & (frame["budget"] == "1e10")][:2]
    frame.loc[first, "value"] = np.nan
    frame.loc[first, "excluded_reason"] = "diverged"
    assert set(of_law(fitted(frame, ARMS), "data_constrained")["num_points"]) == {59}


def test_the_table_survives_writing_and_a_foreign_suite_is_refused(tmp_path):
    frame = suite_of_arms(ARMS, noise=0.01)
    table = fitted(frame, ARMS)
    write_table(table, tmp_path / "conditions.csv", CONDITIONS)
    assert len(read_table(tmp_path / "conditions.csv", CONDITIONS.names)) == len(table)
    with pytest.raises(ValueError, match=r"runs that are not in suite\.csv: web-1e10"):
        fit_conditions(
            frame, frame[["run", "width", "layers", "batch_size", "steps"]][1:], spec({})
        )


BATCHES = (1, 2, 4, 8, 16, 32, 64)


def batches(factors=(0.5, 1.0, 2.0), best=1.0):
    """Return losses of one size by batch and learning rate; the loss falls with the steps."""
    arms, rows = {}, []
    for batch in BATCHES:
        for factor in factors:
            name = f"batch_{batch}_{10 * factor:.0f}"
            arms[name] = ArmFacts(
                corpus="web",
                changed=("batch_size", *(("learning_rate_factor",) if factor != 1 else ())),
                learning_rate_factor=factor,
            )
            for budget in BUDGETS:
                params = params_of(32, 1)
                tokens = BUDGETS[budget] / 6 / params
                # Tokens that a batch of 1 would need for the same loss, in power-law form.
                worth = tokens / (1 + batch * WINDOW / B_CRIT)
                value = 30 * worth**-0.2 * (1 + 0.1 * np.log(factor / best) ** 2)
                rows.append(row(name, budget, 32, 1, 0, value, tokens=tokens, batch_size=batch))
    return pd.DataFrame(rows), arms


def test_the_critical_batch_is_read_from_the_best_learning_rates():
    frame, arms = batches()
    rows = of_law(fitted(frame, arms), "critical_batch")
    assert set(rows["status"]) == {"ok"}, rows["remarks"].iloc[0]
    # The interpolation between budgets is exact for a power law only in the middle of the range.
    assert rows["value"]["B_crit"] == pytest.approx(B_CRIT, rel=0.02)
    assert rows["value"]["E_min"] == pytest.approx(
        rows["value"]["S_min"] * rows["value"]["B_crit"], rel=1e-6
    )
    assert all("target loss" in remark for remark in rows["remarks"])


def test_a_best_learning_rate_on_the_edge_is_not_tuned():
    frame, arms = batches(best=2.0)
    rows = of_law(fitted(frame, arms), "critical_batch")
    assert set(rows["status"]) == {Status.LR_NOT_TUNED.value}
    assert rows["value"]["B_crit"] == pytest.approx(B_CRIT, rel=0.02)
    assert all("on the edge at batches of 128, 256" in remark for remark in rows["remarks"])
    frame, arms = batches(factors=(1.0,))
    assert set(of_law(fitted(frame, arms), "critical_batch")["status"]) == {"lr_not_tuned"}
