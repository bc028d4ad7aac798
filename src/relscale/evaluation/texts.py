"""Items of an evaluation as texts, before any tokenizer.

Families return them; the tokenizer of each model turns them into requests.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class TextItem:
    """A question with its options: each option is scored after `prefix + context`."""

    domain: str
    """The domain of the item."""
    stratum: str
    """The part of the domain that the item comes from: a subject, a file."""
    item: str
    """Stable name made from the text: the same text is the same item in every selection."""
    prefix: str = ""
    """Header and shots, the same text for all items of a stratum; ends where the item's context
    begins."""
    context: str
    """The context of this item, without white space at its end; may be empty."""
    options: tuple[str, ...] = field(repr=False)
    """Continuations, each with the space that separates it from the context; none is empty."""
    gold: int
    """Index of the right (preferred) option."""

    @property
    def scored_texts(self) -> tuple[str, ...]:
        """The options without the space in front: the texts whose bytes are counted."""
        return tuple(option.removeprefix(" ") for option in self.options)

    @property
    def scored_text(self) -> str:
        """The right option without the space in front."""
        return self.scored_texts[self.gold]


@dataclass(frozen=True, kw_only=True)
class TextDocument:
    """A document that is scored as a whole."""

    domain: str
    """The domain of the document."""
    stratum: str
    """The part of the domain that the document comes from: a file, a source."""
    item: str
    """Stable name made from the text, or the name of the text in its source."""
    cluster: str = ""
    """Documents of one cluster vary together; empty if the document is one of its own."""
    text: str = field(repr=False)
    """The text whose nats and UTF-8 bytes are counted."""

    @property
    def scored_texts(self) -> tuple[str, ...]:
        """The text, as the one that is scored."""
        return (self.text,)

    @property
    def scored_text(self) -> str:
        """The text."""
        return self.text
