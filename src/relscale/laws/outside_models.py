"""Models that are not runs of the suite, compared with the two-stage law.

Published models, for example.

Up to three predictions per model: its accuracy from its own loss (the sigmoid alone), from its
compute (the loss of a model on the runs' path, then the sigmoid), and from its parameters and
tokens. All have the interval of an observed accuracy. A model counts for nothing in the fits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.contract.io import read_table
from relscale.contract.status import status_columns
from relscale.contract.typed import as_numbers
from relscale.laws.fit_error import FitError
from relscale.laws.run_points import Places
from relscale.laws.two_stages import AccuracyPrediction, TwoStages

FROM_LOSS, FROM_COMPUTE, FROM_SIZE = (
    "outside_from_loss",
    "outside_from_compute",
    "outside_from_size",
)
REQUIRED = ("name", "compute", "loss", "accuracy")
NUMBERS = ("compute", "loss", "params", "tokens")
"""Columns of numbers above 0; the last two may be missing."""


@dataclass(frozen=True, kw_only=True)
class OutsideModel:
    """One model; NaN where something is not known of it."""

    name: str
    """Its name."""
    compute: float
    """FLOPs on the laws' axis."""
    loss: float
    """On the two-stage law's loss metric."""
    accuracy: float
    """On its accuracy metric."""
    params: float = float("nan")
    """Parameters, counted as those of the runs: transformer and head, or all where the losses table
    does not split them."""
    tokens: float = float("nan")
    """Training tokens."""
    domain: str = ""
    """The domain it was measured on; empty for every domain."""
    corpus: str = ""
    """The corpus whose laws it is compared with; empty for every corpus."""

    def belongs(self, corpus: str, domain: str) -> bool:
        """Return whether the model is compared with the law of a domain of a corpus."""
        return self.domain in ("", domain) and self.corpus in ("", corpus)


def read_outside_models(path: Path) -> tuple[OutsideModel, ...]:
    """Read a table of models, CSV or Parquet.

    Columns: name, compute, loss, accuracy (empty where unknown; a loss, a compute, or parameters
    and tokens must be known), and where they matter params, tokens, domain and corpus.

    Raises:
        ValueError: naming file, row and column, for a missing column, a value that cannot be, or a
            repeated model.
    """
    frame = read_table(path, REQUIRED)
    for key in (*NUMBERS, "accuracy"):
        if key not in frame.columns:
            frame[key] = np.nan
        frame[key] = as_numbers(frame[key], str(path), lambda position: f"row {position + 1}")
    models = []
    for number, row in enumerate(frame.to_dict("records"), start=1):
        where = f"{path}: row {number}"
        values = {key: float(row[key]) for key in (*NUMBERS, "accuracy")}
        for key in NUMBERS:
            if values[key] <= 0 or np.isinf(values[key]):
                raise ValueError(
                    f"{where}: {key} is {row[key]!r}: a number above 0, or empty where unknown"
                )
        if not np.isnan(values["accuracy"]) and not 0 <= values["accuracy"] <= 1:
            raise ValueError(
                f"{where}: accuracy is {row['accuracy']!r}: a share from 0 to 1, or empty "
                "where unknown"
            )
        if np.isnan(values["params"]) != np.isnan(values["tokens"]):
            raise ValueError(f"{where}: params and tokens are needed together, or neither of them")
        if np.isnan([values[key] for key in ("compute", "loss", "params")]).all():
            raise ValueError(
                f"{where}: neither compute nor loss: one of them, or params and tokens, is needed "
                "to predict from"
            )
        text = {
            key: "" if pd.isna(row.get(key)) else str(row[key])
            for key in ("name", "domain", "corpus")
        }
        if not text["name"]:
            raise ValueError(f"{where}: name is empty")
        models.append(
            OutsideModel(
                name=text["name"],
                **values,
                domain=text["domain"],
                corpus=text["corpus"],
            )
        )
    seen = [(model.name, model.domain, model.corpus) for model in models]
    twice = [name for index, (name, *rest) in enumerate(seen) if (name, *rest) in seen[:index]]
    if twice:
        raise ValueError(
            f"{path}: {', '.join(twice)} more than once: one row per model, domain and corpus"
        )
    return tuple(models)


def outside_rows(models: Sequence[OutsideModel], stages: TwoStages) -> Iterator[dict[str, object]]:
    """Predict each model's accuracy from its loss, from its compute, and from its size.

    Args:
        models: those compared with this law.
        stages: the law of their domain.

    Yields:
        The columns of predictions.csv from `kind` on.

    Raises:
        FitError: one of the stages has no fit.
    """
    for model in models:
        if np.isfinite(model.loss):
            yield _row(model, FROM_LOSS, stages.from_loss(np.array([model.loss])))
        if np.isfinite(model.compute):
            places = stages.first.on_path(np.log([model.compute]))
            yield _row(model, FROM_COMPUTE, stages.predict(places, stages.first.end))
        if np.isfinite(model.params):
            places = stages.first.of_size(model.params, model.tokens, model.compute)
            yield _row(model, FROM_SIZE, stages.predict(places, stages.first.end), places)


def outside_failures(
    models: Sequence[OutsideModel], error: FitError
) -> Iterator[dict[str, object]]:
    """Return one row per model, as `outside_rows`, where there is no fit to predict from."""
    for model in models:
        kind = FROM_LOSS if np.isfinite(model.loss) else FROM_COMPUTE
        if np.isnan([model.loss, model.compute]).all():
            kind = FROM_SIZE
        yield {
            **_of_model(model, kind),
            **dict.fromkeys(PREDICTED, float("nan")),
            "step1": "",
            **status_columns(error.status, error.remarks),
        }


def notes_on(found: AccuracyPrediction, place: int = 0) -> list[str]:
    """Return remarks on a prediction: laws in the interval, and what it has no support for."""
    loss, fitted = float(found.loss[place]), found.sigmoid.losses
    notes = []
    if len(found.laws) > 1:
        notes.append(f"laws in the interval: {', '.join(found.laws)}")
    if np.isnan(found.ci_low[place]):
        notes.append("no interval: two budgets")
    if not fitted.min() <= loss <= fitted.max():
        notes.append("outside the losses that were fitted")
    return notes


PREDICTED = ("horizon", "calibration", "loss", "accuracy", "ci_low", "ci_high")
"""Columns of numbers that a prediction fills."""


def _of_model(model: OutsideModel, kind: str) -> dict[str, object]:
    """Return the columns that describe a model."""
    return {
        "kind": kind,
        "from_budget": "",
        "budget": "",
        "model": model.name,
        "params": model.params,
        "tokens": model.tokens,
        "compute": model.compute,
        "observed_loss": model.loss,
        "observed": model.accuracy,
    }


def _row(
    model: OutsideModel, kind: str, found: AccuracyPrediction, places: Places | None = None
) -> dict[str, object]:
    """Return the row of one prediction; places fill in a compute that is not known."""
    row = _of_model(model, kind)
    if places is not None and np.isnan(model.compute):
        row["compute"] = float(np.exp(places.log_compute[0]))
    sigmoid = found.sigmoid
    notes = [*sigmoid.remarks, *notes_on(found)]
    return {**row, **found.columns(), **status_columns(sigmoid.status, notes)}
