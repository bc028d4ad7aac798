"""Tables that are read in several tests."""

import numpy as np
import pandas as pd
import pytest
from outside_tables import canonical


@pytest.fixture(name="table")
def table_fixture():
    return canonical()


@pytest.fixture(name="logged")
def logged_fixture():
    """Return evaluations along three runs as a logger writes them: sparse rows, one per step."""
    rows = []
    for size in (70, 160, 410):
        for step in (1000, 2000, 4000):
            loss = 1.7 + 400 / (size * 1e6) ** 0.34 + 410 / (step * 524288) ** 0.28
            rows.append({"name": f"pile-{size}M", "_step": step, "c4": loss, "code": np.nan})
            rows.append({"name": f"pile-{size}M", "_step": step, "c4": np.nan, "code": loss - 0.5})
            rows.append({"name": f"pile-{size}M", "_step": step + 1, "c4": np.nan, "code": np.nan})
    return pd.DataFrame(rows)
