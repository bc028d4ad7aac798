"""Reader `dictionary_questions`: questions and answers made from entries by fixed templates.

The text is template-made, not model-made. An entry is a record {entry, pos: [{part_of_speech,
definitions: [{text, examples}], syn?, cs?}]} as in the GCIDE. A hash of its word chooses its
template. Left out are etymologies (they are not prose), senses that only refer to another entry
("See Arear."), and senses, examples and phrases that end in a stray note of provenance ("1913
Webster]"): in this edition the note marks a text that was cut off at a character that could not be
encoded.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from relscale.config.readers import DictionaryQuestions
from relscale.text.document_reader import DocumentReader, SourceDocument
from relscale.text.formats import Record, read_located

_SCAR = re.compile(r"Webster(?: 1913 Suppl\.)?\]|WordNet 1\.5|\bPJC\b|\[wns?=?\d?\]")
_REFERENCE = re.compile(
    r"(?:See|Same as|Obs\. form of|Var\. of)\b[^;,]{0,60}(?:, (?:n|a|v|adv|prep)\b[^;,]{0,12})?"
)
_SPACE = re.compile(r"\s+")

_WORD_CLASSES = (
    ("n", "noun"),
    ("prop. n", "noun"),
    ("pr. n", "noun"),
    ("v", "verb"),
    ("adv", "adverb"),
    ("a", "adjective"),
    ("prop. a", "adjective"),
    ("p. a", "adjective"),
    ("prep", "preposition"),
    ("conj", "conjunction"),
    ("pron", "pronoun"),
    ("interj", "interjection"),
)
"""Beginnings of the dictionary's abbreviations and the word classes they mean. The first match is
used."""


def _read(path: Path, where: str, settings: DictionaryQuestions) -> Iterator[SourceDocument]:
    for place, record in read_located(path, settings.member):
        text = questions_and_answers(record, place)
        yield SourceDocument(text=text, where=f"{where} entry {record['entry']}")


def questions_and_answers(record: Record, where: str) -> str:
    """Return a dictionary entry as questions and answers, empty if nothing usable remains.

    Args:
        record: one entry of the dictionary.
        where: file and record, for messages.

    Raises:
        ValueError: naming file, entry and key, if a key is missing or holds another kind of value.
    """
    try:
        word = record["entry"]
        template = hashlib.blake2b(word.encode(), digest_size=4).digest()[0] % 6
        blocks = [block for part in record["pos"] for block in _blocks(word, part, template)]
    except KeyError as error:
        raise ValueError(
            f"{where}: entry {str(record)[:80]!r} has no key {error}; the choices are"
            f" {', '.join(record)}"
        ) from error
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{where}: entry {str(record)[:80]!r} is not an entry: {error}") from error
    return "\n\n".join(blocks)


def _blocks(word: str, part: Record, template: int) -> Iterable[str]:
    """Yield the questions about one part of speech: meaning, expressions, synonyms."""
    senses = [_sense(definition) for definition in part["definitions"]]
    senses = [sense for sense in senses if sense]
    if not senses:
        return
    word_class = next(
        (name for start, name in _WORD_CLASSES if part["part_of_speech"].startswith(start)), "word"
    )
    yield _meaning(word, word_class, senses, template)
    phrases = [
        _plain(phrase) for phrase in part.get("cs", "").split(" -- ") if not _SCAR.search(phrase)
    ]
    phrases = [
        phrase
        for phrase in phrases
        if len(phrase) > len(word) + 10 and not _REFERENCE.search(phrase)
    ]
    if phrases:
        yield f'Which expressions are made with "{word}"?\n' + "\n".join(phrases)
    synonyms = _plain(part.get("syn", "")).removeprefix("Syn. -- ").split(" See ")[0]
    if synonyms and not synonyms.startswith("See ") and not _SCAR.search(synonyms):
        yield f'Which words are close to "{word}"?\n{synonyms}'


def _sense(definition: Record) -> str:
    """Return one definition with its first example.

    It is empty if it only refers to another entry or was cut off.
    """
    text = definition["text"]
    if _SCAR.search(text) or _REFERENCE.fullmatch(text.strip()):
        return ""
    text = _plain(text)
    text = text[:1].upper() + text[1:]
    examples = [_plain(example) for example in definition["examples"] if not _SCAR.search(example)]
    return f'{text} For example: "{examples[0]}"' if text and examples else text


def _meaning(word: str, word_class: str, senses: Sequence[str], template: int) -> str:
    answer = (
        senses[0]
        if len(senses) == 1
        else "\n".join(f"{number}. {sense}" for number, sense in enumerate(senses, start=1))
    )
    gap = " " if len(senses) == 1 else "\n"
    if template == 0:
        return f'Question: What does the word "{word}" mean?\nAnswer:{gap}{answer}'
    if template == 1:
        return f"Q: {_asked(word, word_class)}\nA:{gap}{answer}"
    if template == 2:
        return f'How would you define "{word}" when it is {_with_article(word_class)}?\n{answer}'
    if template == 3:
        return f'Define the {word_class} "{word}".\n{answer}'
    if template == 4:
        asked = f'Student: I found the {word_class} "{word}" in a book. What does it mean?'
        return f"{asked}\nTeacher:{gap}{answer}"
    meant = "this meaning" if len(senses) == 1 else "these meanings"
    return f'{answer}\nWhich {word_class} has {meant}? "{word}"'


def _asked(word: str, word_class: str) -> str:
    if word_class == "noun":
        return f"What is {_with_article(word)}?"
    if word_class == "verb":
        return f"What does it mean to {word}?"
    if word_class == "adjective":
        return f"What does it mean that something is {word}?"
    return f'What does "{word}" mean?'


def _with_article(word: str) -> str:
    return f"{'an' if word[:1].lower() in {'a', 'e', 'i', 'o', 'u'} else 'a'} {word}"


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


READER = DocumentReader(settings=DictionaryQuestions, read=_read)
