"""Guess which fields of records hold the text and the domain. Light imports."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TEXT_NAMES = ("text", "content", "contents", "body", "document", "raw_content", "article", "review",
              "sentence")  # fmt: skip
"""Usual names of the field of the text, best first."""
DOMAIN_NAMES = ("domain", "category", "subject", "topic", "genre", "country", "region", "language",
                "lang", "subset", "source", "label", "section", "outlet")  # fmt: skip
"""Usual names of the field of the domain, best first."""
LEAST_DOMAINS, MOST_DOMAINS = 2, 100
LONGEST_DOMAIN = 100
"""Letters of a domain's name, at most (`relscale.config.base.Label`)."""
LEAST_LETTERS = 40
"""A field with fewer letters on average is a text only if it has a usual name."""
_MOST_VALUES = 1000


@dataclass(kw_only=True)
class FieldSummary:
    """The values of one field over the sampled records."""

    name: str
    count: int = 0
    """Records that have it, not null."""
    strings: int = 0
    """Of these, values that are strings."""
    letters: int = 0
    """Characters of the strings."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Types of the values, by name."""
    values: Counter[str] = field(default_factory=Counter)
    """Distinct short strings, until there are too many."""
    has_many_values: bool = False
    """Whether there are too many distinct strings, or long ones, for names of domains."""

    @property
    def mean_letters(self) -> float:
        """Characters per string."""
        return self.letters / self.strings if self.strings else 0.0

    def add(self, value: Any) -> None:
        """Count one value."""
        self.kinds[type(value).__name__] += 1
        if value is None:
            return
        self.count += 1
        if not isinstance(value, str):
            return
        self.strings += 1
        self.letters += len(value)
        if len(value) > LONGEST_DOMAIN or not value.strip():
            self.has_many_values |= bool(value.strip())
        elif value in self.values or len(self.values) < _MOST_VALUES:
            self.values[value] += 1
        else:
            self.has_many_values = True


def summarise(records: Iterable[Mapping[str, Any]]) -> dict[str, FieldSummary]:
    """Return a summary per field, in the order in which fields first occur."""
    found: dict[str, FieldSummary] = {}
    for record in records:
        for name, value in record.items():
            found.setdefault(str(name), FieldSummary(name=str(name))).add(value)
    return found


def text_field(fields: Mapping[str, FieldSummary]) -> str | None:
    """Return the field that probably holds the text, None if there is none.

    It is the one with the best usual name, else the one with the longest strings.
    """
    strings = [one for one in fields.values() if one.strings and one.strings == one.count]
    named = {one.name.lower(): one.name for one in strings}
    for name in TEXT_NAMES:
        if name in named:
            return named[name]
    longest = max(strings, key=lambda one: one.mean_letters, default=None)
    return longest.name if longest is not None and longest.mean_letters >= LEAST_LETTERS else None


def domain_field(
    fields: Mapping[str, FieldSummary], num_records: int, text: str | None
) -> str | None:
    """Return the field that probably names the domain, None if there is none.

    It holds from 2 to 100 short strings, each several times on average, in all records. Among
    several, usual names come first, then fewer values.
    """
    fitting = [
        one
        for one in fields.values()
        if one.name != text
        and one.strings == num_records
        and not one.has_many_values
        and LEAST_DOMAINS <= len(one.values) <= min(MOST_DOMAINS, num_records / 2)
    ]

    def order(one: FieldSummary) -> tuple[int, int]:
        name = one.name.lower()
        return (DOMAIN_NAMES.index(name) if name in DOMAIN_NAMES else 99, len(one.values))

    return min(fitting, key=order).name if fitting else None


def describe(fields: Sequence[FieldSummary], text: str | None, domain: str | None) -> list[str]:
    """Return a line per field: name, types, mean length, number of values, and its likely role."""
    lines = []
    for one in fields:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in one.kinds.most_common())
        words = [f"{one.name}: {kinds}"]
        if one.strings:
            words.append(f"{one.mean_letters:,.0f} characters on average")
        if one.values and not one.has_many_values:
            words.append(f"{len(one.values):,} distinct")
        role = {text: "likely the text", domain: "perhaps the domain"}.get(one.name)
        lines.append(", ".join(words) + (f"  <- {role}" if role else ""))
    return lines
