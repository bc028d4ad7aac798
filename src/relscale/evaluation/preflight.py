"""The check before any training or scoring: every domain of a family has an item. Light imports."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from relscale.files import read_json


class DomainCounts(BaseModel):
    """The counts of a domain that the check reads."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    items: int


class FamilyManifest(BaseModel):
    """The part of a family's manifest that the check reads; other keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    family: str
    domains: dict[str, DomainCounts]


def read_manifest(path: Path) -> FamilyManifest:
    """Read the manifest of a family's requests or texts.

    Raises:
        ValueError: naming the file, if it is not such a manifest.
    """
    try:
        return FamilyManifest.model_validate(read_json(path))
    except ValidationError as error:
        raise ValueError(f"{path}: not the manifest of a family: {error}") from None


def empty_domains(manifest: FamilyManifest) -> list[str]:
    """Return one line per domain of a family without an item to score."""
    return [
        f"families.{manifest.family}: domain {domain!r} has no item that fits the window"
        for domain, counts in manifest.domains.items()
        if counts.items == 0
    ]
