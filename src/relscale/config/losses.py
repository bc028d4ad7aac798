"""Settings for a losses table from outside: its file, and how its columns become ours.

`LossesTable` is the section `losses` of an experiment, and the content of the mapping file that
`relscale table inspect` writes and `relscale laws --mapping` reads. Light imports.
"""

import math
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from relscale.config.base import WHOLE, ByLabel, Label, Model, Unique, is_none
from relscale.contract.columns import FLAGS, TEXT

OurColumn = Literal[
    "corpus",
    "run",
    "seed",
    "recipe",
    "budget",
    "forward_flops",
    "training_flops",
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
    "tokens",
    "family",
    "domain",
    "metric",
    "unit",
    "value",
    "standard_error",
    "num_items",
    "num_bytes",
    "num_truncated",
    "at_chance",
    "excluded_reason",
    "higher_is_better",
    "step",
    "decayed",
    "tokens_per_param",
]
"""A column of the losses table, or one of three that only help to make it."""
OurNumber = Literal[
    "forward_flops",
    "training_flops",
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
    "tokens",
    "value",
    "standard_error",
    "num_items",
    "num_bytes",
    "num_truncated",
    "step",
    "tokens_per_param",
]
"""A column that may be in another unit."""
UnitName = Literal[
    "ones",
    "thousands",
    "millions",
    "billions",
    "trillions",
    "petaflops",
    "exaflops",
    "petaflop_days",
    "log10",
    "percent",
    "perplexity",
    "in_name",
]
"""A unit of the file. `log10` is the logarithm to the base 10 of the number, `perplexity` becomes
the loss in nats, its natural logarithm, and `percent` becomes a share. `in_name` reads the one
number with a suffix in a text, as 190M in `olmo-190M-5xC`."""


def _unit(value: object) -> object:
    """Refuse what is neither a unit nor a factor, in one sentence instead of one per type."""
    names = get_args(UnitName)
    if isinstance(value, str) and value not in names:
        raise ValueError(f"must be a factor, or one of {', '.join(names)}")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"must be a factor, or one of {', '.join(names)}")
    if not isinstance(value, str) and not 0 < value < float("inf"):
        raise ValueError("must be a factor above 0")
    return value


def _column(value: object) -> object:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("must be the name of a column of the file as text, or a list of names")
    return value


def _column_by_metric(value: object) -> object:
    names = list(value.values()) if isinstance(value, dict) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("must be a name as text, or a mapping of metrics to names of columns")
    return value


def _constant(value: object) -> object:
    if not isinstance(value, bool | int | float | str) or value == "":
        raise ValueError("must be text, a number, or true or false")
    return value


Unit = Annotated[str | float, BeforeValidator(_unit)]
"""The name of a unit, or a factor by which the numbers of the file are multiplied."""
ColumnName = Annotated[str, StringConstraints(min_length=1)]
"""The name of a column of the file, as its header spells it, without blanks around it."""
Columns = Annotated[str | list[str], BeforeValidator(_column)]
"""A column of the file, or several that are joined."""
ColumnByMetric = Annotated[str | dict[str, str], BeforeValidator(_column_by_metric)]
"""A column of the file, or one per metric."""
Constant = Annotated[bool | int | float | str, BeforeValidator(_constant)]
"""A value of all rows."""

JOINED = ("corpus", "run", "budget", "family", "domain")
"""Columns whose names may be joined from several columns of the file."""
HELPERS = ("step", "decayed", "tokens_per_param")
"""Columns that are read and that the losses table does not have."""
_FLOP_UNITS = ("petaflops", "exaflops", "petaflop_days")
_NAMED_BY_WIDE = ("domain", "value", "standard_error")


class CsvDialect(Model):
    """How a CSV file is written."""

    encoding: Literal["auto", "utf-8", "utf-16", "windows-1252", "latin-1"] = "auto"
    """`auto` reads UTF-8, and UTF-16 with a byte order mark. Nothing tells the other two apart, so
    they must be named."""
    separator: Literal["auto", "comma", "semicolon", "tab", "bar"] = "auto"
    """`auto` takes the one that splits the header and the rows into equally many cells."""
    skip_lines: Annotated[int, Field(ge=0), WHOLE] = 0
    """Lines before the header."""
    header_lines: Literal[1, 2] = 1
    """Lines of the header. Two are joined by a slash; an empty cell of the first one repeats the
    cell to its left."""
    repeated_headers: Literal["error", "skip"] = "error"
    """A header among the rows, as in joined files, is an error, or is left out and counted."""


class NumberFormat(Model):
    """How numbers are written, in files that have them as text."""

    decimal: Literal["auto", "point", "comma"] = "auto"
    """`auto` takes the point, except where columns are separated by semicolons or tabs and no
    number has a point."""
    thousands: Literal["none", "comma", "point", "space", "apostrophe", "underscore"] = "none"
    """Sign between thousands, as in 1,234,567."""
    suffixes: Literal["none", "k_m_b_t"] = "none"
    """Whether K, M, B (or G) and T after a number are thousands, millions, billions and trillions,
    as in 190M."""
    missing: Unique[str] = []
    """Words for a missing number, in addition to an empty cell, NA, NaN, None and null."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands cannot be both a {self.decimal}")
        return self


class Derived(Model):
    """Columns that the file lacks and that follow from others. Each is a stated decision."""

    training_flops: Annotated[
        Literal["6 x num_params_total x tokens", "3 x forward_flops"] | None,
        Field(exclude_if=is_none),
    ] = None
    """FLOPs of training: six per parameter and token (Kaplan et al., 2020, section 2.1), or three
    times those of the forward passes."""
    forward_flops: Annotated[
        Literal["2 x num_params_total x tokens", "training_flops / 3"] | None,
        Field(exclude_if=is_none),
    ] = None
    """FLOPs of the forward passes."""
    tokens: Annotated[
        Literal["tokens_per_param x num_params_total", "training_flops / (6 x num_params_total)"]
        | None,
        Field(exclude_if=is_none),
    ] = None
    """Tokens trained on."""
    num_params_total: Annotated[
        Literal["training_flops / (6 x tokens)"] | None, Field(exclude_if=is_none)
    ] = None
    """All parameters."""


class LossesSource(Model):
    """Where a losses table comes from."""

    citation: str
    """Who made it, and where it was published."""
    licence: str
    """Licence of the table."""
    url: Annotated[str | None, Field(exclude_if=is_none)] = None
    """Page of the source."""
    commit: Annotated[str | None, Field(exclude_if=is_none)] = None
    """Commit of the source."""
    made_by: Annotated[str | None, Field(exclude_if=is_none)] = None
    """How the file was made from the source."""


class LossesTable(Model):
    """A losses table from outside, and how it becomes the losses table of this project."""

    path: Annotated[str, StringConstraints(min_length=1)]
    """The file. `.csv`, `.tsv`, `.jsonl` and `.ndjson` may be compressed (`.gz`, `.zst`)."""
    format: Literal["auto", "csv", "parquet", "json_lines"] = "auto"
    """`auto` reads the ending of the file's name."""
    csv: CsvDialect = CsvDialect()
    """How a CSV file is written."""
    numbers: NumberFormat = NumberFormat()
    """How numbers are written."""
    shape: Literal["long", "wide"] = "long"
    """`long` has one row per run, domain and metric; `wide` has one column per domain, or per
    domain and metric."""
    columns: dict[OurColumn, Columns] = {}
    """Our column: the file's. A column that is not here is the one of the same name, if there is
    one. A list joins several columns to a name, such as `run: [size, seed]`."""
    constants: dict[OurColumn, Constant] = {}
    """Our column: its value in all rows. For columns that the file lacks."""
    domains: ByLabel[ColumnByMetric] = {}
    """For `wide`: domain: its column, or a mapping of metrics to columns. For `long`: domain: its
    name in the file; other domains are left out, and counted. Empty for all, with their names."""
    standard_errors: ByLabel[ColumnByMetric] = {}
    """For `wide`: columns of the standard errors of `domains`."""
    families: dict[Annotated[str, StringConstraints(min_length=1)], Unique[Label]] = {}
    """Family: its domains, where a file has several families and no column names them."""
    ignore: Unique[ColumnName] = []
    """Columns of the file that are not read, although they have the name of one of ours."""
    only: dict[ColumnName, Annotated[Unique[str], Field(min_length=1)]] = {}
    """Column of the file: values to keep, as text. Other rows are left out, and counted."""
    units: dict[OurNumber, Unit] = {}
    """Our column: the unit of the file, or a factor that its numbers are multiplied by. `value` is
    for all metrics."""
    metric_units: dict[str, Unit] = {}
    """Metric: the unit of its values in the file, where metrics differ."""
    derive: Derived = Derived()
    """Columns that follow from others."""
    steps: Annotated[Literal["last", "decayed", "all"] | None, Field(exclude_if=is_none)] = None
    """Which evaluations along a run are used, where a column `step` tells them apart. `last`: the
    last step at which most values of the run are known. `decayed`: those whose column `decayed`
    is true, after the learning rate has been decayed; several of one run become runs. `all`: each
    step becomes a run with tokens and compute so far; they share a trajectory, so intervals are
    too narrow."""
    budgets: Literal["auto", "isoflop", "each_run"] = "auto"
    """Budgets of a table that has no column of them. `isoflop`: runs of nearly equal compute share
    one. `each_run`: only runs of the same compute do. `auto`: `isoflop` if the runs form such
    groups."""
    higher_is_better: Unique[str] = []
    """Metrics, not known, whose larger values are better."""
    lower_is_better: Unique[str] = []
    """Metrics, not known, whose smaller values are better."""
    source: Annotated[LossesSource | None, Field(exclude_if=is_none)] = None
    """Where the table comes from."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        problems = [*_of_columns(self), *_of_shape(self), *_of_metrics(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _of_columns(table: LossesTable) -> list[str]:
    """Return the contradictions among columns, constants and derived columns."""
    problems = []
    for name, found in table.columns.items():
        if isinstance(found, list) and name not in JOINED:
            problems.append(
                f"columns.{name} is a list: only {', '.join(JOINED)} are joined from several"
            )
        if name in table.constants:
            problems.append(f"{name} is in columns and in constants: it can be in one of them")
    derived = [name for name in Derived.model_fields if getattr(table.derive, name) is not None]
    for given in derived:
        if given in {*table.columns, *table.constants}:
            problems.append(f"derive.{given}: {given} is given in columns or constants already")
    constants = (_of_constant(our, value) for our, value in table.constants.items())
    problems += [problem for problem in constants if problem]
    if "family" in {*table.columns, *table.constants} and table.families:
        problems.append("families: columns or constants name the family already")
    return problems


def _of_constant(name: str, value: Any) -> str | None:
    """Return why a constant is not of the type of its column, or None."""
    if name in TEXT and not isinstance(value, str):
        return f'constants.{name} must be text: put it in quotes, "{value}"'
    if name in FLAGS | {"decayed"} and not isinstance(value, bool):
        return f"constants.{name} must be true or false"
    if name not in TEXT | FLAGS | {"decayed"} and not _is_number(value):
        return f"constants.{name} must be a number, not {value!r}"
    return None


def _is_number(value: Any) -> bool:
    """Return whether a value is a number; YAML reads 3e11 without a point as text."""
    if isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _of_shape(table: LossesTable) -> list[str]:
    """Return the contradictions between the shape and other keys."""
    problems = []
    if table.shape == "long":
        problems += [
            f"domains.{domain} is a mapping of metrics: only a wide table has columns per metric"
            for domain, found in table.domains.items()
            if not isinstance(found, str)
        ]
        if table.standard_errors:
            problems.append("standard_errors: only for shape wide; map columns.standard_error")
        return problems
    if not table.domains:
        problems.append("domains is missing: a wide table needs the column of each domain")
    problems += [
        f"columns or constants have {name}: in a wide table domains and standard_errors name "
        "these columns (or is the table long?)"
        for name in _NAMED_BY_WIDE
        if name in table.columns or name in table.constants
    ]
    by_metric = [name for name, found in table.domains.items() if not isinstance(found, str)]
    if by_metric and len(by_metric) < len(table.domains):
        plain = next(name for name in table.domains if name not in by_metric)
        problems.append(
            f"domains.{by_metric[0]} is a mapping of metrics and domains.{plain} is not: write all "
            "as mappings"
        )
    if by_metric and "metric" in {*table.columns, *table.constants}:
        problems.append("domains are mappings of metrics: columns or constants have metric, too")
    for domain, found in table.standard_errors.items():
        values = table.domains.get(domain)
        if values is None or isinstance(values, str) != isinstance(found, str):
            problems.append(f"standard_errors.{domain} does not match domains.{domain}")
        elif unknown := sorted(set(_metrics_of(found)) - set(_metrics_of(values))):
            problems.append(
                f"standard_errors.{domain}: domains.{domain} has no {', '.join(unknown)}"
            )
    return problems


def _metrics_of(columns: str | dict[str, str]) -> list[str]:
    return [] if isinstance(columns, str) else list(columns)


def _of_units(table: LossesTable) -> list[str]:
    """Return the units that a column cannot have."""
    problems = []
    units = [*table.units.items(), *table.metric_units.items()]
    for name, unit in units:
        key = f"units.{name}" if name in table.units else f"metric_units.{name}"
        is_value = name == "value" or name in table.metric_units
        if unit == "in_name" and name not in ("num_params_total", "tokens"):
            problems.append(f"{key} is in_name: only for num_params_total and tokens")
        if unit == "perplexity" and not is_value:
            problems.append(f"{key} is perplexity: only for value and metric_units")
        if unit in _FLOP_UNITS and name not in ("training_flops", "forward_flops"):
            problems.append(f"{key} is {unit}: only for training_flops and forward_flops")
    return problems


def _of_metrics(table: LossesTable) -> list[str]:
    """Return the contradictions among units and directions of metrics, and families."""
    problems = _of_units(table)
    if "value" in table.units and table.metric_units:
        problems.append("units.value is for all metrics: give it, or metric_units")
    if both := sorted(set(table.higher_is_better) & set(table.lower_is_better)):
        problems.append(f"{', '.join(both)}: in higher_is_better and in lower_is_better")
    if (table.higher_is_better or table.lower_is_better) and "higher_is_better" in {
        *table.columns,
        *table.constants,
    }:
        problems.append("higher_is_better: columns or constants state directions already")
    if table.steps == "decayed" and "decayed" in table.constants:
        problems.append("constants.decayed: steps: decayed needs a column that differs by row")
    domains = [name for names in table.families.values() for name in names]
    if twice := sorted({name for name in domains if domains.count(name) > 1}):
        problems.append(f"families: {', '.join(twice)} is in more than one family")
    if table.domains and (unknown := sorted(set(domains) - set(table.domains))):
        problems.append(f"families: {', '.join(unknown)} is not in domains")
    if table.domains and domains and (left := sorted(set(table.domains) - set(domains))):
        problems.append(f"families: {', '.join(left)} is in no family")
    return problems
