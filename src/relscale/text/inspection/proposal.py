"""Propose the configuration for a file or folder of texts: source, corpus and family.

Read `propose` first. `relscale corpus inspect` prints the proposal, and `relscale init --texts`
writes it to an experiment.
"""

import glob
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from relscale.config.base import Label
from relscale.text.inspection.listing import RECORDS, FileKind, ListedFile, Listing
from relscale.text.inspection.sample import TextSample

DEEPEST = 4
"""Levels of folders that may name domains."""
LEAST_SHARE = 0.9
"""Share of the bytes that must be in folders if these are to name domains."""
MARKUP_SHARE = 0.1
"""Share of the documents with mark-up from which `strip_markup` is proposed."""
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
_LABEL = TypeAdapter(Label)


@dataclass(frozen=True, kw_only=True)
class FolderDomains:
    """Folders that name domains."""

    level: int
    """Which folder of a file's path names the domain, counted from 1."""
    files: Counter[str]
    """Readable files by folder."""
    num_bytes: Counter[str]
    """Bytes of these files by folder."""
    outside: list[str]
    """Readable files that are in no such folder."""


@dataclass(frozen=True, kw_only=True)
class TextProposal:
    """Sections of a configuration for one source of texts."""

    name: str
    """Key of the source, the corpus and the family."""
    path: Path
    readers: list[dict[str, Any]]
    """Reader of each component of the corpus; empty if no file can be read."""
    family_reader: dict[str, Any] | None = None
    """Reader of the family; None if nothing names domains."""
    domains: list[str] = field(default_factory=list)
    """Values that name domains, the largest first."""

    def sections(self, licence: str | None, citation: str | None) -> dict[str, Any]:
        """Return the sections `sources`, `corpora` and `families`.

        Args:
            licence: of the text; None leaves it open, which is an error until it is filled in.
            citation: how to cite the text; None leaves it open.
        """
        source = {"kind": "local", "path": str(self.path), "licence": licence, "citation": citation}
        components = [{"source": self.name, "reader": reader} for reader in self.readers]
        found: dict[str, Any] = {"sources": {self.name: source}}
        found["corpora"] = {"mixtures": {self.name: {"components": components}}}
        if self.family_reader is not None:
            labels = labels_of(self.domains)
            found["families"] = {
                self.name: {
                    "kind": "documents",
                    "source": self.name,
                    "reader": self.family_reader,
                    "baseline": next(iter(labels)),
                    "metrics": ["bits_per_byte"],
                    "domains": {label: [value] for label, value in labels.items()},
                }
            }
        return found


def as_yaml(sections: Mapping[str, Any]) -> str:
    """Write sections of a configuration as YAML."""
    return yaml.dump(
        dict(sections), Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=96
    )


class _WithoutAliases(yaml.SafeDumper):
    """Writes equal lists in full, since `*id001` is hard to edit."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that no value is written as a reference to another place."""
        return True


def propose(path: Path, listing: Listing, sample: TextSample) -> TextProposal:
    """Propose source, corpus and family for a file or folder.

    Args:
        path: the file or folder.
        listing: its files.
        sample: a sample of them.
    """
    kinds = kinds_of(listing, sample)
    has_markup = sample.counts.markup > MARKUP_SHARE * max(1, sample.counts.documents)
    extra: dict[str, Any] = {"strip_markup": True} if has_markup else {}
    name = key_of(path)
    readers = _corpus_readers(listing, sample, kinds, is_file=path.is_file())
    proposal = TextProposal(name=name, path=path, readers=[{**each, **extra} for each in readers])
    reader, domains = _family(listing, sample, kinds, readers, is_file=path.is_file())
    if reader is None:
        return proposal
    return TextProposal(
        name=name,
        path=path,
        readers=proposal.readers,
        family_reader={**reader, **extra},
        domains=domains,
    )


def kinds_of(listing: Listing, sample: TextSample) -> dict[str, FileKind]:
    """Return the kind of each file by name: that of opened files with the same ending."""
    return {
        file.name: sample.endings.get(file.ending, FileKind.UNREADABLE) for file in listing.files
    }


def key_of(path: Path) -> str:
    """Return a key of the configuration made from the name of a file or folder.

    Examples:
        >>> key_of(Path("data/Our News (2024).jsonl.gz")), key_of(Path("2019"))
        ('our_news_2024', 'texts_2019')
    """
    name = path.resolve().name.lower()
    name = name.partition(".")[0] or name.strip(".")
    key = _NOT_A_NAME.sub("_", name).strip("_")[:50]
    return key if key[:1].isalpha() else f"texts_{key}".rstrip("_")


def labels_of(values: Sequence[str]) -> dict[str, str]:
    """Return values by labels that a configuration takes; values without a usual one are numbered.

    Examples:
        >>> labels_of(["US", "_other"])
        {'US': 'US', 'other': '_other'}
    """
    labels: dict[str, str] = {}
    for number, value in enumerate(values, start=1):
        choices = (value, re.sub(r"^\W+|_|\s+$", " ", value).strip(), f"domain {number}")
        label = next(choice for choice in choices if _is_label(choice) and choice not in labels)
        labels[label] = value
    return labels


def _is_label(text: str) -> bool:
    try:
        _LABEL.validate_python(text)
    except ValidationError:
        return False
    return True


def _corpus_readers(
    listing: Listing, sample: TextSample, kinds: Mapping[str, FileKind], *, is_file: bool
) -> list[dict[str, Any]]:
    """Return a reader for each kind of file, and for records one for each ending."""
    readers: list[dict[str, Any]] = []
    present = [kind for kind in FileKind if kind in set(kinds.values())]
    for kind in present:
        files = [file for file in listing.files if kinds[file.name] is kind]
        if kind is FileKind.TEXT:
            readers.append({"kind": "text_files", **_globs(files, listing, kinds, is_file)})
        elif kind in RECORDS and kind in sample.kinds and sample.kinds[kind].text is not None:
            for ending in dict.fromkeys(file.ending for file in files):
                pattern = glob.escape(files[0].name) if is_file else f"**/*{glob.escape(ending)}"
                readers.append(
                    {"kind": kind.value, "files": pattern, "text": sample.kinds[kind].text}
                )
    return readers


def _globs(
    files: Sequence[ListedFile], listing: Listing, kinds: Mapping[str, FileKind], is_file: bool
) -> dict[str, Any]:
    """Return the globs that select files: by their ending, or all without the other endings."""
    if is_file:
        return {"files": glob.escape(files[0].name)}
    endings = {file.ending for file in files}
    if len(endings) == 1 and "" not in endings:
        return {"files": f"**/*{glob.escape(endings.pop())}"}
    others = [file for file in listing.files if kinds[file.name] is not kinds[files[0].name]]
    exclude = sorted({f"*{glob.escape(file.ending)}" for file in others})
    return {"files": "**/*", **({"exclude": exclude} if exclude else {})}


def _family(
    listing: Listing,
    sample: TextSample,
    kinds: Mapping[str, FileKind],
    readers: Sequence[Mapping[str, Any]],
    *,
    is_file: bool,
) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the reader of a family and the values that name its domains."""
    for kind, found in sample.kinds.items():
        mine = [reader for reader in readers if reader["kind"] == kind.value]
        if kind in RECORDS and found.domain is not None and len(mine) == 1 == len(readers):
            values = found.fields[found.domain].values
            return {**mine[0], "domain": found.domain}, [v for v, _ in values.most_common()]
    folders = None if is_file else folder_domains(listing, kinds)
    if folders is None:
        return None, []
    texts = {found.text for kind, found in sample.kinds.items() if kind in RECORDS}
    if len(texts - {None}) > 1:
        return None, []  # domain_folders reads one field
    unread = [file for file in listing.files if kinds[file.name] is FileKind.UNREADABLE]
    exclude = sorted({f"*{glob.escape(file.ending)}" for file in unread})
    exclude += [glob.escape(name) for name in folders.outside]
    reader: dict[str, Any] = {"kind": "domain_folders", "files": "**/*"}
    if exclude:
        reader["exclude"] = exclude
    if folders.level > 1:
        reader["level"] = folders.level
    if texts - {None, "text"}:
        reader["text"] = next(iter(texts - {None}))
    return reader, [name for name, _ in folders.num_bytes.most_common()]


def folder_domains(listing: Listing, kinds: Mapping[str, FileKind]) -> FolderDomains | None:
    """Return the folders that name domains: those of the first level that has several.

    Returns:
        None if no level has several, or too much text is outside of them.
    """
    readable = [file for file in listing.files if kinds[file.name] is not FileKind.UNREADABLE]
    whole = sum(file.num_bytes for file in readable)
    for level in range(1, DEEPEST + 1):
        files: Counter[str] = Counter()
        num_bytes: Counter[str] = Counter()
        outside = []
        for file in readable:
            parts = file.name.split("/")[:-1]
            if len(parts) < level:
                outside.append(file.name)
                continue
            files[parts[level - 1]] += 1
            num_bytes[parts[level - 1]] += file.num_bytes
        if len(files) > 1:
            if sum(num_bytes.values()) < LEAST_SHARE * whole:
                return None
            return FolderDomains(level=level, files=files, num_bytes=num_bytes, outside=outside)
    return None
