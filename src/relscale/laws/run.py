"""Laws of any losses table, in one call: the function behind `relscale laws`.

from relscale.laws.run import fit_laws
found = fit_laws("losses.csv", family="language", baseline="US", out="my_laws")
found.laws.relative[["corpus", "treatment", "estimator", "dbeta", "ci_low", "ci_high", "verdict"]]
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from relscale.contract.io import read_table, with_present_names, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.correlation import CORRELATION
from relscale.contract.tables.optima import OPTIMA
from relscale.files import write_text
from relscale.laws.cells import suites_of
from relscale.laws.correlation import correlate
from relscale.laws.fit import TABLES, FamilyLaws, fit_family
from relscale.laws.inputs import prepare
from relscale.laws.optima_table import optima_table
from relscale.laws.outside_models import read_outside_models
from relscale.laws.spec import LawSpec
from relscale.laws.summary import summary_text


@dataclass(frozen=True, kw_only=True)
class FittedLaws:
    """Everything that is fitted to one family of a losses table."""

    spec: LawSpec
    """How it was fitted."""
    optima: pd.DataFrame
    """optima.csv."""
    laws: FamilyLaws
    """The tables of the family."""
    correlation: pd.DataFrame | None
    """correlation.csv; None without covariates."""

    def summary(self) -> str:
        """Return the findings in words and small tables, ending with a line feed."""
        estimator = self.spec.estimators[0]
        return summary_text(self.laws.relative, self.laws.absolute, self.laws.backtest, estimator)

    def write(self, folder: Path) -> None:
        """Write all tables as CSV and `summary.txt` into a folder."""
        write_table(self.optima, folder / "optima.csv", OPTIMA)
        self.laws.write([folder / f"{name}.csv" for name in TABLES])
        if self.correlation is not None:
            write_table(self.correlation, folder / "correlation.csv", CORRELATION)
        write_text(folder / "summary.txt", self.summary())


def fit_laws(
    losses: Path | str | pd.DataFrame,
    *,
    items: Path | str | pd.DataFrame | None = None,
    covariates: Path | str | None = None,
    outside_models: Path | str | None = None,
    out: Path | str | None = None,
    **settings: object,
) -> FittedLaws:
    """Fit all laws of one family of a losses table.

    Args:
        losses: a table, or a CSV or Parquet file, with one row per run, family, domain and metric;
            needed columns are in docs/reference/tables.md.
        items: the same for items; puts the noise of the evaluation items into the intervals.
        covariates: a file with columns `domain` and `value`; slopes are set against log10 of the
            values.
        outside_models: a file with columns `name`, `compute`, `loss`, `accuracy`: models that are
            not runs, compared with the two-stage law.
        out: folder for the tables and the summary; None writes nothing.
        **settings: fields of `LawSpec`: `family` is needed; `baseline`, `metrics`, `compute`,
            `optimum_by`, `margin`, `level`, `draws`, `seed`, `estimators`, `chance`, `loss_metric`,
            `accuracy_metric`, `slice_tokens` have defaults.

    Returns:
        The tables as data frames, with the settings.

    Raises:
        ValueError: for a setting that is not known or out of range, a file that cannot be read, or
            a table that lacks a column, contradicts itself, or has no such family, metric or
            baseline.
    """
    spec = LawSpec.read(settings)
    frame = (
        with_present_names(losses)
        if isinstance(losses, pd.DataFrame)
        else read_table(Path(losses), LOSSES_REQUIRED)
    )
    item_frame = (
        items if isinstance(items, pd.DataFrame) or items is None else read_table(Path(items))
    )
    models = () if outside_models is None else read_outside_models(Path(outside_models))
    laws = fit_family(frame, spec, items=item_frame, outside_models=models)
    family, optimum = prepare(frame, spec, None)
    correlation = None
    if covariates is not None:
        path = Path(covariates)
        correlation = correlate(laws.relative, read_table(path), path.stem, spec.level, spec.seed)
    optima = optima_table(suites_of(family, optimum, spec), spec.level)
    found = FittedLaws(spec=spec, optima=optima, laws=laws, correlation=correlation)
    if out is not None:
        found.write(Path(out))
    return found
