"""Scores of registered predictions, once the models are trained: `relscale plan score`.

Errors are those of logs, in percent. The interval score at level 1 - a is the width of the interval
plus 2 / a times the distance of a value outside (Gneiting and Raftery, 2007, equation 43), of logs,
in percent: lower is better.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, log
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.tables.scores import SCORES
from relscale.files import sha256_of
from relscale.laws.metric_fits import CorpusFits
from relscale.planner.given_table import GivenTable, Losses
from relscale.planner.named_model import NamedModel
from relscale.planner.registered import CODE, Register, RegisteredValue
from relscale.provenance.code import code_digest

SAME = 0.05
"""Largest relative difference between the registered and the trained model."""


@dataclass(frozen=True, kw_only=True, repr=False)
class RegisterScores:
    """Scores of a register."""

    table: pd.DataFrame
    """Rows of `SCORES`."""
    register: Register
    """The predictions."""
    notes: tuple[str, ...] = ()
    """Remarks, such as a model that the table lacks."""

    def __repr__(self) -> str:
        """Return one line."""
        models = len(self.register.models)
        return f"<RegisterScores: {len(self.table)} predictions of {models} model(s)>"

    def write(self, path: Path) -> None:
        """Write the scores as CSV or Parquet."""
        write_table(self.table, path, SCORES)

    def summary(self) -> str:
        """Return the scores of losses and of ratios in words."""
        lines = [
            f"{len(self.register.models)} model(s), predicted from {len(self.register.runs)} runs "
            f"by code {self.register.code}:"
        ]
        for words, rows in (
            ("losses", self.table[self.table["baseline"] == ""]),
            ("ratios", self.table[self.table["baseline"] != ""]),
        ):
            rows = rows[rows["observed"].notna() & rows["value"].notna()]
            if rows.empty:
                continue
            lines.append(
                f"{words:<10}{'number':>8}{'covered':>12}{'|error|':>10}{'interval score':>16}"
            )
            for name, error, covered, score in (
                ("law", "error_percent", "covered", "interval_score_percent"),
                ("last value", "last_value_error_percent", "", ""),
                (
                    "power law",
                    "power_law_error_percent",
                    "power_law_covered",
                    "power_law_interval_score_percent",
                ),
            ):
                hits = f"{(rows[covered] == 'true').sum()} of {len(rows)}" if covered else ""
                mean = f"{rows[score].mean():.2f} %" if score else ""
                lines.append(
                    f"{name:<10}{len(rows):>8}{hits:>12}{rows[error].abs().mean():>8.2f} %"
                    f"{mean:>16}".rstrip()
                )
        lines += [f"Note: {note}." for note in self.notes]
        return "\n".join(lines) + "\n"


def score(
    register: Register, losses: Losses, *, mapping: Path | str | None = None
) -> RegisterScores:
    """Score registered predictions by the values of the trained models.

    Args:
        register: the predictions (`Register.read`).
        losses: table with the models as runs, or its file.
        mapping: YAML file for a table that is laid out in another way.

    Raises:
        ValueError: for a table that has none of the models, or a model of another size.
    """
    settings = dict(register.settings)
    family, metrics = settings.pop("family"), settings.pop("metrics", None)
    table = GivenTable.read(losses, mapping, family=family, **settings)
    if metrics is not None:
        table = table.with_metrics(tuple(metrics))
    return score_in(register, table)


def score_in(register: Register, table: GivenTable) -> RegisterScores:
    """Score registered predictions as `score` does, in a table that was read.

    Raises:
        ValueError: as `score`.
    """
    observed, notes = _observed(register, table)
    if code_digest(CODE) != register.code:
        notes.append("the code changed since the predictions were written; they did not")
    if Path(table.where).is_file() and sha256_of(Path(table.where)) == register.table_sha256:
        notes.append(
            "the table is the one that the predictions were made from, with "
            f"{len(register.left_out)} run(s) left out"
        )
    rows = list(_rows(register, observed, table.spec.family))
    trained = {model for model, _, _ in observed}
    if lost := sum(row["model"] in trained and row["remarks"] != "" for row in rows):
        notes.append(f"{lost} prediction(s) of trained models have no value in the table")
    return RegisterScores(
        table=pd.DataFrame(rows, columns=list(SCORES.names)),
        register=register,
        notes=tuple(notes),
    )


def _observed(
    register: Register, table: GivenTable
) -> tuple[dict[tuple[str, str, str], float], list[str]]:
    """Return log values by model, metric and domain, and notes on models that are missing.

    Raises:
        ValueError: if no model is there, or one has another size.
    """
    corpora = {fits.runs.corpus: fits for fits in table.corpora()}
    if register.corpus not in corpora:
        raise ValueError(f"{table.where}: no corpus {register.corpus!r}, which was predicted")
    fits = corpora[register.corpus]
    runs = fits.runs
    found: dict[tuple[str, str, str], float] = {}
    notes = []
    for model in register.models:
        if model.name not in runs.runs:
            notes.append(_why_not(fits, model.name))
            continue
        at = runs.runs.index(model.name)
        cell = runs.run_cell[at]
        _check_size(model, float(runs.params_model[cell]), float(10 ** runs.log10_tokens[cell]))
        for metric in fits.metrics:
            for domain in metric.readings.domains:
                found[model.name, metric.metric, domain] = float(metric.values(domain)[at])
    if not found:
        raise ValueError(
            f"{table.where}: none of the registered models is a run of corpus "
            f"{register.corpus!r} that can be scored: {'; '.join(notes)}"
        )
    return found, notes


def _why_not(fits: CorpusFits, run: str) -> str:
    """Return in words why a registered model is not scored."""
    rows = fits.family[(fits.family["corpus"] == fits.runs.corpus) & (fits.family["run"] == run)]
    if rows.empty:
        return f"the table has no run {run!r} yet"
    reasons = ", ".join(sorted(set(rows["reason"]) - {""})) or "no value of the metrics"
    return f"run {run!r} cannot be scored: {reasons}"


def _check_size(model: NamedModel, params: float, tokens: float) -> None:
    """Check that the trained model is the registered one.

    Raises:
        ValueError: naming both sizes.
    """
    if max(abs(params / model.params - 1), abs(tokens / model.tokens - 1)) > SAME:
        raise ValueError(
            f"run {model.name!r} has {params:.4g} parameters and {tokens:.4g} tokens, and "
            f"{model.params:.4g} and {model.tokens:.4g} were predicted: another model"
        )


def _rows(
    register: Register, observed: dict[tuple[str, str, str], float], family: str
) -> Iterator[dict[str, object]]:
    """Return the rows of all predictions."""
    place = {"corpus": register.corpus, "family": family}
    for one in register.predictions:
        value = observed.get((one.model, one.metric, one.domain), np.nan)
        if one.baseline:
            value = value - observed.get((one.model, one.metric, one.baseline), np.nan)
        law = _scored(value, one.value, one.ci_low, one.ci_high, register.level)
        plain = _scored(
            value, one.power_law, one.power_law_ci_low, one.power_law_ci_high, register.level
        )
        yield {
            **place,
            **_label(one),
            "observed": float(np.exp(value)),
            "value": _number(one.value),
            "ci_low": _number(one.ci_low),
            "ci_high": _number(one.ci_high),
            "error_percent": law[0],
            "covered": law[1],
            "interval_score_percent": law[2],
            "last_value_error_percent": _scored(value, one.last_value, None, None, 0.95)[0],
            "power_law_error_percent": plain[0],
            "power_law_covered": plain[1],
            "power_law_interval_score_percent": plain[2],
            "status": one.status,
            "remarks": "" if isfinite(value) else "not observed",
        }


def _label(one: RegisteredValue) -> dict[str, object]:
    """Return the columns that name a prediction."""
    return {name: getattr(one, name) for name in ("model", "metric", "domain", "baseline", "law")}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _scored(
    observed: float, value: float | None, low: float | None, high: float | None, level: float
) -> tuple[float, str, float]:
    """Return the error in percent, whether it is covered (a word), and the interval score."""
    if value is None or not isfinite(observed):
        return float("nan"), "", float("nan")
    error = 100 * (log(value) - observed)
    if low is None or high is None:
        return error, "", float("nan")
    covered = log(low) <= observed <= log(high)
    return error, str(covered).lower(), 100 * interval_score(log(low), log(high), observed, level)


def interval_score(low: float, high: float, value: float, level: float) -> float:
    """Return the interval score of a value (Gneiting and Raftery, 2007, equation 43).

    Examples:
        A value .1 below an interval of width 1 at level .8 costs 2 / .2 times .1.

        >>> round(interval_score(0.0, 1.0, -0.1, 0.8), 6)
        2.0
    """
    alpha = 1 - level
    return (high - low) + 2 / alpha * (max(low - value, 0.0) + max(value - high, 0.0))
