"""The rows of the tables that the figure of one family shows, their colours and their notes."""

from dataclasses import dataclass, replace

import pandas as pd

from relscale.contract.scale_words import SCALE_WORDS, path_words
from relscale.contract.scales import RATIO
from relscale.contract.status import Status
from relscale.contract.verdict_words import in_order, verdict_of_word
from relscale.contract.verdicts import UNDECIDED
from relscale.figures.kit.choose import numbers, one_estimator, ordered, pick, reservation
from relscale.figures.kit.controls import ControlRows, control_rows
from relscale.figures.kit.curves import curves_of, factors
from relscale.figures.kit.laws import Span, span_of
from relscale.figures.kit.metrics import change_formula
from relscale.figures.kit.panels import LawStyle, verdict_word
from relscale.figures.kit.style import colours, markers, name_lines, words
from relscale.figures.kit.tables import Tables, complete
from relscale.figures.settings import FamilySettings

MOST_DIRECT_LABELS = 16
FAMILY_TABLES = ("points", "absolute", "relative", "curves", "control_slopes")
"""The tables of the figure of one family."""


@dataclass(frozen=True, kw_only=True)
class FamilyRows:
    """The rows of one family that its figure shows, and how it shows them."""

    settings: FamilySettings
    points: pd.DataFrame
    absolute: pd.DataFrame
    """Rows of absolute.csv."""
    relative: pd.DataFrame
    """Rows of relative.csv, on the ratio scale."""
    curves: pd.DataFrame
    """Rows of curves.csv."""
    controls: ControlRows
    """The control of the family, if it has one in the metric of the figure."""
    corpora: list[str]
    baseline: str
    colour: dict[str, str]
    """Colour of each domain, in their order."""
    marker: dict[str, str]
    """Marker of each corpus."""
    span: Span
    shows_change: bool = False
    """Whether bands show the change since the first compute, with the margin."""

    def only(self, corpus: str) -> "FamilyRows":
        """Return the rows of one corpus, in the style that it has among all corpora."""
        return replace(
            self,
            points=pick(self.points, corpus=corpus),
            absolute=pick(self.absolute, corpus=corpus),
            relative=pick(self.relative, corpus=corpus),
            curves=pick(self.curves, corpus=corpus),
            controls=self.controls.only(corpus),
        )

    def style(self, corpus: str) -> LawStyle:
        """Return how the laws of one corpus are drawn."""
        curves = pick(self.curves, corpus=corpus)
        gap_curves, value_curves = (
            curves_of(curves, self.settings.estimator, quantity) for quantity in ("gap", "value")
        )
        return LawStyle(
            colour=self.colour,
            marker=self.marker[corpus],
            compute=self.settings.compute,
            span=self.span,
            baseline=self.baseline,
            metric=self.settings.metric,
            gap_curves=gap_curves,
            value_curves=value_curves,
            guessing=self._guessing(corpus),
            shows_change=self.shows_change,
        )

    def _guessing(self, corpus: str) -> frozenset[str]:
        """Return the treatments at chance on a corpus, and the baseline if all of them are."""
        laws = pick(self.relative, corpus=corpus)
        found = frozenset(laws.loc[_at_chance(laws), "treatment"].astype(str))
        return found | {self.baseline} if len(found) and len(found) == len(laws) else found

    @property
    def direct(self) -> bool:
        """Whether the lines have labels; the domains of a large family are named in a key."""
        return len(self.colour) <= MOST_DIRECT_LABELS


def family_rows(
    tables: Tables, settings: FamilySettings, *, shows_change: bool = False
) -> FamilyRows:
    """Select the rows of one family, metric and estimator; assign colours and markers.

    Args:
        tables: points, absolute, relative, curves and control_slopes; a missing table is empty.
        settings: settings of the figure.
        shows_change: whether bands show the change since the first compute, with the margin.
    """
    tables = complete(tables, FAMILY_TABLES)
    mine = {"family": settings.family, "metric": settings.metric}
    points, absolute = (
        one_estimator(pick(tables[name], **mine), settings.estimator)
        for name in ("points", "absolute")
    )
    relative = pick(tables["relative"], **mine, estimator=settings.estimator)
    baseline = settings.baseline or (str(relative["baseline"].iloc[0]) if len(relative) else "")
    corpora = ordered(settings.corpora, points["corpus"], absolute["corpus"], relative["corpus"])
    domains = ordered(
        settings.domains,
        points["domain"],
        absolute["domain"],
        relative["treatment"],
        relative["baseline"],
    )
    fitted = numbers(relative[~_at_chance(relative)], "dbeta")
    if not len(relative):
        fitted = numbers(absolute, "exponent")
    return FamilyRows(
        settings=settings,
        points=points,
        absolute=absolute,
        relative=relative,
        curves=pick(tables["curves"], **mine),
        controls=control_rows(pick(tables["control_slopes"], **mine)),
        corpora=corpora,
        baseline=baseline,
        colour=colours(domains, baseline),
        marker=markers(corpora),
        span=span_of(points, settings.compute, settings.extrapolate_decades if fitted else 0.0),
        shows_change=shows_change,
    )


def _at_chance(laws: pd.DataFrame) -> pd.Series:
    """Return of each relative law whether it is at chance."""
    return laws["status"].astype(str) == str(Status.AT_CHANCE)


def verdicts_of(rows: FamilyRows, corpus: str) -> dict[str, str]:
    """Return the verdict of each treatment on one corpus."""
    laws = pick(rows.relative, corpus=corpus)
    return {str(row["treatment"]): verdict_word(row) for _, row in laws.iterrows()}


def line_texts(rows: FamilyRows, corpus: str, *, two_lines: bool) -> dict[str, str]:
    """Return the label of each line: the domain and its verdict.

    With `two_lines`, the verdict is below a name of more than four letters.
    """
    verdicts, found = verdicts_of(rows, corpus), {}
    for name in rows.colour:
        shown = name_lines(name, rows.settings.labels)
        between = "\n" if two_lines and len(shown) > 4 else " "
        verdict = verdicts.get(name, "no law")
        found[name] = f"= {shown}" if name == rows.baseline else f"{shown}{between}{verdict}"
    return found


def sign_texts(rows: FamilyRows, corpus: str) -> dict[str, str]:
    """Return the label of each line with the sign of its verdict, for many lines."""
    verdicts, found = verdicts_of(rows, corpus), {}
    for name in rows.colour:
        shown = name_lines(name, rows.settings.labels, 24)
        said = verdicts.get(name, "no law")
        verdict = verdict_of_word(said.removesuffix("*"))
        sign = f"{verdict.sign}{'*' * said.endswith('*')}" if verdict else said
        found[name] = f"= {shown}" if name == rows.baseline else f"{shown} {sign}"
    return found


def sign_note(rows: FamilyRows) -> str:
    """Return a sentence on the signs of the verdicts of all corpora."""
    said = {
        word.removesuffix("*") for one in rows.corpora for word in verdicts_of(rows, one).values()
    }
    known = [verdict for word in in_order(list(said)) if (verdict := verdict_of_word(word))]
    if not known:
        return ""
    return f"Verdicts: {', '.join(f'{verdict.sign} {verdict}' for verdict in known)}."


def scale_note(rows: FamilyRows) -> str:
    """Return a sentence on the scale and path of the verdicts, and on bands beyond the data."""
    if not len(rows.relative):
        return ""
    paths = ordered([], rows.relative["path"])
    where = f" {path_words(paths[0])}" if paths else ""
    said = (
        f"Height of a gap: {change_formula(rows.settings.metric)}. Scale of the verdicts: ratio, "
        f"{SCALE_WORDS[RATIO].formula},{where}."
    )
    if rows.shows_change or rows.span.end <= rows.span.last:
        return said
    curves = [rows.style(corpus).gap_curves for corpus in rows.corpora]
    found = [factor for of in curves for factor in factors(of)]
    if not found:
        return f"{said} Beyond the data no interval is known: dashed lines have no band."
    widest = max(found)
    if widest < 1.05:
        return f"{said} Back-tests call for no widening of the bands beyond the data."
    return f"{said} Bands beyond the data are widened up to {widest:.2g} times by back-tests."


def objections(rows: FamilyRows) -> str:
    """Return a sentence on each kind of reservation: asterisks, missing verdicts, missing laws.

    Gaps at chance have a sentence on why no law is drawn through their points.
    """
    starts = {"no verdict": "No verdict", "no law": "No law"}
    reasons: dict[str, set[str]] = {"* law with a reservation": set()}
    reasons |= {start: set() for start in starts.values()}
    chance = _at_chance(rows.relative)
    for _, row in rows.relative[~chance].iterrows():
        if reason := reservation(row["status"]):
            reasons[starts.get(verdict_word(row), "* law with a reservation")].add(reason)
    said = [f"{start}: {', '.join(sorted(of))}." for start, of in reasons.items() if of]
    if chance.any():
        said.append(
            f"At chance ({int(chance.sum())} of {len(chance)} gaps): at least half of the runs are "
            "not distinguishable from guessing, so that no law is drawn through the points."
        )
    return " ".join(said)


def undecided_changes(relative: pd.DataFrame) -> str:
    """Return a sentence on gaps that are shown to change, yet undecided, if there are any.

    Args:
        relative: rows of relative.csv, on the ratio scale.
    """
    undecided = relative["verdict"].astype(str) == UNDECIDED
    number = int((undecided & relative["faster"].astype(str).isin(["treatment", "baseline"])).sum())
    if not number:
        return ""
    these = "One undecided gap is" if number == 1 else f"{number} undecided gaps are"
    return f"{these} shown to change, but not which domain is harder."


def other_points(rows: FamilyRows) -> str:
    """Return a sentence on points of another estimator than that of the laws, if there are any."""
    wanted = rows.settings.estimator
    others = sorted(set(rows.points["estimator"].astype(str)) - {wanted, "vertex"})
    if not others:
        return ""
    return f"Points of estimator {words(others[0])}: there are none of {words(wanted)}."
