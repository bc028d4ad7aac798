"""The losses table that a plan is made from, with the settings of its laws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from relscale.contract.io import with_present_names
from relscale.contract.typed import typed
from relscale.laws.fit import corpora_of
from relscale.laws.inputs import prepare
from relscale.laws.metric_fits import CorpusFits
from relscale.laws.run import with_stated_directions
from relscale.laws.spec import LawSpec
from relscale.losses_table.given import GivenLosses

Losses = Path | str | pd.DataFrame | None
"""A losses table, its file, or None where a mapping names it."""


@dataclass(frozen=True, kw_only=True)
class GivenTable:
    """A losses table and how its laws are fitted."""

    frame: pd.DataFrame
    """The rows."""
    where: str
    """Words for the table in errors: its file."""
    spec: LawSpec
    """Family, baseline, metric and the other settings of its laws."""
    items: pd.DataFrame | None = None
    """Rows of the items table; None leaves no overlapping items out."""

    @classmethod
    def read(
        cls,
        losses: Losses,
        mapping: Path | str | None = None,
        *,
        family: str | None = None,
        metric: str | None = None,
        **settings: Any,
    ) -> "GivenTable":
        """Read a table.

        Args:
            losses: the table or its file; None if the mapping names it.
            mapping: YAML file for a table that is laid out in another way.
            family: family whose laws are read; the only one if left out.
            metric: its metric; bits_per_byte or the only one if left out.
            **settings: other fields of `LawSpec`.

        Raises:
            ValueError: for a table, mapping or setting that cannot be used.
        """
        if isinstance(losses, pd.DataFrame):
            frame = typed(with_present_names(losses), "losses")
            given = GivenLosses(frame=frame, path=Path("losses"))
        else:
            given = GivenLosses.read(
                None if losses is None else Path(losses), None if mapping is None else Path(mapping)
            )
        chosen = given.family(family)
        wanted = () if metric is None else (metric,)
        spec = LawSpec.read(
            {"family": chosen, "metrics": given.metrics(chosen, wanted), **settings}
        )
        spec = with_stated_directions(spec, given.frame, str(given.path))
        return cls(frame=given.frame, where=str(given.path), spec=spec)

    @property
    def num_treatments(self) -> int:
        """Domains of the family other than the baseline."""
        rows = self.frame[self.frame["family"].astype(str) == self.spec.family]
        return int(rows["domain"].nunique()) - 1

    def corpora(self) -> tuple[CorpusFits, ...]:
        """Return the fits of every corpus, as `relscale.laws.fit.fit_family` makes them.

        Raises:
            ValueError: for a table that lacks a column, contradicts itself, or has no such family,
                metric or baseline.
        """
        family, optimum = prepare(self.frame, self.spec, None, self.where)
        return corpora_of(family, optimum, self.spec, self.items)

    def corpus(self, name: str | None) -> CorpusFits:
        """Return the fits of one corpus: the named one, or the only one.

        Raises:
            ValueError: naming the corpora.
        """
        found = {each.runs.corpus: each for each in self.corpora()}
        if name is None and len(found) == 1:
            return next(iter(found.values()))
        if name not in found:
            given = "has several" if name is None else f"has no corpus {name!r}"
            raise ValueError(f"--corpus: {self.where} {given}: name one of {', '.join(found)}")
        return found[name]

    def without_runs(self, runs: Sequence[str]) -> "GivenTable":
        """Return the table without some runs."""
        kept = ~self.frame["run"].astype(str).isin(set(runs))
        return replace(self, frame=self.frame[kept].reset_index(drop=True))

    def with_metrics(self, metrics: tuple[str, ...]) -> "GivenTable":
        """Return the table with other metrics of its family."""
        return replace(self, spec=self.spec.model_copy(update={"metrics": metrics}))
