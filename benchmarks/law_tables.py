"""CPU time and memory of all law tables: families as in the default, and one large table.

Prints figures; decides nothing.

    python benchmarks/law_tables.py [--rows 100000] [--other SRC]
    python benchmarks/law_tables.py --families --rows 2160 --as-large --other SRC   # one corpus
    python benchmarks/law_tables.py --families --rows 0 --corpus 2500 40            # runs, domains

The losses and items are simulated over the runs of config.yaml. `--other` names the folder `src` of
another checkout, whose time for the same tables is measured in the same call, with the estimators
that it has. `--as-large` reduces the settings of any table as those of a large one are, so that a
slice shows the cost of the whole; an older checkout does not know that. Each measurement is a
process of its own; set OMP_NUM_THREADS=1 to keep it to one thread.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.config.load import load_config, read_yaml
from relscale.plan.suite import plan_suite

CHOICE = (
    "choice_loss_nats",
    "accuracy",
    "choice_probability",
    "choice_probability_per_byte",
    "accuracy_per_byte",
    "bits_per_byte",
)
FAMILIES: dict[str, tuple[int, tuple[str, ...], int]] = {
    "knowledge": (4, ("bits_per_byte",), 300),
    "topics": (11, ("bits_per_byte",), 120),
    "language": (7, ("bits_per_byte",), 150),
    "behaviour": (5, CHOICE, 100),
    "continuation": (2, CHOICE, 400),
}
"""Domains, metrics and items per domain; the first domain is the baseline."""
RUN_SD, DOMAIN_SD, ITEM_SD, ITEM_RUN_SD = 0.010, 0.0085, 0.3, 0.08
LARGE_DOMAINS, LARGE_BUDGETS, LARGE_SIZES, LARGE_SEEDS = 30, 6, 6, 2

CHILD = """
import json, resource, sys, time
import pandas as pd
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.fit import fit_family
from relscale.laws.spec import LawSpec
settings, losses, items, optimum = json.loads(sys.argv[1])
names = settings.pop("estimators", None)
if names:
    settings["estimators"] = [name for name in names if name in ESTIMATORS]
settings = {name: value for name, value in settings.items() if name in LawSpec.model_fields}
start = time.process_time()
tables = [pd.read_parquet(path) if path else None for path in (losses, items, optimum)]
fit_family(tables[0], LawSpec(**settings), items=tables[1], optimum_losses=tables[2])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([time.process_time() - start, used.ru_maxrss / 1e6]))
"""
"""Fits one family and prints CPU-seconds and peak memory; it runs older code, too."""


def default_runs(config: Path) -> pd.DataFrame:
    """Return the planned runs of the default."""
    experiment = load_config(read_yaml(config), [])
    planned = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    return pd.DataFrame([run.columns().model_dump() for run in planned])


def family_tables(
    runs: pd.DataFrame, family: str, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return simulated losses and items of a family."""
    domains, metrics, count = FAMILIES[family]
    shared = rng.normal(0, RUN_SD, len(runs))
    losses, items = [], []
    for place in range(domains):
        bits = surface(runs, 1 - 0.03 * place, 0.34 + 0.01 * (place % 5), 0.40)
        bits = bits * np.exp(shared + rng.normal(0, DOMAIN_SD, len(runs)))
        for metric in metrics:
            label = {"family": family, "domain": f"d{place:02d}", "metric": metric}
            value = metric_of(bits, metric)
            spread = np.exp(
                rng.normal(0, ITEM_SD, count) + rng.normal(0, ITEM_RUN_SD, (len(runs), count))
            )
            scores = value[:, None] * spread
            if metric_is_share(metric):
                scores = np.minimum(scores, 1.0)
            losses.append(runs[RUN].assign(**label, value=scores.mean(axis=1)))
            of_run = runs[["corpus", "run"]].loc[runs.index.repeat(count)]
            items.append(
                of_run.assign(
                    **label,
                    stratum=np.tile([f"s{k % 6}" for k in range(count)], len(runs)),
                    item=np.tile([f"i{k}" for k in range(count)], len(runs)),
                    numerator=scores.ravel(),
                    denominator=1.0,
                    overlaps=False,
                )
            )
    return pd.concat(losses, ignore_index=True), pd.concat(items, ignore_index=True)


RUN = [
    "corpus",
    "run",
    "budget",
    "forward_flops",
    "training_flops",
    "num_params_total",
    "num_params_transformer",
    "num_params_head",
    "tokens",
]


def surface(runs: pd.DataFrame, floor: float, alpha: float, beta: float) -> np.ndarray:
    """Return losses of a surface L(N, D)."""
    params = (runs["num_params_transformer"] + runs["num_params_head"]).to_numpy(float)
    tokens = runs["tokens"].to_numpy(float)
    return np.asarray(
        floor
        + 0.75 * (params / np.median(params)) ** -alpha
        + 0.75 * (tokens / np.median(tokens)) ** -beta
    )


def metric_is_share(metric: str) -> bool:
    """Return whether a metric is an accuracy or a probability."""
    return metric.startswith(("accuracy", "choice_probability"))


def metric_of(bits: np.ndarray, metric: str) -> np.ndarray:
    """Return the values of a metric that goes with bits per byte."""
    if metric_is_share(metric):
        return np.asarray(0.25 + 0.5 / (1 + np.exp(2.5 * (bits - 2.0))))
    return bits if metric == "bits_per_byte" else bits * 0.46


def large_table(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return losses of as many corpora as the number of rows allows, with thirty domains."""
    per_corpus = LARGE_BUDGETS * LARGE_SIZES * LARGE_SEEDS
    corpora = max(1, rows // (per_corpus * LARGE_DOMAINS))
    grid = pd.MultiIndex.from_product(
        [range(corpora), range(LARGE_BUDGETS), range(LARGE_SIZES), range(LARGE_SEEDS)],
        names=["corpus", "budget", "size", "seed"],
    ).to_frame(index=False)
    compute = 1e17 * 3.0 ** grid["budget"]
    tokens = 10 ** (9 + 0.5 * np.log10(compute / 1e17) + 0.24 * (grid["size"] - 2.5))
    params = compute / 6 / tokens
    runs = pd.DataFrame(
        {
            "corpus": [f"c{index:03d}" for index in grid["corpus"]],
            "run": [f"r{index}" for index in grid.index],
            "budget": [f"{value:.0e}" for value in compute],
            "training_flops": compute,
            "num_params_total": params,
            "tokens": tokens,
        }
    )
    bits = (1.8 + 400 / params**0.34 + 1200 / tokens**0.37) * np.exp(
        rng.normal(0, 0.005, len(runs))
    )
    parts = [
        runs.assign(
            family="large",
            domain=f"d{place:02d}",
            metric="bits_per_byte",
            value=bits * np.exp(0.02 * place + rng.normal(0, 0.004, len(runs))),
        )
        for place in range(LARGE_DOMAINS)
    ]
    return pd.concat(parts, ignore_index=True)


def one_corpus(runs: int, domains: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return losses of one corpus of many runs, four times as many sizes as budgets."""
    budgets = max(LARGE_BUDGETS, round(np.sqrt(runs / 4)))
    sizes = -(-runs // budgets)
    budget, size = np.divmod(np.arange(runs), sizes)
    compute = 1e17 * 10 ** (3 * budget / (budgets - 1))
    tokens = 10 ** (9 + 0.5 * np.log10(compute / 1e17) + 1.4 * (size / (sizes - 1) - 0.5))
    params = compute / 6 / tokens
    described = pd.DataFrame(
        {
            "corpus": "c",
            "run": [f"r{index}" for index in range(runs)],
            "budget": [f"{value:.3e}" for value in compute],
            "training_flops": compute,
            "num_params_total": params,
            "tokens": tokens,
        }
    )
    bits = (1.8 + 400 / params**0.34 + 1200 / tokens**0.37) * np.exp(rng.normal(0, 0.005, runs))
    parts = [
        described.assign(
            family="large",
            domain=f"d{place:02d}",
            metric="bits_per_byte",
            value=bits * np.exp(0.02 * place + rng.normal(0, 0.004, runs)),
        )
        for place in range(domains)
    ]
    return pd.concat(parts, ignore_index=True)


def measure(
    source: Path, settings: dict[str, object], losses: Path, items: Path | str, optimum: Path | str
) -> tuple[float, float]:
    """Fit all laws in a process of its own; return its CPU-seconds and peak memory in GB."""
    call = json.dumps([settings, str(losses), str(items), str(optimum)])
    environment = {**os.environ, "PYTHONPATH": str(source)}
    found = subprocess.run(
        [sys.executable, "-c", CHILD, call],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, memory = json.loads(found.stdout.splitlines()[-1])
    return seconds, memory


def measure_families(
    arguments: argparse.Namespace, sources: list[Path], folder: Path, rng: np.random.Generator
) -> None:
    """Measure families as in the default, over its runs; print each and the sum."""
    estimators = list(load_config(read_yaml(arguments.config), []).laws.estimators)
    runs = default_runs(arguments.config)
    optimum = folder / "validation.parquet"
    label = {"family": "validation", "domain": "own", "metric": "bits_per_byte"}
    noise = np.exp(rng.normal(0, RUN_SD, len(runs)))
    value = surface(runs, 1.0, 0.36, 0.40) * noise
    runs[RUN].assign(**label, value=value).to_parquet(optimum)
    totals = np.zeros(len(sources))
    for family in arguments.families:
        metrics = FAMILIES[family][1]
        paths = folder / f"{family}.parquet", folder / f"{family}-items.parquet"
        for frame, path in zip(family_tables(runs, family, rng), paths, strict=True):
            frame.to_parquet(path)
        settings: dict[str, object] = {
            "family": family,
            "baseline": "d00",
            "metrics": metrics,
            "estimators": estimators,
        }
        if "accuracy" in metrics:
            settings |= {"chance": 0.25}
        seconds = [measure(source, settings, *paths, optimum)[0] for source in sources]
        totals += seconds
        print(family, " ".join(f"{value:.1f}" for value in seconds), "CPU-s", flush=True)
    if arguments.families:
        print("all", " ".join(f"{value:.1f}" for value in totals), "CPU-s")
    if arguments.families and len(sources) > 1:
        print(f"ratio {totals[0] / totals[1]:.2f}")


def measure_large(
    arguments: argparse.Namespace, sources: list[Path], folder: Path, rng: np.random.Generator
) -> None:
    """Measure the large tables that are asked for; print CPU time and memory of each."""
    tables = {}
    if arguments.rows:
        tables[f"{arguments.rows} rows"] = large_table(arguments.rows, rng)
    if arguments.corpus:
        runs, domains = arguments.corpus
        tables[f"{runs} runs x {domains} domains"] = one_corpus(runs, domains, rng)
    settings: dict[str, object] = {"family": "large", "baseline": "d00"}
    if arguments.as_large:
        settings["reduce_above"] = 1
    for name, table in tables.items():
        losses = folder / "large.parquet"
        table.to_parquet(losses)
        for source in sources:
            used, memory = measure(source, settings, losses, "", "")
            print(f"{name}: {used:.1f} CPU-s, {memory:.2f} GB at the peak", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="of the large table; 0 for none")
    parser.add_argument(
        "--corpus", nargs=2, type=int, metavar=("RUNS", "DOMAINS"), help="also one large corpus"
    )
    parser.add_argument("--as-large", action="store_true", help="reduce the settings of any table")
    parser.add_argument("--other", type=Path, help="folder `src` of another checkout")
    parser.add_argument("--families", nargs="*", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    arguments = parser.parse_args()
    ours = Path(__file__).resolve().parents[1] / "src"
    sources = [ours] if arguments.other is None else [ours, arguments.other.resolve()]
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        measure_families(arguments, sources, Path(folder), rng)
        measure_large(arguments, sources, Path(folder), rng)


if __name__ == "__main__":
    main()
