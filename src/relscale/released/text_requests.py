"""From texts to token sequences, with the tokenizer of any model. Light imports.

Boundaries are those of EleutherAI's lm-evaluation-harness (0.4).

A question's context is prefix + context; white space at its end moves to the continuations. A
continuation's tokens are those of the whole text that follow as many as the context alone has.
Special tokens are those that the tokenizer itself puts in front; an empty context is the prefix
token. Sequences longer than the model allows are cut from the left, shots first.

A document is scored in windows: the first one follows the prefix token; each later one scores
`stride` further tokens (fewer at the end) after as many tokens as fit before them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np

from relscale.evaluation.requests import RequestTable
from relscale.evaluation.texts import TextDocument, TextItem

AT_A_TIME = 64
"""Items that are tokenized at a time: lists of tokens take many times the memory of the arrays that
are kept."""


class TextTokenizer(Protocol):
    """The methods that scoring needs of a tokenizer."""

    @property
    def prefix(self) -> int:
        """The token before a text without context: begin of text, else end of text."""
        ...

    def encode_texts(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Return the token ids of each text, with or without the tokenizer's special tokens."""
        ...

    def bytes_after(self, text: str, tokens: int) -> int:
        """Return the UTF-8 bytes of a text after its first tokens; special ones do not count."""
        ...


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

    Bytes are those of the option without the one space that parts it from the context.

    Args:
        items: questions; names are unique within a domain.
        tokenizer: the model's.
        max_length: the most tokens that the model can be given.

    Raises:
        ValueError: naming domain and item, where an option is empty, has no token of its own or is
            longer than the model allows, where the gold option is none of the options, or where two
            items have the same name; where there is no item.
    """
    _check_items(items)
    prefixes = {
        prefix: number for number, prefix in enumerate(dict.fromkeys(item.prefix for item in items))
    }
    contexts: list[np.ndarray] = []
    continuations: list[np.ndarray] = []
    group: list[int] = []
    cut: list[bool] = []
    for start in range(0, len(items), AT_A_TIME):
        some = items[start : start + AT_A_TIME]
        for item, pairs in zip(some, _pairs(some, tokenizer), strict=True):
            truncated = False
            for option, (before, after) in zip(item.options, pairs, strict=True):
                _check_option(item, option, len(after), max_length)
                kept = max_length + 1 - len(after)
                lost = len(before) > kept
                truncated |= lost
                contexts.append(before[-kept:])
                continuations.append(after)
                group.append(prefixes[item.prefix] if item.prefix and not lost else -1)
            cut.append(truncated)
    counts = [len(item.options) for item in items]
    first = np.concatenate([[0], np.cumsum(counts)])
    table = RequestTable(
        contexts=contexts,
        continuations=continuations,
        num_bytes=np.array(
            [len(option.removeprefix(" ").encode()) for item in items for option in item.options],
            dtype=np.float64,
        ),
        first=first,
        gold=first[:-1] + np.array([item.gold for item in items]),
        truncated=np.array(cut, dtype=bool),
        domains=[item.domain for item in items],
        strata=[item.stratum for item in items],
        items=[item.item for item in items],
    )
    return TextRequests(
        table=table,
        contexts=contexts,
        continuations=continuations,
        source=np.arange(len(contexts)),
        group=np.array(group, dtype=np.int64),
    )


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

    Every byte counts once; no text is cut.

    Args:
        documents: their names are unique within a domain.
        tokenizer: the model's.
        max_length: the most tokens that the model can be given.
        stride: new tokens that each window after the first scores, 1 to `max_length`; `max_length`
            if none, as in the reference.
        masked_tokens: first tokens of each document that are given but not counted, nor are their
            bytes; a document that has no more is left out, as "masked".
        special: whether tokens that the tokenizer itself puts around a text are scored, too, as in
            the reference. They stand for no text, so that bits per byte leave them out.

    Raises:
        ValueError: naming domain and item, where a document has no token, or two have the same
            name; where the stride is not possible; where there is no document, or none is left.
    """
    stride = max_length if stride is None else stride
    if not 1 <= stride <= max_length:
        raise ValueError(f"stride = {stride}: must be 1 to the model's {max_length} tokens")
    _check_names([(document.domain, document.item) for document in documents])
    encoded = _encode_documents(documents, tokenizer, special=special)
    scored = [
        (document, tokens)
        for document, tokens in zip(documents, encoded, strict=True)
        if len(tokens) > masked_tokens
    ]
    kept = [document for document, _ in scored]
    contexts, continuations, source = [], [], []
    for row, (_, tokens) in enumerate(scored):
        for context, continuation in rolling_windows(
            tokens, tokenizer.prefix, max_length, stride, masked_tokens
        ):
            contexts.append(context)
            continuations.append(continuation)
            source.append(row)
    if not kept:
        raise ValueError(f"no document has more than masked_tokens = {masked_tokens} tokens")
    table = RequestTable(
        contexts=[np.array([tokenizer.prefix], dtype=np.int32)] * len(kept),
        continuations=[tokens[masked_tokens:] for _, tokens in scored],
        num_bytes=np.array(
            [_scored_bytes(document.text, masked_tokens, tokenizer) for document in kept],
            dtype=np.float64,
        ),
        first=np.arange(len(kept) + 1),
        gold=np.arange(len(kept)),
        truncated=np.zeros(len(kept), dtype=bool),
        domains=[document.domain for document in kept],
        strata=[document.stratum for document in kept],
        items=[document.item for document in kept],
    )
    return TextRequests(
        table=table,
        contexts=contexts,
        continuations=continuations,
        source=np.array(source, dtype=np.int64),
        group=np.full(len(source), -1),
        left_out=Counter({"masked": len(documents) - len(kept)})
        if len(kept) < len(documents)
        else Counter(),
    )


def _encode_documents(
    documents: Sequence[TextDocument], tokenizer: TextTokenizer, *, special: bool
) -> Iterator[np.ndarray]:
    """Yield the token ids of each document; a document without tokens is an error."""
    for start in range(0, len(documents), AT_A_TIME):
        some = documents[start : start + AT_A_TIME]
        encoded = tokenizer.encode_texts([document.text for document in some], special=special)
        for document, tokens in zip(some, encoded, strict=True):
            if not len(tokens):
                raise ValueError(
                    f"domain {document.domain!r}, document {document.item!r}: its text has no token"
                )
            yield np.array(tokens, dtype=np.int32)


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


def _pairs(
    items: Sequence[TextItem], tokenizer: TextTokenizer
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Return the uncut tokens of context and continuation of each option of each item.

    Options of an item share the array of the context.
    """
    whole = [item.prefix + item.context for item in items]
    given = [text.rstrip() for text in whole]
    once = list(dict.fromkeys(given))
    shown = dict(
        zip(
            once,
            (
                np.array(tokens, dtype=np.int32)
                for tokens in tokenizer.encode_texts(once, special=True)
            ),
            strict=True,
        )
    )
    nothing = np.empty(0, dtype=np.int32)
    texts = [
        text + option for text, item in zip(whole, items, strict=True) for option in item.options
    ]
    # Without any context a tokenizer's special tokens would be counted as scored.
    bare = [not text for text, item in zip(whole, items, strict=True) for _ in item.options]
    encoded = iter(_encode(texts, bare, tokenizer))
    pairs = []
    for item, all_given, text in zip(items, whole, given, strict=True):
        before, of_item = shown[text] if all_given else nothing, []
        for _ in item.options:
            after = next(encoded)[len(before) :]
            if len(before):
                of_item.append((before, after))
            else:
                # As the reference does, where the text itself begins with the prefix token.
                of_item.append(
                    (after[:1], after[1:])
                    if len(after) and after[0] == tokenizer.prefix
                    else (np.array([tokenizer.prefix], dtype=np.int32), after)
                )
        pairs.append(of_item)
    return pairs


def _encode(
    texts: Sequence[str], bare: Sequence[bool], tokenizer: TextTokenizer
) -> list[np.ndarray]:
    """Return the token ids of each text; texts that are `bare` get no special tokens."""
    encoded = [np.empty(0, dtype=np.int32)] * len(texts)
    for special in (True, False):
        at = [index for index, alone in enumerate(bare) if alone is not special]
        for index, tokens in zip(
            at, tokenizer.encode_texts([texts[index] for index in at], special=special), strict=True
        ):
            encoded[index] = np.array(tokens, dtype=np.int32)
    return encoded


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
