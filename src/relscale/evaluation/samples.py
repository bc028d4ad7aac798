"""Items of a family, and the account of the text that is not an item.

`FamilyTexts` holds items as texts, for models with tokenizers of their own. `Sample` holds items as
token sequences, for models that share the suite's tokenizer.
"""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field

from relscale.evaluation.requests import Item
from relscale.evaluation.texts import TextDocument, TextItem


@dataclass(kw_only=True)
class Account:
    """Text of a family that is not an item, by cause."""

    left_out: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By domain: number of items left out, by cause."""
    outside: Counter[str] = field(default_factory=Counter)
    """Number of documents or questions of the source that belong to no domain, by the value of the
    domain key."""
    empty_strata: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By domain: subjects without a question that fits the window."""


@dataclass(kw_only=True)
class FamilyTexts(Account):
    """The items of a family as texts, domain by domain."""

    items: list[TextItem] = field(default_factory=list)
    """Questions."""
    documents: list[TextDocument] = field(default_factory=list)
    """Documents."""


@dataclass(kw_only=True)
class _DomainCounts:
    """Counts of the items of a domain."""

    items: int = 0
    sequences: int = 0
    tokens: int = 0
    bytes: int = 0
    truncated: int = 0
    encoded_alone: int = 0
    strata: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Sample(Account):
    """The items of a family as token sequences, domain by domain."""

    items: list[Item] = field(default_factory=list)
    """The scored items."""

    def manifest(self, family: str, kind: str, context_length: int) -> dict[str, object]:
        """Return the account as JSON: counts by domain, and the text left out."""
        counts: dict[str, _DomainCounts] = {}
        for item in self.items:
            row = counts.setdefault(item.domain, _DomainCounts())
            row.items += 1
            row.sequences += len(item.options)
            row.tokens += item.num_tokens
            row.bytes += sum(option.num_bytes for option in item.options)
            row.truncated += item.truncated
            row.encoded_alone += any(option.alone for option in item.options)
            row.strata.add(item.stratum)
        domains = {
            domain: {
                **_counts(row),
                "strata": len(row.strata),
                "left_out": dict(self.left_out.get(domain, {})),
                "strata_without_items": self.empty_strata.get(domain, []),
            }
            for domain, row in counts.items()
        }
        return {
            "family": family,
            "kind": kind,
            "context_length": context_length,
            "domains": domains,
            "outside_domains": dict(self.outside),
            "items": sum(row.items for row in counts.values()),
            "sequences": sum(row.sequences for row in counts.values()),
            "tokens": sum(row.tokens for row in counts.values()),
        }


def _counts(row: _DomainCounts) -> dict[str, object]:
    """Return the counts of a domain; items encoded alone only where there are any."""
    counts = asdict(row)
    if not row.encoded_alone:
        del counts["encoded_alone"]
    return counts
