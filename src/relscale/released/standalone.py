"""Score one model on one family without a workflow: losses, items and a summary."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from relscale.config.experiment import Experiment
from relscale.config.families import Family
from relscale.config.sources import Described
from relscale.contract.arrow import arrow_table, write_parquet
from relscale.contract.io import write_table
from relscale.contract.losses import RUN_COLUMNS, LossesRow, RunColumns
from relscale.evaluation.aggregate import LOSSES_SCHEMA
from relscale.evaluation.families import family_texts
from relscale.evaluation.samples import FamilyTexts
from relscale.files import write_json, write_text
from relscale.provenance.digests import spec_digest
from relscale.released.model_folder import find_folder
from relscale.released.text_table import texts_manifest
from relscale.text.sources import fetch
from relscale.text.spec import SourceSpec

if TYPE_CHECKING:  # imports torch
    from relscale.released.score_family import ScoringRecord


@dataclass(frozen=True, kw_only=True, repr=False)
class ByHand:
    """Losses, items and record of one model on one family."""

    losses: list[LossesRow]
    """Rows of the losses table."""
    items: pa.Table
    """The items table."""
    scoring: "ScoringRecord"
    """Record of the scoring."""
    texts: FamilyTexts
    """The scored texts of the family, and the account of other text."""
    family: str
    """Name of the family."""
    kind: str
    """Its kind."""

    def __repr__(self) -> str:
        """Return one line: the model, the family and the number of rows."""
        return (
            f"<ByHand: {self.scoring.description.model} on family {self.family!r}: "
            f"{len(self.losses)} losses, {self.items.num_rows} items; see summary(), write()>"
        )

    @property
    def record(self) -> dict[str, object]:
        """The record of the scoring, with the account of the family's texts under `texts`."""
        manifest = texts_manifest(self.texts, self.family, self.kind)
        return {**self.scoring.as_json(), "texts": manifest}

    def summary(self) -> str:
        """Return the losses as a readable table."""
        heads = ("domain", "metric", "value", "standard error", "items", "cut", "at chance")
        rows = [
            (
                str(row["domain"]),
                str(row["metric"]),
                f"{row['value']:.5g}",
                f"{row['standard_error']:.2g}",
                f"{row['num_items']:,}",
                f"{row['num_truncated']:,}",
                "yes" if row["at_chance"] else "",
            )
            for row in self.losses
        ]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if cell in row[:2] else cell.rjust(width)
                for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in (heads, *rows)
        ]
        about = self.scoring.description
        name = f"{about.model}@{about.commit}" if about.commit else about.model
        head = (
            f"{name}: {about.model_type}, {about.num_params_total:,} parameters, window "
            f"{about.context_length:,}, {about.dtype} on {about.device}"
        )
        scored = {item.domain for item in self.texts.items}
        scored |= {document.domain for document in self.texts.documents}
        lost = sum(self.texts.left_out[domain].total() for domain in scored)
        return "\n".join(
            [
                head,
                *(line.rstrip() for line in lines),
                f"{lost:,} items of the sources were left out (record.json has the reasons)",
                *self._left_out_by_model(),
                "",
            ]
        )

    def _left_out_by_model(self) -> list[str]:
        """Return a line for items that the model left out, and one per domain without a value."""
        left_out = self.scoring.account.get("left_out", {})
        assert isinstance(left_out, dict)
        words = {
            "lost": "since their text does not come back",
            "masked": "since all of their tokens are masked",
        }
        lines = [f"items left out, {words[cause]}: {count:,}" for cause, count in left_out.items()]
        reasons = {row["domain"]: row["excluded_reason"] for row in self.losses}
        return lines + [f"{domain}: {reason}" for domain, reason in reasons.items() if reason]

    def write(self, out: Path) -> None:
        """Write losses, items, record.json and summary.txt into a folder."""
        table = arrow_table(self.losses, LOSSES_SCHEMA)
        write_parquet(table, out / "losses.parquet")
        write_table(table.to_pandas(), out / "losses.csv", LOSSES_SCHEMA.names)
        write_parquet(self.items, out / "items.parquet")
        write_json(out / "record.json", self.record)
        write_text(out / "summary.txt", self.summary())


def evaluate_by_hand(
    experiment: Experiment,
    family: str,
    model: str,
    *,
    revision: str | None = None,
    sources: Path,
    max_length: int | None = None,
    limit: int | None = None,
) -> ByHand:
    """Evaluate a model on a family of a configuration.

    Args:
        experiment: the configuration; its `sources` and `families` are used.
        family: key of its families.
        model: a folder or a Hub id.
        revision: the revision on the Hub.
        sources: folder of the family's sources; missing ones are fetched into it.
        max_length: maximum of tokens that the model is given.
        limit: maximum of items per domain, subject or behaviour.

    Raises:
        ValueError: naming the key, the file and line, or the model that cannot be used; before any
            scoring.
    """
    if family not in experiment.families:
        raise ValueError(
            f"--family {family!r}: is not in families; the choices are "
            f"{', '.join(experiment.families)}"
        )
    settings: Family = experiment.families[family]
    if limit is not None:
        settings = settings.limited_to(limit)
    find_folder(model, revision)  # a wrong name is said before sources are fetched
    files = [_fetched(experiment, name, sources) for name in settings.sources()]
    texts = family_texts(family, settings, files[0] if files else sources, *files[1:])
    # Imported here, since these imports take seconds.
    from relscale.released.opened_model import open_released
    from relscale.released.score_family import Texts, score_family

    opened = open_released(model, revision, max_length=max_length)
    columns = RunColumns(**{**dict.fromkeys(RUN_COLUMNS), "corpus": "by_hand", "run": model})  # type: ignore[typeddict-item]
    named = Texts(family=family, settings=settings, items=texts.items, documents=texts.documents)
    found = score_family(opened, columns, named)
    return ByHand(
        losses=found.losses,
        items=found.items,
        scoring=found.records[0],
        texts=texts,
        family=family,
        kind=settings.kind,
    )


def _fetched(experiment: Experiment, name: str, folder: Path) -> Path:
    """Return the folder of a source's files; other sources than local ones are fetched once."""
    source = experiment.sources[name]
    if source.kind == "local":
        place = Path(source.path)
        if not place.exists():
            raise ValueError(f"sources.{name}.path = {source.path!r}: no such file or folder")
        return place if place.is_dir() else place.parent
    # A source of the same name and other settings, such as another version, is another folder.
    spec = SourceSpec.model_validate(
        {"name": name, **source.model_dump(exclude=set(Described.model_fields))}
    )
    place = folder / f"{name}-{spec_digest(spec)}"
    if not place.is_dir():
        downloads = Path(experiment.downloads) if experiment.downloads else None
        copy = getattr(source, "path", None)
        fetch(name, source, place, downloads=downloads, local_copy=Path(copy) if copy else None)
    return place
