"""A canonical losses table, and ways to write it in other layouts."""

import pandas as pd

from relscale.config.losses import LossesTable
from relscale.losses_table.read import read_losses

DOMAINS = {"US": 1.7, "UK": 1.9, "Côte d'Ivoire": 2.3}


def canonical():
    """Return four IsoFLOP budgets of five sizes, with exact whole numbers of tokens."""
    rows = []
    for exponent in (17, 18, 19, 20):
        flops = 10.0**exponent
        for place, factor in enumerate((0.4, 0.7, 1.0, 1.5, 2.4)):
            params = round((flops / 120) ** 0.5 * factor)
            tokens = round(flops / 6 / params)
            for domain, floor in DOMAINS.items():
                value = floor + 400 / params**0.34 + 410 / tokens**0.28
                rows.append(
                    {
                        "corpus": "web",
                        "run": f"1e{exponent}-{place}",
                        "budget": f"1e{exponent}",
                        "training_flops": 6.0 * params * tokens,
                        "num_params_total": params,
                        "tokens": tokens,
                        "family": "places",
                        "domain": domain,
                        "metric": "loss",
                        "value": round(value, 9),
                        "standard_error": round(0.001 * value, 12),
                    }
                )
    frame = pd.DataFrame(rows)
    return frame.sort_values(["corpus", "family", "metric", "domain", "run"]).reset_index(drop=True)


def wide_of(frame):
    """Return one row per run, with a column per domain for values and for standard errors."""
    keys = ["corpus", "run", "budget", "training_flops", "num_params_total", "tokens", "family"]
    wide = frame.pivot(index=keys, columns="domain", values=["value", "standard_error"])
    wide.columns = [f"{domain} {'loss' if kind == 'value' else 'se'}" for kind, domain in wide]
    return wide.reset_index()


WIDE = {
    "shape": "wide",
    "constants": {"metric": "loss"},
    "domains": {domain: f"{domain} loss" for domain in DOMAINS},
    "standard_errors": {domain: f"{domain} se" for domain in DOMAINS},
}


def read(path, **settings):
    """Read a file through a mapping."""
    return read_losses(LossesTable.model_validate({"path": str(path), **settings}))


def assert_same(found, expected):
    """Compare two tables to the last bit, by the columns of the second."""
    assert [name for name in found if name in set(expected)] == list(expected)
    pd.testing.assert_frame_equal(
        found[list(expected)], expected.astype(found[list(expected)].dtypes), check_exact=True
    )
