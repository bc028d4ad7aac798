"""Questions with options: how records become prompts.

`multiple_choice` reads question, answer_a .. answer_d and correct_answer; `preference` reads a preferred text and another one, or a list of
options and the index of the right one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relscale.settings.families import PairFiles

ANSWER_KEYS = ("answer_a", "answer_b", "answer_c", "answer_d")
LETTERS = ("A", "B", "C", "D")


@dataclass(frozen=True, kw_only=True)
class Question:
    """A context and the texts that may follow it."""

    context: str
    """What is given; empty where the options stand alone."""
    options: tuple[str, ...]
    """The texts among which to choose."""
    gold: int
    """Index of the right (preferred) one."""

    @property
    def text(self) -> str:
        """All of it, for the overlap search."""
        return "\n".join((self.context, *self.options)).strip()


def is_header(record: Mapping[str, Any]) -> bool:
    """Return whether a record is a stray header row: it holds the keys' own names."""
    return all(record.get(key) == key for key in ("question", *ANSWER_KEYS))


def multiple_choice(record: Mapping[str, Any], where: str) -> Question:
    r"""Read a four-way question in the continuation prompt: "Question: ...\nAnswer:", with the options' texts to follow.

    Raises:
        ValueError: naming the record, where a key is missing, a text is empty or the right answer is none of A, B, C, D.
    """
    texts = {key: text_of(record, key, where) for key in ("question", *ANSWER_KEYS)}
    letter = text_of(record, "correct_answer", where)
    if letter not in LETTERS:
        raise ValueError(f"{where}: correct_answer = {letter!r}; it must be one of {', '.join(LETTERS)}")
    return Question(
        context=f"Question: {texts['question']}\nAnswer:",
        options=tuple(texts[key] for key in ANSWER_KEYS),
        gold=LETTERS.index(letter),
    )


def preference(record: Mapping[str, Any], keys: PairFiles, where: str) -> Question:
    """Read a preferred text and another one, or a list of options with the index of the right one.

    Raises:
        ValueError: naming the record, where a key is missing, a text is empty, or the index is none of the options'.
    """
    context = text_of(record, keys.prompt, where) if keys.prompt else ""
    if keys.options is not None:
        options = record.get(keys.options)
        if not isinstance(options, list) or len(options) < 2 or not all(isinstance(text, str) and text.strip() for text in options):
            raise ValueError(f"{where}: {keys.options} = {options!r}; it must be a list of two or more texts")
        gold = record.get(keys.positive)
        if not isinstance(gold, int) or not 0 <= gold < len(options):
            raise ValueError(f"{where}: {keys.positive} = {gold!r}; it must be the index of an option, 0 to {len(options) - 1}")
        return Question(context=context, options=tuple(text.strip() for text in options), gold=gold)
    if keys.negative is None:
        raise ValueError(f"{where}: a pair needs `negative`, or `options`, in the family's files")
    return Question(context=context, options=(text_of(record, keys.positive, where), text_of(record, keys.negative, where)), gold=0)


def text_of(record: Mapping[str, Any], key: str, where: str) -> str:
    """Return a record's text under a key, without white space around it.

    Raises:
        ValueError: naming the record and the keys that it has, where the key is missing or holds no text.
    """
    if key not in record:
        raise ValueError(f"{where}: no key {key!r}; the choices are {', '.join(record)}")
    value = record[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {key} = {value!r} is no text")
    return value.strip()
