"""Cells: the points through which laws are fitted.

A cell is one model size of one budget of one corpus, averaged over seeds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.contract.typed import flags
from relscale.laws.inputs import check_runs
from relscale.laws.spec import FAMILY_MEAN, LawSpec

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


MANY_CELLS = 500
"""Cells from which on no matrix of their size is built where there is another way. Results of fewer
cells do not change by rounding."""
ROUNDING_VARIANCE = 1e-24
"""Variance of log values below which scatter is rounding: the points are exactly on their curve."""
SMALLEST, LARGEST = 1e-30, 1e30
"""Values outside are not losses, and powers of them leave the range of double precision."""
LARGEST_SHARE = 1e6
"""A standard error above this many times the value says nothing more: the run has no weight."""
MOST_ITEMS = 1e15
"""More items than any evaluation has."""


@dataclass(frozen=True, kw_only=True)
class SuiteRuns:
    """The runs of one corpus: their cells, and the loss whose minimum is the optimum."""

    corpus: str
    """The corpus that its models were trained on."""
    runs: tuple[str, ...]
    """Names of the runs, sorted by compute, size, tokens and name."""
    budgets: tuple[str, ...]
    """Labels of the budgets, by rising compute."""
    run_cell: Index
    """Cell of each run, (run,)."""
    cell_budget: Index
    """Budget of each cell, (cell,), an index into `budgets`."""
    log_compute: Array
    """Natural log of the compute on the chosen axis, (cell,)."""
    log10_tokens: Array
    """log10 of the training tokens, (cell,)."""
    params_total: Array
    """Parameters in all, (cell,)."""
    params_model: Array
    """Transformer and head parameters, (cell,); all parameters where the table does not split
    them."""
    params_transformer: Array
    """Parameters of the transformer alone, (cell,), NaN where the table does not split them."""
    params_split: bool
    """Whether the table splits the parameters."""
    forward_flops: Array
    """Forward FLOPs, (cell,), NaN where unknown."""
    training_flops: Array
    """Training FLOPs, (cell,), NaN where unknown."""
    score: Array
    """Natural log of the error whose minimum is the optimum, (run,), NaN where a run has none."""
    score_excess: Array
    """Variance of `score` from items beyond that of the best-measured run, (run,). Where it is
    unknown, the median of the others; 0 if it is unknown for all."""
    optimum_by: str
    """Family whose error that is, or `family_mean`."""
    error_metric: str
    """Metric of `score`."""

    @property
    def num_cells(self) -> int:
        """Number of cells."""
        return len(self.cell_budget)

    def unscored(self) -> tuple[str, ...]:
        """Return a note on runs without the loss whose minimum is the optimum."""
        lost = int(np.isnan(self.score).sum())
        if not lost:
            return ()
        of = "every domain" if self.optimum_by == FAMILY_MEAN else f"family {self.optimum_by}"
        return (f"{lost} of {len(self.runs)} run(s) place no optimum without a value of {of}",)


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Values of one metric of one corpus, by domain and run."""

    domains: tuple[str, ...]
    """Names of the domains, sorted."""
    log_error: Array
    """Natural log of the error, (domain, run), NaN where missing or left out."""
    at_chance: npt.NDArray[np.bool_]
    """Whether a value does not differ significantly from guessing, (domain, run)."""
    left_out: frozenset[str]
    """Runs with rows that are there and cannot be used."""
    notes: tuple[str, ...]
    """Remarks on values that were left out, with reasons."""

    def missing(self, *domains: str) -> bool:
        """Return whether any of the domains has no value in this corpus."""
        return any(
            name not in self.domains
            or not np.isfinite(self.log_error[self.domains.index(name)]).any()
            for name in domains
        )

    def lacking(self, values: Array, runs: SuiteRuns) -> tuple[str, ...]:
        """Return notes on exclusions and on runs without a value, (run,)."""
        absent = [
            run
            for run, value in zip(runs.runs, values, strict=True)
            if not np.isfinite(value) and run not in self.left_out
        ]
        return (*self.notes, *([f"{len(absent)} run(s) lack a value"] if absent else []))


def average_seeds(values: Array, run_cell: Index, num_cells: int) -> tuple[Array, Array]:
    """Average over the runs of each cell, leaving NaN out.

    Args:
        values: (..., run).
        run_cell: (run,).
        num_cells: number of cells.

    Returns:
        Mean (..., cell), NaN where a cell has no value, and the number of values (..., cell).
    """
    finite = np.isfinite(values)
    if num_cells > MANY_CELLS:  # a matrix of runs and cells would be large
        count, total = np.zeros((2, *values.shape[:-1], num_cells))
        for row in np.ndindex(values.shape[:-1]):
            cell, known = run_cell[finite[row]], values[row][finite[row]]
            count[row] = np.bincount(cell, minlength=num_cells)
            total[row] = np.bincount(cell, weights=known, minlength=num_cells)
    else:
        member = np.zeros((len(run_cell), num_cells))
        member[np.arange(len(run_cell)), run_cell] = 1.0
        count = finite.astype(np.float64) @ member
        total = np.where(finite, values, 0.0) @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan), count


def cell_covariance(runs: SuiteRuns, cells: Index, values: Array, covariance: Array) -> Array:
    """Average a covariance over the runs of each cell, (run, run) to (cell, cell).

    Runs without a value, (run,), do not count.
    """
    member = (runs.run_cell[None, :] == cells[:, None]) & np.isfinite(values)
    average = member / np.maximum(member.sum(axis=1, keepdims=True), 1)
    return np.asarray(average @ covariance @ average.T)


def seed_variance(values: Array, run_cell: Index, num_cells: int) -> tuple[float, int]:
    """Return the pooled variance between seeds of one size and its degrees of freedom.

    These are NaN and 0 without replicates.
    """
    mean, count = average_seeds(values, run_cell, num_cells)
    dof = int(np.sum(np.maximum(count - 1, 0)))
    if dof == 0:
        return float("nan"), 0
    deviation = values - mean[run_cell]
    return float(np.nansum(deviation**2) / dof), dof


def relative_weights(
    num_seeds: Array,
    residual_variance: float,
    between_seeds: float,
    seed_dof: int,
    excess: Array | None = None,
) -> Array:
    """Return weights of cells, with mean 1, from their numbers of seeds and their noise.

    A cell's variance is that of the fit's own scatter (tau^2), of the seeds (sigma^2 / number of
    seeds) and of excess item noise. tau^2 is the variance of the residuals beyond that of the
    seeds. Weights are equal where the seeds give fewer than two degrees of freedom and nothing is
    known of the items: then weights would be guesses.

    Args:
        num_seeds: (cell,).
        residual_variance: variance of the cells about the unweighted fit; NaN where there are no
            degrees of freedom.
        between_seeds: variance between seeds.
        seed_dof: its degrees of freedom.
        excess: (cell,) variance from items beyond that of the best-measured cell.
    """
    extra = np.zeros_like(num_seeds) if excess is None else excess
    if seed_dof >= 2 and between_seeds > 0:
        shared = (
            residual_variance - between_seeds * float(np.mean(1 / num_seeds))
            if np.isfinite(residual_variance)
            else 0.0
        )
        variance = max(shared, 0.0) + between_seeds / num_seeds + extra
    elif np.isfinite(residual_variance) and residual_variance > ROUNDING_VARIANCE:
        variance = residual_variance + extra
    else:
        return np.ones_like(num_seeds)
    weights = 1 / variance
    return weights / np.mean(weights)


def suites_of(
    losses: pd.DataFrame, optimum_losses: pd.DataFrame | None, spec: LawSpec
) -> list[SuiteRuns]:
    """Group the runs of each corpus into cells and find the loss that locates the optimum.

    Args:
        losses: checked losses of the family (`inputs.prepare`).
        optimum_losses: checked losses of the family that places the optimum; None takes the mean
            over the family's own domains.
        spec: the family's spec.

    Raises:
        ValueError: where `check_magnitudes` does, or no error is there to place the optimum by.
    """
    frames = [losses] if optimum_losses is None else [losses, optimum_losses]
    for frame in frames:
        check_magnitudes(frame)
    scores, optimum_by, metric = _scores(losses, optimum_losses, spec)
    columns = ["corpus", "run", "budget", "tokens", "num_params_total", spec.compute]
    optional = [
        name
        for name in ("forward_flops", "training_flops", "num_params_head", "num_params_transformer")
        if all(name in f for f in frames)
    ]
    described = pd.concat(
        [frame.loc[frame["used"], list(dict.fromkeys(columns + optional))] for frame in frames],
        ignore_index=True,
    )
    if optimum_losses is not None:
        check_runs(described, spec.compute, "losses and optimum losses together")
    described = described.drop_duplicates(["corpus", "run"])
    described = described.merge(scores, on=["corpus", "run"], how="left", validate="one_to_one")
    names = sorted(losses["corpus"].unique())
    return [
        _suite(name, described[described["corpus"] == name], spec.compute, optimum_by, metric)
        for name in names
    ]


def check_magnitudes(losses: pd.DataFrame) -> None:
    """Check that the numbers of the used rows are of a size that values, errors and counts have.

    Raises:
        ValueError: naming the first number that is not, its column and its run.
    """
    used = losses[losses["used"]]
    for column, low, high in (
        ("value", SMALLEST, LARGEST),
        ("standard_error", 0.0, LARGEST),
        ("num_items", 0.0, MOST_ITEMS),
    ):
        if column not in used:
            continue
        numbers = pd.to_numeric(used[column], errors="coerce").astype(np.float64)
        wrong = used[numbers.notna() & ~numbers.between(low, high)]
        if len(wrong):
            row = wrong.iloc[0]
            raise ValueError(
                f"losses: {column} is {row[column]} for {row['metric']} of {row['domain']!r} in "
                f"run {row['run']!r} of corpus {row['corpus']!r}: must be from {low:g} to {high:g}"
            )


def _suite(name: str, frame: pd.DataFrame, compute: str, optimum_by: str, metric: str) -> SuiteRuns:
    """Build the cells of one corpus."""
    frame = frame.assign(budget_compute=frame.groupby("budget")[compute].transform("median"))
    frame = frame.sort_values(
        ["budget_compute", "budget", "num_params_total", "tokens", "run"], kind="stable"
    )
    cells = frame.groupby(["budget_compute", "budget", "num_params_total", "tokens"], sort=True)
    first = cells.first().reset_index()
    budgets = tuple(dict.fromkeys(first["budget"]))
    position = {budget: index for index, budget in enumerate(budgets)}

    def column(key: str) -> Array:
        return (
            first[key].to_numpy(dtype=np.float64) if key in first else np.full(len(first), np.nan)
        )

    model = column("num_params_head") + column("num_params_transformer")
    split = bool(len(first)) and bool(np.all(np.isfinite(model) & (model > 0)))
    return SuiteRuns(
        corpus=name,
        runs=tuple(frame["run"]),
        budgets=budgets,
        run_cell=cells.ngroup().to_numpy().astype(np.int64),
        cell_budget=np.array([position[budget] for budget in first["budget"]], dtype=np.int64),
        log_compute=np.log(column(compute)),
        log10_tokens=np.log10(column("tokens")),
        params_total=column("num_params_total"),
        params_model=model if split else column("num_params_total"),
        params_transformer=column("num_params_transformer"),
        params_split=split,
        forward_flops=column("forward_flops"),
        training_flops=column("training_flops"),
        score=frame["score"].to_numpy(dtype=np.float64),
        score_excess=_filled(frame["score_excess"]),
        optimum_by=optimum_by,
        error_metric=metric,
    )


def _filled(excess: pd.Series) -> Array:
    """Return excess variances; an unknown one is not 0, which would be the best measurement."""
    median = excess.median()
    return excess.fillna(median if np.isfinite(median) else 0.0).to_numpy(dtype=np.float64)


def _scores(
    losses: pd.DataFrame, optimum_losses: pd.DataFrame | None, spec: LawSpec
) -> tuple[pd.DataFrame, str, str]:
    """Return the scores of the runs, the family they come from, and their metric.

    The columns are corpus, run, score and score_excess.

    Raises:
        ValueError: if the family has no metric that falls with compute, or no row that can be used.
    """
    if optimum_losses is not None:
        frame, optimum_by = optimum_losses, spec.optimum_by
    else:
        frame, optimum_by = losses, FAMILY_MEAN
    present = set(frame["metric"])
    own = spec.metrics if optimum_by == FAMILY_MEAN else ()
    preferred = (*own, "bits_per_byte", "choice_loss_nats", *sorted(present))
    candidates = [name for name in preferred if name in present and spec.direction(name) is False]
    if not candidates:
        raise ValueError(
            f"family {spec.family!r}: no error to place the optimum by: metrics are "
            f"{', '.join(sorted(present))}; name a family with losses (optimum_by, in the command "
            "--optimum-by FAMILY), or the metrics whose smaller values are better "
            "(lower_is_better, in the command --lower-is-better METRIC)"
        )
    frame = frame[frame["metric"] == candidates[0]]
    used = frame[frame["used"]]
    if used.empty:
        reasons = ", ".join(sorted(frame["reason"].unique()))
        raise ValueError(
            f"family {spec.family!r}: the optimum is located by {candidates[0]} of "
            f"{optimum_by!r}, and none of its rows can be used: {reasons}"
        )
    value = used.assign(score=np.log(used["value"].astype(np.float64)))
    value["variance"] = (
        (value["standard_error"].astype(np.float64) / value["value"]).clip(upper=LARGEST_SHARE) ** 2
        if "standard_error" in value
        else np.nan
    )
    grouped = value.groupby(["corpus", "run"], sort=True)
    scores = grouped.agg(
        score=("score", "mean"), domains=("domain", "size"), variance=("variance", "mean")
    ).reset_index()
    # A mean over fewer domains is another quantity, so such a run has no score.
    wanted = frame.groupby("corpus")["domain"].nunique()
    scores.loc[scores["domains"] < scores["corpus"].map(wanted), "score"] = np.nan
    scores["score_excess"] = scores["variance"] - scores.groupby("corpus")["variance"].transform(
        "min"
    )
    return scores[["corpus", "run", "score", "score_excess"]], optimum_by, candidates[0]


def readings_of(losses: pd.DataFrame, runs: SuiteRuns, metric: str) -> Readings:
    """Read one metric of one corpus into a matrix (domain, run).

    The domains are those of all corpora.
    """
    frame = losses[losses["metric"] == metric]
    domains = tuple(sorted(frame["domain"].unique()))
    frame = frame[frame["corpus"] == runs.corpus]
    used = frame[frame["used"]]
    row = pd.Index(domains).get_indexer(pd.Index(used["domain"]))
    col = pd.Index(runs.runs).get_indexer(pd.Index(used["run"]))
    log_error = np.full((len(domains), len(runs.runs)), np.nan)
    log_error[row, col] = np.log(used["value"].to_numpy(dtype=np.float64))
    at_chance = np.zeros(log_error.shape, dtype=bool)
    if "at_chance" in used:
        at_chance[row, col] = flags(used["at_chance"])
    unused = frame[~frame["used"]]
    left = unused.groupby("reason", sort=True)["run"].nunique()
    notes = tuple(
        f"{count} run(s) left out: {reason}".replace(",", " ").replace(";", " ")
        for reason, count in left.items()
    )
    left_out = frozenset(unused["run"])
    return Readings(
        domains=domains, log_error=log_error, at_chance=at_chance, left_out=left_out, notes=notes
    )
