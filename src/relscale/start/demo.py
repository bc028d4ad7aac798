"""`relscale laws --demo`: laws of a published table, with the verdicts explained in words.

The table is that of the OLMo ladder (Bhagia et al. 2024, arXiv 2412.04403), of which the four
groups of MMLU are compared in bits per byte. Read `run_demo` first.
"""

import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from relscale.config.analysis import Estimator, FitSettings
from relscale.contract.io import read_table
from relscale.contract.metric_labels import metric_words
from relscale.contract.scale_words import SCALE_WORDS
from relscale.contract.scales import DIFFERENCE, RATIO
from relscale.contract.verdict_words import Verdict, verdict_of_word
from relscale.files import read_json, sha256_of, temporary_name, write_json, write_text
from relscale.laws.run import FittedLaws, fit_laws
from relscale.laws.summary_lines import count, has_verdict
from relscale.losses_table.given import GivenLosses
from relscale.pages.law_folder import FIGURES, FRONT, LOSSES, LawFolder, context_of_laws

MAPPING = Path("experiments/published/olmo_ladder.yaml")
"""Experiment whose section `losses` says how the table is read, in the project's files."""
TABLE = Path("workflow/reference/published/olmo_ladder/losses.csv")
FAMILY, BASELINE, METRIC = "mmlu", "STEM", "bits_per_byte"
ESTIMATOR: Estimator = "auto"
FIGURE = "family_laws"
FOLDER = Path("relscale-demo")
"""Default of `--out`."""
LOSSES_CSV, TEXT, WRITTEN = "losses.csv", "demo.txt", "demo.json"
"""The table that is fitted, the printed text, and the checksums of all files of the demo."""
EXPLAINED = (Verdict.PARALLEL, Verdict.UNDECIDED)
"""Verdicts that are explained even if no gap has them."""
_WIDTH = 100


def run_demo(project: Path, out: Path) -> str:
    """Fit and draw the laws of the demo's table, write them, and return the text to print.

    Args:
        project: folder with the files of the workflow (`relscale.workflow.project`).
        out: folder for all files.

    Raises:
        ValueError: if the folder has files that no demo wrote, or that were edited.
    """
    check_out(out)
    given = demo_losses(project)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(out)
    try:
        text = _write_demo(given, temporary, out)
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return text


def _write_demo(given: GivenLosses, place: Path, shown: Path) -> str:
    """Write everything into one folder, and return the text, which names another."""
    found = fit_laws(
        given,
        out=place,
        family=FAMILY,
        baseline=BASELINE,
        metrics=(METRIC,),
        estimators=(ESTIMATOR,),
        optimum_by="family_mean",
        classical=(),
    )
    folder = LawFolder(
        folder=place,
        context=context_of_laws(found.spec, {FAMILY: "MMLU", "olmo_mix": "OLMo ladder"}),
        laws=found.spec,
        title="MMLU of the OLMo ladder",
    )
    folder.write_tables(given, found.spec)
    _write_losses_csv(place)
    folder.draw([FIGURE])
    folder.write_front([FIGURE])
    text = "\n".join((_opening(given), found.summary(), _in_words(found), _files(shown), _next()))
    write_text(place / TEXT, text)
    files = sorted(path for path in place.rglob("*") if path.is_file())
    checksums = {path.relative_to(place).as_posix(): sha256_of(path) for path in files}
    write_json(place / WRITTEN, checksums)
    return text


def check_out(out: Path) -> None:
    """Check that a folder is new, empty, or holds the files of an earlier demo and no others.

    Raises:
        ValueError: naming the first other or edited file.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"--out {out}: is not a folder; name a new one")
    marker = out / WRITTEN
    try:
        known = read_json(marker) if marker.is_file() else {}
    except ValueError:
        known = {}
    known = known if isinstance(known, dict) else {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if (path.is_dir() and not path.is_symlink()) or (path == marker and known):
            continue
        if name not in known:
            raise ValueError(f"--out {out}: has {name}, which no demo wrote; name a new folder")
        if path.is_symlink() or sha256_of(path) != known[name]:
            raise ValueError(
                f"--out {out}: {name} was edited after the demo wrote it; name a new folder"
            )


def demo_losses(project: Path) -> GivenLosses:
    """Return the rows of the published table that the demo fits: one family in one metric."""
    given = GivenLosses.read(project / TABLE, project / MAPPING)
    frame = given.frame
    rows = frame[(frame["family"].astype(str) == FAMILY) & (frame["metric"].astype(str) == METRIC)]
    return replace(given, frame=rows.reset_index(drop=True), decisions=())


def explain_rows(relative: pd.DataFrame, margin_share: float) -> list[str]:
    """Explain each verdict on the ratio scale, and name that on the difference scale.

    Args:
        relative: relative.csv; of each gap, rows of one estimator and path.
        margin_share: share of the gap in the middle that counts as a small change.

    Returns:
        A paragraph per gap that has a verdict.
    """
    key = ["corpus", "family", "metric", "treatment", "baseline"]
    rows = relative[has_verdict(relative)]
    differences = rows[rows["scale"].astype(str) == DIFFERENCE].set_index(key)
    paragraphs = []
    for _, row in rows[rows["scale"].astype(str) == RATIO].iterrows():
        treatment, baseline = str(row["treatment"]), str(row["baseline"])
        verdict = verdict_of_word(row["verdict"])
        meaning = "" if verdict is None else f" {verdict.__doc__}"
        text = (
            f"{treatment} against {baseline}: {row['verdict']}.{meaning} By the law, {treatment} "
            f"has {row['gap_first']:.3f} times the loss of {baseline} at the lowest compute and "
            f"{row['gap_last']:.3f} times at the highest. That changes log G by "
            f"{row['change']:+.3f} ({100 * row['ci_level']:g} % interval "
            f"{row['change_ci_low']:+.3f} to {row['change_ci_high']:+.3f}). The margin is "
            f"{row['margin']:.3f}, {_margin_words(row, margin_share)}."
        )
        place = tuple(row[name] for name in key)
        if place in differences.index:
            other = differences.loc[place]
            text += (
                f" {SCALE_WORDS[DIFFERENCE].phrase.capitalize()} ({metric_words(row['metric'])}): "
                f"{other['verdict']}, from {other['gap_first']:+.3f} to {other['gap_last']:+.3f}."
            )
        paragraphs.append(text)
    return paragraphs


def _margin_words(row: pd.Series, margin_share: float) -> str:
    """Say where a margin comes from: a share of the gap in the middle, or the smallest margin."""
    floor = float(FitSettings.model_fields["margin_floor"].default)
    if row["margin"] > 1.0001 * floor:
        return f"{100 * margin_share:g} % of the gap |log G| in the middle of the compute"
    return "the smallest margin, for gaps near 0"


def _opening(given: GivenLosses) -> str:
    frame, source = given.frame, given.source
    origin = "" if source is None else f" Source: {source.citation}; {source.licence}."
    return _wrapped(
        [
            f"{count(frame['run'].nunique(), 'model')} of the OLMo ladder, evaluated on the four "
            f"groups of MMLU in {metric_words(METRIC)}: {', '.join(sorted(set(frame['domain'])))}. "
            f"The baseline is {BASELINE}.{origin}",
            f"To be quick, the demo fits the estimator {ESTIMATOR} alone and no classical laws. "
            "All other settings are the defaults.",
        ]
    )


def _in_words(found: FittedLaws) -> str:
    share = found.spec.margin_share
    shown = {str(word) for word in found.laws.relative["verdict"]}
    words = [
        "The verdicts in words",
        "G is the loss of a domain divided by that of the baseline, read along the compute-optimal "
        "models. A verdict asks two questions about the observed compute: does G differ "
        "significantly between its ends, and is the change shown to be small? Small means within "
        f"the margin: {100 * share:g} % of |log G| in the middle of the compute, and at least "
        f"{found.spec.margin_floor:g}.",
        *explain_rows(found.laws.relative, share),
        *(
            f"`{verdict.value}`{'' if verdict.value in shown else ', which no gap here is'}: "
            f"{verdict.__doc__}"
            for verdict in EXPLAINED
        ),
        "The two scales may differ: a ratio can grow although the difference in bits shrinks, "
        "because both losses fall. A sentence about a gap should name its scale.",
    ]
    return _wrapped(words)


def _files(out: Path) -> str:
    lines = {
        f"{FIGURES}/{FIGURE}.png": "the figure (also as SVG and PDF)",
        FRONT: "a page with the answer, the figure and links",
        "relative.csv": "slopes, intervals, tests, verdicts; the other laws are next to it",
        LOSSES_CSV: "the table that was fitted, as an example of the layout",
        TEXT: "this text",
    }
    places = {str(out / name): words for name, words in lines.items()}
    width = max(map(len, places))
    return "\n".join(["Files", *(f"  {path:<{width}}  {words}" for path, words in places.items())])


def _next() -> str:
    return (
        "\nYour own table, with a row per run or a column per domain, needs two commands:\n"
        "  relscale table inspect TABLE.csv --mapping mapping.yaml\n"
        "  relscale laws --mapping mapping.yaml --baseline DOMAIN --out my_laws --figures\n"
        "The first proposes how to read the table; check the file mapping.yaml before the second.\n"
    )


def _wrapped(paragraphs: Iterable[str]) -> str:
    filled = [textwrap.fill(text, _WIDTH, break_on_hyphens=False) for text in paragraphs]
    return "\n".join(f"{text}\n" for text in filled)


def _write_losses_csv(out: Path) -> None:
    """Write the losses of the folder as CSV, without columns that are empty throughout."""
    frame = read_table(out / LOSSES)
    filled = frame.dropna(axis="columns", how="all")
    text = filled.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    write_text(out / LOSSES_CSV, text)
