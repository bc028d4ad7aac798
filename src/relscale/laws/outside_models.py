"""Models that are not runs of the suite, compared with the two-stage law.

Published models, for example.

Two predictions per model: its accuracy from its own loss (the sigmoid alone), and from its compute
(power law, then sigmoid). Both have the interval of an observed accuracy. A model counts for
nothing in the fits.
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
from relscale.laws.power import PowerLaw
from relscale.laws.sigmoid import Sigmoid, predict_accuracy, predict_from_loss

OUTSIDE_KINDS = ("outside_from_loss", "outside_from_compute")
REQUIRED = ("name", "compute", "loss", "accuracy")


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
    domain: str = ""
    """The domain it was measured on; empty for every domain."""
    corpus: str = ""
    """The corpus whose laws it is compared with; empty for every corpus."""

    def belongs(self, corpus: str, domain: str) -> bool:
        """Return whether the model is compared with the law of a domain of a corpus."""
        return self.domain in ("", domain) and self.corpus in ("", corpus)


def read_outside_models(path: Path) -> tuple[OutsideModel, ...]:
    """Read a table of models, CSV or Parquet.

    Columns: name, compute, loss, accuracy (empty where unknown; compute or loss must be known), and
    where they matter domain and corpus.

    Raises:
        ValueError: naming file, row and column, for a missing column, a value that cannot be, or a
            repeated model.
    """
    frame = read_table(path, REQUIRED)
    for key in ("compute", "loss", "accuracy"):
        frame[key] = as_numbers(frame[key], str(path), lambda position: f"row {position + 1}")
    models = []
    for number, row in enumerate(frame.to_dict("records"), start=1):
        where = f"{path}: row {number}"
        values = {key: float(row[key]) for key in ("compute", "loss", "accuracy")}
        for key in ("compute", "loss"):
            if values[key] <= 0 or np.isinf(values[key]):
                raise ValueError(
                    f"{where}: {key} is {row[key]!r}: a number above 0, or empty where unknown"
                )
        if not np.isnan(values["accuracy"]) and not 0 <= values["accuracy"] <= 1:
            raise ValueError(
                f"{where}: accuracy is {row['accuracy']!r}: a share from 0 to 1, or empty "
                "where unknown"
            )
        if np.isnan(values["compute"]) and np.isnan(values["loss"]):
            raise ValueError(
                f"{where}: neither compute nor loss: one of them is needed to predict from"
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
                compute=values["compute"],
                loss=values["loss"],
                accuracy=values["accuracy"],
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


def outside_rows(
    models: Sequence[OutsideModel], power: PowerLaw, sigmoid: Sigmoid, level: float, seed: int
) -> Iterator[dict[str, object]]:
    """Predict each model's accuracy from its loss and from its compute.

    Args:
        models: those compared with this law.
        power: compute to loss.
        sigmoid: loss to accuracy.
        level: of the intervals.
        seed: of the draws.

    Yields:
        The columns of predictions.csv from `kind` on.
    """
    for model in models:
        row = {
            "budget": "",
            "model": model.name,
            "compute": model.compute,
            "observed_loss": model.loss,
            "observed": model.accuracy,
        }
        if np.isfinite(model.loss):
            found = predict_from_loss(
                loss=np.array([model.loss]), sigmoid=sigmoid, level=level, seed=seed
            )
            yield {
                **row,
                "kind": OUTSIDE_KINDS[0],
                **found.columns(),
                **_status(sigmoid, model.loss, []),
            }
        if np.isfinite(model.compute):
            at = np.array([model.compute])
            found = predict_accuracy(
                compute=at, power=power, sigmoid=sigmoid, level=level, seed=seed, new_point=True
            )
            notes = [] if power.dof > 0 else ["no interval: two budgets"]
            yield {
                **row,
                "kind": OUTSIDE_KINDS[1],
                **found.columns(),
                **_status(sigmoid, float(found.loss[0]), notes),
            }


def outside_failures(
    models: Sequence[OutsideModel], error: FitError
) -> Iterator[dict[str, object]]:
    """Return one row per model, as `outside_rows`, where there is no fit to predict from."""
    nothing = dict.fromkeys(("loss", "accuracy", "ci_low", "ci_high"), float("nan"))
    for model in models:
        row = {
            "budget": "",
            "model": model.name,
            "compute": model.compute,
            "observed_loss": model.loss,
            "observed": model.accuracy,
        }
        yield {
            **row,
            "kind": OUTSIDE_KINDS[0],
            **nothing,
            **status_columns(error.status, error.remarks),
        }


def _status(sigmoid: Sigmoid, loss: float, notes: Sequence[str]) -> dict[str, object]:
    beyond = (
        []
        if sigmoid.loss_min <= loss <= sigmoid.loss_max
        else ["outside the losses that were fitted"]
    )
    return status_columns(sigmoid.status, [*notes, *beyond])
