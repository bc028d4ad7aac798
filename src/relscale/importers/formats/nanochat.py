"""Format `nanochat`: `results.csv` of nanochat's scaling-law and miniseries scripts.

One row per run: the depth, the parameters by part, the tokens, the bits per byte of the validation
text and the CORE score. The scaling-law script has budgets of training FLOPs, the miniseries has
not. Later versions of the scripts write logs instead, which are not read.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from relscale.contract.csv_text import read_csv_text
from relscale.importers.cells import amount, count, number, value_of
from relscale.importers.importer import (
    Imported,
    ImportedRun,
    ImportedValue,
    Importer,
    ImportOptions,
    listing,
)
from relscale.importers.input_files import check_ending, input_files
from relscale.importers.run_facts import rows_of

NEEDED = ("depth", "tokens_trained", "val_bpb")
"""Columns of every version."""
TOTAL = ("params_total", "num_params")
"""Columns of all parameters, of the scaling-law script and of the miniseries."""
EMBEDDING = ("params_wte", "params_value_embeds")
TRANSFORMER = ("params_transformer", "params_scalars")
HEAD, BUDGET = "params_lm_head", "flops_budget"
VALUES = {
    "val_bpb": ("validation", "own", "bits_per_byte"),
    "core_score": ("tasks", "CORE", "core_score"),
}
"""Family, domain and metric of the columns of values."""


def _read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    files, left_out = input_files(paths, lambda name: name.endswith(".csv"), "CSV file")
    runs: list[ImportedRun] = []
    values: list[ImportedValue] = []
    others: dict[str, None] = {}
    for file in files:
        check_ending(file.path, ".csv")
        found = read_csv_text(file.path)
        header = set(found.header)
        missing = [name for name in NEEDED if name not in header]
        if missing or not header & set(TOTAL):
            raise ValueError(
                f"{file.path}: is not a results.csv of nanochat: no column "
                f"{', '.join(missing) or ' or '.join(TOTAL)}; it has {listing(found.header)}"
            )
        if not found.rows:
            raise ValueError(f"{file.path}: has no rows below the header")
        used = {*NEEDED, *TOTAL, *EMBEDDING, *TRANSFORMER, HEAD, BUDGET, *VALUES}
        others |= dict.fromkeys(name for name in found.header if name not in used)
        rows = rows_of(found, file.path)
        filled = [name for name in VALUES if any(row.get(name) for _, row in rows)]
        left_out += [
            f"{file.path}: column {name} is empty in all rows"
            for name in VALUES
            if name in header and name not in filled
        ]
        for where, row in rows:
            run = _run(row, where)
            runs.append(run)
            values += [_value(run, name, row[name]) for name in filled]
    if others:
        left_out.append(f"column(s) without values of a domain: {listing(list(others))}")
    decisions = []
    if any(run.training_flops is not None for run in runs):
        decisions.append("training_flops is flops_budget, which is reached to within one step")
    return Imported(runs=runs, values=values, decisions=decisions, left_out=left_out)


def _run(row: Mapping[str, str], where: str) -> ImportedRun:
    """Return the run of a row.

    Raises:
        ValueError: naming the place, for a depth or a number that is missing or wrong.
    """
    depth = count(row["depth"], where, "depth")
    if depth is None:
        raise ValueError(f"{where}: depth is empty")
    budget = row.get(BUDGET) or None
    total = next(name for name in TOTAL if name in row)
    return ImportedRun(
        run=f"d{depth}" if budget is None else f"{budget}_d{depth}",
        where=where,
        budget=budget,
        training_flops=amount(budget or "", where, BUDGET),
        num_params_embedding=_sum(row, EMBEDDING, where),
        num_params_head=_sum(row, (HEAD,), where),
        num_params_transformer=_sum(row, TRANSFORMER, where),
        num_params_total=count(row[total], where, total),
        tokens=count(row["tokens_trained"], where, "tokens_trained"),
    )


def _sum(row: Mapping[str, str], names: Sequence[str], where: str) -> int | None:
    """Return the sum of parameters; None if the file lacks all of them. 0 is a number here."""
    numbers = [number(row.get(name, ""), where, name) for name in names]
    known = [one for one in numbers if one is not None and math.isfinite(one)]
    return int(sum(known)) if known else None


def _value(run: ImportedRun, name: str, cell: str) -> ImportedValue:
    value, reason = value_of(cell, run.where, name)
    family, domain, metric = VALUES[name]
    return ImportedValue(
        run=run.run,
        where=f"{run.where}: {name}",
        family=family,
        domain=domain,
        metric=metric,
        value=value,
        excluded_reason=reason,
    )


IMPORTER = Importer(
    name="nanochat",
    description="results.csv of nanochat's scaling-law or miniseries script",
    read=_read,
    families=("validation", "tasks"),
)
