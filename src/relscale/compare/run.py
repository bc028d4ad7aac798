"""Compare two models, runs or corpora on the same items: the function behind `relscale compare`.

from relscale.compare.run import compare
found = compare("scores/mine", "scores/theirs", out="compared")
print(found.summary())
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.compare.decide import with_verdicts
from relscale.compare.domain import compared
from relscale.compare.matched import Matched, match_runs
from relscale.compare.paired import Key, PairedItems, common_keys, groups_of, pair_items
from relscale.compare.report import as_json, summary_text
from relscale.compare.sides import Side, read_items, side_of
from relscale.compare.spec import CompareSettings
from relscale.compare.worst import read_item_texts, worst_documents
from relscale.contract.comparison_tables import (
    COMPARISON,
    LEFT_OUT_ITEMS,
    WORST_DOCUMENTS,
    ComparisonStatus,
    LeftOut,
)
from relscale.contract.io import write_table
from relscale.contract.metrics import METRICS
from relscale.contract.out_paths import check_out_folder
from relscale.contract.status import encode_remarks
from relscale.contract.table import Table
from relscale.files import write_json, write_text

Given = Path | str | pd.DataFrame
"""A table, or its file or folder."""


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Two sides on the same items: tables, settings and remarks."""

    a: Side
    """The first side."""
    b: Side
    """The second side."""
    settings: CompareSettings
    """Settings of the comparison."""
    matched: Matched
    """The runs that were compared with each other."""
    domains: pd.DataFrame
    """comparison.csv: one row per family, metric and domain."""
    worst: pd.DataFrame
    """worst_documents.csv."""
    left_out: pd.DataFrame
    """left_out_items.csv."""
    notes: tuple[str, ...]
    """Remarks on the comparison as a whole."""

    def summary(self) -> str:
        """Return the findings in words and small tables, ending with a line feed."""
        return summary_text(self.domains, self.left_out, self.settings, self.notes)

    def as_json(self) -> dict[str, object]:
        """Return the content of comparison.json."""
        return as_json(
            (self.a, self.b), self.settings, self.matched, self.domains, self.left_out, self.notes
        )

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def write(self, folder: Path) -> None:
        """Write tables, comparison.json, summary.txt and the figure into a folder."""
        from relscale.compare.figure import draw_comparison, write_figure  # imports matplotlib

        for frame, table in (
            (self.domains, COMPARISON),
            (self.worst, WORST_DOCUMENTS),
            (self.left_out, LEFT_OUT_ITEMS),
        ):
            write_table(frame, folder / f"{table.name}.csv", table)
        write_json(folder / "comparison.json", self.as_json())
        write_text(folder / "summary.txt", self.summary())
        write_figure(draw_comparison, self.domains, folder)


def compare(
    a: Given,
    b: Given | None = None,
    *,
    choose: tuple[str | None, str | None] = (None, None),
    names: tuple[str | None, str | None] = (None, None),
    losses: tuple[Given | None, Given | None] = (None, None),
    texts: Path | str | None = None,
    out: Path | str | None = None,
    **settings: object,
) -> PairedComparison:
    """Compare two released models, runs or corpora on the same items.

    Args:
        a: an items table, its CSV or Parquet file, or a folder with items.parquet, such as the
            output of `relscale evaluate`.
        b: the same for the other side; None takes both sides from `a`.
        choose: the run of each side (`CORPUS/RUN` where several corpora have runs of that name), or
            `corpus:NAME` for all runs of a corpus; None where a table has one run.
        names: names of the sides for tables and figure; None for those of runs and corpora.
        losses: losses table of each side; None for losses.parquet or losses.csv in the folder of
            the items.
        texts: table with `item` and `text`; puts texts into worst_documents.csv.
        out: folder for tables, JSON, summary and figure; None writes nothing.
        **settings: fields of `CompareSettings`, all with defaults: `family`, `metric`, `budget`,
            `average`, `cluster_by`, `margin`, `level`, `worst`, `higher_is_better`,
            `lower_is_better`.

    Returns:
        The comparison, with its tables as data frames; `print` shows its summary.

    Raises:
        ValueError: for a setting that is not known or out of range, a table that cannot be used,
            sides that are the same or share no item, items whose text or bytes differ, or a file in
            the place of `out`.
    """
    chosen = CompareSettings.read(settings)
    if out is not None:
        check_out_folder(Path(out))
    one = read_items(a, losses[0])
    other = one if b is None else read_items(b, losses[1])
    if b is None and None in choose:
        raise ValueError(
            f"{one.where}: one table needs both sides: --a RUN --b RUN, or --a corpus:NAME --b "
            "corpus:NAME"
        )
    sides = (
        side_of("a", one, choose[0], names[0]),
        side_of("b", other, choose[1], names[1]),
    )
    sides = _with_names(sides)
    matched = match_runs(*sides, chosen.budget)
    shown = None if texts is None else read_item_texts(Path(texts))
    found = _compared(sides, matched, chosen, shown)
    if out is not None:
        found.write(Path(out))
    return found


def _with_names(sides: tuple[Side, Side]) -> tuple[Side, Side]:
    """Return sides with different names: with their corpora, or else with their letters."""
    if sides[0].name != sides[1].name:
        return sides
    if sides[0].corpus != sides[1].corpus:
        one, other = (replace(side, name=f"{side.corpus}/{side.name}") for side in sides)
        return one, other
    return (
        replace(sides[0], name=f"{sides[0].name} (a)"),
        replace(sides[1], name=f"{sides[1].name} (b)"),
    )


def _compared(
    sides: tuple[Side, Side],
    matched: Matched,
    settings: CompareSettings,
    texts: dict[str, str] | None,
) -> PairedComparison:
    groups = [groups_of(side, settings) for side in sides]
    for metric in settings.metric:
        settings.higher(metric)
    rows: list[dict[str, object]] = []
    worst: list[dict[str, object]] = []
    left_out: list[dict[str, object]] = []
    for key in common_keys(groups[0], groups[1], sides):
        paired, lost = _paired(key, groups, sides, matched, settings)
        left_out += [
            {**_named(key), "item": item, "stratum": stratum, "reason": reason.value}
            for item, stratum, reason in lost
        ]
        rows.append(_row(key, paired, sides, settings, lost))
        if paired is not None:
            worst += worst_documents(paired, settings.worst, texts)
    if all(row["status"] == ComparisonStatus.NO_COMMON_ITEMS for row in rows):
        raise ValueError(
            f"{sides[0].where} and {sides[1].where} have no item in common; items are matched by "
            "family, metric, domain, stratum and item"
        )
    frame = pd.DataFrame(rows).reindex(columns=list(COMPARISON.names))
    frame = with_verdicts(_typed(frame, COMPARISON), settings)
    return PairedComparison(
        a=sides[0],
        b=sides[1],
        settings=settings,
        matched=matched,
        domains=frame[list(COMPARISON.names)],
        worst=_typed(pd.DataFrame(worst, columns=list(WORST_DOCUMENTS.names)), WORST_DOCUMENTS),
        left_out=_typed(pd.DataFrame(left_out, columns=list(LEFT_OUT_ITEMS.names)), LEFT_OUT_ITEMS),
        notes=tuple(_notes(sides, matched, groups, settings)),
    )


def _paired(
    key: Key,
    groups: list[dict[Key, pd.DataFrame]],
    sides: tuple[Side, Side],
    matched: Matched,
    settings: CompareSettings,
) -> tuple[PairedItems | None, list[tuple[str, str, LeftOut]]]:
    """Return the pairs of a domain, None without one, and the items that are left out."""
    empty = [side.items.iloc[:0] for side in sides]
    frames = (groups[0].get(key, empty[0]), groups[1].get(key, empty[1]))
    paired = pair_items(key, frames, sides, matched, settings)
    return (paired if paired.items else None), list(paired.left_out)


def _named(key: Key) -> dict[str, object]:
    return dict(zip(("family", "metric", "domain"), key, strict=True))


def _row(
    key: Key,
    paired: PairedItems | None,
    sides: tuple[Side, Side],
    settings: CompareSettings,
    lost: list[tuple[str, str, LeftOut]],
) -> dict[str, object]:
    """Return the row of a domain without its verdict."""
    metric = key[1]
    row: dict[str, object] = {
        **_named(key),
        "unit": METRICS[metric].unit if metric in METRICS else "",
        "name_a": sides[0].name,
        "name_b": sides[1].name,
        "ci_level": settings.level,
        "num_left_out": len(lost),
    }
    if paired is None:
        empty = ComparisonStatus.NO_COMMON_ITEMS
        return {**row, "num_items": 0, "num_clusters": 0, "status": empty.value, "remarks": ""}
    found = compared(paired, settings, logarithm=settings.higher(metric) is not True)
    remarks = [*paired.remarks]
    if paired.clustered != "items":
        remarks.append(f"drawn together: {paired.clustered}")
    return {**row, **found, "status": str(found["status"]), "remarks": encode_remarks(remarks)}


def _typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return a table with the types of its columns; a missing text is empty."""
    changed: dict[str, pd.Series] = {}
    for name, kind in table.columns.items():
        column = frame[name].astype(object)
        if kind == "text":
            changed[name] = column.where(column.notna(), "").map(str).astype("str")
        elif kind == "int":
            changed[name] = column.astype("Int64")
        else:
            changed[name] = column.astype(np.float64)
    return frame.assign(**changed)


def _notes(
    sides: tuple[Side, Side],
    matched: Matched,
    groups: Sequence[Mapping[Key, object]],
    settings: CompareSettings,
) -> list[str]:
    """Return remarks on the comparison as a whole."""
    notes = []
    pairs = len(matched.pairs)
    if sides[0].is_corpus:
        notes.append(
            f"{pairs} pair(s) of runs of the same budget, size and seed, of budget(s) "
            f"{', '.join(matched.budgets)}"
        )
    if pairs > 1:
        notes.append(
            "intervals contain the noise of the items and of the runs; the spread over budgets "
            "and sizes counts as noise of runs"
        )
    else:
        notes.append(
            "intervals contain the noise of the items only: the difference is one of these two "
            "trainings; with other seeds it varies by more"
        )
    for side, lost in zip(sides, (matched.only_a, matched.only_b), strict=True):
        if lost:
            more = ", ..." if len(lost) > 4 else ""
            notes.append(
                f"{len(lost)} run(s) of {side.letter} have no partner: {', '.join(lost[:4])}{more}"
            )
    has = [{key[:2] for key in group} for group in groups]
    for letter, only in (("a", has[0] - has[1]), ("b", has[1] - has[0])):
        if only:
            named = ", ".join(f"{family} in {metric}" for family, metric in sorted(only))
            notes.append(f"only {letter} has {named}, which is not compared")
    unknown = sorted({key[1] for key in groups[0] if settings.higher(key[1]) is None})
    if unknown:
        notes.append(
            f"it is not known whether larger values of {', '.join(unknown)} are better: state "
            "--higher-is-better or --lower-is-better"
        )
    return notes
