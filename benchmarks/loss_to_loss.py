"""Loss-to-loss laws on published models: a ladder of sizes and tokens, and models of many recipes.

    python benchmarks/loss_to_loss.py --ladder FOLDER --models FILE

FOLDER is that of `benchmarks/ladder.py`. Its largest models are held out, and their gaps to C4 are
predicted on ten text sets, once given their loss on C4 and once with that loss predicted by a
surface. FILE is `models.csv` of brendel-group/llm-line (MIT), about 130 models on four training
corpora. Their sizes and token counts do not identify floors, so exponents are those of the losses
themselves, with the range over all floors.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
from ladder import TEXTS, read_ladder
from scipy import special

from relscale.laws.floors import fit_weighted_surfaces, pairs_weights
from relscale.laws.gap_laws.loss_to_loss import LossToLoss, fit_curve, future_cuts
from relscale.laws.loss_power import fit_loss_power, sensitivity_band
from relscale.laws.run_points import Places, RunPoints
from relscale.laws.through_loss import through_loss

DRAWS = 1000
BACKTEST_DRAWS = 200
LEVEL = 0.95
HELD_OUT = (("3B",), ("1B", "3B"))
BASELINE = "C4 Validation BPB"
TREATMENTS = (
    "The Pile UC Validation BPB",
    "RefineWeb Validation BPB",
    "Slimpajama Validation BPB",
    "FineWeb-Edu Validation BPB",
    "ARC-Easy BPB",
    "HellaSwag BPB",
    "PIQA BPB",
    "Social IQa BPB",
)


@dataclasses.dataclass(frozen=True)
class Predicted:
    """Predicted log G of runs, and the interval's ends below and above it."""

    gap: np.ndarray
    below: np.ndarray
    above: np.ndarray

    def half(self, seen: np.ndarray) -> np.ndarray:
        """Return the half of the interval on the side of an observed log G."""
        return np.where(seen > self.gap, self.above, self.below)


def points_of(frame: pd.DataFrame, treatment: str, baseline: str) -> RunPoints:
    """Return runs as points, each with a budget of its own."""
    params, tokens = (np.log(frame[name].to_numpy(float)) for name in ("params", "tokens"))
    compute = params + tokens + np.log(6)
    return RunPoints(
        log_params=params,
        log_tokens=tokens,
        log_compute=compute,
        budget=np.argsort(np.argsort(compute)),
        cell=np.arange(len(frame)),
        values=np.log(frame[[treatment, baseline]].to_numpy(float).T),
    )


def subset(points: RunPoints, kept: np.ndarray) -> RunPoints:
    """Return some of the runs."""
    return RunPoints(
        log_params=points.log_params[kept],
        log_tokens=points.log_tokens[kept],
        log_compute=points.log_compute[kept],
        budget=points.budget[kept],
        cell=points.cell[kept],
        values=points.values[:, kept],
    )


def predict(fitted: RunPoints, at: Places, draws: int) -> Predicted:
    """Predict log G with an interval of refits, of the other degree, and of a new run's noise.

    Without a baseline's loss in `at`, that is predicted by the surface of the baseline.
    """
    weights = pairs_weights(fitted.num_runs, draws, 0)
    law = LossToLoss().fit(fitted, weights)
    other = LossToLoss(degree=3 - law.degree, share=law.share).fit(fitted, weights)
    if at.log_baseline is None:
        surfaces = fit_weighted_surfaces(fitted, np.exp(fitted.values[-1]), weights)
        losses = surfaces.predict(at.log_params[:, None], at.log_tokens[:, None])
        at = dataclasses.replace(at, log_baseline=np.log(losses).T)
    gap = law.log_gap(at)
    drawn = np.concatenate([gap[1:], other.log_gap(at)[1:]])
    residual = (fitted.log_gap - law.log_gap(fitted.places)[0])[law.near]
    room = len(residual) / (len(residual) - law.degree - 1)
    residual = (residual - residual.mean()) * np.sqrt(room)
    chosen = np.random.default_rng(1).integers(0, len(residual), drawn.shape)
    low, high = np.nanquantile(drawn + residual[chosen], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
    return Predicted(gap[0], np.maximum(gap[0] - low, 0), np.maximum(high - gap[0], 0))


def places(points: RunPoints, given: bool) -> Places:
    """Return where runs are, with or without their loss on the baseline."""
    return points.places if given else dataclasses.replace(points.places, log_baseline=None)


def model_error(sets: list[RunPoints], given: bool) -> float:
    """Return the error of the law itself, from back-tests of all text sets.

    With it added to the half-widths in squares, LEVEL of the held-out runs are inside.
    """
    excess = []
    for points in sets:
        for fitted, held in future_cuts(points, np.ones(points.num_runs, dtype=bool)):
            later = subset(points, held)
            try:
                found = predict(subset(points, fitted), places(later, given), BACKTEST_DRAWS)
            except RuntimeError:
                continue
            error = later.log_gap - found.gap
            excess.append(error**2 - found.half(later.log_gap) ** 2)
    return float(np.sqrt(max(0.0, np.quantile(np.concatenate(excess), LEVEL))))


def ladder(folder: Path) -> None:
    """Print through_loss and the held-out predictions of the ladder."""
    runs = read_ladder(folder)
    names = [name for name in TEXTS if name != "c4_en"]
    tests = {name: through_loss(points_of(runs, name, "c4_en")) for name in names}
    ranked = sorted(names, key=lambda name: tests[name].p)
    holm = [tests[name].p * (len(names) - rank) for rank, name in enumerate(ranked)]
    adjusted = dict(zip(ranked, np.maximum.accumulate(holm), strict=True))
    print("| text set | through_loss p | after Holm | by log N | by log D |\n|---|---|---|---|---|")
    for name, test in tests.items():
        print(
            f"| {name} | {test.p:.3f} | {min(adjusted[name], 1.0):.3f} | "
            f"{test.slopes[0]:+.4f} | {test.slopes[1]:+.4f} |"
        )
    print("\n| held out | C4's loss | error of G, % | gap stays, % | inside | width, % |")
    print("|---|---|---|---|---|---|")
    for sizes in HELD_OUT:
        out = runs["size"].isin(sizes).to_numpy()
        for given in (True, False):
            print(_ladder_row(runs, names, out, given))


def _ladder_row(runs: pd.DataFrame, names: list[str], out: np.ndarray, given: bool) -> str:
    """Return one row of the table of held-out predictions."""
    fitted = [points_of(runs[~out], name, "c4_en") for name in names]
    added = model_error(fitted, given)
    errors, unchanged, inside, widths = [], [], [], []
    for points, name in zip(fitted, names, strict=True):
        later = points_of(runs[out], name, "c4_en")
        found = predict(points, places(later, given), DRAWS)
        error = later.log_gap - found.gap
        half = np.sqrt(found.half(later.log_gap) ** 2 + added**2)
        last = points.log_gap[np.argsort(points.log_compute)[-5:]].mean()
        errors.append(np.abs(np.expm1(-error)))
        unchanged.append(np.abs(np.expm1(last - later.log_gap)))
        inside.append(np.abs(error) <= half)
        widths.append(2 * half)
    return (
        f"| {' + '.join(sorted(set(runs.loc[out, 'size'])))} | {'given' if given else 'predicted'} "
        f"| {100 * np.mean(errors):.3f} | {100 * np.mean(unchanged):.2f} "
        f"| {int(np.sum(inside))} of {np.size(inside)} | {100 * np.mean(widths):.2f} |"
    )


def read_models(path: Path) -> pd.DataFrame:
    """Read the models; the second line of the file is a second heading."""
    return pd.read_csv(path, skiprows=[1])


def models(path: Path) -> None:
    """Print exponents by training corpus, and the tests of corpus and architecture."""
    table = read_models(path)
    print(
        f"\n| treatment | corpus | models | exponent | kappa, floors at half | range of kappa "
        f"| G at {BASELINE} 0.95 |\n|---|---|---|---|---|---|---|"
    )
    for treatment in TREATMENTS:
        for corpus, rows in table.groupby("Pretraining Data"):
            print(_corpus_row(str(corpus), treatment, rows))
    print("\n| treatment | within | factor | largest shift of G, % | scatter, % | p |")
    print("|---|---|---|---|---|---|")
    pile = table[table["Pretraining Data"] == "The Pile"]
    olmo = table[table["Pretraining Data"] == "Dolma"]
    for treatment in TREATMENTS:
        print(_factor_row(table, "all", treatment, "Pretraining Data"))
        print(_factor_row(pile, "The Pile", treatment, "Architecture"))
        print(_factor_row(pile[pile["Architecture"] == "GPT"], "Pile, GPT", treatment, "Tokenizer"))
        print(_factor_row(olmo, "Dolma", treatment, "Name"))


def _losses(rows: pd.DataFrame, treatment: str) -> RunPoints:
    """Return models with both losses; they have no common axis of compute."""
    kept = rows[[treatment, BASELINE]].dropna()
    zero = np.zeros(len(kept))
    number = np.arange(len(kept))
    return RunPoints(
        log_params=zero,
        log_tokens=zero,
        log_compute=zero,
        budget=number,
        cell=number,
        values=np.log(kept.to_numpy(float).T),
    )


def _corpus_row(corpus: str, treatment: str, rows: pd.DataFrame) -> str:
    """Return exponent, kappa and level of one corpus."""
    points = _losses(rows, treatment)
    weights = pairs_weights(points.num_runs, DRAWS, 0)
    line = fit_curve(points.values[1], points.values[0], weights, 1)
    slope = line.coefficients[:, 1]
    low, high = np.nanquantile(slope[1:], [0.025, 0.975])
    lowest = 0.5 * np.exp(points.values.min(axis=1))
    law = fit_loss_power(points, lowest[:1], lowest[1:], weights[:1])
    band = sensitivity_band(points, float(points.values[1].mean()), 0.1)
    gap = np.exp(line.at(np.log([0.95]))[0, 0] - np.log(0.95))
    return (
        f"| {treatment.removesuffix(' BPB')} | {corpus} | {points.num_runs} | {slope[0]:.3f} "
        f"[{low:.3f}, {high:.3f}] | {law.kappa[0]:.3f} | {band.kappa[0]:.2f} to "
        f"{band.kappa[1]:.2f} | {gap:.3f} |"
    )


def _factor_row(rows: pd.DataFrame, within: str, treatment: str, factor: str) -> str:
    """Return the F test of the levels of a factor next to a parabola of the log loss."""
    rows = rows.dropna(subset=[treatment, BASELINE, factor])
    points = _losses(rows, treatment)
    levels = pd.get_dummies(rows[factor]).to_numpy(float)
    x = points.values[1] - points.values[1].mean()
    curve = np.stack([x, x * x], axis=1)
    plain = np.column_stack([np.ones_like(x), curve])
    full = np.column_stack([levels, curve])
    found, *_ = np.linalg.lstsq(full, points.log_gap, rcond=None)
    rest = points.log_gap - full @ found
    without = points.log_gap - plain @ np.linalg.lstsq(plain, points.log_gap, rcond=None)[0]
    added, dof = levels.shape[1] - 1, len(x) - full.shape[1]
    scatter = float(np.sum(rest**2)) / dof
    ratio = (float(np.sum(without**2)) - float(np.sum(rest**2))) / added / scatter
    p = float(special.fdtrc(added, dof, max(ratio, 0.0)))
    return (
        f"| {treatment.removesuffix(' BPB')} | {within} | {factor} "
        f"({levels.shape[1]} levels, {len(x)} models) | "
        f"{100 * np.expm1(np.ptp(found[: levels.shape[1]])):.1f} | {100 * np.sqrt(scatter):.2f} | "
        f"{p:.2g} |"
    )


def main() -> None:
    """Print the tables of the given data as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ladder", type=Path)
    parser.add_argument("--models", type=Path)
    options = parser.parse_args()
    if options.ladder:
        ladder(options.ladder)
    if options.models:
        models(options.models)


if __name__ == "__main__":
    main()
