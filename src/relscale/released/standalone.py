"""One model, one family, by hand: the losses, the items and a summary, without a workflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from relscale.config.families import AnyFamily
from relscale.config.experiment import Experiment
from relscale.contract.arrow import arrow_table, write_parquet
from relscale.contract.io import write_table
from relscale.evaluation.aggregate import LOSSES_SCHEMA, RUN_COLUMNS
from relscale.evaluation.families import family_texts
from relscale.files import write_json, write_text
from relscale.released.text_table import texts_manifest
from relscale.text.sources import fetch

CAPS = {
    "documents": "documents_per_domain",
    "questions": "questions_per_subject",
    "pairs": "pairs_per_domain",
    "risk": "questions_per_behaviour",
}


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """What came of it."""

    losses: list[dict[str, Any]]
    """Rows of the losses table."""
    items: pa.Table
    """The items table."""
    record: dict[str, Any]
    """How the model was scored, and the account of the family's texts under `texts`."""

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
        about = self.record
        of = (
            f"{about['model']}{'@' + about['commit'] if about['commit'] else ''}: {about['model_type']}, {about['num_params_total']:,} "
            f"parameters, window {about['context_length']:,}, {about['dtype']} on {about['device']}"
        )
        lost = sum(
            sum(domain["left_out"].values()) for domain in about["texts"]["domains"].values()
        )
        return "\n".join(
            [
                of,
                *(line.rstrip() for line in lines),
                f"{lost:,} items of the sources were left out (record.json says why)",
                "",
            ]
        )

    def write(self, out: Path) -> None:
        """Write losses.csv, losses.parquet, items.parquet, record.json and summary.txt into a
        folder."""
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
        model: a folder, or an id of the hub.
        revision: the hub's revision.
        sources: folder in which the family's sources are kept, fetched where they are missing.
        max_length: most tokens that the model is given.
        limit: at most so many items of each domain, subject or behaviour.

    Raises:
        ValueError: naming the key, the file and line, or the model, where something is missing or
            broken; before any scoring.
    """
    if family not in experiment.families:
        raise ValueError(
            f"--family {family!r}: no such entry in families; the choices are {', '.join(experiment.families)}"
        )
    settings = experiment.families[family]
    if limit is not None and settings.kind in CAPS:
        settings = settings.model_copy(update={CAPS[settings.kind]: limit})
    files = {name: _fetched(experiment, name, sources) for name in _sources_of(settings)}
    shots = getattr(settings, "shots_source", None)
    texts = family_texts(
        family,
        settings,
        files.get(getattr(settings, "source", ""), sources),
        files[shots] if shots else None,
    )
    # Only now, since these imports take seconds.
    from relscale.released.evaluate import evaluate_checkpoint
    from relscale.released.model import open_checkpoint

    checkpoint = open_checkpoint(model, revision, max_length=max_length)
    columns: Mapping[str, Any] = {**dict.fromkeys(RUN_COLUMNS), "corpus": "by_hand", "run": model}
    rows, items, record = evaluate_checkpoint(
        checkpoint, columns, family, settings.model_dump(mode="json"), texts.items, texts.documents
    )
    return ByHand(
        losses=rows,
        items=items,
        record={**record, "texts": texts_manifest(texts, family, settings.kind)},
    )


def _sources_of(settings: AnyFamily) -> list[str]:
    names = (getattr(settings, "source", None), getattr(settings, "shots_source", None))
    return list(dict.fromkeys(name for name in names if name))


def _fetched(experiment: Experiment, name: str, folder: Path) -> Path:
    """Return the folder of a source's files: that of a local source itself, else fetched once."""
    source = experiment.sources[name]
    if source.kind == "local":
        place = Path(source.path)
        if not place.exists():
            raise ValueError(f"sources.{name}.path = {source.path!r}: no such file or folder")
        return place if place.is_dir() else place.parent
    place = folder / name
    if not place.is_dir():
        downloads = Path(experiment.downloads) if experiment.downloads else None
        copy = getattr(source, "path", None)
        fetch(name, source, place, downloads=downloads, local_copy=Path(copy) if copy else None)
    return place
