"""Time to read and to inspect losses tables from outside, by format and layout.

    python benchmarks/outside_tables.py [--rows 100000] [--domains 40]

A made-up suite is written to a temporary folder in each format. Printed are the CPU seconds of this
process, which other load of the machine changes less than wall time.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.config.losses import LossesTable
from relscale.losses_table.proposal.inspection import inspect_table
from relscale.losses_table.read import read_losses


def suite(rows: int, domains: int) -> pd.DataFrame:
    """Return a wide table with about `rows` values of `domains` domains."""
    generator = np.random.default_rng(0)
    runs = max(rows // domains, 1)
    params = np.round(10 ** generator.uniform(7, 10, runs))
    tokens = np.round(10 ** generator.uniform(9, 12, runs))
    loss = 1.7 + 400 / params**0.34 + 410 / tokens**0.28
    table = {"run": [f"r{index}" for index in range(runs)], "n_params": params, "tokens": tokens}
    for index in range(domains):
        table[f"d{index}_loss"] = loss + generator.normal(0, 0.01, runs)
    return pd.DataFrame(table)


def mapping(path: Path, domains: int) -> LossesTable:
    """Return the mapping of a table of this benchmark."""
    wide = path.stem == "wide"
    columns = {"num_params_total": "n_params"} | ({} if wide else {"value": "loss"})
    return LossesTable.model_validate(
        {
            "path": str(path),
            "shape": path.stem,
            "columns": columns,
            "constants": {"corpus": "c", "family": "f", "metric": "loss"},
            "domains": {f"d{index}": f"d{index}_loss" for index in range(domains)} if wide else {},
            "derive": {"training_flops": "6 x num_params_total x tokens"},
        }
    )


def seconds(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    """Print the seconds of each format and layout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--domains", type=int, default=40)
    options = parser.parse_args()
    wide = suite(options.rows, options.domains)
    long = wide.melt(["run", "n_params", "tokens"], var_name="domain", value_name="loss")
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in (("long", long), ("wide", wide)):
            start = Path(folder) / name
            frame.to_csv(start.with_suffix(".csv"), index=False)
            frame.to_parquet(start.with_suffix(".parquet"))
            lines = (json.dumps(record) for record in frame.to_dict("records"))
            start.with_suffix(".jsonl").write_text("\n".join(lines))
            for ending in (".csv", ".jsonl", ".parquet"):
                path = start.with_suffix(ending)
                spec = mapping(path, options.domains)
                read = seconds(lambda spec=spec: read_losses(spec))  # type: ignore[misc]
                inspected = seconds(lambda path=path: inspect_table(path))  # type: ignore[misc]
                print(f"{path.name:14} read {read:5.1f} s, inspect {inspected:5.1f} s")


if __name__ == "__main__":
    main()
