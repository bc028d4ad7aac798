"""`relscale laws`: laws of any table of losses, with figures, explorer and report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from relscale.cli.options import options_of, with_options
from relscale.config.analysis import FitSettings, TwoStageAxes
from relscale.config.base import Model
from relscale.laws.spec import REDUCE_ABOVE

if TYPE_CHECKING:
    from relscale.laws.predict import Request
    from relscale.laws.run import FittedLaws
    from relscale.losses_table.given import GivenLosses

FIGURES, CHECKLIST = "figures", "checklist.md"
"""Folder of the figures, and file of the checklist."""


class LawInputs(Model):
    """Files, and the family that is fitted."""

    losses: Path | None = None
    """Losses table, CSV or Parquet (columns: docs/reference/tables.md), or of any form with a
    mapping."""
    mapping: Path | None = None
    """Mapping of a table that is laid out in another way, as `relscale table inspect` writes it. It
    names the table, too, unless --losses does."""
    family: str | None = None
    """Family whose domains are compared; the only one of the table if left out."""
    baseline: str | None = None
    """Domain that the others are compared with. Required, except with --demo or --contrast."""
    contrasts: tuple[str, ...] = ()
    """suite:A/B also compares the runs of corpus A with those of corpus B on every domain, at the
    same compute; may be repeated. With it, --baseline may be left out."""
    items: Path | None = None
    """Items table; adds the noise of evaluation items to the intervals."""
    metrics: tuple[str, ...] = ()
    """Metric to fit; may be repeated, the summary shows the first. Default: bits_per_byte, or the
    only metric of the family."""
    higher_is_better: tuple[str, ...] = ()
    """A metric, not known, whose larger values are better; may be repeated."""
    lower_is_better: tuple[str, ...] = ()
    """A metric, not known, whose smaller values are better; may be repeated."""
    chance: float | None = None
    """Accuracy of guessing, for the two-stage law."""
    reduce_above: int = REDUCE_ABOVE
    """Values of a metric from which on fewer draws than the default are made and only the first of
    the default estimators is fitted; the summary says so. Other settings are taken as they are."""
    outside_models: Path | None = None
    """Table of models that are not runs of the suite (name, compute, loss, accuracy; params,
    tokens), compared with the two-stage law's predictions."""
    covariates: Path | None = None
    """Table (domain, value) to correlate with the slopes."""


class Demo(Model):
    """The example that needs no table."""

    demo: bool = False
    """Fit a small published table in seconds and explain the verdicts in words; takes --out
    alone."""


class PredictedModels(Model):
    """Models whose losses and gaps are predicted."""

    at: tuple[float, ...] = ()
    """Also predict losses, gaps and, with --chance, accuracies at this compute in FLOPs, on the
    path; may be repeated."""
    params: float | None = None
    """Predict a model with this number of parameters (with --tokens or --at)."""
    tokens: float | None = None
    """Predict a model with this number of tokens (with --params or --at)."""
    path: str | None = None
    """Path of the predictions: optimal, observed, fixed_ratio:20, fixed_tokens:1e10,
    fixed_params:1e9; the default is that of the law."""
    beyond: bool = False
    """Also predict models outside the sizes and tokens trained."""

    def request(self) -> "Request | None":
        """Return the request, None if no model is named.

        Raises:
            ValueError: for a path, or leave to go beyond the data, without a model.
        """
        from relscale.laws.predict import Request

        request = Request(**dict(self))
        if not request.is_empty:
            return request
        if self.path is not None or self.beyond:
            raise ValueError("--path and --beyond are for predictions: add --at with the compute")
        return None


class LawOutputs(Model):
    """Files to write."""

    out: Path | None = None
    """Folder for the law tables, and for everything below. Required, except with --demo, whose
    default is relscale-demo."""
    figures: bool = False
    """Also draw figures, into the folder `figures`, as SVG, PDF and PNG."""
    explorer: bool = False
    """Also write explorer.html, a page to try estimators, corpora, baselines and metrics."""
    report: bool = False
    """Also write report.html, one page with verdicts, figures and tables; draws the figures. With
    any of the three, index.html is the front page."""
    checklist: bool = False
    """Also write checklist.md: how the laws were fitted, for the methods section of a paper."""
    labels: tuple[str, ...] = ()
    """NAME=WORDS to show for a domain, corpus or family; may be repeated."""

    def check(self) -> Path:
        """Check that the files can be written, and return the folder.

        Raises:
            ValueError: naming the path that cannot be written.
        """
        from relscale.contract.out_paths import check_out_folder

        assert self.out is not None
        draws = self.figures or self.report
        check_out_folder(self.out, folders=(FIGURES,) if draws else ())
        return self.out

    def read_labels(self) -> dict[str, str]:
        """Return the words by name.

        Raises:
            ValueError: naming a label that is not NAME=WORDS.
        """
        pairs = [(label, *label.partition("=")) for label in self.labels]
        for label, name, _, words in pairs:
            if not name or not words:
                raise ValueError(f"--label {label}: must be NAME=WORDS")
        return {name: words for _, name, _, words in pairs}


SETTINGS = (LawInputs, PredictedModels, LawOutputs, FitSettings, TwoStageAxes)
"""Models of the options, in the order of the help."""


@with_options(Demo, *SETTINGS)
def laws(**values: Any) -> None:
    """Fit absolute and relative laws to any table of losses, and print a summary."""
    from relscale.laws.run import fit_laws
    from relscale.losses_table.given import GivenLosses

    if values["demo"]:
        _demo(values)
        return
    inputs, outputs = options_of(LawInputs, values), options_of(LawOutputs, values)
    out = _checked(inputs, outputs)
    request = options_of(PredictedModels, values).request()
    labels = outputs.read_labels()
    given = GivenLosses.read(inputs.losses, inputs.mapping)
    family = given.family(inputs.family)
    found = fit_laws(
        given,
        request=request,
        contrasts=inputs.contrasts,
        items=inputs.items,
        covariates=inputs.covariates,
        outside_models=inputs.outside_models,
        out=out,
        family=family,
        baseline=inputs.baseline,
        metrics=given.metrics(family, inputs.metrics),
        higher_is_better=inputs.higher_is_better,
        lower_is_better=inputs.lower_is_better,
        chance=inputs.chance,
        reduce_above=inputs.reduce_above,
        **{
            name: values[name]
            for model in (FitSettings, TwoStageAxes)
            for name in model.model_fields
        },
    )
    typer.echo(found.summary(), nl=False)
    if outputs.checklist:
        _write_checklist(found, out / CHECKLIST)
    if outputs.figures or outputs.explorer or outputs.report:
        _present(given, found, outputs, labels)


def _demo(values: Mapping[str, Any]) -> None:
    """Run the demo.

    Raises:
        ValueError: for an option that the demo does not take.
    """
    for model in SETTINGS:
        for name, field in model.model_fields.items():
            given, default = values[name], field.default
            if name != "out" and (tuple(given) if isinstance(given, list) else given) != default:
                option = name.replace("_", "-")
                raise ValueError(f"--demo: takes --out alone, not --{option}: its table is fixed")
    from relscale.start.demo import FOLDER, run_demo
    from relscale.workflow.project import project_folder

    typer.echo(run_demo(project_folder(), values["out"] or FOLDER), nl=False)


def _checked(inputs: LawInputs, outputs: LawOutputs) -> Path:
    """Return the folder for the tables.

    Raises:
        ValueError: naming the options that are missing, or the path that cannot be written.
    """
    needed: dict[str, object] = {"--out": outputs.out}
    if not inputs.contrasts:
        needed = {"--baseline": inputs.baseline, **needed}
    if missing := [option for option, value in needed.items() if value is None]:
        raise ValueError(
            f"{' and '.join(missing)}: must be given; `relscale laws --demo` shows an example"
        )
    return outputs.check()


def _write_checklist(found: "FittedLaws", path: Path) -> None:
    """Write how the laws were fitted, and print the place."""
    from relscale.files import write_text
    from relscale.laws.checklist import checklist

    write_text(path, checklist(found.laws.corpora, found.spec))
    typer.echo(f"Checklist: {path}")


def _present(
    given: "GivenLosses", found: "FittedLaws", outputs: LawOutputs, labels: dict[str, str]
) -> None:
    """Draw the figures and write the pages that the options ask for, and print their places."""
    from relscale.pages.law_folder import LawFolder, context_of_laws

    assert outputs.out is not None
    folder = LawFolder(
        folder=outputs.out,
        context=context_of_laws(found.spec, labels),
        laws=found.spec,
        title=f"{found.spec.family} of {given.path.name}",
        has_suites=found.suite_contrasts is not None,
    )
    folder.write_tables(given, found.spec)
    names = folder.figures() if outputs.figures or outputs.report else []
    folder.draw(names)
    if names:
        typer.echo(f"Figures: {outputs.out / FIGURES}")
    if outputs.explorer:
        folder.write_baselines(given.frame, found.spec, found.items)
        typer.echo(f"Explorer: {folder.write_explorer()}")
    if outputs.report:
        typer.echo(f"Report: {folder.write_report(names, folder.made(given, found.spec))}")
    if names or outputs.explorer:
        typer.echo(f"Front page: {folder.write_front(names)}")
