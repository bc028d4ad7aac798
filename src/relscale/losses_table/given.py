"""The losses table of a command: one with our columns, or one of any form with its mapping."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from relscale.config.choices import is_not_in
from relscale.config.losses import LossesSource
from relscale.config.losses_file import read_mapping
from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_KEY, LOSSES_REQUIRED
from relscale.losses_table.read import read_losses

USUAL_METRIC = "bits_per_byte"


@dataclass(frozen=True, kw_only=True)
class GivenLosses:
    """A losses table, its file, and how it was read."""

    frame: pd.DataFrame
    path: Path
    decisions: tuple[str, ...] = ()
    """Everything that was decided, converted or left out."""
    source: LossesSource | None = None
    """Where the table comes from, if the mapping states it."""

    @classmethod
    def read(cls, losses: Path | None, mapping: Path | None) -> "GivenLosses":
        """Read a table.

        Args:
            losses: the table; None if the mapping names it.
            mapping: the mapping's file; None for a table with our columns.

        Raises:
            ValueError: if neither names a table, or for a table or mapping that cannot be used.
        """
        if mapping is not None:
            spec = read_mapping(mapping, losses)
            found = read_losses(spec)
            return cls(
                frame=found.frame,
                path=Path(spec.path),
                decisions=found.decisions,
                source=spec.source,
            )
        if losses is None:
            raise ValueError("--losses or --mapping is needed: a losses table, or a file naming it")
        try:
            frame = read_table(losses, LOSSES_REQUIRED, (*LOSSES_KEY, "budget"))
        except ValueError as error:
            if not losses.is_file():
                raise
            raise ValueError(
                f"{str(error).rstrip('.')}. For a table that is laid out in another way run "
                f"`relscale table inspect {shlex.quote(str(losses))} --mapping FILE`, "
                "and add --mapping FILE"
            ) from None
        return cls(frame=frame, path=losses)

    def family(self, wanted: str | None) -> str:
        """Return the family that is fitted: the wanted one, or the only one.

        Raises:
            ValueError: naming the families, if none is wanted and there are several.
        """
        families = sorted(set(self.frame["family"].dropna().astype(str)))
        if wanted is None and len(families) != 1:
            raise ValueError(f"--family: {self.path} has several: {', '.join(families)}; name one")
        return families[0] if wanted is None else wanted

    def metrics(self, family: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Return the metrics that are fitted: the wanted ones, the usual one or the only one.

        Raises:
            ValueError: naming the metrics, if none is wanted, several are there and the usual one
                is not.
        """
        rows = self.frame[self.frame["family"].astype(str) == family]
        metrics = sorted(set(rows["metric"].dropna().astype(str)))
        if wanted or USUAL_METRIC in metrics or not metrics:
            return wanted or (USUAL_METRIC,)
        if len(metrics) > 1:
            raise ValueError(f"--metric: {USUAL_METRIC} {is_not_in(str(self.path), metrics)}")
        return (metrics[0],)
