"""Importers: the behaviour that belongs to one format, and the runs and values that it returns.

Each module of `relscale.importers.formats` declares one `IMPORTER = Importer(...)`. An importer
reads files and states facts. It never guesses: what the files lack comes from the options or from
the table of runs, which `relscale.importers.table` adds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """Choices of the user, the same for all formats."""

    runs: Path | None = None
    """A CSV file with one row per run, for facts that the files lack."""
    corpus: str | None = None
    """Corpus of the runs for which neither the files nor `runs` state one."""
    family: str | None = None
    """Name of the family of all values; of formats that have several families, the one to keep."""
    metrics: tuple[str, ...] = ()
    """Metrics to keep; empty keeps all. A single one also names the metric of `keys` without
    `{metric}`."""
    domains: tuple[str, ...] = ()
    """Globs of domains to keep; empty keeps all."""
    keys: tuple[str, ...] = ()
    """Patterns of logged names, such as `eval/{domain}/{metric}`; empty recognizes common ones."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of the file that have facts about runs: our name to theirs."""
    six_nd: bool = False
    """Whether unknown training FLOPs are 6 x parameters x tokens."""
    x_is_tokens: bool = False
    """Whether the logged step is the number of tokens."""
    leave_out_incomplete: bool = False
    """Whether runs that lack a needed fact are left out; otherwise they are an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedRun:
    """Facts about a run; None where the files state nothing."""

    run: str
    """Name, unique among the imported runs."""
    where: str
    """File, and row where there is one, for messages."""
    corpus: str | None = None
    """Corpus that it was trained on."""
    seed: int | None = None
    """Seed."""
    recipe: str | None = None
    """Recipe, or architecture."""
    budget: str | None = None
    """Label of the budget."""
    forward_flops: float | None = None
    """FLOPs of the forward passes."""
    training_flops: float | None = None
    """FLOPs of forward and backward passes."""
    num_params_embedding: int | None = None
    """Parameters of the input embedding."""
    num_params_head: int | None = None
    """Parameters of the output head."""
    num_params_transformer: int | None = None
    """Parameters of the blocks."""
    num_params_total: int | None = None
    """All parameters."""
    tokens: int | None = None
    """Tokens trained on."""
    excluded_reason: str | None = None
    """Why the run cannot be used, such as `crashed`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedValue:
    """One value of a run."""

    run: str
    """Name of the run."""
    where: str
    """File and place, for messages."""
    family: str
    """Family of the domain."""
    domain: str
    """Domain."""
    metric: str
    """Metric."""
    value: float
    """The value; NaN if it is missing."""
    standard_error: float = math.nan
    """Standard error over items; NaN if it is not known."""
    num_items: int | None = None
    """Number of items."""
    excluded_reason: str | None = None
    """Why the value cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Everything that an importer found."""

    runs: Sequence[ImportedRun]
    """The runs."""
    values: Sequence[ImportedValue]
    """Their values."""
    decisions: Sequence[str] = ()
    """Assumptions, one sentence each."""
    left_out: Sequence[str] = ()
    """Contents of the files that the table lacks, one sentence each."""


@dataclass(frozen=True, kw_only=True)
class Importer:
    """How one format is read."""

    name: str
    """Name on the command line."""
    description: str
    """One line for the help of the command."""
    read: Callable[[Sequence[Path], ImportOptions], Imported]
    """Reads files and folders."""
    families: tuple[str, ...] = ()
    """Families of the format; empty if the user names the family."""


def listing(names: Sequence[str], most: int = 12) -> str:
    """Return names, quoted and joined, with a count instead of those after the first `most`.

    Examples:
        >>> listing(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
