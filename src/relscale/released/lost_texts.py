"""Texts that do not come back from a tokenizer's tokens: counted, left out, and excluded.

Bits per byte divide the nats of tokens by the bytes of a text. Where tokens do not stand for the
whole text (unknown words, lower case, normalised characters), the quotient is too low, and scores
of options are those of other texts. Such an item is left out. A domain that loses more than
`MOST_LOST` of its items is another domain: its values are excluded with a reason. Light imports.
"""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from relscale.contract.losses import LossesRow, RunColumns
from relscale.contract.metrics import METRICS
from relscale.text.tokenizer_checks import first_difference

MOST_LOST = 0.01
"""Share of a domain's items up to which the others are scored in their place."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DomainTexts:
    """Items of a domain, and those among them whose text does not come back."""

    items: int = 0
    """All items."""
    lost: int = 0
    """Items whose text does not come back from its tokens."""
    example: str = ""
    """The first of these, and the part of its text that differs."""

    def plus(self, item: str, text: str = "", back: str | None = None) -> "DomainTexts":
        """Return the counts with one more item; if its text is lost, `back` came back."""
        if back is None:
            return replace(self, items=self.items + 1)
        was, found = first_difference(text, back)
        example = self.example or f"of item {item!r}, {was!r} comes back as {found!r}"
        return DomainTexts(items=self.items + 1, lost=self.lost + 1, example=example)

    @property
    def reason(self) -> str | None:
        """The reason to exclude the domain's values; None if few or no items are lost."""
        if self.lost <= MOST_LOST * self.items:
            return None
        return f"{self.lost} of {self.items} texts do not come back from the tokenizer's tokens"


class NoTextLeftError(ValueError):
    """No item's text comes back from a tokenizer's tokens."""

    def __init__(self, message: str, domains: dict[str, DomainTexts]) -> None:
        """Store the texts of each domain with the message."""
        super().__init__(message)
        self.domains = domains


def check_some_left(domains: dict[str, DomainTexts]) -> None:
    """Check that the text of at least one item comes back.

    Raises:
        NoTextLeftError: with the number of items, and an example.
    """
    lost, items = sum(d.lost for d in domains.values()), sum(d.items for d in domains.values())
    if lost == items:
        domain, first = next(iter(domains.items()))
        raise NoTextLeftError(
            f"its tokenizer gives back none of the {items} text(s), so that their scores would be "
            f"those of other texts: domain {domain!r}: {first.example}",
            domains,
        )


def warn_of_lost(model: str, family: str, domains: Mapping[str, DomainTexts]) -> None:
    """Log the number of lost texts of each domain, and what becomes of it."""
    for domain, texts in domains.items():
        if texts.lost:
            log.warning(
                "model %s, family %r, domain %r: %d of %d texts do not come back from the "
                "tokenizer's tokens and are left out (%s)%s",
                model,
                family,
                domain,
                texts.lost,
                texts.items,
                texts.example,
                "; the domain's values are excluded" if texts.reason else "",
            )


def with_reasons(
    rows: Iterable[LossesRow],
    domains: Mapping[str, DomainTexts],
    run: RunColumns,
    family: str,
    metrics: Sequence[str],
) -> list[LossesRow]:
    """Return losses rows of all domains; those that lose too many texts have a reason, no value.

    Args:
        rows: rows of the domains of which an item was scored.
        domains: texts of each domain, in the order of the rows.
        run: columns that describe the run.
        family: the family's name.
        metrics: its metrics, in the order of the rows.
    """
    scored = {(row["domain"], row["metric"]): row for row in rows}
    found: list[LossesRow] = []
    for domain, texts in domains.items():
        for metric in metrics:
            row = scored.get((domain, metric))
            if texts.reason is None and row is not None:
                found.append(row)
                continue
            found.append(
                {
                    **run,
                    "family": family,
                    "domain": domain,
                    "metric": metric,
                    "unit": METRICS[metric].unit,
                    "value": math.nan,
                    "standard_error": math.nan,
                    "num_items": row["num_items"] if row else 0,
                    "num_bytes": row["num_bytes"] if row else 0,
                    "num_truncated": row["num_truncated"] if row else 0,
                    "at_chance": False,
                    "excluded_reason": texts.reason or "masked_tokens leave no text of the domain",
                }
            )
    return found
