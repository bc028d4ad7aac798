"""The best split of compute between parameters and tokens on loss surfaces.

`Allocation` has surfaces L(N, D) = E + A / N^alpha + B / D^beta, one per draw, and a way of
counting FLOPs. All searches are over a fine grid of log N.
"""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.surface_fit.projection import SurfaceBatch
from relscale.planner.training_cost import CostRule

PLACES = 2001
"""Places of the grid of log N."""
FLAT = 1e-3
"""All N whose loss is within this share of the least loss are in the flat range."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best model of every surface."""

    log_params: Array
    """Natural log of N, (surface,); NaN where there is none."""
    log_tokens: Array
    """Natural log of D, (surface,)."""
    at_end: bool
    """Whether the first surface has its optimum at an end of the search."""


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """Surfaces, and the cost of models."""

    surfaces: SurfaceBatch
    """One per draw; the first is the fit."""
    rule: CostRule
    """Way of counting FLOPs."""
    grid: Array
    """Natural log of N, rising, (place,)."""
    most_tokens: float = float("inf")
    """Largest number of tokens."""

    @classmethod
    def between(
        cls,
        surfaces: SurfaceBatch,
        rule: CostRule,
        ends: tuple[float, float],
        most_tokens: float | None = None,
    ) -> "Allocation":
        """Search between two sizes (numbers of parameters)."""
        return cls(
            surfaces=surfaces,
            rule=rule,
            grid=np.linspace(np.log(ends[0]), np.log(ends[1]), PLACES),
            most_tokens=float("inf") if most_tokens is None else most_tokens,
        )

    def log_tokens(self, log_flops: float) -> Array:
        """Return log D of every size of the grid at a compute, (place,)."""
        return np.asarray(log_flops - self.rule.log_rate(self.grid) - self.grid)

    def losses(self, log_params: Array, log_tokens: Array) -> Array:
        """Return the losses of models, (surface, place); the tokens may differ by surface."""
        batch = self.surfaces
        n = log_params - batch.plane.mean_log_params
        d = log_tokens - batch.plane.mean_log_tokens
        return np.asarray(
            batch.irreducible[:, None]
            + batch.from_params[:, None] * np.exp(-batch.alpha[:, None] * n)
            + batch.from_tokens[:, None] * np.exp(-batch.beta[:, None] * d)
        )

    def at_budget(self, log_flops: float) -> Best:
        """Return the models with the least loss for a compute."""
        tokens = self.log_tokens(log_flops)
        losses = self.losses(self.grid, tokens)
        losses = np.where(tokens <= np.log(self.most_tokens) + 1e-12, losses, np.inf)
        at = _lowest(losses, self.grid)
        rate = self.rule.log_rate(at)
        return Best(log_params=at, log_tokens=log_flops - rate - at, at_end=self._at_end(losses[0]))

    def flat_range(self, log_flops: float) -> tuple[float, float]:
        """Return the least and the largest log N whose loss is within `FLAT` of the least."""
        tokens = self.log_tokens(log_flops)
        losses = self.losses(self.grid, tokens)[0]
        losses = np.where(tokens <= np.log(self.most_tokens) + 1e-12, losses, np.inf)
        most = (1 + FLAT) * losses.min()
        within = np.flatnonzero(losses <= most)
        return self._end(losses, most, int(within[0]), -1), self._end(
            losses, most, int(within[-1]), 1
        )

    def tokens_for(self, log_params: Array, loss: Array) -> Array:
        """Return log D at which sizes reach a loss, (surface, place); NaN where none does.

        B / D^beta = loss - E - A / N^alpha.

        Args:
            log_params: (place,).
            loss: (surface,).
        """
        batch = self.surfaces
        first = batch.from_params[:, None] * np.exp(
            -batch.alpha[:, None] * (log_params - batch.plane.mean_log_params)
        )
        left = loss[:, None] - batch.irreducible[:, None] - first
        with np.errstate(invalid="ignore", divide="ignore"):
            away = -np.log(left / batch.from_tokens[:, None]) / batch.beta[:, None]
        return np.asarray(np.where(left > 0, batch.plane.mean_log_tokens + away, np.nan))

    def cheapest(self, loss: Array, inference_tokens: float) -> Best:
        """Return the models that reach a loss for the least compute over training and inference.

        min over N of F(N, D) + 2 N D_inf subject to L(N, D) = loss (Sardana et al., 2024,
        equation 2; 2 N D_inf is a third of F for as many tokens).

        Args:
            loss: wanted loss, (surface,).
            inference_tokens: D_inf.
        """
        tokens = self.tokens_for(self.grid, loss)
        total = self.total(self.grid, tokens, inference_tokens)
        total = np.where(np.exp(tokens) <= self.most_tokens * (1 + 1e-12), total, np.nan)
        found = np.where(np.isfinite(total), np.log(total), np.inf)
        at = _lowest(found, self.grid)
        each = np.array(
            [self.tokens_for(np.array([place]), loss)[row, 0] for row, place in enumerate(at)]
        )
        return Best(log_params=at, log_tokens=each, at_end=self._at_end(found[0]))

    def total(self, log_params: Array, log_tokens: Array, inference_tokens: float) -> Array:
        """Return FLOPs of training and inference: F(N, D) + F(N, D_inf) / 3."""
        per_token = np.exp(self.rule.log_rate(log_params) + log_params)
        return np.asarray(per_token * (np.exp(log_tokens) + inference_tokens / 3))

    def _end(self, losses: Array, most: float, inner: int, step: int) -> float:
        """Return where losses pass `most` between a place and the next one outside."""
        outer = inner + step
        if not 0 <= outer < len(losses) or not np.isfinite(losses[outer]):
            return float(self.grid[inner])
        share = (most - losses[inner]) / (losses[outer] - losses[inner])
        return float(self.grid[inner] + share * (self.grid[outer] - self.grid[inner]))

    def _at_end(self, losses: Array) -> bool:
        """Return whether the least value is at an end of the places that are allowed."""
        allowed = np.flatnonzero(np.isfinite(losses))
        if not len(allowed):
            return True
        least = int(np.argmin(losses))
        return least in (0, len(losses) - 1)


def _lowest(values: Array, grid: Array) -> Array:
    """Return where values, (surface, place), are lowest: the vertex through the lowest three."""
    least = np.argmin(values, axis=1)
    rows = np.arange(len(values))
    inner = np.clip(least, 1, len(grid) - 2)
    left, middle, right = (values[rows, inner + step] for step in (-1, 0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = 0.5 * (left - right) / (left - 2 * middle + right)
    shift = np.where(np.isfinite(shift) & (inner == least), np.clip(shift, -0.5, 0.5), 0.0)
    found = grid[least] + shift * (grid[1] - grid[0])
    return np.asarray(np.where(np.isfinite(values[rows, least]), found, np.nan))
