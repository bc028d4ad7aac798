"""Samples of families from folders of files, for tests."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from relscale.config.families import (
    ContinuationFamily,
    DocumentFamily,
    Family,
    ValidationFamily,
)
from relscale.evaluation.families import FamilyInputs, family_sample
from relscale.evaluation.samples import Sample
from relscale.evaluation.tokens import TextEncoder


def sample_of(
    name: str,
    family: Family,
    files: Path,
    length: int,
    encoder: TextEncoder,
    shots_files: Path | None = None,
) -> Sample:
    """Return the sample of a family that reads files."""
    inputs = FamilyInputs(source=files, shots_source=shots_files)
    return family_sample(name, family, inputs, length, encoder)


def sample_continuation(
    name: str,
    family: ContinuationFamily,
    documents: DocumentFamily,
    files: Path,
    length: int,
    encoder: TextEncoder,
) -> Sample:
    """Return the sample of a family that continues passages of documents."""
    inputs = FamilyInputs(source=files, documents=documents)
    return family_sample(name, family, inputs, length, encoder)


def sample_validation(
    name: str,
    family: ValidationFamily,
    documents: Sequence[tuple[str, str, str]],
    length: int,
    encoder: TextEncoder,
) -> Sample:
    """Return the sample of held-out documents: (component, name, text) of each."""
    columns = [[row[column] for row in documents] for column in range(3)]
    names = ["component", "document", "text"]
    table = pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], names)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "validation.parquet"
        pq.write_table(table, path)
        return family_sample(name, family, FamilyInputs(validation=path), length, encoder)
