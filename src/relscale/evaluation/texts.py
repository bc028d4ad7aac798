"""Items of an evaluation as texts, before any tokenizer: what families give and what every model's
own tokenizer turns into requests."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class TextItem:
    """A question with its options, as texts: the model is given `prefix + context`, and each option
    is scored after it."""

    domain: str
    """The domain that it belongs to."""
    stratum: str
    """The part of the domain that it comes from: a subject, a file."""
    item: str
    """Stable name made from the text: the same text is the same item, whatever else there is."""
    prefix: str = ""
    """Header and shots, the same text for all items of a stratum; ends where the item's own context
    begins."""
    context: str
    """The item's own context, without white space at its end; may be empty."""
    options: tuple[str, ...] = field(repr=False)
    """Continuations, each with the space that parts it from the context; none is empty."""
    gold: int
    """Index of the right (preferred) option."""


@dataclass(frozen=True, kw_only=True)
class TextDocument:
    """A document that is scored as a whole."""

    domain: str
    """The domain that it belongs to."""
    stratum: str
    """The part of the domain that it comes from: a file, a source."""
    item: str
    """Stable name made from the text."""
    text: str = field(repr=False)
    """The text whose nats and UTF-8 bytes are counted."""
