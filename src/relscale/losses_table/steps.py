"""Evaluations along a run: which of them are used, and under which name."""

import numpy as np
import pandas as pd

from relscale.config.losses import LossesTable
from relscale.losses_table.file_columns import shown
from relscale.losses_table.raw import RawTable
from relscale.losses_table.values import ROW, RUN, columns_of_values

POINT = ("family", "domain", "metric")
AT = "@"
"""Sign between the name of a run and a step."""
SHARED = (
    "evaluations of one run share a trajectory, so their errors are correlated, and intervals that "
    "take runs as independent are too narrow"
)


def without_copies_of_blanks(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out empty values of which another row of the same run and step has the value.

    Programs that log evaluations write a row per evaluation, with the other columns empty.
    """
    keys = [name for name in (*RUN, "step", *POINT) if name in frame]
    empty = frame["value"].isna()
    if not empty.any():
        return frame, []
    known = frame.loc[~empty, keys].drop_duplicates().assign(_known=True)
    has = frame[keys].merge(known, on=keys, how="left")["_known"].notna().to_numpy()
    copies = empty.to_numpy() & has
    if not copies.any():
        return frame, []
    note = (
        f"{int(copies.sum())} empty cell(s) are left out whose value is in another row of the same "
        "run"
    )
    return frame[~copies].reset_index(drop=True), [note]


def at_steps(frame: pd.DataFrame, spec: LossesTable, where: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the evaluations that are used, one per run, domain and metric.

    Args:
        frame: one row per run, step, domain and metric.
        spec: the mapping; `steps` decides.
        where: words for the file.

    Raises:
        ValueError: if several steps of a run have values and `steps` is not stated, if a column is
            missing that it needs, or if tokens or compute do not differ between steps.
    """
    if spec.steps is None:
        return frame, _unused_step(frame, where)
    if "step" not in frame:
        raise ValueError(f"{where}: steps is {spec.steps}, and no column is mapped to step")
    if frame["step"].isna().any():
        first = int(np.flatnonzero(frame["step"].isna())[0])
        raise ValueError(
            f"{where}: step is empty in {int(frame['step'].isna().sum())} row(s), first for run "
            f"{frame['run'].iloc[first]!r}: every row needs one"
        )
    if spec.steps == "last":
        return _last(frame)
    if spec.steps == "decayed":
        if "decayed" not in frame:
            raise ValueError(
                f"{where}: steps is decayed, and no column is mapped to decayed (true where the "
                "learning rate has been decayed)"
            )
        decayed = frame["decayed"].fillna(False).to_numpy(dtype=bool)
        runs = _names(frame)
        without = sorted(set(runs) - set(runs[decayed]))
        if not decayed.any():
            raise ValueError(f"{where}: steps is decayed, and decayed is true in no row")
        notes = [_left_out(frame, ~decayed, "are not decayed")] if not decayed.all() else []
        if without:
            notes.append(f"{len(without)} run(s) have no decayed step: {shown(without)}")
        frame = frame[decayed].reset_index(drop=True)
        several = (frame.groupby(list(RUN))["step"].transform("nunique") > 1).to_numpy(dtype=bool)
        frame, more = _each_step(frame, several, where)
        return frame, [*notes, *more]
    return _each_step(frame, np.ones(len(frame), dtype=bool), where)


def named_by_tokens(spec: LossesTable) -> list[str]:
    """Return a note if tokens are part of the names of runs: these may be steps of one run."""
    names = spec.columns.get("run")
    if isinstance(names, list) and spec.columns.get("tokens") in names:
        return [
            "tokens are part of the names of runs: if these are steps of one run, note that "
            f"{SHARED}"
        ]
    return []


def _names(frame: pd.DataFrame) -> pd.Series:
    return frame["corpus"].astype(str) + "/" + frame["run"].astype(str)


def _unused_step(frame: pd.DataFrame, where: str) -> list[str]:
    if "step" not in frame:
        return []
    several = frame.groupby(list(RUN))["step"].nunique()
    several = several[several > 1]
    if len(several):
        corpus, run = several.index[0]
        raise ValueError(
            f"{where}: {len(several)} run(s) have several steps, first {run!r} of corpus "
            f"{corpus!r} with {int(several.iloc[0])}: state steps: last, decayed or all"
        )
    return []


def _left_out(frame: pd.DataFrame, out: np.ndarray, why: str) -> str:
    """Return a note on the evaluations that are left out."""
    rows = frame.loc[out, [*RUN, "step"]].drop_duplicates()
    return (
        f"{len(rows)} evaluations of {len(rows.drop_duplicates(list(RUN)))} run(s) {why} and are "
        "left out"
    )


def _last(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    known = frame["value"].notna().groupby([frame[key] for key in (*RUN, "step")]).sum()
    counts = known.rename("known").reset_index()
    order = counts.sort_values([*RUN, "known", "step"], kind="stable")
    best = order.groupby(list(RUN), sort=False).tail(1)[[*RUN, "step"]]
    last = counts.groupby(list(RUN))["step"].max().rename("last").reset_index()
    chosen = best.merge(last, on=list(RUN))
    earlier = chosen[chosen["step"] < chosen["last"]]
    at = frame[[*RUN]].merge(best, on=list(RUN), how="left")["step"].to_numpy()
    kept = frame["step"].to_numpy() == at
    notes = []
    if not kept.all():
        notes.append(_left_out(frame, ~kept, "are not the last"))
    if len(earlier):
        row = earlier.iloc[0]
        notes.append(
            f"{len(earlier)} run(s) have later steps with fewer values, which are not used: first "
            f"{row['run']!r}, step {row['step']:g} of {row['last']:g}"
        )
    return frame[kept].reset_index(drop=True), notes


def _each_step(
    frame: pd.DataFrame, named: np.ndarray, where: str
) -> tuple[pd.DataFrame, list[str]]:
    """Give evaluations the name of their run and step, and check that they differ in tokens."""
    if not named.any():
        return frame, []
    for column in ("tokens", "training_flops", "forward_flops"):
        if column not in frame:
            continue
        rows = frame.loc[named, [*RUN, "step", column]].drop_duplicates([*RUN, "step"])
        counts = rows.groupby(list(RUN)).agg(steps=("step", "nunique"), values=(column, "nunique"))
        same = counts[counts["values"] < counts["steps"]]
        if len(same):
            corpus, run = same.index[0]
            raise ValueError(
                f"{where}: {column} has {int(same['values'].iloc[0])} value(s) at "
                f"{int(same['steps'].iloc[0])} steps of run {run!r} of corpus {corpus!r}: each "
                "step needs its own number so far (or state steps: last)"
            )
    names = [
        f"{run}{AT}{step:.15g}" if name else run
        for run, step, name in zip(frame["run"], frame["step"], named, strict=True)
    ]
    points = frame.loc[named, [*RUN, "step"]].drop_duplicates()
    runs = points.drop_duplicates(list(RUN))
    note = (
        f"{len(points)} evaluations along {len(runs)} run(s) count as runs, named RUN{AT}STEP: "
        f"{SHARED}"
    )
    return frame.assign(run=names), [note]


def check_repeated(frame: pd.DataFrame, raw: RawTable, spec: LossesTable, where: str) -> None:
    """Check that each run has one value per family, domain and metric.

    Args:
        frame: one row per run, domain and metric.
        raw: the file.
        spec: the mapping.
        where: words for the file.

    Raises:
        ValueError: naming the first two rows of the file, the columns in which they differ, and the
            settings that may help.
    """
    keys = [*RUN, *POINT]
    repeated = frame.duplicated(keys).to_numpy()
    if not repeated.any():
        return
    second = int(np.flatnonzero(repeated)[0])
    same = (frame[keys] == frame[keys].iloc[second]).all(axis=1).to_numpy()
    rows = frame[ROW].to_numpy()
    one, other = (int(rows[at]) for at in (int(np.flatnonzero(same)[0]), second))
    cells = raw.frame.iloc[[one, other]].astype(object).map(str)
    differ = [str(name) for name in cells if cells[name].iloc[0] != cells[name].iloc[1]]
    about_runs = [name for name in differ if name not in columns_of_values(spec)]
    advice = "; these two are equal: remove one"
    if about_runs:
        advice = (
            f"; these two differ in {shown(differ, 8)}: name runs by several columns, as in "
            f"columns: {{run: [{about_runs[0]}, run]}}"
        )
    elif differ:
        advice = (
            f"; these two differ in their values only, {shown(differ, 8)}: if they are two seeds, "
            "add a column that tells them apart, and name runs by it as well, as in columns: "
            "{run: [run, seed]}"
        )
    steps = "; for evaluations along a run map step and state steps"
    raise ValueError(
        f"{where}: {int(repeated.sum())} repeated row(s), first {raw.place(other)} after "
        f"{raw.place(one)}: {frame[keys].iloc[second].to_dict()}. One row per run, family, domain "
        f"and metric is needed{advice}{steps if differ and 'step' not in frame else ''}"
    )
