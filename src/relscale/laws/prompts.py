"""Loss explained by compute, and accuracy, under each prompt (the paper's figure 3)."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.prompts import PROMPTS
from relscale.contract.typed import flags
from relscale.laws.inputs import check_losses
from relscale.laws.power import fit_power_law

METRIC = "choice_loss_nats"
LEAST_WINDOW = 2048
"""Tokens that five shots, a question and its answers need; below, most contexts are cut."""
LEAST_RUNS = 4
"""Runs that an interval of R^2 needs."""
ALL = "all"
"""Name of the row over all domains."""


def prompt_table(
    losses: pd.DataFrame, prompts: Mapping[str, str], *, compute: str, window: int, level: float
) -> pd.DataFrame:
    """Return exponents and R^2 of loss on compute, and accuracies, by prompt and domain.

    R^2 is over all runs of a corpus; accuracies are compared with the traditional prompt.

    The row `all` takes a run's loss as the unweighted mean over domains and its accuracy as the
    mean weighted by items. Differences of accuracy are paired by run.

    Args:
        losses: rows of the families in `prompts`, with `choice_loss_nats` and, for the accuracies,
            `accuracy`; excluded runs are left out.
        prompts: each family's prompt: "traditional", "continuation" or "modified".
        compute: `training_flops` or `forward_flops`.
        window: tokens that the models read; 0 where they differ or it is not known.
        level: level of the intervals of the exponent (Student's t) and of R^2 (Fisher's z).

    Raises:
        ValueError: naming the family, where it has no usable row of the loss, or two families have
            the same prompt; and as `check_losses`.
    """
    _check_prompts(prompts)
    checked = check_losses(losses[losses["family"].isin(list(prompts))], compute)
    # No law can be fitted to an accuracy of 0, but it counts here.
    kept = checked[checked["used"] | ((checked["metric"] == "accuracy") & (checked["value"] == 0))]
    kept = kept.assign(
        log_compute=np.log(kept[compute].to_numpy(dtype=float)), at_chance=flags(kept["at_chance"])
    )
    accuracies = {
        prompt: _accuracy(kept[kept["family"] == family]) for family, prompt in prompts.items()
    }
    rows: list[dict[str, Any]] = []
    for family, prompt in prompts.items():
        mine = kept[(kept["family"] == family) & (kept["metric"] == METRIC)]
        if mine.empty:
            raise ValueError(
                f"family {family!r}: has no usable row of {METRIC}; add it to the family's metrics"
            )
        for corpus, of_corpus in mine.groupby("corpus", sort=True):
            for domain in [*dict.fromkeys(of_corpus["domain"]), ALL]:
                runs = _of_runs(of_corpus, domain)
                rows.append(
                    {
                        "corpus": corpus,
                        "family": family,
                        "prompt": prompt,
                        "metric": METRIC,
                        "domain": domain,
                    }
                    | _explained(runs, level)
                    | _accuracies(accuracies, str(corpus), domain, prompt)
                    | _status(runs, window)
                )
    return pd.DataFrame(rows, columns=list(PROMPTS.names))


def _check_prompts(prompts: Mapping[str, str]) -> None:
    """Check that every prompt belongs to one family."""
    families: dict[str, list[str]] = {}
    for family, prompt in prompts.items():
        families.setdefault(prompt, []).append(family)
    for prompt, names in families.items():
        if len(names) > 1:
            raise ValueError(f"prompt {prompt!r}: asked of several families, {', '.join(names)}")


def _of_runs(rows: pd.DataFrame, domain: str) -> pd.DataFrame:
    """Return one row per run: log_compute, value, at_chance, num_items, num_truncated."""
    if domain != ALL:
        return rows[rows["domain"] == domain]
    grouped = rows.groupby("run", sort=True)
    whole = grouped["domain"].transform("nunique") == rows["domain"].nunique()
    kinds = {
        "log_compute": "first",
        "value": "mean",
        "at_chance": "all",
        "num_items": "sum",
        "num_truncated": "sum",
    }
    return rows[whole].groupby("run", sort=True).agg(kinds)


def _explained(runs: pd.DataFrame, level: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "exponent": math.nan,
        "exponent_ci_low": math.nan,
        "exponent_ci_high": math.nan,
        "r2": math.nan,
        "ci_low": math.nan,
        "ci_high": math.nan,
        "num_runs": len(runs),
        "runs_at_chance": int(runs["at_chance"].sum()),
        "truncated_share": float(runs["num_truncated"].sum() / runs["num_items"].sum())
        if len(runs)
        else math.nan,
    }
    if _obstacle(runs):
        return found
    x, y = runs["log_compute"].to_numpy(dtype=float), np.log(runs["value"].to_numpy(dtype=float))
    r = abs(float(np.corrcoef(x, y)[0, 1]))
    found["r2"] = r * r
    law = fit_power_law(x, y, level)
    found["exponent"] = law.exponent
    found["exponent_ci_low"], found["exponent_ci_high"] = law.ci_low, law.ci_high
    if len(runs) >= LEAST_RUNS:
        centre, half = (
            math.atanh(min(r, 1 - 1e-15)),
            float(stats.norm.ppf((1 + level) / 2)) / math.sqrt(len(runs) - 3),
        )
        # Below 0 the correlation has the other sign: R^2 itself reaches down to 0.
        found["ci_low"], found["ci_high"] = (
            max(0.0, math.tanh(centre - half)) ** 2,
            math.tanh(centre + half) ** 2,
        )
    return found


def _obstacle(runs: pd.DataFrame) -> Status | None:
    """Return the status of rows without an R^2, None where there is one."""
    if len(runs) < 3:
        return Status.TOO_FEW_RUNS
    values = runs["value"].to_numpy(dtype=float)
    if (
        not np.isfinite(values).all()
        or not (values > 0).all()
        or np.ptp(values) == 0
        or np.ptp(runs["log_compute"].to_numpy()) == 0
    ):
        return Status.NO_VARIATION
    return None


def _status(runs: pd.DataFrame, window: int) -> dict[str, object]:
    """Return the columns `status` and `remarks` of a row."""
    notes = []
    if 0 < window < LEAST_WINDOW:
        notes.append(f"window {window}: prompts with shots need {LEAST_WINDOW}")
    at_chance = int(runs["at_chance"].sum())
    if at_chance:
        notes.append(f"{at_chance} run(s) at chance")
    status = Status.OK
    if obstacle := _obstacle(runs):
        status = obstacle
    elif 0 < window < LEAST_WINDOW:
        status = Status.SHORT_WINDOW
    elif 2 * at_chance >= len(runs):
        status = Status.AT_CHANCE
    return status_columns(status, notes)


def _accuracy(rows: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy by corpus, domain and run, with `all` as the mean weighted by items."""
    mine = rows[rows["metric"] == "accuracy"][["corpus", "domain", "run", "value", "num_items"]]
    weighted = (
        mine.assign(correct=mine["value"] * mine["num_items"])
        .groupby(["corpus", "run"], sort=True)[["correct", "num_items"]]
        .sum()
    )
    total = (
        (weighted["correct"] / weighted["num_items"])
        .rename("value")
        .reset_index()
        .assign(domain=ALL)
    )
    return pd.concat([mine.drop(columns="num_items"), total], ignore_index=True)


def _accuracies(
    accuracies: Mapping[str, pd.DataFrame], corpus: str, domain: str, prompt: str
) -> dict[str, float]:
    """Return the mean accuracy over runs and its difference to the traditional prompt.

    The difference has mean, lowest and highest value, in percentage points.
    """

    def of_runs(name: str) -> pd.Series:
        table = accuracies.get(name)
        if table is None:
            return pd.Series(dtype=float)
        return (
            table[(table["corpus"] == corpus) & (table["domain"] == domain)]
            .set_index("run")["value"]
            .astype(float)
        )

    mine = of_runs(prompt)
    points = (100 * (mine - of_runs("traditional"))).dropna()
    none = points.empty
    return {
        "accuracy": float(mine.mean()) if len(mine) else math.nan,
        "accuracy_minus_traditional": math.nan if none else float(points.mean()),
        "accuracy_minus_traditional_low": math.nan if none else float(points.min()),
        "accuracy_minus_traditional_high": math.nan if none else float(points.max()),
    }
