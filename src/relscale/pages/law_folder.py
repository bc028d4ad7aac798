"""Figures, explorer and report of a folder of law tables, as `relscale laws` writes it.

`LawFolder` has one method for each. They call what the rules of the workflow call: the stage of
each figure, and the builders of the pages.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from relscale import figures
from relscale.config.analysis import FitSettings
from relscale.config.figures import TABLE_FIGURES, Figures
from relscale.contract.arrow import write_parquet
from relscale.contract.io import read_table, write_table
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.tables.relative import RELATIVE
from relscale.figures.context import Context, FamilyFacts
from relscale.figures.kit.runner import stage_of
from relscale.figures.settings import StatedDirections
from relscale.files import write_text
from relscale.laws.fit import baselines_of, fit_baselines
from relscale.laws.spec import BaselinesSpec, LawSpec
from relscale.losses_table.families import TableFile, decisions_text, losses_of, suite_of
from relscale.losses_table.given import GivenLosses
from relscale.pages.captions import plain_caption
from relscale.pages.explorer import ExplorerTables, explorer_page
from relscale.pages.findings import FindingsTables, findings_values
from relscale.pages.from_context import explorer_spec, findings_spec
from relscale.pages.front import FrontFigure, PageLink, front_page, width_of
from relscale.pages.render import render
from relscale.pages.spec import FindingsSpec
from relscale.pages.tables_html import PageCell, page_rows

LOSSES, SUITE = "losses.parquet", "suite.csv"
DECISIONS, BASELINES = "decisions.txt", "baselines.csv"
FIGURES, EXPLORER, REPORT, FRONT = "figures", "explorer.html", "report.html", "index.html"
FORMATS = ("svg", "pdf", "png")
REPORTED = {
    "relative": "laws of the gaps, with verdicts",
    "families": "tests of the whole family",
    "contrasts": "differences of slopes between any two domains",
    "suite_contrasts": "suites compared with each other on each domain",
    "absolute": "laws of each domain",
    "loss_to_loss": "loss against the loss of the baseline, floor and rate effects",
    "forecast": "back-tests by horizon",
    "optima": "compute-optimal points of budgets with several sizes",
    "suite": "runs of the table",
}
"""Tables of the report, with their meanings; the contrasts between suites may be missing."""
TEASER = "figure1_teaser"
SUITES = "suite_contrasts"
"""Table and figure of the contrasts between suites, where they were asked for."""
LEAST_SIZES = 3
"""Sizes of a budget that make a curve."""
MOST_ROWS = 300
"""Rows of a table in the report."""


@dataclass(frozen=True, kw_only=True)
class ReportedFigure:
    """A figure in the report."""

    name: str
    heading: str
    caption: str
    svg: str
    """The drawing in base64."""
    width: int
    """Width on the page, in pixels."""


@dataclass(frozen=True, kw_only=True)
class ReportedTable:
    """A table in the report."""

    name: str
    meaning: str
    columns: list[str]
    rows: list[list[PageCell]]
    """Its first rows."""
    count: int
    """Number of all rows."""

    @property
    def shown(self) -> int:
        """Number of rows that are shown."""
        return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class LawFolder:
    """A folder with the law tables of one family, its losses, its runs and the decisions."""

    folder: Path
    context: Context
    """Family, labels and axis of the laws."""
    laws: FitSettings
    """Settings of the laws."""
    title: str
    """Words for the table that the laws are of."""
    has_suites: bool = False
    """Whether suites were compared with each other; a table of an earlier call does not count."""

    def path(self, table: str) -> Path:
        """Return the path of a table by name."""
        return self.folder / (LOSSES if table == "losses" else f"{table}.csv")

    def write_tables(self, given: GivenLosses, spec: LawSpec) -> None:
        """Write the tables that figures and pages need in addition to the laws.

        They are the losses of the family, its runs, and the decisions by which they were read.
        """
        rows = given.frame[given.frame["family"].astype(str) == spec.family]
        write_parquet(losses_of(rows, spec.family), self.folder / LOSSES)
        write_table(suite_of(rows), self.folder / SUITE, SUITE_COLUMNS)
        write_text(self.folder / DECISIONS, decisions_text(given.decisions))

    def write_baselines(
        self, losses: pd.DataFrame, spec: LawSpec, items: pd.DataFrame | None
    ) -> None:
        """Fit and write the laws against every other domain, if the family has few of them.

        Args:
            losses: the losses table.
            spec: how the laws against the first baseline were fitted.
            items: the items table that they were fitted with, if any.
        """
        most = Figures.model_fields["explorer_baselines"].default
        every = BaselinesSpec(**dict(spec), baselines=(), all_up_to=most)
        table = fit_baselines(losses, every, baselines_of(losses, every), items)
        write_table(table, self.folder / BASELINES, RELATIVE)

    def figures(self) -> list[str]:
        """Return the figures that the tables allow: IsoFLOP curves need budgets of several sizes.

        The teaser, which compares families, would repeat the figure of the one family.
        """
        runs = read_table(self.path("suite"))
        sizes = runs.groupby(["corpus", "budget"])["num_params_total"].nunique()
        has_curves = bool((sizes >= LEAST_SIZES).any())
        names = [name for name in TABLE_FIGURES if name != TEASER]
        names += ["isoflop_curves"] if has_curves else []
        return [*names, *([SUITES] if self.has_suites else [])]

    def made(self, given: GivenLosses, spec: LawSpec) -> dict[str, str]:
        """Return the origin of the table and the settings of the laws, by name."""
        file, source = TableFile.of(given.path), given.source
        stated = {} if source is None else source.model_dump(exclude_none=True)
        return {
            "table": file.path,
            "SHA-256": file.sha256,
            **{name: str(value) for name, value in stated.items()},
            "settings": spec.model_dump_json(exclude_defaults=True),
            "relscale": _version(),
        }

    def draw(self, names: Sequence[str]) -> list[Path]:
        """Draw figures into the folder `figures`, each as SVG, PDF and PNG; return all files."""
        written: list[Path] = []
        for name in names:
            figure = figures.find(name)
            stage = stage_of(figure, import_module(figure.drawing).draw)
            paths = {kind: self._drawing(name, kind) for kind in FORMATS}
            tables = [f"{table}={self.path(table)}" for table in figure.paths(self.context)]
            stage(spec=figure.settings_in(self.context), table=tables, **paths)
            written += paths.values()
        return written

    def write_explorer(self) -> Path:
        """Write the explorer."""
        baselines = self.folder / BASELINES
        tables = ExplorerTables.read(
            **{name: self.path(name) for name in ("losses", "points", "absolute", "relative")},
            contrasts=self.path("contrasts"),
            baselines=[baselines] if baselines.is_file() else [],
            suite_contrasts=self.path(SUITES) if self.has_suites else None,
        )
        page = explorer_page(tables, explorer_spec(self.context, self.title))
        write_text(self.folder / EXPLORER, page)
        return self.folder / EXPLORER

    def write_front(self, names: Sequence[str]) -> Path:
        """Write the front page, with the first of the figures, and links to what was written.

        Args:
            names: figures that were drawn, in order.
        """
        pages = {
            EXPLORER: "Explorer: other baselines, estimators and scales",
            REPORT: "Report: all figures and tables",
            "relative.csv": "Table of all slopes",
            f"{SUITES}.csv": "Suites compared with each other",
            SUITE: "The runs",
        }
        drawings = [self._drawing(name, "svg") for name in names[:1]]
        captions = [plain_caption(figures.find(name).caption) for name in names[:1]]
        page = front_page(
            self._findings(),
            self._findings_spec(),
            title=self.title,
            links=[
                PageLink(href=href, text=text)
                for href, text in pages.items()
                if (self.folder / href).is_file() and (self.has_suites or href != f"{SUITES}.csv")
            ],
            figure=FrontFigure.read(drawings[0], captions[0]) if drawings else None,
        )
        write_text(self.folder / FRONT, page)
        return self.folder / FRONT

    def _findings_spec(self) -> FindingsSpec:
        return findings_spec(self.context, self.laws, "table")

    def _findings(self) -> FindingsTables:
        """Read the tables of the findings."""
        return FindingsTables.read(
            **{name: self.path(name) for name in ("relative", "suite", "families", "forecast")},
            decisions=self.folder / DECISIONS,
        )

    def write_report(self, names: Sequence[str], made: Mapping[str, str]) -> Path:
        """Write the report: findings, figures that were drawn, and tables.

        Args:
            names: figures, in order.
            made: settings and versions, by their names.
        """
        page = render(
            "report.html.j2",
            title=self.title,
            **findings_values(self._findings(), self._findings_spec()),
            figures=[self._reported_figure(name) for name in names],
            tables=[
                self._reported_table(name) for name in REPORTED if name != SUITES or self.has_suites
            ],
            made=made,
        )
        write_text(self.folder / REPORT, page)
        return self.folder / REPORT

    def _drawing(self, name: str, kind: str) -> Path:
        return self.folder / FIGURES / f"{name}.{kind}"

    def _reported_figure(self, name: str) -> ReportedFigure:
        svg = self._drawing(name, "svg").read_bytes()
        return ReportedFigure(
            name=name,
            heading=name.replace("_", " ").capitalize(),
            caption=plain_caption(figures.find(name).caption),
            svg=base64.b64encode(svg).decode(),
            width=width_of(svg, self._drawing(name, "svg")),
        )

    def _reported_table(self, name: str) -> ReportedTable:
        frame = read_table(self.path(name))
        return ReportedTable(
            name=name,
            meaning=REPORTED[name],
            columns=[str(column) for column in frame.columns],
            rows=page_rows(frame.iloc[:MOST_ROWS]),
            count=len(frame),
        )


def context_of_laws(spec: LawSpec, labels: Mapping[str, str]) -> Context:
    """Return the laws of one family as figures and pages see an experiment.

    Corpora and domains are in the order of their names, and a figure of one corpus chooses it.

    Args:
        spec: how the laws were fitted.
        labels: words for names of domains, corpora and the family.
    """
    family = FamilyFacts(
        name=spec.family,
        metrics=spec.metrics,
        baseline=spec.baseline or "",
        domains=(),
        has_two_stage=spec.chance is not None,
    )
    return Context(
        results="",
        families=(family,),
        evaluated=(spec.family,),
        corpora=(),
        estimator=spec.estimators[0],
        compute=spec.compute,
        optimum_by=spec.family,
        corpus="",
        labels=labels,
        teaser=(spec.family,),
        size_or_data=spec.family,
        covariates="",
        covariate_label="",
        paper_corpora={},
        extrapolate_decades=Figures.model_fields["extrapolate_decades"].default,
        paper_line=False,
        directions=StatedDirections(
            higher_is_better=spec.higher_is_better, lower_is_better=spec.lower_is_better
        ),
    )


def _version() -> str:
    """Return the installed version; a checkout that is not installed has none."""
    try:
        return version("relscale")
    except PackageNotFoundError:
        return "a checkout that is not installed"
