"""Accuracies predicted through both stages: a published ladder, and planted ladders and suites.

    python benchmarks/two_stage.py [--ladder FOLDER] [--suites 40]

FOLDER contains the files `<size>-<multiple>xC.csv` of allenai/OLMo-ladder (Apache-2.0). Eight tasks
are predicted at the largest size, and at the two largest, from the smaller sizes: by several
choices of the two-stage law, and by the published form (Bhagia et al., 2412.04403: a surface for
the loss, a logistic with four free parameters for the accuracy, no priors), fitted to the final
runs or to all checkpoints after the first tenth.

Planted suites have losses on a surface (or a power law) and accuracies on a sigmoid whose floor and
ceiling may differ from chance and 1; the highest budget is predicted from lower ones, and the share
of accuracies inside the 95 % intervals is printed.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from ladder import MULTIPLES, SIZES
from scipy import optimize

from relscale.config.analysis import Ceiling, Floor, Step1
from relscale.laws.cells import Array
from relscale.laws.first_stage import FirstStage, places_of
from relscale.laws.run_points import RunPoints
from relscale.laws.sigmoid import SigmoidForm
from relscale.laws.two_stages import Pairs, TwoStages

CHANCE = {
    "mmlu": 0.25,
    "hellaswag": 0.25,
    "arc_challenge": 0.25,
    "arc_easy": 0.25,
    "piqa": 0.5,
    "csqa": 0.2,
    "socialiqa": 1 / 3,
    "openbookqa": 0.25,
}
ITEMS = {
    "mmlu": 14042,
    "hellaswag": 10042,
    "arc_challenge": 1172,
    "arc_easy": 2376,
    "piqa": 1838,
    "csqa": 1221,
    "socialiqa": 1954,
    "openbookqa": 500,
}
GROUPS = {"stem": 3018, "humanities": 4705, "social_sciences": 3077, "other": 3242}
"""Groups of MMLU and their numbers of questions."""
WARM_UP = 0.1
"""Share of a run's checkpoints that the fit to all checkpoints leaves out."""
DRAWS = 400


@dataclass(frozen=True, kw_only=True)
class Method:
    """Choices of the two-stage law."""

    step1: Step1 = "auto"
    floor: Floor = "free"
    ceiling: Ceiling = "free"

    @property
    def name(self) -> str:
        """Words for the tables."""
        return f"{self.step1}, floor {self.floor}, ceiling {self.ceiling}"

    def law(
        self, points: RunPoints, runs: RunPoints, pairs: Pairs, seen: Array, chance: float = 0.25
    ) -> TwoStages:
        """Return the law of a domain."""
        return TwoStages(
            first=FirstStage(points=points, runs=runs, step1=self.step1, draws=DRAWS, seed=0),
            pairs=pairs,
            observed=seen,
            form=SigmoidForm(chance=chance, floor=self.floor, ceiling=self.ceiling),
            level=0.95,
        )


METHODS = (
    Method(),
    Method(step1="surface"),
    Method(step1="saturating"),
    Method(step1="compute"),
    Method(step1="surface", floor="chance", ceiling="one"),
    Method(step1="compute", floor="chance", ceiling="one"),
)


def read_checkpoints(folder: Path) -> pd.DataFrame:
    """Read all checkpoints: size, params, tokens, share of the run, loss and accuracy by task."""
    rows = []
    for place, (size, params) in enumerate(SIZES.items()):
        for multiple in MULTIPLES:
            frame = pd.read_csv(folder / f"{size}-{multiple}xC.csv").sort_values("_step")
            for index, (_, checkpoint) in enumerate(frame.iterrows(), start=1):
                row: dict[str, object] = {
                    "size": place,
                    "params": float(params),
                    "tokens": checkpoint["throughput/total_tokens"],
                    "share": index / len(frame),
                }
                for task in CHANCE:
                    row[f"{task} loss"], row[f"{task} accuracy"] = task_values(checkpoint, task)
                rows.append(row)
    return pd.DataFrame(rows)


def task_values(checkpoint: pd.Series, task: str) -> tuple[float, float]:
    """Return bits per byte of the right answer and accuracy; MMLU is the mean over questions."""
    if task == "mmlu":
        total = sum(GROUPS.values())
        parts = [(f"mmlu_{name}_test", number / total) for name, number in GROUPS.items()]
    else:
        split = "test" if task in ("arc_challenge", "arc_easy", "openbookqa") else "val"
        parts = [(f"{task}_{split}", 1.0)]
    loss = sum(w * checkpoint[f"eval/downstream_bpb/{name}_rc_5shot_bpb"] for name, w in parts)
    accuracy = sum(w * checkpoint[f"eval/downstream/{name}_rc_5shot_len_norm"] for name, w in parts)
    return float(loss), float(accuracy)


def points_of(runs: pd.DataFrame, task: str) -> RunPoints:
    """Return the runs of a task as points; the budget is the size."""
    log_n, log_d = np.log(runs["params"].to_numpy()), np.log(runs["tokens"].to_numpy())
    return RunPoints(
        log_params=log_n,
        log_tokens=log_d,
        log_compute=np.log(6) + log_n + log_d,
        budget=runs["size"].to_numpy(dtype=np.int64),
        cell=np.arange(len(runs)),
        values=np.log(runs[f"{task} loss"].to_numpy())[None],
    )


def ladder_rows(checkpoints: pd.DataFrame, below: int) -> Iterator[dict[str, object]]:
    """Predict the sizes from an index on; yield one row per method."""
    runs = checkpoints[checkpoints["share"] == 1].reset_index(drop=True)
    top = (runs["size"] >= below).to_numpy()
    for method in METHODS:
        errors, inside = [], []
        for task, chance in CHANCE.items():
            points, seen = points_of(runs, task), runs[f"{task} accuracy"].to_numpy()
            pairs = Pairs(
                loss=runs[f"{task} loss"].to_numpy(),
                accuracy=seen,
                budget=points.budget,
                num_items=np.full(len(runs), float(ITEMS[task])),
            )
            stages = method.law(points, points, pairs, seen, chance)
            found = stages.predict(places_of(points, top), below)
            errors.append(np.abs(found.accuracy / seen[top] - 1))
            inside.append((found.ci_low <= seen[top]) & (seen[top] <= found.ci_high))
        yield ladder_row(method.name, errors, inside)
    for name, fitted in (("final runs", runs), ("all checkpoints", checkpoints)):
        errors = [np.abs(published(runs, fitted, task, below)) for task in CHANCE]
        yield ladder_row(f"published form, {name}", errors, None)


def ladder_row(name: str, errors: list[Array], inside: list[Array] | None) -> dict[str, object]:
    """Summarise a method: errors in percent of the accuracy, and what is inside the intervals."""
    row: dict[str, object] = {
        "method": name,
        "error": 100 * float(np.mean(np.concatenate(errors))),
        "error, largest run": 100 * float(np.mean([each[-1] for each in errors])),
        "inside": "",
        "inside, largest run": "",
    }
    if inside is not None:
        together = np.concatenate(inside)
        row["inside"] = f"{int(together.sum())} of {len(together)}"
        row["inside, largest run"] = f"{sum(int(each[-1]) for each in inside)} of {len(inside)}"
    return row


def published(runs: pd.DataFrame, fitted: pd.DataFrame, task: str, below: int) -> Array:
    """Return relative errors of the published form at the sizes from an index on."""
    points = points_of(runs, task)
    top = points.budget >= below
    first = FirstStage(points=points, runs=points, step1="surface", draws=2, seed=0)
    loss = np.exp(first.predict("surface", below, places_of(points, top)).log_loss)
    used = fitted[(fitted["size"] < below) & (fitted["share"] > WARM_UP)]
    x, y = used[f"{task} loss"].to_numpy(), used[f"{task} accuracy"].to_numpy()

    def curve(value: Array, a: float, k: float, middle: float, b: float) -> Array:
        return np.asarray(a / (1 + np.exp(np.clip(k * (value - middle), -60, 60))) + b)

    best = min(
        (
            optimize.least_squares(
                lambda p: curve(x, *p) - y,
                (0.7, k, middle, CHANCE[task]),
                bounds=([0, -np.inf, -np.inf, 0], [1, np.inf, np.inf, 1]),
            )
            for k in (1.0, 4.0)
            for middle in (float(x.mean()), float(x.min()), float(x.min()) / 2)
        ),
        key=lambda found: found.cost,
    )
    seen = runs[f"{task} accuracy"].to_numpy()[top]
    return np.asarray(curve(loss, *best.x) / seen - 1)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Truth and design of a planted suite."""

    budgets: int
    """IsoFLOP budgets of six sizes; 0 for a ladder of five sizes of five token counts."""
    floor: float
    """True floor."""
    ceiling: float
    """True ceiling."""
    power: bool = False
    """Whether the losses at the optima are a power law of compute instead of a surface's."""
    run_sd: float = 0.003
    """Of log losses."""
    accuracy_sd: float = 0.006
    """Of accuracies."""

    def law(self, seed: int, method: Method) -> TwoStages:
        """Plant a suite and return its two-stage law."""
        rng = np.random.default_rng(seed)
        runs, expected = self._runs()
        loss = expected * np.exp(rng.normal(0, self.run_sd, len(expected)))
        steepness, middle = 5 / np.ptp(expected), np.quantile(expected, 0.25)
        share = 1 / (1 + np.exp(steepness * (loss - middle)))
        accuracy = self.floor + (self.ceiling - self.floor) * share
        accuracy = accuracy + rng.normal(0, self.accuracy_sd, len(loss))
        runs = RunPoints(**{**vars(runs), "values": np.log(loss)[None]})
        pairs = Pairs(loss=loss, accuracy=accuracy, budget=runs.budget)
        if not self.budgets:
            return method.law(runs, runs, pairs, accuracy)
        points, seen = at_optima(runs, accuracy)
        return method.law(points, runs, pairs, seen)

    def _runs(self) -> tuple[RunPoints, Array]:
        """Return the runs without values, and their expected losses."""
        if self.budgets:
            budget = np.repeat(np.arange(self.budgets), 6)
            log_c = np.log(1e18) + 0.35 * np.log(10) * budget
            log_d = (log_c - np.log(6)) / 2 + np.log(2)
            log_d = log_d + np.log(10) * np.tile(np.linspace(-0.5, 0.5, 6), self.budgets)
            log_n = log_c - np.log(6) - log_d
        else:
            budget = np.repeat(np.arange(5), 5)
            log_n = np.log(2e8) + 0.7 * budget
            log_d = log_n + np.log(20) + np.log(np.tile([0.5, 1, 2, 5, 10], 5))
            log_c = np.log(6) + log_n + log_d
        loss = 0.45 + 180 * np.exp(-0.34 * log_n) + 260 * np.exp(-0.30 * log_d)
        if self.power:
            off = log_d - (log_c - np.log(6)) / 2 - np.log(2)
            loss = 1.2 * np.exp(-0.06 * (log_c - np.log(1e18)) + 0.04 * off**2)
        runs = RunPoints(
            log_params=log_n,
            log_tokens=log_d,
            log_compute=log_c,
            budget=budget,
            cell=np.arange(len(budget)),
            values=np.log(loss)[None],
        )
        return runs, loss


def at_optima(runs: RunPoints, accuracy: Array) -> tuple[RunPoints, Array]:
    """Return the vertices of the budgets' parabolas as points, and the accuracies there."""
    rows = []
    for budget in np.unique(runs.budget):
        mine = runs.budget == budget
        center = runs.log_tokens[mine].mean()
        x = runs.log_tokens[mine] - center
        bend, tilt, _ = np.polyfit(x, runs.values[0][mine], 2)
        at = float(np.clip(-tilt / (2 * bend), x.min(), x.max()))
        loss = np.polyval(np.polyfit(x, runs.values[0][mine], 2), at)
        seen = np.exp(np.polyval(np.polyfit(x, np.log(accuracy[mine]), 2), at))
        log_c = runs.log_compute[mine].mean()
        rows.append((log_c - np.log(6) - center - at, center + at, log_c, loss, seen))
    log_n, log_d, log_c, log_loss, seen = np.array(rows).T
    points = RunPoints(
        log_params=log_n,
        log_tokens=log_d,
        log_compute=log_c,
        budget=np.unique(runs.budget),
        cell=np.arange(len(rows)),
        values=log_loss[None],
    )
    return points, seen


def planted_rows(planted: Planted, method: Method, suites: int) -> Iterator[dict[str, object]]:
    """Predict the highest budget of planted suites; yield one row per number of budgets used."""
    found: dict[int, list[tuple[float, float, float]]] = {}
    for seed in range(suites):
        stages = planted.law(seed, method)
        points = stages.first.points
        top = points.budget == points.budget.max()
        for origin in stages.first.origins:
            prediction = stages.predict(places_of(points, top), origin)
            seen = stages.observed[top]
            inside = (prediction.ci_low <= seen) & (seen <= prediction.ci_high)
            wide = prediction.ci_high - prediction.ci_low
            error = np.abs(prediction.accuracy - seen)
            found.setdefault(origin, []).extend(zip(inside, wide, error, strict=True))
    design = f"{planted.budgets} budgets" if planted.budgets else "ladder"
    law = "power law" if planted.power else "surface"
    for origin, rows in found.items():
        inside, wide, error = np.array(rows, dtype=float).T
        if np.isfinite(wide).all():
            yield {
                "suite": f"{design}, {law}, floor {planted.floor}, ceiling {planted.ceiling}",
                "method": method.name,
                "budgets used": origin,
                "predictions": len(inside),
                "inside": float(inside.mean()),
                "width": float(wide.mean()),
                "error": float(error.mean()),
            }


def show(rows: Iterator[dict[str, object]] | list[dict[str, object]]) -> None:
    """Print rows as a Markdown table."""
    table = pd.DataFrame(rows)
    shown = table.map(lambda value: f"{value:.3f}" if isinstance(value, float) else str(value))
    print("\n| " + " | ".join(shown.columns) + " |\n|" + "---|" * len(shown.columns))
    print("\n".join("| " + " | ".join(row) + " |" for row in shown.to_numpy()), flush=True)


def main() -> None:
    """Predict and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ladder", type=Path)
    parser.add_argument("--suites", type=int, default=40)
    arguments = parser.parse_args()
    if arguments.ladder is not None:
        checkpoints = read_checkpoints(arguments.ladder)
        for below, words in ((4, "3B"), (3, "1B and 3B")):
            print(f"\n{words} left out")
            show(ladder_rows(checkpoints, below))
    if arguments.suites:
        rows: list[dict[str, object]] = []
        for floor, ceiling in ((0.25, 1.0), (0.30, 0.9)):
            for budgets in (0, 4, 6):
                planted = Planted(budgets=budgets, floor=floor, ceiling=ceiling)
                for method in (METHODS[0], METHODS[-1]):
                    rows += planted_rows(planted, method, arguments.suites)
        planted = Planted(budgets=6, floor=0.3, ceiling=0.9, power=True)
        rows += planted_rows(planted, METHODS[0], arguments.suites)
        show(rows)


if __name__ == "__main__":
    main()
