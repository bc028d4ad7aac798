"""The report of `relscale table inspect`: the guesses on a file, and the laws it supports."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from relscale.config.errors import config_error, problems_of
from relscale.config.losses import LossesTable
from relscale.config.losses_file import SECTION
from relscale.contract.directions import known_direction
from relscale.losses_table.proposal.mapping_text import mapping_text
from relscale.losses_table.proposal.propose import FAMILIES, LOSSES, Proposal, propose
from relscale.losses_table.proposal.run_design import designs_of
from relscale.losses_table.read import LossesTableRead, read_losses

FORMATS = {"csv": "CSV", "parquet": "Parquet", "json_lines": "JSON lines"}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A proposal, and the losses table that it gives."""

    proposal: Proposal
    """The proposed mapping."""
    found: LossesTableRead | None
    """The losses table; None if the mapping does not read the file yet."""
    problem: str
    """The reason for that, or empty text."""

    def mapping(self) -> str:
        """Return the mapping as YAML with comments."""
        return mapping_text(self.proposal)

    def report(self, mapping: Path | None = None) -> str:
        """Return the report, ending with a line feed.

        Args:
            mapping: the file to which the mapping is written, for the commands that follow.
        """
        return "\n".join(self._lines(mapping)) + "\n"

    def _lines(self, mapping: Path | None) -> Iterator[str]:
        proposal, raw = self.proposal, self.proposal.raw
        form = FORMATS[raw.format]
        if raw.format == "csv":
            form += f", columns separated by {SEPARATORS[raw.separator]}"
        rows, width = raw.frame.shape
        yield f"{proposal.path}: {form}; {rows} rows, {width} columns"
        yield ""
        yield "Columns"
        yield from self._columns()
        yield ""
        yield "Guesses; each is a key of the mapping"
        for guess in proposal.guesses:
            yield f"  {guess.line()}"
        for name, value in proposal.content.get("constants", {}).items():
            yield f"  constants.{name}: {value}  (the file has no such column; rename it)"
        if proposal.lacking:
            yield ""
            yield "Missing"
            for sentence in proposal.lacking:
                yield f"  {sentence}"
        yield ""
        yield from self._table(mapping)

    def _columns(self) -> Iterator[str]:
        """Return lines on the columns of the file: those used, those not used, the empty ones."""
        unused = self.proposal.unused
        profiles = self.proposal.profiles.values()
        for profile in profiles:
            if profile.name not in unused:
                yield f"  {profile.name}: {profile.words()}"
        for profile in profiles:
            if profile.name in unused and profile.kind != "empty":
                yield f"  not used: {profile.name}: {profile.words()}"
        empty = [profile.name for profile in profiles if profile.kind == "empty"]
        if empty:
            yield f"  empty: {_few(empty)}"

    def _table(self, mapping: Path | None) -> Iterator[str]:
        """Return lines on the losses table that the mapping gives."""
        if self.found is None:
            yield "The mapping does not read the file yet"
            yield from (f"  {line}" for line in self.problem.splitlines())
            return
        frame = self.found.frame
        yield f"Losses table: {len(frame)} rows"
        for (family, metric), part in frame.groupby(["family", "metric"], sort=True):
            domains = list(part["domain"].unique())
            yield f"  family {family}, metric {metric}, {len(domains)} domain(s): " + _few(domains)
        for sentence in self.found.decisions:
            yield f"  {sentence}"
        yield ""
        yield "Laws"
        for design in designs_of(frame):
            yield f"  {design.words()}"
            yield f"    {design.laws()}"
        if frame.groupby("family")["domain"].nunique().max() < 2:
            yield (
                "  Each family has one domain: laws of gaps need two (a baseline and another); add "
                "the losses of other domains"
            )
            return
        if not _falling(frame):
            yield (
                "  No metric falls with compute: laws place the optimum by a loss; add losses of "
                "the same runs"
            )
            return
        yield ""
        yield "Next"
        yield f"  {self._command(frame, mapping)}"

    def _command(self, frame: pd.DataFrame, mapping: Path | None) -> str:
        """Return a command that fits laws, with names as a shell needs them."""
        counts = frame.groupby("family")["domain"].nunique()
        family = str(counts.idxmax())
        if counts.get(FAMILIES[True], 0) > 1:
            family = FAMILIES[True]
        part = frame[frame["family"] == family]
        metrics = list(part["metric"].unique())
        metric = next((name for name in LOSSES if name in metrics), str(metrics[0]))
        if mapping is None:
            path = self.proposal.path
            return f"relscale table inspect {shlex.quote(str(path))} --mapping mapping.yaml"
        baseline = str(part.loc[part["metric"] == metric, "domain"].iloc[0])
        words = [
            *("relscale", "laws", "--losses", str(self.proposal.path), "--mapping", str(mapping)),
            *("--family", family, "--baseline", baseline, "--metric", metric, "--out", "laws"),
        ]
        falling = _falling(frame)
        if family not in falling:
            words += ["--optimum-by", falling[0]]
        return " ".join(shlex.quote(word) for word in words)


def _falling(frame: pd.DataFrame) -> list[str]:
    """Return the families with a metric that is not known to rise with compute."""
    pairs = frame[["family", "metric"]].drop_duplicates()
    falls = [known_direction(str(metric)) is not True for metric in pairs["metric"]]
    return sorted(set(pairs.loc[falls, "family"].astype(str)))


def _few(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def inspect_table(path: Path) -> Inspection:
    """Propose a mapping for a file, and read the losses table that it gives.

    Raises:
        ValueError: naming the file, if it cannot be opened.
    """
    proposal = propose(path)
    try:
        spec = LossesTable.model_validate(proposal.content)
        found, problem = read_losses(spec), ""
    except ValidationError as error:
        shown = {SECTION: proposal.content}
        problems = problems_of(error, SECTION, LossesTable)
        found, problem = None, str(config_error(problems, shown, []))
    except ValueError as error:
        found, problem = None, str(error)
    return Inspection(proposal=proposal, found=found, problem=problem)
