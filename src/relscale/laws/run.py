"""Laws of any losses table, in one call: the function behind `relscale laws`.

from relscale.laws.run import fit_laws
found = fit_laws("losses.csv", family="language", baseline="US", out="my_laws")
found.laws.relative[["corpus", "treatment", "estimator", "dbeta", "ci_low", "ci_high", "verdict"]]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import pandas as pd

from relscale.config.analysis import SuiteContrast
from relscale.contract.io import read_table, with_present_names, write_table
from relscale.contract.law_tables import PART_TABLES
from relscale.contract.out_paths import check_out_folder
from relscale.contract.tables.correlation import CORRELATION
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.predicted import PREDICTED
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.contract.typed import as_flags, typed
from relscale.files import write_text
from relscale.laws.cells import suites_of
from relscale.laws.correlation import correlate
from relscale.laws.fit import TABLES, FamilyLaws, fit_family
from relscale.laws.inputs import notes_on, prepare, reduced, with_notes
from relscale.laws.keywords import LawKeywords
from relscale.laws.left_out import left_out_notes
from relscale.laws.optima_table import optima_table
from relscale.laws.outside_models import read_outside_models
from relscale.laws.predict import Request
from relscale.laws.predicted_table import predicted
from relscale.laws.predicted_text import predicted_text
from relscale.laws.spec import LawSpec
from relscale.laws.suite_contrasts.fit import SuiteContrastTables, fit_suite_contrasts
from relscale.laws.suite_contrasts.named import contrasts_of
from relscale.laws.suite_contrasts.text import suite_contrasts_text
from relscale.laws.summary import summary_text, verdict_rows
from relscale.losses_table.given import GivenLosses

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRITTEN = tuple(name for name in TABLES if name not in {table.name for table in PART_TABLES})
"""Tables that the laws of a losses table are written to."""
SHOWN = ("corpus", "metric", "treatment", "dbeta", "ci_low", "ci_high", "verdict")
"""Columns of the relative laws that a notebook shows."""


@dataclass(frozen=True, kw_only=True, repr=False)
class FittedLaws:
    """Everything that is fitted to one family of a losses table.

    `print(found.summary())` shows the findings, `found.plot()` draws them, `found.laws.relative` is
    a table of `FamilyLaws`, and `found.write(folder)` writes all tables.
    """

    spec: LawSpec
    """How it was fitted; of a large table, with the settings that were reduced."""
    optima: pd.DataFrame
    """optima.csv."""
    laws: FamilyLaws
    """The tables of the family."""
    correlation: pd.DataFrame | None
    """correlation.csv; None without covariates."""
    notes: tuple[str, ...] = ()
    """Remarks on the losses table as a whole."""
    predicted: pd.DataFrame | None = None
    """predicted.csv; None without a request."""
    suite_contrasts: SuiteContrastTables | None = None
    """suite_contrasts.csv and suite_contrast_points.csv; None without contrasts between suites."""
    losses: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False)
    """The losses table that was read."""
    items: pd.DataFrame | None = field(default=None, compare=False)
    """The items table that was read, if any."""

    def __repr__(self) -> str:
        """Return one line: the family, how much was compared, and the verdicts."""
        return f"<FittedLaws: {self._headline()}; see summary(), plot(), laws, predict(), write()>"

    def _repr_html_(self) -> str:
        """Return the relative laws as an HTML table, for notebooks."""
        rows = verdict_rows(self.laws.relative, self.spec.estimators[0])
        columns = [name for name in SHOWN if name in rows.columns]
        table = rows[columns].to_html(
            index=False, border=0, na_rep="", float_format="{:.3g}".format
        )
        notes = "".join(f"<p>Note: {escape(note)}.</p>" for note in self.notes)
        return f"<p>{escape(self._headline())}</p>{table}{notes}"

    def _headline(self) -> str:
        """Return the family, its baseline and metrics, and how many gaps have each verdict."""
        rows = verdict_rows(self.laws.relative, self.spec.estimators[0])
        counts = rows["verdict"].replace("", "no verdict").value_counts(sort=False)
        found = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        baseline = "" if self.spec.baseline is None else f" against {self.spec.baseline!r}"
        metrics = ", ".join(self.spec.metrics)
        return f"laws of family {self.spec.family!r}{baseline} in {metrics}: {found or 'no gaps'}"

    def plot(
        self,
        figure: str = "laws",
        *,
        metric: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> "Figure":
        """Draw one figure and return it; `figure.savefig("laws.pdf")` writes it.

        Args:
            figure: `laws` (values at the optima with the absolute laws, gaps with the relative
                laws), or one of `estimators`, `forecast`, `backtest`, `residuals`, `detectable`,
                `floors_and_rates`, `loss_to_loss`, `isoflop_curves`.
            metric: metric to show; None for the first.
            labels: words to draw instead of names of domains, corpora and the family.

        Raises:
            ValueError: for a figure or metric that is not there; the message lists the choices.
        """
        from relscale.figures.of_laws import draw_laws

        tables = {**self.laws.tables, "optima": self.optima, "losses": self.losses}
        return draw_laws(figure, tables, self.spec, metric=metric, labels=labels)

    def predict(self, request: Request) -> pd.DataFrame:
        """Return losses, gaps and accuracies of named models, the table `predicted`.

        Raises:
            ValueError: for a model outside the hull of the runs, unless `request.beyond` allows it.
        """
        return predicted(self.laws.corpora, request)

    def summary(self) -> str:
        """Return the findings in words and small tables, ending with a line feed."""
        estimator = self.spec.estimators[0]
        laws = self.laws
        text = summary_text(
            laws.relative,
            laws.absolute,
            laws.backtest,
            estimator,
            families=laws.families,
            forecast=laws.forecast,
        )
        if self.predicted is not None:
            text += predicted_text(self.predicted)
        if self.suite_contrasts is not None:
            text += suite_contrasts_text(self.suite_contrasts.laws)
        return text + "".join(f"Note: {note}.\n" for note in self.notes)

    def write(self, folder: Path) -> None:
        """Write all tables as CSV and `summary.txt` into a folder.

        Tables about parts of texts are left out: a losses table has no sums by bucket.
        """
        write_table(self.optima, folder / "optima.csv", OPTIMA)
        self.laws.write([folder / f"{name}.csv" for name in WRITTEN], tables=WRITTEN)
        if self.correlation is not None:
            write_table(self.correlation, folder / "correlation.csv", CORRELATION)
        if self.predicted is not None:
            write_table(self.predicted, folder / "predicted.csv", PREDICTED)
        if self.suite_contrasts is not None:
            write_table(self.suite_contrasts.laws, folder / "suite_contrasts.csv", SUITE_CONTRASTS)
            points = folder / "suite_contrast_points.csv"
            write_table(self.suite_contrasts.points, points, SUITE_CONTRAST_POINTS)
        write_text(folder / "summary.txt", self.summary())


def fit_laws(
    losses: Path | str | pd.DataFrame | GivenLosses,
    *,
    mapping: Path | str | None = None,
    items: Path | str | pd.DataFrame | None = None,
    covariates: Path | str | None = None,
    outside_models: Path | str | None = None,
    request: Request | None = None,
    contrasts: Sequence[SuiteContrast | str] = (),
    out: Path | str | None = None,
    **settings: Unpack[LawKeywords],
) -> FittedLaws:
    """Fit all laws of one family of a losses table.

    Args:
        losses: a table, or a CSV or Parquet file, with one row per run, family, domain and metric
            (needed columns are in docs/reference/tables.md); or one that was read before.
        mapping: YAML file that names the columns of a file that is laid out in another way
            (`relscale.config.losses.LossesTable`); its decisions become notes.
        items: the same for items; puts the noise of the evaluation items into the intervals.
        covariates: a file with columns `domain` and `value`; slopes are set against log10 of the
            values.
        outside_models: a file with columns `name`, `compute`, `loss`, `accuracy`: models that are
            not runs, compared with the two-stage law.
        request: models whose losses, gaps and accuracies are predicted; None predicts nothing.
        contrasts: pairs of corpora whose runs are compared on every domain at the same compute,
            or their names `suite:TREATMENT/BASELINE`.
        out: folder for the tables and the summary; None writes nothing.
        **settings: fields of `LawKeywords`: `family` is required, the others have defaults. The
            default of `metrics` is bits_per_byte, or the only metric of the family.

    Returns:
        The tables as data frames, with the settings.

    Raises:
        ValueError: for a setting that is not known or out of range, a file in the place of `out`, a
            file that cannot be read, or a table that lacks a column, contradicts itself, or has no
            such family, metric or baseline; or for a requested model outside the hull of the runs.
    """
    spec = LawSpec.read(settings)
    if out is not None:
        check_out_folder(Path(out), files=("summary.txt", *(f"{name}.csv" for name in WRITTEN)))
    given = _given(losses, mapping)
    frame, where = given.frame, str(given.path)
    if "metrics" not in settings and {"family", "metric"} <= set(frame.columns):
        spec = spec.model_copy(update={"metrics": given.metrics(spec.family, ())})
    spec = with_stated_directions(spec, frame, where)
    item_frame = (
        items if isinstance(items, pd.DataFrame) or items is None else read_table(Path(items))
    )
    suites = _contrasts(contrasts, frame, where)
    models = () if outside_models is None else read_outside_models(Path(outside_models))
    laws = fit_family(frame, spec, items=item_frame, outside_models=models, where=where)
    family, optimum = prepare(frame, spec, None, where)
    notes = notes_on(family, spec)
    correlation = None
    if covariates is not None:
        path = Path(covariates)
        correlation = correlate(laws.relative, read_table(path), path.stem, spec.level, spec.seed)
    optima = optima_table(suites_of(family, optimum, spec), spec.level)
    found = FittedLaws(
        spec=reduced(family, spec),
        optima=with_notes(optima, notes),
        laws=laws,
        correlation=correlation,
        notes=(*given.decisions, *notes, *left_out_notes(family, spec, given.named_reasons)),
        predicted=None if request is None else predicted(laws.corpora, request),
        suite_contrasts=fit_suite_contrasts(frame, spec, suites, item_frame, where=where)
        if suites
        else None,
        losses=frame,
        items=item_frame,
    )
    if out is not None:
        found.write(Path(out))
    return found


def _contrasts(
    given: Sequence[SuiteContrast | str], losses: pd.DataFrame, where: str
) -> tuple[SuiteContrast, ...]:
    """Return the contrasts between suites of a losses table.

    Raises:
        ValueError: as `contrasts_of`.
    """
    known = set(losses["corpus"].astype(str)) if "corpus" in losses.columns else set()
    try:
        return contrasts_of(given, known)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _given(
    losses: Path | str | pd.DataFrame | GivenLosses, mapping: Path | str | None
) -> GivenLosses:
    """Return the losses table, and how it was read."""
    if isinstance(losses, (pd.DataFrame, GivenLosses)):
        if mapping is not None:
            raise ValueError("mapping: is for a file of losses, not for a table that is read")
        if isinstance(losses, GivenLosses):
            return losses
        frame = typed(with_present_names(losses), "losses")
        return GivenLosses(frame=frame, path=Path("losses"))
    return GivenLosses.read(Path(losses), None if mapping is None else Path(mapping))


def with_stated_directions(spec: LawSpec, losses: pd.DataFrame, where: str) -> LawSpec:
    """Return the spec with the directions that a column `higher_is_better` states.

    An empty cell states nothing.

    Raises:
        ValueError: if the column has two values for one metric or contradicts what is known of it,
            or if the spec states the direction of a metric that the table lacks.
    """
    if "metric" not in losses.columns:
        return spec
    metrics = losses["metric"].astype(str)
    for metric in (*spec.higher_is_better, *spec.lower_is_better):
        if metric not in set(metrics):
            raise ValueError(
                f"{where}: a direction is stated for metric {metric!r}, which the table lacks; it "
                f"has {', '.join(sorted(metrics.unique()))}"
            )
        spec.direction(metric)
    if "higher_is_better" not in losses.columns:
        return spec
    column = losses["higher_is_better"]
    empty = column.isna()
    stated = as_flags(column, where)
    higher, lower = metrics[stated], metrics[~stated & ~empty]
    both = sorted(set(higher) & set(metrics[~stated]))
    if both:
        raise ValueError(
            f"{where}: higher_is_better is true in some rows of metric {', '.join(both)} and false "
            "or empty in others"
        )
    added = {
        "higher_is_better": tuple(sorted({*spec.higher_is_better, *higher})),
        "lower_is_better": tuple(sorted({*spec.lower_is_better, *lower})),
    }
    spec = spec.model_copy(update=added)
    for metric in sorted(metrics.unique()):
        spec.direction(metric)
    return spec
