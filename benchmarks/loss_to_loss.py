"""Loss-to-loss laws on published models: a ladder of sizes and tokens, and models of many recipes.

    python benchmarks/loss_to_loss.py --ladder FOLDER --models FILE

FOLDER is that of `benchmarks/ladder.py`. Its largest models are held out, and their gaps to C4 are
predicted on ten text sets: given their loss on C4, by the working law; and without it, by the law
that `auto` chooses, with the interval for a new run as in `relscale laws --params --tokens`. FILE
is `models.csv` of brendel-group/llm-line (MIT), about 130 models on four training corpora. Their
sizes and token counts do not identify floors, so exponents are those of the losses themselves, with
the range over all floors.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from ladder import TEXTS, read_ladder
from scipy import special

from relscale.laws.auto_model import AutoModel
from relscale.laws.calibration import predicted_at
from relscale.laws.cells import readings_of, suites_of
from relscale.laws.gap_laws.loss_to_loss import LossToLoss, fit_curve
from relscale.laws.inputs import prepare
from relscale.laws.loss_power import fit_loss_power, sensitivity_band
from relscale.laws.metric_fits import CorpusFits, MetricFits
from relscale.laws.noise_model import NoiseModel
from relscale.laws.predict import calibration_of, model_of, subjects_of
from relscale.laws.refits import pairs_weights
from relscale.laws.run_points import Places, RunPoints
from relscale.laws.spec import LawSpec
from relscale.laws.through_loss import through_loss

DRAWS = 1000
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


def losses_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return runs of the ladder as a losses table, each with a budget of its own."""
    compute = 6 * runs["params"] * runs["tokens"]
    labels = pd.DataFrame(
        {
            "corpus": "dolma",
            "run": runs["size"] + "-" + runs["multiple"],
            "budget": compute.map("{:.4e}".format),
            "training_flops": compute,
            "num_params_total": runs["params"],
            "tokens": runs["tokens"],
            "metric": "bits_per_byte",
            "family": "texts",
        }
    )
    parts = [labels.assign(domain=name, value=runs[name]) for name in TEXTS]
    return pd.concat(parts, ignore_index=True)


def fits_of(runs: pd.DataFrame) -> MetricFits:
    """Return the fits of the ten text sets against C4."""
    spec = LawSpec(family="texts", baseline="c4_en", draws=DRAWS, optimum_by="family_mean")
    family, score = prepare(losses_table(runs), spec, None)
    suites = suites_of(family, score, spec)
    noise = NoiseModel(
        suites=suites,
        read=lambda metric, runs: readings_of(family, runs, metric),
        level=spec.level,
    )
    corpus = CorpusFits(family=family, runs=suites[0], spec=spec, noise_model=noise)
    return corpus.metrics[0]


def by_auto(runs: pd.DataFrame, later: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return errors of log G and half-widths of intervals at later runs, (text set, run) each."""
    fits = fits_of(runs)
    log_params, log_tokens = (np.log(later[name].to_numpy(float)) for name in ("params", "tokens"))
    at = Places(
        log_params=log_params,
        log_tokens=log_tokens,
        log_compute=log_params + log_tokens + np.log(6),
    )
    errors, halves = [], []
    for subject in (each for each in subjects_of(fits) if each.baseline):
        model = model_of(fits, subject)
        assert isinstance(model, AutoModel)
        found = predicted_at(model, at, calibration_of(fits, gaps=True), new_run=True)
        seen = np.log((later[subject.domain] / later[subject.baseline]).to_numpy(float))
        errors.append(found.mean - seen)
        halves.append(found.half_width)
    return np.array(errors), np.array(halves)


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
    print("\n| held out | error of G given C4's loss, % | predicted, % | gap stays, % | inside |")
    print("|---|---|---|---|---|")
    for sizes in HELD_OUT:
        print(_ladder_row(runs, names, runs["size"].isin(sizes).to_numpy()))


def _ladder_row(runs: pd.DataFrame, names: list[str], out: np.ndarray) -> str:
    """Return one row of the table of held-out predictions."""
    given, unchanged = [], []
    for name in names:
        points, later = (points_of(runs[rows], name, "c4_en") for rows in (~out, out))
        law = LossToLoss().fit(points, np.ones((1, points.num_runs)))
        given.append(law.log_gap(later.places)[0] - later.log_gap)
        last = points.log_gap[np.argsort(points.log_compute)[-5:]].mean()
        unchanged.append(last - later.log_gap)
    errors, halves = by_auto(runs[~out], runs[out])
    percent = [
        100 * np.mean(np.abs(np.expm1(-np.array(each)))) for each in (given, errors, unchanged)
    ]
    inside = np.abs(errors) <= halves
    return (
        f"| {' + '.join(sorted(set(runs.loc[out, 'size'])))} | {percent[0]:.3f} | {percent[1]:.3f} "
        f"| {percent[2]:.2f} | {int(inside.sum())} of {inside.size} |"
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
