"""The design of a losses table: its runs, sizes and budgets, and the laws that it supports."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.losses_table.budgets import FEWEST_SIZES

SAME_RATIO = 1.3
"""Runs whose tokens per parameter differ by less than this factor have a fixed ratio."""
FEWEST_BUDGETS = 3
"""Budgets of a law with IsoFLOP curves, at least."""
FEWEST_RUNS = 5
"""Runs of a surface, at least: as many as it has parameters."""


@dataclass(frozen=True, kw_only=True)
class RunDesign:
    """The runs of one corpus."""

    corpus: str
    """The corpus."""
    num_runs: int
    """Number of runs."""
    num_sizes: int
    """Number of different parameters."""
    num_tokens: int
    """Number of different tokens."""
    num_budgets: int
    """Number of budgets."""
    num_curves: int
    """Number of budgets with an IsoFLOP curve: three sizes or more."""
    compute: tuple[float, float]
    """Least and most compute."""
    ratio: tuple[float, float]
    """Least and most tokens per parameter."""

    def words(self) -> str:
        """Return the numbers in words."""
        return (
            f"corpus {self.corpus}: {self.num_runs} runs, {self.num_sizes} sizes, "
            f"{self.num_tokens} numbers of tokens, {self.num_budgets} budgets "
            f"({self.num_curves} IsoFLOP curves), {self.compute[0]:.3g} to {self.compute[1]:.3g} "
            f"FLOPs, {self.ratio[0]:.3g} to {self.ratio[1]:.3g} tokens per parameter"
        )

    def laws(self) -> str:
        """Return the laws that the runs support, in words."""
        if self.num_curves >= FEWEST_BUDGETS:
            return (
                "IsoFLOP curves: every estimator (auto, joint, vertex, best_run, akima), and "
                "surfaces"
            )
        if self.num_runs < FEWEST_RUNS:
            return (
                f"fewer than {FEWEST_RUNS} runs: laws of compute are not identified; add runs, or "
                "compare the values themselves"
            )
        if self.ratio[1] <= SAME_RATIO * self.ratio[0]:
            return (
                "a ladder with a fixed ratio of tokens to parameters: --estimator auto (laws along "
                "the ladder, gaps by the baseline's loss); size and data cannot be separated"
            )
        if self.num_sizes >= FEWEST_SIZES and self.num_tokens >= FEWEST_SIZES:
            return (
                "sizes x tokens without IsoFLOP curves: --estimator auto or surface (surfaces, "
                "gaps by the baseline's loss)"
            )
        return (
            "few sizes or numbers of tokens: --estimator auto (laws along the runs, gaps by the "
            "baseline's loss); surfaces are not identified"
        )


def designs_of(frame: pd.DataFrame) -> list[RunDesign]:
    """Return the design of each corpus of a losses table."""
    axis = "training_flops" if "training_flops" in frame else "forward_flops"
    runs = frame[frame["value"].notna()].drop_duplicates(["corpus", "run"])
    found = []
    for corpus, rows in runs.groupby("corpus", sort=True):
        sizes = rows.groupby("budget")["num_params_total"].nunique()
        ratio = rows["tokens"].to_numpy(dtype=np.float64) / rows["num_params_total"].to_numpy(
            dtype=np.float64
        )
        found.append(
            RunDesign(
                corpus=str(corpus),
                num_runs=len(rows),
                num_sizes=int(rows["num_params_total"].nunique()),
                num_tokens=int(rows["tokens"].nunique()),
                num_budgets=len(sizes),
                num_curves=int((sizes >= FEWEST_SIZES).sum()),
                compute=(float(rows[axis].min()), float(rows[axis].max())),
                ratio=(float(ratio.min()), float(ratio.max())),
            )
        )
    return found
