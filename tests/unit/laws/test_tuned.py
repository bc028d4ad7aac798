"""Tuned frontiers: planted arms are chosen where they are better, and verdicts follow them."""

import pandas as pd
import pytest

from relscale.contract.tables.tuned import TUNED
from relscale.contract.tables.tuned_sizes import TUNED_SIZES
from relscale.laws.spec import LawSpec
from relscale.laws.tuned import choose, items_of_runs, on_frontier, survives, tuned_laws

MEMBERS = ("web", "fast", "slow")
SPEC = LawSpec(family="topics", baseline="base", estimators=("joint",), draws=100)
WIDENS = {"base": (2.0, 0.10, 0.0), "treat": (2.4, 0.07, 0.0)}
NARROWS = {"base": (2.0, 0.10, 0.0), "treat": (2.4, 0.13, 0.0)}


def arms(plant, domains_of_fast, factor_of_fast=0.97, **noise):
    """Return a suite by default, an arm that is better everywhere, and one that is worse."""
    common = {"run_sd": 0.002, "domain_sd": 0.001, **noise}
    frames = [
        plant(corpus="web", domains=WIDENS, seed=1, **common),
        plant(corpus="fast", domains=domains_of_fast, seed=2, **common),
        plant(corpus="slow", domains=WIDENS, seed=3, **common),
    ]
    for frame, factor in zip(frames, (1.0, factor_of_fast, 1.05), strict=True):
        frame["value"] *= factor
    return pd.concat(frames, ignore_index=True)


def validation(losses):
    """Return the rows that settings are chosen by."""
    return losses[losses["family"] == "validation"]


def test_the_member_with_the_lowest_loss_is_chosen_at_each_size(plant):
    losses = arms(plant, WIDENS, factor_of_fast=1.0, run_sd=0.0, domain_sd=0.0)
    at = (losses["corpus"] == "fast") & (losses["budget"] == "1e11")
    losses.loc[at, "value"] *= 0.99
    chosen = choose(validation(losses), MEMBERS, "tuned")
    assert tuple(chosen.columns) == TUNED_SIZES.names
    assert len(chosen) == 4 * 6
    by_budget = chosen.groupby("budget")["chosen"].unique()
    assert {budget: list(names) for budget, names in by_budget.items()} == {
        "5e10": ["web"],  # a tie goes to the default
        "1e11": ["fast"],
        "2e11": ["web"],
        "5e11": ["web"],
    }
    better = chosen[chosen["chosen"] == "fast"]
    assert better["value_tuned"].to_numpy() == pytest.approx(0.99 * better["value"].to_numpy())
    assert set(chosen["num_members"]) == {3}


def test_an_excluded_run_is_never_chosen(plant):
    losses = arms(plant, WIDENS)
    losses.loc[losses["corpus"] == "fast", "excluded_reason"] = "diverged"
    with pytest.raises(ValueError, match=r"tuning\.tuned: fast has no run with a loss"):
        choose(validation(losses), MEMBERS, "tuned")
    one = (losses["corpus"] == "fast") & (losses["budget"] != "1e11")
    losses.loc[one, "excluded_reason"] = None
    chosen = choose(validation(losses), MEMBERS, "tuned")
    assert set(chosen.loc[chosen["budget"] == "1e11", "chosen"]) == {"web"}
    assert set(chosen.loc[chosen["budget"] != "1e11", "chosen"]) == {"fast"}


def test_the_frontier_has_the_rows_of_the_chosen_runs_under_the_default_name(plant):
    losses = arms(plant, WIDENS)
    chosen = choose(validation(losses), MEMBERS, "tuned")
    rows = on_frontier(losses, chosen)
    assert set(rows["corpus"]) == {"web"}
    assert list(rows.columns) == list(losses.columns)
    wanted = losses[losses["corpus"] == "fast"]
    assert sorted(rows["value"]) == sorted(wanted["value"])
    items = pd.DataFrame(
        {"corpus": ["fast", "slow"], "run": [wanted["run"].iloc[0], "slow-1e11-n0-s0"]}
    )
    kept = items_of_runs(items, rows)
    assert kept.to_dict("records") == [{"corpus": "web", "run": wanted["run"].iloc[0]}]


@pytest.mark.parametrize(
    ("domains", "factor", "tuned", "survived"),
    [
        (NARROWS, 0.97, "narrows", "changed"),  # the tuned arm has another gap
        (WIDENS, 0.97, "widens", "same"),  # it only has lower losses
        (NARROWS, 1.03, "widens", "same"),  # it is worse, and so not on the frontier
    ],
)
def test_the_verdict_on_the_frontier_is_that_of_the_better_arm(
    plant, domains, factor, tuned, survived
):
    losses = arms(plant, domains, factor)
    chosen = choose(validation(losses), MEMBERS, "tuned")
    topics = losses[losses["family"] == "topics"]
    table = tuned_laws(topics, None, validation(losses), chosen, SPEC)
    assert tuple(table.columns) == TUNED.names
    (row,) = table.to_dict("records")
    assert (row["frontier"], row["corpus"], row["treatment"]) == ("tuned", "web", "treat")
    assert row["verdict"] == "widens"
    assert row["verdict_tuned"] == tuned
    assert row["survives"] == survived
    # G = 1.2 (F / 1e11)^dbeta, with dbeta = .03 or -.03; the noise of a run is .1 %.
    assert row["dbeta"] == pytest.approx(0.03, abs=0.003)
    assert row["dbeta_tuned"] == pytest.approx(-0.03 if tuned == "narrows" else 0.03, abs=0.003)


@pytest.mark.parametrize(
    ("default", "tuned", "word"),
    [
        ("widens", "widens", "same"),
        ("widens", "narrows", "changed"),
        ("widens", "undecided", "lost"),
        ("", "parallel", "gained"),
        ("undecided", "", "undecided"),
    ],
)
def test_a_verdict_that_is_no_longer_decided_is_lost_not_changed(default, tuned, word):
    assert survives(default, tuned) == word
