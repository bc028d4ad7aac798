"""The explorer: one self-contained page over losses and laws, with Vega's script inside.

`explorer_page` builds the page from `ExplorerData`, which is all that the page's script reads.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import vl_convert

from relscale.contract.directions import lower_is_better
from relscale.contract.io import read_table, read_tables
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.metric_labels import metric_label
from relscale.contract.status import SEPARATOR, Status
from relscale.contract.table import Table
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.buckets import BUCKETS
from relscale.contract.tables.contrasts import CONTRASTS
from relscale.contract.tables.documents import DOCUMENTS
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.figures.kit.buckets import ALPHA
from relscale.figures.kit.choose import compute_of, included, ordered
from relscale.figures.kit.style import compute_label, words
from relscale.pages.explorer_choices import (
    ComputeAxis,
    CorpusChoice,
    ExplainedVerdict,
    FamilyChoice,
    MetricChoice,
    NamedChoice,
    PairChoice,
    ScaleChoice,
    bucket_choices,
    contrast_choices,
    explained_verdicts,
    family_choices,
    marker_shape,
    pair_choices,
    path_choices,
    scale_choices,
    view_choices,
)
from relscale.pages.explorer_columns import (
    COLUMNS,
    DOWNLOADED_POINTS,
    LOSSES_KEPT,
    RUNS_KEPT,
    TIPS,
    ShownColumn,
)
from relscale.pages.render import compressed, render
from relscale.pages.spec import ExplorerSpec

SIGNIFICANT = 7
"""Significant digits of the numbers in the page; the tables have all."""
LABELS = (
    "corpus",
    "run",
    "family",
    "domain",
    "metric",
    "treatment",
    "baseline",
    "estimator",
    "scale",
    "path",
    "law",
    "scales_agree",
    "kind",
    "other",
    "budget",
    "held_out_budget",
    "partition",
    "bucket",
    "item",
    "direction",
)
"""Columns of names, which are text whatever they look like."""
PREFERRED_ESTIMATORS, FALLBACK_ESTIMATOR = ("auto", "joint"), "vertex"
"""The estimators that are chosen first, and the one shown where the chosen one has no rows: `joint`
fits gaps at the optimum of `vertex`."""


@dataclass(frozen=True, kw_only=True)
class ExplorerTables:
    """The tables that the explorer shows."""

    losses: pd.DataFrame
    points: pd.DataFrame
    absolute: pd.DataFrame
    relative: pd.DataFrame
    baselines: pd.DataFrame | None = None
    """Relative laws against other baselines than the experiment's."""
    contrasts: pd.DataFrame | None = None
    """contrasts.csv."""
    buckets: pd.DataFrame | None = None
    """buckets.csv."""
    documents: pd.DataFrame | None = None
    """documents.csv."""
    suite_contrasts: pd.DataFrame | None = None
    """suite_contrasts.csv."""

    @classmethod
    def read(
        cls,
        *,
        losses: Path,
        points: Path,
        absolute: Path,
        relative: Path,
        baselines: Sequence[Path] = (),
        contrasts: Path | None = None,
        buckets: Path | None = None,
        documents: Path | None = None,
        suite_contrasts: Path | None = None,
    ) -> "ExplorerTables":
        """Read the tables; `baselines` are tables like relative.csv.

        Raises:
            ValueError: naming a file that cannot be read or lacks a column.
        """
        return cls(
            losses=read_table(losses, LOSSES_REQUIRED),
            points=read_table(points, POINTS.names),
            absolute=read_table(absolute, ABSOLUTE.names),
            relative=read_table(relative, RELATIVE.names),
            baselines=read_tables(baselines, RELATIVE.names) if baselines else None,
            contrasts=_read(contrasts, CONTRASTS),
            buckets=_read(buckets, BUCKETS),
            documents=_read(documents, DOCUMENTS),
            suite_contrasts=_read(suite_contrasts, SUITE_CONTRASTS),
        )


def _read(path: Path | None, table: Table) -> pd.DataFrame | None:
    """Read a table that may be missing."""
    return None if path is None else read_table(path, table.names)


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """A column of text: its distinct values, and for each row the place of its value or None."""

    texts: list[str]
    places: list[int | None]


Packed = dict[str, "TextColumn | list[bool | int | float | None]"]
"""A table by columns."""


@dataclass(frozen=True, kw_only=True)
class ExplorerData:
    """All that the page's script reads."""

    compute: ComputeAxis
    decades: float
    """Decades of compute by which curves are drawn beyond the data."""
    corpora: list[CorpusChoice]
    metrics: dict[str, MetricChoice]
    families: list[FamilyChoice]
    estimators: list[str]
    default_estimator: str
    fallback_estimator: str
    scales: list[ScaleChoice]
    paths: list[NamedChoice]
    contrasts: list[NamedChoice]
    """Contrasts other than those with the baseline."""
    views: list[NamedChoice]
    """Views that the tables have rows for."""
    buckets: list[NamedChoice]
    """Buckets of bytes that have a slope, named `partition/bucket`, in the order of the chart."""
    alpha: float
    """Adjusted p value below which a slope is marked as one that differs from 0."""
    pairs: list[PairChoice]
    """Suites that are compared with each other."""
    verdicts: list[ExplainedVerdict]
    """In the order in which they are counted."""
    statuses: dict[str, str]
    """Meanings of the statuses, by their words."""
    remarks_separator: str
    """Separates the remarks of a cell."""
    columns: dict[str, tuple[ShownColumn, ...]]
    tips: dict[str, tuple[ShownColumn, ...]]
    downloads: dict[str, list[str]]
    """Columns of the downloads."""
    tables: dict[str, Packed]
    """`runs` (one row per run), `losses` (one row per value; `at` is the row of its run), `points`,
    `absolute`, `relative`, `contrasts`, `buckets`, `documents` and `suites`
    (suite_contrasts.csv)."""


def explorer_page(tables: ExplorerTables, spec: ExplorerSpec) -> str:
    """Build the page.

    Args:
        tables: losses and laws.
        spec: names and order of families, domains and corpora.

    Returns:
        A whole HTML page that loads nothing.
    """
    with spec.stated():
        read = explorer_data(tables, spec)
    data = json.dumps(
        read,
        default=vars,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )
    return render(
        "explorer.html.j2",
        title=spec.experiment or "results",
        views=read.views,
        scales=read.scales,
        data=compressed(data),
        vega=compressed(vl_convert.javascript_bundle()),  # type: ignore[call-arg] # its stub lacks the default
    )


def explorer_data(tables: ExplorerTables, spec: ExplorerSpec) -> ExplorerData:
    """Gather everything that the page's script reads.

    Args:
        tables: losses and laws.
        spec: names and order of families, domains and corpora.
    """
    losses, relative = tables.losses, tables.relative
    laws = relative
    if tables.baselines is not None and len(tables.baselines):
        laws = pd.concat([relative, tables.baselines], ignore_index=True)
    contrasts = _or_empty(tables.contrasts, CONTRASTS)
    buckets = _or_empty(tables.buckets, BUCKETS)
    documents = _or_empty(tables.documents, DOCUMENTS)
    suites = _or_empty(tables.suite_contrasts, SUITE_CONTRASTS)
    estimators = ordered([], relative["estimator"], tables.absolute["estimator"])
    preferred = [name for name in PREFERRED_ESTIMATORS if name in estimators]
    runs, values = split_losses(losses, spec.compute)
    corpora = ordered(spec.corpora, losses["corpus"], laws["corpus"])
    metrics = ordered([], losses["metric"], laws["metric"])
    return ExplorerData(
        compute=ComputeAxis(column=spec.compute, label=compute_label(spec.compute)),
        decades=spec.extrapolate_decades,
        corpora=[
            CorpusChoice(name=name, label=words(name, spec.labels), shape=marker_shape(place))
            for place, name in enumerate(corpora)
        ],
        metrics={
            name: MetricChoice(
                label=metric_label(name), words=words(name), lower_is_better=lower_is_better(name)
            )
            for name in metrics
        },
        families=family_choices(losses, relative, laws, spec),
        estimators=estimators,
        default_estimator=[*preferred, *estimators, ""][0],
        fallback_estimator=FALLBACK_ESTIMATOR,
        scales=scale_choices(laws, suites),
        paths=path_choices(laws),
        contrasts=contrast_choices(contrasts),
        views=view_choices(buckets=buckets, suites=suites),
        buckets=bucket_choices(buckets),
        alpha=ALPHA,
        pairs=pair_choices(suites, spec.labels),
        verdicts=explained_verdicts(),
        statuses={status.value: status.__doc__ or "" for status in Status},
        remarks_separator=SEPARATOR,
        columns=COLUMNS,
        tips=TIPS,
        downloads={
            "verdicts": list(map(str, laws.columns)),
            "drawn": list(DOWNLOADED_POINTS),
            "losses": [*map(str, runs.columns), *LOSSES_KEPT, "standard_error"],
            "buckets": list(map(str, buckets.columns)),
            "documents": list(map(str, documents.columns)),
            "suites": list(map(str, suites.columns)),
        },
        tables={
            "runs": pack(runs),
            "losses": pack(values),
            "points": pack(tables.points),
            "absolute": pack(tables.absolute),
            "relative": pack(laws),
            "contrasts": pack(contrasts),
            "buckets": pack(buckets),
            "documents": pack(documents),
            "suites": pack(suites),
        },
    )


def _or_empty(frame: pd.DataFrame | None, table: Table) -> pd.DataFrame:
    """Return a table, or one without rows."""
    return pd.DataFrame(columns=list(table.names)) if frame is None else frame


def pack(frame: pd.DataFrame) -> Packed:
    """Turn a table into columns for JSON.

    Numbers are rounded to `SIGNIFICANT` digits; empty cells and numbers that are not finite are
    None, since JSON has no name for them.
    """
    packed: Packed = {}
    for name in map(str, frame.columns):
        column = frame[name]
        is_number = pd.api.types.is_numeric_dtype(column) and name not in LABELS
        if column.dtype == bool or is_number:
            packed[name] = [_plain(value) for value in column.tolist()]
        else:
            packed[name] = _text_column(column)
    return packed


def split_losses(losses: pd.DataFrame, compute: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split losses into one row per run and one row per value.

    Args:
        losses: the losses table.
        compute: column of the runs' compute, in FLOPs.

    Returns:
        Runs, with a column `compute`; and values, with a column `at`: the row of the run. Excluded
        runs have no values.
    """
    columns = [name for name in RUNS_KEPT if name in losses.columns]
    with_compute = losses.assign(compute=compute_of(losses, compute))
    runs = with_compute.drop_duplicates(["corpus", "run"])[[*columns, "compute"]]
    place = {key: k for k, key in enumerate(zip(runs["corpus"], runs["run"], strict=True))}
    kept = losses[included(losses)]
    values = kept[list(LOSSES_KEPT)].assign(
        at=[place[key] for key in zip(kept["corpus"], kept["run"], strict=True)],
        standard_error=kept["standard_error"] if "standard_error" in kept.columns else math.nan,
    )
    return runs.reset_index(drop=True), values


def _plain(value: object) -> bool | int | float | None:
    if isinstance(value, bool) or value is None:
        return value
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        return None
    if number.is_integer() and abs(number) < 2**53:
        return int(number)
    return float(f"{number:.{SIGNIFICANT}g}")


def _text_column(column: pd.Series) -> TextColumn:
    texts = [None if pd.isna(value) or value == "" else str(value) for value in column.tolist()]
    known = list(dict.fromkeys(text for text in texts if text is not None))
    place = {text: k for k, text in enumerate(known)}
    return TextColumn(texts=known, places=[None if text is None else place[text] for text in texts])
