"""The tables of an experiment that come from a losses table: losses by family, runs, source."""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from relscale.config.choices import is_not_in
from relscale.config.losses import LossesSource
from relscale.contract.arrow import schema_of
from relscale.contract.directions import plain_name
from relscale.contract.losses import ITEMS_COLUMNS, LossesRow
from relscale.contract.metrics import METRICS
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.text_tables import SOURCES_COLUMNS

LOSSES_SCHEMA = schema_of(LossesRow)
MOST_BUDGETS = 40
"""Budgets that a plan lists."""
MOST_DOMAINS = 12
"""Domains of a family that a plan lists."""
NOT_KNOWN = "not stated"


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """The file of a losses table."""

    path: str
    """Its path, as configured."""
    sha256: str
    num_bytes: int

    @classmethod
    def of(cls, path: Path) -> "TableFile":
        """Describe a file."""
        content = path.read_bytes()
        return cls(
            path=str(path),
            sha256=hashlib.sha256(content).hexdigest(),
            num_bytes=len(content),
        )


def losses_of(frame: pd.DataFrame, family: str) -> pa.Table:
    """Return the losses of one family with all columns of the losses table; unknown cells are null.

    Args:
        frame: a losses table from outside, checked.
        family: name of the family.
    """
    rows = frame[frame["family"].astype(str) == family]
    return pa.Table.from_arrays(
        [_column(rows, field) for field in LOSSES_SCHEMA], schema=LOSSES_SCHEMA
    )


def no_items() -> pa.Table:
    """Return an items table without rows."""
    text, number = pa.dictionary(pa.int32(), pa.string()), pa.float64()
    kinds = {"numerator": number, "denominator": number, "overlaps": pa.bool_()}
    return pa.schema([(name, kinds.get(name, text)) for name in ITEMS_COLUMNS]).empty_table()


def check_families(
    frame: pd.DataFrame, families: Mapping[str, Sequence[str]], where: str
) -> pd.DataFrame:
    """Return the rows of the families after checking that they and their domains are there.

    Raises:
        ValueError: naming every family and every domain that the table lacks.
    """
    names = frame["family"].astype(str)
    problems = []
    for family, domains in families.items():
        if family not in set(names):
            choices = sorted(set(names))
            problems.append(f"families.{family}: {is_not_in('the families of the table', choices)}")
            continue
        found = sorted(set(frame.loc[names == family, "domain"].astype(str)))
        problems += [
            f"families.{family}.domains: {domain!r} {is_not_in('the table', found)}"
            for domain in domains
            if domain not in found
        ]
    if problems:
        raise ValueError(f"{where}: " + "; ".join(problems))
    return frame[names.isin(list(families))]


def suite_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row of suite.csv per run; cells that the table does not know are empty."""
    runs = frame.drop_duplicates(["corpus", "run"])
    compute = "training_flops" if "training_flops" in runs.columns else "forward_flops"
    suite = runs.reindex(columns=list(SUITE_COLUMNS)).assign(budget_counts=compute)
    return suite.reset_index(drop=True)


def source_of(file: TableFile, source: LossesSource | None) -> pd.DataFrame:
    """Return the row of sources.csv about the table."""
    row = {
        "source": "losses",
        "package": None if source is None else source.url,
        "version": None if source is None else source.commit,
        "sha256": file.sha256,
        "num_files": 1,
        "num_bytes": file.num_bytes,
        "licence": NOT_KNOWN if source is None else source.licence,
        "citation": NOT_KNOWN if source is None else source.citation,
    }
    return pd.DataFrame([row], columns=list(SOURCES_COLUMNS))


def _compute(budget: str) -> float:
    """Return the compute that a budget is named by; infinite for another name."""
    try:
        return float(budget)
    except ValueError:
        return math.inf


def plan_text(frame: pd.DataFrame, path: str, decisions: Sequence[str]) -> str:
    """Return runs, budgets and families of a table as text, and that nothing is trained."""
    runs = frame.drop_duplicates(["corpus", "run"])
    pairs = zip(runs["corpus"].astype(str), runs["budget"].astype(str), strict=True)
    found = Counter(pairs)
    places = {corpus: place for place, corpus in enumerate(dict.fromkeys(one for one, _ in found))}
    order = sorted(found, key=lambda one: (places[one[0]], _compute(one[1]), one[1]))
    counts = {one: found[one] for one in order}
    width = max(16, *(len(corpus) + 2 for corpus, _ in counts))
    lines = [f"{'corpus':<{width}}{'budget':>12}{'runs':>8}"]
    lines += [
        f"{corpus:<{width}}{budget:>12}{count:>8}"
        for (corpus, budget), count in [*counts.items()][:MOST_BUDGETS]
    ]
    if len(counts) > MOST_BUDGETS:
        lines.append(f"and {len(counts) - MOST_BUDGETS} more budgets")
    for family, rows in frame.groupby("family", sort=False):
        domains = sorted(set(rows["domain"].astype(str)))
        more = f" and {len(domains) - MOST_DOMAINS} more" if len(domains) > MOST_DOMAINS else ""
        lines.append(
            f"family {family}: {len(domains)} domains ({', '.join(domains[:MOST_DOMAINS])}{more}); "
            f"metrics: {', '.join(sorted(set(rows['metric'].astype(str))))}; {len(rows):,} values"
        )
    lines += [f"decision: {decision}" for decision in decisions]
    corpora = len({corpus for corpus, _ in counts})
    lines.append(
        f"{len(runs):,} runs of {corpora} {'corpus' if corpora == 1 else 'corpora'} at "
        f"{len({budget for _, budget in counts})} budgets are read from {path}; nothing is trained "
        "or scored"
    )
    return "\n".join(lines) + "\n"


def decisions_text(decisions: Sequence[str]) -> str:
    """Return the decisions by which a table was read, one per line; never an empty text.

    An empty file would count as damaged.
    """
    lines = decisions or ["the columns, names and units of the table are used as they are"]
    return "".join(f"{' '.join(line.split())}\n" for line in lines)


def _column(rows: pd.DataFrame, field: pa.Field) -> pa.Array:
    """Return a column of the losses table; numbers of tokens and parameters are rounded."""
    if field.name == "unit" and field.name not in rows.columns:
        units = [_unit(str(metric)) for metric in rows["metric"]]
        return pa.array(units, type=field.type)
    if field.name not in rows.columns:
        return pa.nulls(len(rows), field.type)
    column = rows[field.name]
    if pa.types.is_integer(field.type):
        column = pd.to_numeric(column).round()
    elif pa.types.is_string(field.type):
        column = column.astype(object).where(column.notna(), None)
    return pa.array(column, type=field.type, from_pandas=True)


def _unit(metric: str) -> str | None:
    known = METRICS.get(plain_name(metric))
    return None if known is None else known.unit


def by_family(paths: Sequence[Path], families: Collection[str]) -> dict[str, Path]:
    """Return the path of each family: the one in the folder of its name.

    The order of the paths does not matter, since that of a spec is not the configuration's.

    Raises:
        ValueError: naming the folders if they are not those of the families.
    """
    found = {path.parent.name: path for path in paths}
    if len(found) != len(paths) or set(found) != set(families):
        raise ValueError(
            f"the outputs are in the folders {', '.join(path.parent.name for path in paths)}, and "
            f"the families are {', '.join(families)}"
        )
    return found
