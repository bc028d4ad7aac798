"""Scenarios: a truth, a design and a noise each."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.config.load import load_config, read_yaml
from relscale.laws.cells import SuiteRuns, suites_of
from relscale.laws.inputs import prepare
from relscale.laws.spec import LawSpec
from relscale.plan.suite import plan_suite

RUN_SD, RATIO_SD = 0.010, 0.012
"""Of a run's log errors, and of a log ratio of two of its domains: measured at this scale (two
seeds, same size)."""
ITEMS, ITEM_SD, ITEM_SLOPE_SD, ITEM_NOISE_SD = 150, 0.30, 0.02, 0.08
"""Items of a domain; spread of their levels and of their slopes in log F; noise of an item and
run."""
CONFIG = Path(__file__).parents[2] / "config.yaml"
"""The default experiment."""
ORDER_LENGTH = 0.3
"""Natural log of the ratio of tokens at which the noise of a data order has correlation 1 / e."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A truth, a design and a noise."""

    symmetric: bool = True
    """Log-parabolas about a given optimum, the joint model's own shape; else surfaces L(N, D)."""
    shift: float = 0.0
    """Decades of tokens between the middle budget's optimum and the centre of its sizes."""
    exponents: tuple[float, float] = (0.36, 0.40)
    """alpha and beta of the score; the optimum moves with the sizes where they are nearly equal,
    and drifts through them where not."""
    floors: tuple[float, float] = (0.9, 1.35)
    """Irreducible losses of the baseline and of the first treatment."""
    slope: float | None = 0.0
    """dbeta of gaps that are powers of compute alone; None: surfaces that differ in all
    constants."""
    sloped: int | None = None
    """Treatments, the first ones, whose gaps have that slope, while the others have 0; None: all
    have it, and none is looked for."""
    budgets: int = 4
    """Budgets, each three times the one below."""
    sizes: int = 6
    """Sizes of a budget."""
    seeds: int = 1
    """Seeds of every size; 0: the default experiment's design."""
    corpora: int = 3
    """Corpora."""
    treatments: int = 6
    """Treatments."""
    budget_sd: float = 0.0
    """Standard deviation of the budget effect in log G; a domain has 1 / sqrt(2) of it."""
    baseline_budget_sd: float | None = None
    """That of the baseline, in its log loss; None as the treatments."""
    baseline_sd: float = 1.0
    """Noise of a run of the baseline over that of a treatment."""
    order_sd: float = 0.0
    """Noise of the data order in log G."""
    order_is_shared: bool = True
    """Whether runs of one seed read one data order."""
    largest_noise: float = 1.0
    """Noise of a run of the smallest size over that of the largest."""
    unequal: bool = False
    """Whether the budget effects of half of the treatments are twice those of the others."""
    items: int = 0
    """Items of a domain; 0 leaves them out."""
    cluster: int = 1
    """Items of a cluster, which share half of the items' variance."""


SCENARIOS = {
    "symmetric": Scenario(seeds=0, slope=-0.03),
    "asymmetric": Scenario(seeds=0, symmetric=False, slope=None),
    "off_centre": Scenario(seeds=0, symmetric=False, slope=None, shift=0.15),
    "drifting": Scenario(seeds=0, symmetric=False, slope=None, exponents=(0.30, 0.48)),
    **{
        f"floors{name}": replace(design, symmetric=False, slope=None, floors=(1.3, 0.4))
        for name, design in {
            "": Scenario(seeds=0),
            "_budget_008": Scenario(seeds=0, budget_sd=0.008),
            "_seven_budgets": Scenario(budgets=7, sizes=5),
            "_seven_budgets_008": Scenario(budgets=7, sizes=5, budget_sd=0.008),
        }.items()
    },
    "items": Scenario(seeds=0, items=150),
    "clusters": Scenario(seeds=0, items=400, cluster=10),
    **{
        f"budget_{sd:03d}{name}": replace(design, budget_sd=sd / 1000)
        for name, design in {
            "": Scenario(seeds=0),
            "_seven_budgets": Scenario(budgets=7, sizes=5),
            "_two_seeds": Scenario(seeds=2),
            "_one_corpus": Scenario(corpora=1),
            "_one_gap": Scenario(corpora=1, treatments=1),
            "_three_budgets": Scenario(budgets=3),
        }.items()
        for sd in (0, 4, 8, 16)
    },
    "two_budgets": Scenario(budgets=2, budget_sd=0.008),
    "unequal_budgets": Scenario(budget_sd=0.008, unequal=True),
    "heteroscedastic": Scenario(budget_sd=0.004, largest_noise=4.0),
    "correlated_baseline": Scenario(budget_sd=0.004, baseline_sd=3.0),
    "noisy_baseline": Scenario(treatments=10, corpora=1, budget_sd=0.002, baseline_budget_sd=0.012),
    "noisy_baseline_three_corpora": Scenario(
        treatments=10, budget_sd=0.002, baseline_budget_sd=0.012
    ),
    "null_family": Scenario(treatments=10, corpora=1),
    **{
        f"order_{sd:03d}_{kind}{name}": replace(
            design, order_sd=sd / 1000, order_is_shared=kind == "shared"
        )
        for name, design in {"": Scenario(seeds=0), "_one_seed": Scenario(seeds=1)}.items()
        for kind in ("shared", "own")
        for sd in (5, 10)
    },
    **{
        f"power_{slope:03d}{name}": Scenario(
            seeds=0, slope=slope / 1000, sloped=1, budget_sd=budget_sd
        )
        for name, budget_sd in {"": 0.0, "_budget_008": 0.008}.items()
        for slope in (5, 11, 20)
    },
}


def design_of(scenario: Scenario) -> SuiteRuns:
    """Return the runs of one corpus of a scenario, without errors."""
    return grid_design(scenario) if scenario.seeds else default_design()


def default_design(config: Path = CONFIG) -> SuiteRuns:
    """Runs of one corpus of the default experiment, without errors."""
    experiment = load_config(read_yaml(config), [])
    planned = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    corpus = planned[0].corpus
    rows = [run.columns().model_dump() for run in planned if run.corpus == corpus]
    return _design(pd.DataFrame(rows))


def grid_design(scenario: Scenario) -> SuiteRuns:
    """Runs of one corpus: budgets x sizes x seeds, sizes spread over 1.2 decades of tokens."""
    rows = []
    for budget in range(scenario.budgets):
        compute = 1e11 * 3.0**budget
        optimum = 5.6 + 0.5 * np.log10(compute / 1e11)
        for size, distance in enumerate(np.linspace(-0.6, 0.6, scenario.sizes)):
            tokens = 10 ** (optimum + distance)
            for seed in range(scenario.seeds):
                rows.append(
                    {
                        "corpus": "web",
                        "run": f"{budget}-{size}-s{seed}",
                        "seed": seed,
                        "budget": f"{compute:.0e}",
                        "training_flops": compute,
                        "num_params_total": compute / 6 / tokens,
                        "tokens": tokens,
                    }
                )
    return _design(pd.DataFrame(rows))


def _design(runs: pd.DataFrame) -> SuiteRuns:
    frame = runs.assign(family="validation", domain="own", metric="bits_per_byte", value=1.0)
    settings = LawSpec(family="validation")
    return suites_of(*prepare(frame, settings, None), settings)[0]
