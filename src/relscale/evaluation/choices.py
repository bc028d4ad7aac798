"""Pairs: a preferred text and another one, or a list of options and the index of the right one,
with or without a prompt before them."""

from collections.abc import Mapping
from typing import Any

from relscale.config.families import PairFiles
from relscale.evaluation.requests import text_id
from relscale.evaluation.texts import TextItem
from relscale.text.exams import text_of


def preference(
    record: Mapping[str, Any], keys: PairFiles, where: str, *, domain: str, stratum: str
) -> TextItem:
    """Read a preferred text and another one, or a list of options with the index of the right one.

    The item's name is made of the texts alone: a pair that stands in two files is one item.

    Raises:
        ValueError: naming the record, where a key is missing, a text is empty, or the index is none
            of the options'.
    """
    context = text_of(record, keys.prompt, where) if keys.prompt else ""
    gold: Any = 0
    if keys.options is not None:
        options = record.get(keys.options)
        if (
            not isinstance(options, list)
            or len(options) < 2
            or not all(isinstance(text, str) and text.strip() for text in options)
        ):
            raise ValueError(
                f"{where}: {keys.options} = {options!r}; it must be a list of two or more texts"
            )
        gold = record.get(keys.positive)
        if not isinstance(gold, int) or not 0 <= gold < len(options):
            raise ValueError(
                f"{where}: {keys.positive} = {gold!r}; it must be the index of an option, 0 to {len(options) - 1}"
            )
        texts = tuple(text.strip() for text in options)
    elif keys.negative is None:
        raise ValueError(f"{where}: a pair needs `negative`, or `options`, in the family's files")
    else:
        texts = (text_of(record, keys.positive, where), text_of(record, keys.negative, where))
    return TextItem(
        domain=domain,
        stratum=stratum,
        item=text_id("", context, *texts),
        context=context,
        # Without a context there is nothing to be parted from.
        options=tuple(f" {text}" for text in texts) if context else texts,
        gold=gold,
    )
