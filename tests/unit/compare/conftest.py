"""Items of two sides, with planted differences."""

import numpy as np
import pandas as pd
import pytest
from byte_tokenizer import tokenizer
from planted_items import items_of, losses_of

__all__ = ["tokenizer"]


@pytest.fixture
def two():
    """Items of two models; in domain a the second is higher by 0.1 bits per byte."""
    return items_of("models/mine", seed=1), items_of("models/theirs", seed=2, shift=0.1)


@pytest.fixture
def experiment():
    """Items and losses of 12 runs on two corpora; `curated` is lower by 0.05 in domain a."""
    items, losses = [], []
    for corpus, shift in (("web", 0.0), ("curated", -0.05)):
        for budget in ("1e11", "1e12"):
            for size in (16, 24, 32):
                run = f"{corpus}-{budget}-d{size}-L1-B2-s0"
                made = items_of(run, corpus=corpus, seed=50 + len(items), shift=shift)
                # Noise of the run.
                jitter = np.random.default_rng(len(items)).normal(0, 0.004)
                made["numerator"] += jitter * made["denominator"]
                items.append(made)
                losses.append(losses_of(made, budget, size * 1000, 0))
    return pd.concat(items, ignore_index=True), pd.concat(losses, ignore_index=True)
