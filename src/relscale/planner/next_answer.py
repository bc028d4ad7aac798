"""The question and the answer of `relscale plan next`, in words and as JSON."""

from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from relscale.files import write_json
from relscale.planner.suite_cost import ASSUMED, check_price, device_costs


@dataclass(frozen=True, kw_only=True)
class NextRequest:
    """The budget, and what a model costs."""

    flops: float
    """Training FLOPs, on the compute axis of the table."""
    max_tokens: float | None = None
    """Most tokens; None for no limit."""
    inference_tokens: float | None = None
    """Tokens that the model will process after training; None plans for training alone."""
    loss: float | None = None
    """Loss to reach with inference; None for the least loss of the budget."""
    six_nd: bool = False
    """Count 6 N D instead of as the table's runs are counted."""
    peak_flops: float = ASSUMED.peak_flops_per_s
    """Peak FLOPs per second of a device."""
    utilisation: float = ASSUMED.utilisation
    """Share of the peak that training reaches."""
    price: float | None = None
    """Money per device-hour."""
    beyond: bool = False
    """Whether answers outside the data are wanted."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: naming the first option that is wrong.
        """
        for name in ("flops", "max_tokens", "inference_tokens", "loss"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                option = name.replace("_", "-")
                raise ValueError(f"--{option} {value}: a positive number is needed")
        if self.loss is not None and self.inference_tokens is None:
            raise ValueError("--loss is a loss to reach with inference: add --inference-tokens")
        check_price(self.price)
        device_costs(self.peak_flops, self.utilisation)


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """A model with its interval."""

    params: float
    """N."""
    params_ci: tuple[float, float]
    """Interval of N by refits of the surface."""
    tokens: float
    """D."""
    tokens_ci: tuple[float, float]
    """Interval of D."""
    training_flops: float
    """FLOPs of training."""
    inference_flops: float = 0.0
    """FLOPs of inference."""

    @property
    def total_flops(self) -> float:
        """FLOPs of training and inference."""
        return self.training_flops + self.inference_flops


@dataclass(frozen=True, kw_only=True)
class BuiltShape:
    """The nearest shape that a recipe builds."""

    shape: str
    """Width x layers."""
    params: float
    """N of the shape."""
    tokens: int
    """Tokens that the recipe trains it on."""
    batch_size: int
    """Sequences per step."""
    steps: int
    """Optimiser steps."""
    training_flops: float
    """Exact FLOPs."""
    loss: float
    """Loss that the surface predicts for it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class NextModel:
    """The answer of `next_model`."""

    request: NextRequest
    """The question."""
    corpus: str
    """Corpus whose runs were read."""
    counted: str
    """How FLOPs are counted."""
    params_counted: str
    """Which parameters are N."""
    loss_of: str
    """The loss that is minimised: its family and metric."""
    best: PlannedModel
    """The model with the least loss for the budget."""
    loss: float
    """Its loss."""
    loss_ci: tuple[float, float]
    """Interval of the loss by refits of the surface."""
    flat: tuple[float, float]
    """All N from the first to the second have a loss within .1 % of the least."""
    limited_by_tokens: bool
    """Whether `max_tokens` limits the model."""
    times: float
    """Budget over the largest compute of the table."""
    extrapolated: bool
    """Whether the model is outside the hull of the runs."""
    served: PlannedModel | None
    """The model that reaches the loss for the least compute with inference."""
    shape: BuiltShape | None
    """Nearest shape of the recipe; None without one."""
    alternatives: pd.DataFrame
    """Models of the same loss: params, tokens, training_flops, flops_ratio, status."""
    predicted: pd.DataFrame
    """Losses of all domains and gaps on three scales at the model to train."""
    level: float
    """Level of the intervals."""

    @property
    def chosen(self) -> PlannedModel:
        """The model to train: with inference the one that serves it best."""
        return self.best if self.served is None else self.served

    @property
    def device_hours(self) -> float:
        """Device-hours of training the chosen model."""
        speed = self.request.peak_flops * self.request.utilisation
        return self.chosen.training_flops / speed / 3600

    @property
    def money(self) -> float:
        """Price of training the chosen model; NaN without a price."""
        price = self.request.price
        return float("nan") if price is None else price * self.device_hours

    def __repr__(self) -> str:
        """Return one line."""
        return (
            f"<NextModel: {self.chosen.params:.3g} parameters, {self.chosen.tokens:.3g} tokens for "
            f"{self.request.flops:.3g} FLOPs{', extrapolated' if self.extrapolated else ''}>"
        )

    def summary(self) -> str:
        """Return the answer in words and small tables."""
        return next_text(self)

    def write(self, path: Path) -> None:
        """Write the answer as JSON."""
        write_json(path, next_json(self))


def next_text(found: NextModel) -> str:
    """Return the answer, ending with a line feed."""
    request = found.request
    label = ", extrapolated" if found.extrapolated else ""
    lines = [
        f"For {request.flops:.3g} training FLOPs ({found.times:.3g} times the largest run of "
        f"corpus {found.corpus}{label}):",
        f"  N* = {_with(found.best.params, found.best.params_ci)} parameters "
        f"({found.params_counted})",
        f"  D* = {_with(found.best.tokens, found.best.tokens_ci)} tokens, "
        f"{found.best.tokens / found.best.params:.3g} per parameter",
        f"  loss {found.loss:.4g} [{found.loss_ci[0]:.4g}, {found.loss_ci[1]:.4g}] "
        f"({found.loss_of})",
        f"  flat range: every N from {found.flat[0]:.3g} to {found.flat[1]:.3g} has a loss within "
        "0.1 % of the least",
    ]
    if found.limited_by_tokens:
        lines.append(
            f"  limited by --max-tokens {request.max_tokens:g}; repeated data is not modelled"
        )
    lines += _inference(found)
    if found.shape is not None:
        shape = found.shape
        lines.append(
            f"  nearest shape of the recipe: {shape.shape} with {shape.params:.4g} parameters, "
            f"{shape.steps} steps of {shape.batch_size} sequences ({shape.tokens:.4g} tokens, "
            f"{shape.training_flops:.4g} FLOPs), loss {shape.loss:.4g}"
        )
    money = (
        "no price (--price)" if not isfinite(found.money) else f"{found.money:,.4g} at the price"
    )
    lines += [
        f"  training: {found.device_hours:,.4g} device-hours at {request.utilisation:.0%} of "
        f"{request.peak_flops:.3g} FLOP/s; {money}",
        "",
        "Models of the same loss:",
        *_alternatives(found.alternatives),
        "",
        f"Predicted at {found.chosen.params:.3g} parameters and {found.chosen.tokens:.3g} tokens"
        f"{label}:",
        *_predicted(found.predicted),
        "",
        f"FLOPs are counted {found.counted}. Intervals have level {found.level:g}; those of N*, D* "
        "and the loss are of refits of the surface, those of losses, ratios and differences are "
        "calibrated by back-tests.",
    ]
    return "\n".join(lines) + "\n"


def next_json(found: NextModel) -> dict[str, Any]:
    """Return the answer as values of JSON; numbers that are not known are null."""

    def model(one: PlannedModel | None) -> dict[str, Any] | None:
        return None if one is None else {**asdict(one), "total_flops": one.total_flops}

    content = {
        "request": asdict(found.request),
        "corpus": found.corpus,
        "flops_counted": found.counted,
        "params_counted": found.params_counted,
        "loss_of": found.loss_of,
        "best": model(found.best),
        "served": model(found.served),
        "loss": found.loss,
        "loss_ci": found.loss_ci,
        "flat_range": found.flat,
        "limited_by_tokens": found.limited_by_tokens,
        "times_the_largest_compute": found.times,
        "extrapolated": found.extrapolated,
        "shape": None if found.shape is None else asdict(found.shape),
        "device_hours": found.device_hours,
        "money": found.money,
        "alternatives": found.alternatives.to_dict("records"),
        "predicted": found.predicted.to_dict("records"),
        "ci_level": found.level,
    }
    cleaned = _without_nan(content)
    assert isinstance(cleaned, dict)
    return cleaned


def _without_nan(value: Any) -> Any:
    """Return a value with null for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in value]
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    return value


def _with(value: float, ends: tuple[float, float]) -> str:
    """Return a number with its interval."""
    return f"{value:.3g} [{ends[0]:.3g}, {ends[1]:.3g}]"


def _inference(found: NextModel) -> list[str]:
    """Return the lines about inference."""
    request, served = found.request, found.served
    if served is None or request.inference_tokens is None:
        return []
    lines = [
        f"With {request.inference_tokens:.3g} tokens of inference, the least compute in all for "
        f"this loss:"
        if request.loss is None
        else f"With {request.inference_tokens:.3g} tokens of inference, the least compute in all "
        f"for a loss of {request.loss:g}:",
        f"  N = {_with(served.params, served.params_ci)} parameters",
        f"  D = {_with(served.tokens, served.tokens_ci)} tokens, "
        f"{served.tokens / served.params:.3g} per parameter",
        f"  {served.total_flops:.3g} FLOPs: {served.training_flops:.3g} of training and "
        f"{served.inference_flops:.3g} of inference",
    ]
    if request.loss is None:
        rate = served.inference_flops / served.params
        other = found.best.training_flops + rate * found.best.params
        lines.append(f"  the model that is best for training alone needs {other:.3g} FLOPs in all")
    return lines


def _alternatives(table: pd.DataFrame) -> list[str]:
    """Return the models of the same loss as lines."""
    lines = [f"{'parameters':>12} {'tokens':>10} {'training FLOPs':>15} {'of the best':>12}"]
    for row in table.to_dict("records"):
        if row["status"] == "loss_not_reached":
            lines.append(f"{row['params']:>12.3g} {'too small for this loss':>39}")
            continue
        note = "  too many tokens" if row["status"] == "too_many_tokens" else ""
        lines.append(
            f"{row['params']:>12.3g} {row['tokens']:>10.3g} {row['training_flops']:>15.3g} "
            f"{row['flops_ratio']:>11.3g}x{note}"
        )
    return lines


def _predicted(table: pd.DataFrame) -> list[str]:
    """Return the predictions as lines: a row per domain, a column per scale."""
    wide = max((len(str(name)) for name in table["domain"]), default=6) + 2
    lines = [
        f"{'domain':<{wide}} {'loss':>24} {'ratio':>24} {'difference':>26} {'reducible ratio':>24}"
    ]
    for domain in dict.fromkeys(table["domain"]):
        rows = table[table["domain"] == domain].set_index("scale")
        cells = [_cell(rows, scale) for scale in ("value", "ratio", "difference", "reducible")]
        widths = (24, 24, 26, 24)
        text = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{domain:<{wide}} {text}".rstrip())
    return lines


def _cell(rows: pd.DataFrame, scale: str) -> str:
    """Return a value with its interval, or its status."""
    if scale not in rows.index:
        return ""
    row = rows.loc[[scale]].iloc[0]
    if not isfinite(float(row["value"])):
        return str(row["status"])
    return f"{row['value']:.4g} [{row['ci_low']:.4g}, {row['ci_high']:.4g}]"
