"""`relscale corpus inspect` as text: files, readers, documents, quality, domains, configuration."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from relscale.text.inspection.fields import describe
from relscale.text.inspection.listing import FileKind, Listing, list_files
from relscale.text.inspection.proposal import (
    TextProposal,
    as_yaml,
    folder_domains,
    kinds_of,
    propose,
)
from relscale.text.inspection.sample import SHORTEST, SIMILARITY, TextSample, take_sample

SHOWN = 8
"""Problems, endings and domains that are listed; further ones are counted."""


@dataclass(frozen=True, kw_only=True)
class TextInspection:
    """A file or folder of texts with its sample and the proposed configuration."""

    path: Path
    listing: Listing
    sample: TextSample
    proposal: TextProposal

    @classmethod
    def of(cls, path: Path) -> "TextInspection":
        """Inspect a file or folder; reading is limited, whatever its size.

        Raises:
            ValueError: if the path does not exist, or the folder has no files.
        """
        listing = list_files(path)
        if not listing.files:
            hidden = f"; {listing.num_hidden} hidden ones are left out" * bool(listing.num_hidden)
            raise ValueError(f"{path}: has no files{hidden}")
        sample = take_sample(listing)
        return cls(
            path=path,
            listing=listing,
            sample=sample,
            proposal=propose(path, listing, sample),
        )

    def report(self) -> str:
        """Return the report, ending with the YAML to copy."""
        lines = [
            *_files(self),
            *_documents(self.sample, self.listing),
            *_quality(self.sample),
            *_domains(self),
            *_fields(self.sample),
            *_configuration(self.proposal),
        ]
        return "\n".join(lines) + "\n"


def megabytes(num_bytes: float) -> str:
    """Return bytes as kB, MB or GB with three digits."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.3g} {unit}"
    return f"{num_bytes:.0f} B"


def _more(items: Sequence[str]) -> list[str]:
    rest = len(items) - SHOWN
    return [*items[:SHOWN], *([f"and {rest} more"] if rest > 0 else [])]


def _count(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _files(found: TextInspection) -> Iterator[str]:
    listing, sample = found.listing, found.sample
    part = "" if listing.is_complete else " listed; the folder has more, which are not counted"
    files = _count(len(listing.files), "file")
    yield f"{found.path}: {files}, {megabytes(listing.num_bytes)}{part}"
    if listing.num_hidden:
        yield f"  {listing.num_hidden:,} hidden files and folders are left out"
    for words in _more(listing.unreadable):
        yield f"  cannot be read: {words}"
    kinds = kinds_of(listing, sample)
    yield ""
    yield "Readers"
    for kind in FileKind:
        members = [file for file in listing.files if kinds[file.name] is kind]
        if not members:
            continue
        endings = Counter(file.ending or "no ending" for file in members).most_common()
        shown = ", ".join(_more([f"{ending} {count:,}" for ending, count in endings]))
        size = megabytes(sum(file.num_bytes for file in members))
        yield f"  {kind.value:<12} {_count(len(members), 'file')}, {size} ({shown})"
    encodings = ", ".join(f"{name} {count:,}" for name, count in sample.encodings.most_common())
    opened = _count(sum(sample.encodings.values()), "opened file")
    yield f"  encodings of {opened}: {encodings}"
    for words in _more(sample.problems):
        yield f"  not readable: {words}"
    for words in _more(sample.remarks):
        yield f"  repaired by the reader: {words}"


def _documents(sample: TextSample, listing: Listing) -> Iterator[str]:
    counts, kinds = sample.counts, kinds_of(listing, sample)
    yield ""
    yield "Documents"
    if sample.is_complete:
        yield "  every readable file was read to its end"
    else:
        opened = sum(kind.files for kind in sample.kinds.values())
        read = sum(kind.read_bytes for kind in sample.kinds.values())
        yield (
            f"  a sample was read: {opened:,} of {len(listing.files):,} files, "
            f"{megabytes(read)}; `about` marks numbers that are scaled up from it"
        )
    for name, kind in sample.kinds.items():
        files = [file for file in listing.files if kinds[file.name] is name]
        if name is FileKind.TEXT:
            yield f"  {name.value}: {_count(len(files), 'document')}, one per file"
            continue
        whole = sum(file.num_bytes for file in files)
        exact = kind.whole_files == kind.files == len(files)
        scaled = kind.documents * whole / kind.disk_bytes_read if kind.disk_bytes_read else 0
        about = f"about {float(f'{scaled:.2g}'):,.0f}" if scaled else "an unknown number of"
        yield f"  {name.value}: {f'{kind.documents:,}' if exact else about} records"
    yield (
        f"  of the {counts.documents:,} that were read: {megabytes(counts.num_bytes)} of text, "
        f"{counts.characters:,} characters"
    )


def _quality(sample: TextSample) -> Iterator[str]:
    counts = sample.counts
    if not counts.documents:
        return
    yield ""
    yield f"Of {_count(counts.documents, 'document')}"
    rows = {
        "empty": counts.empty,
        f"shorter than {SHORTEST} characters (min_characters)": counts.short,
        "with U+FFFD, the trace of a wrong encoding": counts.replaced,
        "with control characters": counts.control,
        "with mark-up (strip_markup)": counts.markup,
        "equal to an earlier one": counts.exact_duplicates,
    }
    for words, number in rows.items():
        yield f"  {number:>9,}  {words}"
    yield (
        f"  {counts.near_duplicates:>9,}  near-duplicates among {counts.compared:,} different ones "
        f"(similarity {SIMILARITY:g})"
    )
    if not sample.is_complete:
        yield "  duplicates are searched within the sample, so the whole has at least as many"


def _domains(found: TextInspection) -> Iterator[str]:
    listing = found.listing
    folders = folder_domains(listing, kinds_of(listing, found.sample))
    if folders is None or found.path.is_file():
        return
    yield ""
    yield f"Folders (level {folders.level})"
    rows = [
        f"{name}: {_count(folders.files[name], 'file')}, {megabytes(size)}"
        for name, size in folders.num_bytes.most_common()
    ]
    for words in _more(rows):
        yield f"  {words}"


def _fields(sample: TextSample) -> Iterator[str]:
    for name, kind in sample.kinds.items():
        if kind.fields:
            yield ""
            yield f"Fields of {kind.sampled:,} {name.value} records that were read"
            for words in describe(list(kind.fields.values()), kind.text, kind.domain):
                yield f"  {words}"
            if kind.domain is not None and not sample.is_complete:
                yield "  other domains may occur in the part that was not read"
            if kind.text is None:
                yield "  no field looks like a text: set `text` of the reader yourself"


def _configuration(proposal: TextProposal) -> Iterator[str]:
    yield ""
    if not proposal.readers:
        yield "No reader fits these files, so there is nothing to propose."
        return
    yield "Configuration (fill in licence and citation; a null is refused)"
    yield ""
    yield as_yaml(proposal.sections(None, None)).rstrip()
    if proposal.family_reader is None:
        yield ""
        yield (
            "Nothing names domains: a family needs a folder per domain, or a field with few values."
        )
