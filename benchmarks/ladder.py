"""Relative laws of a published model ladder.

Text sets against C4, MMLU groups against humanities, and two models beyond the files.

    python benchmarks/ladder.py FOLDER

FOLDER holds the ladder's files `<size>-<multiple>xC.csv` (allenai/OLMo-ladder, Apache-2.0), one row
per checkpoint. The last checkpoint of every run is used: there the learning rate has decayed. Two
models of the gap, side by side: a plane in log N and log D, and the difference of two surfaces L(N,
D) with a residual bootstrap (one residual index a run, so that both domains' residuals move
together).
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from relscale.laws.grid import fit_grid
from relscale.laws.surface_fit.projection import Plane, SurfaceBatch, fit_surface, fit_surfaces

SIZES = {
    "190M": 190_354_176,
    "370M": 371_262_464,
    "760M": 758_220_288,
    "1B": 1_279_395_840,
    "3B": 3_169_537_280,
}
MULTIPLES = ("0.5", "1", "2", "5", "10")
TEXTS = (
    "c4_en", "dolma_books", "dolma_common-crawl", "dolma_pes2o", "dolma_reddit", "dolma_stack",
    "dolma_wiki", "ice", "m2d2_s2orc", "pile",
    "wikitext_103",
)  # fmt: skip
GROUPS = ("humanities", "other", "social_sciences", "stem")
TARGETS = {
    "7B, 3.945 T tokens": (6_887_575_552, 3.945e12),
    "13B, 5.000 T tokens": (13_202_396_160, 5.0e12),
}
DRAWS = 2000


def read_ladder(folder: Path) -> pd.DataFrame:
    """Read the last checkpoint of each run: one row per run, with size, tokens and values."""
    rows = []
    for size, params in SIZES.items():
        for multiple in MULTIPLES:
            last = pd.read_csv(folder / f"{size}-{multiple}xC.csv").sort_values("_step").iloc[-1]
            row: dict[str, object] = {
                "size": size,
                "multiple": multiple,
                "params": params,
                "tokens": last["throughput/total_tokens"],
            }
            row |= {name: last[f"eval/{name}-validation/CrossEntropyLoss"] for name in TEXTS}
            row |= {
                name: last[f"eval/downstream_bpb/mmlu_{name}_test_rc_5shot_bpb"] for name in GROUPS
            }
            rows.append(row)
    frame = pd.DataFrame(rows)
    assert len(frame) == len(SIZES) * len(MULTIPLES) and frame.notna().all(axis=None)
    return frame


@dataclasses.dataclass(frozen=True)
class Surfaces:
    """A domain's surface, its refits, and the residuals of its log errors."""

    fit: SurfaceBatch
    drawn: SurfaceBatch
    residual: np.ndarray


def surfaces(runs: pd.DataFrame, name: str) -> Surfaces:
    """Fit a domain's surface and refit it to drawn residuals."""
    plane = Plane.of(runs["params"].to_numpy(float), runs["tokens"].to_numpy(float))
    values = np.log(runs[name].to_numpy(float))
    fit, _ = fit_surface(plane, np.exp(values))
    jacobian = fit.jacobian()[0]
    room = np.maximum(
        1 - np.einsum("ij,ji->i", jacobian, np.linalg.pinv(jacobian, rcond=1e-10)), 1e-3
    )
    centre = np.log(fit.fitted()[0])
    residual = (values - centre) / np.sqrt(room)
    residual = residual - residual.mean()
    chosen = np.random.default_rng(0).integers(0, len(values), (DRAWS, len(values)))
    drawn = fit_surfaces(
        plane, np.exp(centre + residual[chosen]), np.array([fit.alpha[0], fit.beta[0]])
    )
    return Surfaces(fit, drawn, residual)


def by_surfaces(
    treatment: Surfaces, baseline: Surfaces, params: float, tokens: float
) -> tuple[float, float, float]:
    """G of a new run at a size and token count, and its interval with the run's residual."""
    at = np.array([np.log(params)]), np.array([np.log(tokens)])
    gap = float((treatment.fit.predict(*at) / baseline.fit.predict(*at))[0])
    drawn = treatment.drawn.predict(*at) / baseline.drawn.predict(*at)
    own = np.random.default_rng(1).integers(0, len(treatment.residual), len(drawn))
    low, high = np.quantile(
        drawn * np.exp(treatment.residual - baseline.residual)[own], [0.025, 0.975]
    )
    return gap, float(low), float(high)


def laws(runs: pd.DataFrame, names: tuple[str, ...], baseline: str) -> pd.DataFrame:
    """One row per treatment: slopes, both predictions of G, and predictions of the 3B runs."""
    n, d = np.log(runs["params"].to_numpy(float)), np.log(runs["tokens"].to_numpy(float))
    small = (runs["size"] != "3B").to_numpy()
    fitted = {name: surfaces(runs, name) for name in names}
    lower = {name: surfaces(runs[small], name) for name in names}
    rows = []
    for name in (name for name in names if name != baseline):
        gap = np.log(runs[name] / runs[baseline]).to_numpy(float)
        law = fit_grid(gap, n, d)
        dbeta, error = law.dbeta()
        half = float(stats.t.ppf(0.975, law.dof)) * error
        slopes = stats.t.ppf(0.975, law.dof) * law.standard_errors
        row: dict[str, object] = {
            "treatment": name,
            "gap_low": np.exp(gap.min()),
            "gap_high": np.exp(gap.max()),
        }
        row |= {"dbeta": f"{dbeta:+.4f} ± {half:.4f}"}
        row |= {
            "by_size": f"{law.slopes[0]:+.4f} ± {slopes[0]:.4f}",
            "by_tokens": f"{law.slopes[1]:+.4f} ± {slopes[1]:.4f}",
        }
        row["residual_percent"] = 100 * np.sqrt(law.variance)
        for label, (params, tokens) in TARGETS.items():
            plane = [
                float(np.exp(value))
                for value in law.predict(float(np.log(params)), float(np.log(tokens)))
            ]
            row[f"{label[:3].strip(',')} plane"] = "{:.3f} [{:.3f}, {:.3f}]".format(*plane)
            row[f"{label[:3].strip(',')} surfaces"] = "{:.3f} [{:.3f}, {:.3f}]".format(
                *by_surfaces(fitted[name], fitted[baseline], params, tokens)
            )
        below = fit_grid(gap[small], n[small], d[small])
        predicted = [
            below.predict(float(a), float(b)) for a, b in zip(n[~small], d[~small], strict=True)
        ]
        row["3B inside"] = sum(
            low <= seen <= high for (_, low, high), seen in zip(predicted, gap[~small], strict=True)
        )
        errors = [
            abs(np.expm1(mean - seen))
            for (mean, _, _), seen in zip(predicted, gap[~small], strict=True)
        ]
        row["3B error"] = 100 * float(np.mean(errors))
        pairs = zip(runs["params"][~small], runs["tokens"][~small], gap[~small], strict=True)
        tried = [(by_surfaces(lower[name], lower[baseline], a, b), seen) for a, b, seen in pairs]
        row["3B inside surfaces"] = sum(
            found[1] <= np.exp(seen) <= found[2] for found, seen in tried
        )
        row["3B error surfaces"] = 100 * float(
            np.mean([abs(found[0] / np.exp(seen) - 1) for found, seen in tried])
        )
        rows.append(row)
    return pd.DataFrame(rows)


def main() -> None:
    """Fit and print as Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    runs = read_ladder(parser.parse_args().folder)
    for names, baseline in ((TEXTS, "c4_en"), (GROUPS, "humanities")):
        table = laws(runs, names, baseline)
        shown = table.map(lambda value: f"{value:.3f}" if isinstance(value, float) else str(value))
        print(f"\nagainst {baseline}, {len(runs)} runs\n")
        print("| " + " | ".join(shown.columns) + " |\n|" + "---|" * len(shown.columns))
        print("\n".join("| " + " | ".join(row) + " |" for row in shown.to_numpy()))


if __name__ == "__main__":
    main()
