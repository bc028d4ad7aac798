"""True losses and true slopes of a scenario."""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array, SuiteRuns
from relscale.laws.estimators.surface import LN10, budget_line

from .scenarios import Scenario


@dataclass(frozen=True, kw_only=True)
class Planted:
    """True slopes and changes of log G, one per treatment."""

    line: Array
    """Slope of the line through the true gaps at the true optima of the score, (treatment,)."""
    tangent: Array
    """d log G / d log F along the true optima, at the reference compute, (treatment,)."""
    change: Array
    """log G at the optimum of the highest budget less that at the lowest, (treatment,)."""

    @classmethod
    def of(cls, compute: Array, gaps: Array) -> "Planted":
        """Read true gaps, (treatment, budget), at natural logs of compute, (budget,)."""
        away = compute - compute.mean()
        smooth = np.polyfit(away, gaps.T, min(3, len(compute) - 1))
        return cls(
            line=np.polyfit(away, gaps.T, 1)[0],
            tangent=smooth[-2],
            change=gaps[:, -1] - gaps[:, 0],
        )


def curves(runs: SuiteRuns, scenario: Scenario) -> tuple[Array, Planted]:
    """Return the true log values of score, baseline and treatments, and the true slopes.

    The values are (2 + treatment, cell).
    """
    compute = np.array(
        [runs.log_compute[runs.cell_budget == k].mean() for k in range(len(runs.budgets))]
    )
    away = runs.log_compute - compute.mean()
    lines = np.array(
        [budget_line(runs, np.flatnonzero(runs.cell_budget == k)) for k in range(len(runs.budgets))]
    ).T
    sizes = runs.log10_tokens[runs.cell_budget == len(runs.budgets) // 2]
    middle = float(sizes.min() + sizes.max()) / 2 + scenario.shift
    number = np.arange(scenario.treatments)
    if scenario.symmetric:
        centre = np.array(
            [
                (lambda x: (x.min() + x.max()) / 2)(runs.log10_tokens[runs.cell_budget == k])
                for k in range(len(runs.budgets))
            ]
        )
        s = (
            runs.log10_tokens
            - np.polyval(np.polyfit(compute, centre, 1), compute)[runs.cell_budget]
        )
        base = 0.8 - 0.08 * away + 0.25 * s**2
        assert scenario.slope is not None
        sloped = len(number) if scenario.sloped is None else scenario.sloped
        slopes = np.where(number < sloped, scenario.slope, 0.0)
        treated = [base + 0.1 + 0.02 * k + (0.05 - 0.01 * k) * s + slopes[k] * away for k in number]
        gaps = slopes[:, None] * compute
        return np.stack([base, base + 0.02 * s, *treated]), Planted.of(compute, gaps)
    log_n, log_d = np.log(runs.params_model), runs.log10_tokens * LN10
    score = Truth.through(lines, middle, 1.0, *scenario.exponents)
    at_d = score.optimum(lines)
    at_n = lines[0] - lines[1] * at_d
    baseline = Truth.through(lines, middle - 0.05, scenario.floors[0], 0.34, 0.42)
    treatments = [
        Truth.through(
            lines,
            middle + 0.10 - 0.03 * k,
            scenario.floors[1] - 0.05 * k,
            0.42 - 0.01 * k,
            0.36,
        )
        for k in number
    ]
    values = np.log(
        np.stack([truth.loss(log_n, log_d) for truth in (score, baseline, *treatments)])
    )
    gaps = np.log(
        np.stack([truth.loss(at_n, at_d) / baseline.loss(at_n, at_d) for truth in treatments])
    )
    return values, Planted.of(compute, gaps)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """L = e + exp(log_a - alpha log N) + exp(log_b - beta log D)."""

    e: float
    alpha: float
    beta: float
    log_a: float
    log_b: float

    @classmethod
    def through(cls, lines: Array, optimum: float, e: float, alpha: float, beta: float) -> "Truth":
        """Make a surface with its minimum on the middle budget's line at a token count.

        `optimum` is the log10 of that count.
        """
        level, falls = lines[:, lines.shape[1] // 2]
        log_d = optimum * LN10
        from_tokens = 0.75
        from_params = from_tokens * beta / (alpha * falls)
        log_a = np.log(from_params) + alpha * (level - falls * log_d)
        return cls(
            e=e,
            alpha=alpha,
            beta=beta,
            log_a=float(log_a),
            log_b=float(np.log(from_tokens) + beta * log_d),
        )

    def loss(self, log_n: Array, log_d: Array) -> Array:
        """Loss at natural logs of N and D."""
        return np.asarray(
            self.e
            + np.exp(self.log_a - self.alpha * log_n)
            + np.exp(self.log_b - self.beta * log_d)
        )

    def optimum(self, lines: Array) -> Array:
        """Natural log of the tokens that minimise the loss along each budget's line, (budget,)."""
        level, falls = lines
        ratio = self.log_b - self.log_a + np.log(self.beta / (self.alpha * falls))
        return np.asarray((ratio + self.alpha * level) / (self.alpha * falls + self.beta))
