"""From texts to token sequences, with the tokenizer of any model. Light imports.

A question's context is prefix + context; `relscale.released.option_tokens` has the boundary between
it and an option. Special tokens are those that the tokenizer itself puts in front; an empty context
is the prefix token. Sequences longer than the model allows are cut from the left, shots first.

A document is scored in windows: the first one follows the prefix token; each later one scores
`stride` further tokens (fewer at the end) after as many tokens as fit before them.

Items whose text does not come back from its tokens are left out and counted
(`relscale.released.lost_texts`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from relscale.evaluation.requests import RequestTable
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.lost_texts import DomainTexts, check_some_left
from relscale.released.option_tokens import OptionTokens, TextTokenizer, option_tokens

AT_A_TIME = 64
"""Items that are tokenized at a time: lists of tokens take many times the memory of the arrays that
are kept."""
FLAGS = ("encoded_alone", "normalised", "special_in_text")
"""Counts of items: with an option that was encoded alone, whose tokens stand for an equivalent
text (NFC), whose text spells a special token."""


@dataclass(frozen=True, kw_only=True)
class TextRequests:
    """Token sequences to score, and the table of items that their scores belong to."""

    table: RequestTable
    """One row an option or document, as `aggregate` reads it; documents whole, questions cut to the
    window."""
    contexts: list[np.ndarray]
    """(sequence) token ids that are given, int32; never empty; options share an array."""
    continuations: list[np.ndarray]
    """(sequence) token ids that are scored, int32; never empty."""
    source: np.ndarray
    """(sequence) the row of the table that its score is part of."""
    group: np.ndarray
    """(sequence) number of the prefix that its context begins with, uncut; -1 where it has none or
    has lost a part of it."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Items that are not in the table, by cause."""
    flags: Counter[str] = field(default_factory=Counter)
    """Items of the table by `FLAGS`."""
    domains: dict[str, DomainTexts] = field(default_factory=dict)
    """Texts of each domain, and how many of them do not come back, in the order of the items."""

    def counts(self) -> dict[str, int]:
        """Return the counts of `FLAGS`, for the record."""
        return {name: self.flags[name] for name in FLAGS}

    def check_tokens(self, rows: int) -> None:
        """Check that a model with this number of rows has all tokens.

        Raises:
            ValueError: naming domain, item and token, if not.
        """
        item_of_row = np.repeat(np.arange(len(self.table.items)), np.diff(self.table.first))
        for index, tokens in enumerate(zip(self.contexts, self.continuations, strict=True)):
            highest = max(int(part.max(initial=0)) for part in tokens)
            if highest >= rows:
                item = item_of_row[self.source[index]]
                raise ValueError(
                    f"domain {self.table.domains[item]!r}, item {self.table.items[item]!r}: its "
                    f"text has token {highest}, and the model only {rows} entries"
                )

    def row_scores(
        self, log_likelihood: np.ndarray, greedy: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (row) nats and whether every token was the likeliest, from those of sequences.

        Nats are summed in float64.
        """
        rows = len(self.table.num_bytes)
        nats = np.bincount(self.source, weights=log_likelihood, minlength=rows)
        return nats, np.bincount(self.source, weights=~greedy, minlength=rows) == 0


def encode_items(
    items: Sequence[TextItem], tokenizer: TextTokenizer, max_length: int
) -> TextRequests:
    """Return the requests of questions: one sequence per option.

    Bytes are those of the option, and of white space at the context's end, without the one space
    that parts the two.

    Args:
        items: questions; names are unique within a domain.
        tokenizer: the model's.
        max_length: the most tokens that the model can be given.

    Raises:
        ValueError: naming domain and item, where an option is empty, has no token or is longer
            than the model allows, where the gold option is none of the options, or where two
            items have the same name; where there is no item, or no item's text comes back.
    """
    _check_items(items)
    prefixes = {
        prefix: number for number, prefix in enumerate(dict.fromkeys(item.prefix for item in items))
    }
    made = _Made()
    group: list[int] = []
    kept: list[TextItem] = []
    for start in range(0, len(items), AT_A_TIME):
        some = items[start : start + AT_A_TIME]
        for item, options in zip(some, option_tokens(some, tokenizer), strict=True):
            lost = next((option for option in options if option.back is not None), None)
            if not made.comes_back(
                item, *((lost.text, lost.back) if lost is not None else ("", None))
            ):
                continue
            kept.append(item)
            cut = [made.add_option(item, option, max_length) for option in options]
            made.truncated.append(any(cut))
            made.flag(
                encoded_alone=any(option.alone for option in options),
                normalised=any(option.normalised for option in options),
                special_in_text=any(option.special for option in options),
            )
            number = prefixes[item.prefix] if item.prefix else -1
            group += [-1 if lost_part else number for lost_part in cut]
    check_some_left(made.domains)
    first = np.concatenate([[0], np.cumsum([len(item.options) for item in kept])])
    table = RequestTable(
        contexts=made.contexts,
        continuations=made.continuations,
        num_bytes=np.array(made.num_bytes, dtype=np.float64),
        first=first,
        gold=first[:-1] + np.array([item.gold for item in kept]),
        truncated=np.array(made.truncated, dtype=bool),
        domains=[item.domain for item in kept],
        strata=[item.stratum for item in kept],
        items=[item.item for item in kept],
    )
    return TextRequests(
        table=table,
        contexts=made.contexts,
        continuations=made.continuations,
        source=np.arange(len(made.contexts)),
        group=np.array(group, dtype=np.int64),
        left_out=made.left_out,
        flags=made.flags,
        domains=made.domains,
    )


@dataclass(kw_only=True)
class _Made:
    """Requests that have been made, and counts of items."""

    contexts: list[np.ndarray] = field(default_factory=list)
    continuations: list[np.ndarray] = field(default_factory=list)
    num_bytes: list[int] = field(default_factory=list)
    truncated: list[bool] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    domains: dict[str, DomainTexts] = field(default_factory=dict)

    def comes_back(self, item: TextItem | TextDocument, text: str, back: str | None) -> bool:
        """Count an item; return whether its text comes back. If not, `back` came instead."""
        counts = self.domains.get(item.domain, DomainTexts())
        self.domains[item.domain] = counts.plus(item.item, text, back)
        if back is not None:
            self.left_out["lost"] += 1
        return back is None

    def flag(self, **flags: bool) -> None:
        """Count the flags of an item."""
        self.flags.update(name for name, given in flags.items() if given)

    def add_option(self, item: TextItem, option: OptionTokens, max_length: int) -> bool:
        """Add the sequence of an option; return whether its context was cut."""
        before, after = option.context, option.continuation
        _check_option(item, option.option, len(after), max_length)
        kept = max_length + 1 - len(after)
        self.contexts.append(before[-kept:])
        self.continuations.append(after)
        self.num_bytes.append(option.num_bytes)
        return len(before) > kept


def encode_documents(
    documents: Sequence[TextDocument],
    tokenizer: TextTokenizer,
    max_length: int,
    *,
    stride: int | None = None,
    masked_tokens: int = 0,
    special: bool = False,
) -> TextRequests:
    """Return the requests of documents: one sequence per window.

    Every byte counts once; no text is cut. A special token that a document spells is text.

    Args:
        documents: their names are unique within a domain.
        tokenizer: the model's.
        max_length: the most tokens that the model can be given.
        stride: new tokens that each window after the first scores, 1 to `max_length`; `max_length`
            if none, as in the reference.
        masked_tokens: first tokens of each document that are given but not counted, nor are their
            bytes; a document that has no more is left out, as "masked".
        special: whether special tokens count as in the reference: those that the tokenizer puts in
            front of a text are scored, too, and those that a text spells are special tokens. Bits
            per byte leave the former out.

    Raises:
        ValueError: naming domain and item, where a document has no token, or two have the same
            name; where the stride is not possible; where there is no document, or none is left.
    """
    stride = max_length if stride is None else stride
    if not 1 <= stride <= max_length:
        raise ValueError(f"stride = {stride}: must be 1 to the model's {max_length} tokens")
    _check_names([(document.domain, document.item) for document in documents])
    made = _Made()
    kept: list[TextDocument] = []
    source: list[int] = []
    whole: list[np.ndarray] = []
    for document, tokens, form, back in _encode_documents(documents, tokenizer, special=special):
        if not made.comes_back(document, document.text, back if form is None else None):
            continue
        if len(tokens) <= masked_tokens:
            made.left_out["masked"] += 1
            continue
        made.num_bytes.append(_scored_bytes(form or "", masked_tokens, tokenizer))
        made.flag(normalised=(form or "").lstrip(" ") != document.text.lstrip(" "))
        for context, continuation in rolling_windows(
            tokens, tokenizer.prefix, max_length, stride, masked_tokens
        ):
            made.contexts.append(context)
            made.continuations.append(continuation)
            source.append(len(kept))
        kept.append(document)
        whole.append(tokens[masked_tokens:])
    check_some_left(made.domains)
    if not kept:
        raise ValueError(f"no document has more than masked_tokens = {masked_tokens} tokens")
    table = RequestTable(
        contexts=[np.array([tokenizer.prefix], dtype=np.int32)] * len(kept),
        continuations=whole,
        num_bytes=np.array(made.num_bytes, dtype=np.float64),
        first=np.arange(len(kept) + 1),
        gold=np.arange(len(kept)),
        truncated=np.zeros(len(kept), dtype=bool),
        domains=[document.domain for document in kept],
        strata=[document.stratum for document in kept],
        items=[document.item for document in kept],
        clusters=[document.cluster for document in kept],
    )
    return TextRequests(
        table=table,
        contexts=made.contexts,
        continuations=made.continuations,
        source=np.array(source, dtype=np.int64),
        group=np.full(len(source), -1),
        left_out=made.left_out,
        flags=made.flags,
        domains=made.domains,
    )


def _encode_documents(
    documents: Sequence[TextDocument], tokenizer: TextTokenizer, *, special: bool
) -> Iterator[tuple[TextDocument, np.ndarray, str | None, str]]:
    """Yield each document with its token ids, the form that they stand for, and the text decoded.

    Raises:
        ValueError: naming domain and item, where a document is empty or has no token.
    """
    for start in range(0, len(documents), AT_A_TIME):
        some = documents[start : start + AT_A_TIME]
        texts = [document.text for document in some]
        encoded = tokenizer.encode_texts(texts, special=special, spelled=special)
        read = [(text, text) for text in texts] if special else tokenizer.read_back(texts, encoded)
        for document, tokens, (form, back) in zip(some, encoded, read, strict=True):
            if not document.text or (form is not None and not tokens):
                raise ValueError(
                    f"domain {document.domain!r}, document {document.item!r}: its text has no token"
                )
            yield document, np.array(tokens, dtype=np.int32), form, back


def _scored_bytes(text: str, masked_tokens: int, tokenizer: TextTokenizer) -> int:
    """Return the UTF-8 bytes of a text after its masked tokens."""
    return tokenizer.bytes_after(text, masked_tokens) if masked_tokens else len(text.encode())


def rolling_windows(
    tokens: Sequence[int] | np.ndarray,
    prefix: int,
    max_length: int,
    stride: int,
    masked_tokens: int = 0,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (context, continuation) of each window of a document.

    The continuations together are the tokens of the document without the masked ones.

    Args:
        tokens: the document's.
        prefix: the token in front of it.
        max_length: the most tokens that a model can be given: context + continuation - 1.
        stride: new tokens of a window after the first.
        masked_tokens: first tokens that are in contexts only.
    """
    row = np.concatenate([[prefix], tokens]).astype(np.int32)
    ends = [*range(min(max_length, len(tokens)), len(tokens), stride), len(tokens)]
    windows = []
    for begin, end in pairwise([0, *ends]):
        if end > masked_tokens:
            # Token i of the document is row[i + 1]; a window is given at most the max_length
            # entries before row[end].
            start, scored = max(0, end - max_length), max(begin, masked_tokens) + 1
            windows.append((row[start:scored], row[scored : end + 1]))
    return windows


def _check_option(item: TextItem, option: str, tokens: int, max_length: int) -> None:
    """Check that an option has tokens, and not more than the model allows."""
    where = f"domain {item.domain!r}, item {item.item!r}"
    if not tokens:
        text = (item.prefix + item.context).rstrip()
        raise ValueError(f"{where}: option {option!r} has no token of its own after {text[-60:]!r}")
    if tokens > max_length:
        raise ValueError(
            f"{where}: option {option[:60]!r} has {tokens} tokens; the model allows {max_length}"
        )


def _check_items(items: Sequence[TextItem]) -> None:
    for item in items:
        where = f"domain {item.domain!r}, item {item.item!r}"
        if not item.options or not 0 <= item.gold < len(item.options):
            raise ValueError(
                f"{where}: gold = {item.gold} is none of its {len(item.options)} option(s)"
            )
        for option in item.options:
            if not option.strip():
                raise ValueError(f"{where}: an option is empty: {item.options!r}")
    _check_names([(item.domain, item.item) for item in items])


def _check_names(names: Sequence[tuple[str, str]]) -> None:
    if not names:
        raise ValueError("nothing to score: there is no item")
    counts = Counter(names)
    (domain, item), count = counts.most_common(1)[0]
    if count > 1:
        raise ValueError(f"domain {domain!r}: {count} items have the name {item!r}")
