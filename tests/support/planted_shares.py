"""Losses and items of corpora that differ in the shares of two domains' text, with planted laws."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.config.representation import Representation
from relscale.laws.spec import RepresentationSpec

SHARES = {
    "lean_a": {"a": 0.6, "b": 0.04},
    "even": {"a": 0.2, "b": 0.2},
    "lean_b": {"a": 0.04, "b": 0.6},
}
DOMAINS = {"a": 0.9, "b": 0.8, "base": 0.7}
"""Log loss of each domain at the reference compute, without the effect of a share."""
BUDGETS = (1e11, 3e11, 1e12, 3e12)
REFERENCE = np.log(1e11 * 3e12) / 2
ODDS = float(np.log(0.6 / 0.04))


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Effects of a share, and the noise."""

    level: float = -0.06
    """Change of a domain's log loss per unit of its log share."""
    slope: float = 0.0
    """Change of its slope in log compute per unit of its log share."""
    floor: float = 0.0
    """Irreducible loss of every domain; level and slope are then those of the loss above it."""
    run: float = 0.0
    """Standard deviation between runs of one size, per domain."""
    size: float = 0.0
    """Standard deviation between sizes."""
    item: float = 0.0
    """Standard deviation of the difficulty of an item, the same for all runs."""
    interaction: float = 0.0
    """Standard deviation of an item's difficulty that differs between runs."""
    items: int = 60
    """Items per domain."""

    @property
    def level_difference(self) -> float:
        """The planted difference in differences of the level."""
        return 2 * ODDS * self.level

    @property
    def slope_difference(self) -> float:
        """The planted difference in differences of dbeta."""
        return 2 * ODDS * self.slope

    def tables(self, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return a losses table and an items table."""
        rng = np.random.default_rng(seed)
        easy = {name: rng.normal(0, self.item, self.items) for name in DOMAINS}
        rows, items = [], []
        for corpus in SHARES:
            for about, size_noise in self._runs(corpus, rng):
                for domain in DOMAINS:
                    noise = size_noise[domain] + rng.normal(0, self.run)
                    loss = self._loss(corpus, domain, about) * np.exp(noise)
                    own = np.exp(easy[domain] + rng.normal(0, self.interaction, self.items))
                    own = loss * own / np.exp(easy[domain]).mean()
                    keys = {"family": "strata", "domain": domain, "metric": "bits_per_byte"}
                    rows.append({**about, **keys, "value": own.mean()})
                    for number, value in enumerate(own):
                        items.append((corpus, about["run"], domain, f"{domain}{number}", value))
                score = np.exp(1 - 0.08 * about["away"] + 0.25 * about["distance"] ** 2)
                keys = {"family": "validation", "domain": "own", "metric": "bits_per_byte"}
                rows.append({**about, **keys, "value": score})
        table = pd.DataFrame(rows).drop(columns=["away", "distance"])
        names = ["corpus", "run", "domain", "item", "numerator"]
        of_items = pd.DataFrame(items, columns=names).assign(
            family="strata", metric="bits_per_byte", denominator=1.0, overlaps=False
        )
        return table, of_items.assign(stratum=of_items["domain"])

    def _runs(self, corpus, rng):
        """Yield the design of each run and the noise of its size, by domain."""
        for flops in BUDGETS:
            best = np.sqrt(flops / 6 * 20)
            for distance in np.linspace(-0.5, 0.5, 5):
                noise = {domain: rng.normal(0, self.size) for domain in DOMAINS}
                tokens = best * 10**distance
                for seed in range(1 if flops == BUDGETS[-1] else 2):
                    yield (
                        {
                            "corpus": corpus,
                            "run": f"{corpus}-{flops:.0e}-{distance:.2f}-{seed}",
                            "budget": f"{flops:.3g}",
                            "training_flops": flops,
                            "num_params_total": flops / 6 / tokens,
                            "tokens": tokens,
                            "away": np.log(flops) - REFERENCE,
                            "distance": distance,
                        },
                        noise,
                    )

    def _loss(self, corpus, domain, about):
        """Return the planted loss."""
        log_share = np.log(SHARES[corpus].get(domain, 0.12) / 0.2)
        log = DOMAINS[domain] + self.level * log_share
        log += (-0.08 + self.slope * log_share) * about["away"] + 0.25 * about["distance"] ** 2
        return self.floor + np.exp(log)


def spec_of(**changes) -> RepresentationSpec:
    """Return the spec of the planted question."""
    asked = {"family": "strata", "treatments": ("a", "b"), "corpora": SHARES}
    asked |= changes.pop("representation", {})
    return RepresentationSpec(
        family="strata",
        baseline="base",
        representation=Representation.model_validate(asked),
        **{"draws": 200, "estimators": ("joint",), **changes},
    )
