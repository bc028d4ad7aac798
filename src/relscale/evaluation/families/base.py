"""Items of a family: the interface that each kind implements, and the checks of all kinds.

A sample of a domain depends on the family's seed, the name of the domain (or subject) and its own
texts. The place of an item in it depends on the text of the item. So another domain, subject or
document does not change the sample.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

from relscale.config.families import DocumentFamily, Family
from relscale.evaluation.samples import FamilyTexts, Sample
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.evaluation.tokens import TextEncoder

Settings = TypeVar("Settings", bound=Family)


@dataclass(frozen=True, kw_only=True)
class FamilyInputs:
    """Places of the text of a family; a kind uses the ones that it needs."""

    source: Path | None = None
    """Folder of the files of the family's source."""
    shots_source: Path | None = None
    """Folder of the files with solved questions, if that is another one."""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """Folders of the files of all sources, by their keys in the configuration."""
    validation: Path | None = None
    """Parquet file of the held-out documents of a corpus: component, document, text."""
    documents: DocumentFamily | None = None
    """Settings of the document family whose texts a continuation family uses."""

    @classmethod
    def of_folders(
        cls,
        family: Family,
        folders: Sequence[Path],
        *,
        validation: Path | None = None,
        documents: DocumentFamily | None = None,
    ) -> "FamilyInputs":
        """Return the inputs of a family from the folders of its sources.

        Args:
            family: its settings.
            folders: folders in the order of `Family.sources`; the first is that of the text, and
                the second that of solved questions, if the kind has some.
            validation: held-out documents of a corpus.
            documents: settings of the document family whose texts a continuation family uses.
        """
        first, second = [*folders, None, None][:2]
        return cls(
            source=first,
            shots_source=second,
            sources=dict(zip(family.sources(), folders, strict=False)),
            validation=validation,
            documents=documents,
        )


class FamilyItems(ABC, Generic[Settings]):
    """The items of one family; each kind of family is a subclass."""

    def __init__(self, name: str, settings: Settings, inputs: FamilyInputs) -> None:
        """Store name, settings and inputs.

        Args:
            name: name of the family, for messages.
            settings: settings of the family.
            inputs: places of its text.
        """
        self.name = name
        self.settings = settings
        self.inputs = inputs

    @property
    def source(self) -> Path:
        """Folder of the files of the family's source.

        Raises:
            ValueError: if it was not given.
        """
        if self.inputs.source is None:
            raise ValueError(f"families.{self.name}: kind {self.settings.kind} needs --source")
        return self.inputs.source

    def texts(self) -> FamilyTexts:
        """Return the items as texts up to the caps, each item once.

        Raises:
            ValueError: naming file and line of a broken record; naming the key and the choices if a
                domain has no text; if the kind needs the suite's tokenizer.
        """
        raise ValueError(
            f"families.{self.name}: kind {self.settings.kind} needs the tokenizer of a suite; "
            "released models have their own"
        )

    @abstractmethod
    def sample(self, length: int, encoder: TextEncoder) -> Sample:
        """Return the items as token sequences that fit a window, up to the caps.

        Args:
            length: tokens of the window.
            encoder: the suite's tokenizer.

        Raises:
            ValueError: naming file and line of a broken record; naming the key and the choices if a
                domain has no text.
        """


def bytes_by_domain(items: Iterable[TextItem | TextDocument]) -> dict[str, int]:
    """Return the bytes to score by domain: those of right options, or of documents."""
    total: Counter[str] = Counter()
    for item in items:
        total[item.domain] += len(item.scored_text.encode())
    return total


def check_texts(name: str, family: Family, texts: FamilyTexts) -> FamilyTexts:
    """Return texts unchanged if each domain has the bytes that its family asks for.

    Raises:
        ValueError: naming the domain, its bytes and the key.
    """
    check_bytes(name, family, bytes_by_domain([*texts.items, *texts.documents]))
    return texts


def check_sample(name: str, family: Family, sample: Sample) -> Sample:
    """Return a sample unchanged if each domain has items, and the bytes that its family asks for.

    Raises:
        ValueError: naming the domain and the causes.
    """
    for domain in family.domain_names():
        if not any(item.domain == domain for item in sample.items):
            causes = sorted(sample.left_out[domain].items())
            why = ", ".join(f"{cause} {count}" for cause, count in causes)
            raise ValueError(
                f"families.{name}.domains.{domain}: no item is left to score ({why}); "
                "use a longer context_length or other files"
            )
    found: Counter[str] = Counter()
    for item in sample.items:
        found[item.domain] += item.options[item.gold].num_bytes
    check_bytes(name, family, found)
    return sample


def check_bytes(name: str, family: Family, found: Mapping[str, int]) -> None:
    """Check that each domain has the bytes that its family asks for.

    Raises:
        ValueError: naming the domain, its bytes and the key.
    """
    for domain in family.domain_names():
        if found.get(domain, 0) < family.min_bytes:
            raise ValueError(
                f"families.{name}.domains.{domain}: {found.get(domain, 0):,} bytes to score, but "
                f"min_bytes = {family.min_bytes:,}: add text, leave the domain out, or lower "
                "min_bytes"
            )


def raise_no_text(key: str, values: Sequence[str], present: Mapping[str, int]) -> NoReturn:
    """Raise the error of a domain whose values are not in the source.

    Raises:
        ValueError: naming key, values and choices.
    """
    choices = ", ".join(f"{value!r}" for value in sorted(present)) or "(none)"
    raise ValueError(
        f"{key} = {list(values)!r}: no text of that name in the source; the choices are {choices}"
    )
