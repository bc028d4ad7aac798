"""Items of families of kind `pairs`: a preferred text and another, or a list of options.

A record may also have a prompt before its texts, or the index of the right one of several options.
"""

from typing import ClassVar

from relscale.config.families import PairFamily, PairFiles
from relscale.evaluation.families.stratified import StratifiedItems, Stratum
from relscale.evaluation.requests import text_id
from relscale.evaluation.samples import Account
from relscale.evaluation.texts import TextItem
from relscale.text.exams import shown, text_of
from relscale.text.formats import Record, read_located
from relscale.text.source_files import matching_files


class PairItems(StratifiedItems[PairFamily]):
    """Pairs; a domain, all files together, is a stratum."""

    lists_empty_strata: ClassVar[bool] = False

    def strata(self) -> tuple[list[Stratum], Account]:
        """Return the pairs by domain.

        Raises:
            ValueError: naming file and line of a broken record.
        """
        domains = self.settings.domains
        return [
            Stratum(domain=domain, name=domain, items=self._pairs(domain)) for domain in domains
        ], Account()

    def _pairs(self, domain: str) -> list[TextItem]:
        items: list[TextItem] = []
        for keys in self.settings.domains[domain]:
            paths = [path for file in keys.files for path in matching_files(self.source, file)]
            for path in dict.fromkeys(paths):
                items += [
                    preference(record, keys, where, domain=domain, stratum=path.stem)
                    for where, record in read_located(path)
                ]
        return items


def preference(
    record: Record, keys: PairFiles, where: str, *, domain: str, stratum: str
) -> TextItem:
    """Read a preferred text and another, or a list of options with the index of the right one.

    The item's name is made from the texts alone: a pair that occurs in two files is one item.

    Raises:
        ValueError: naming the record, if a key is missing, a text is empty, or the index is not
            that of an option.
    """
    context = text_of(record, keys.prompt, where) if keys.prompt else ""
    if keys.options is not None:
        texts, gold = _options(record, keys.options, keys.positive, where)
    elif keys.negative is None:
        raise ValueError(f"{where}: a pair needs `negative` or `options` in the family's files")
    else:
        texts = (text_of(record, keys.positive, where), text_of(record, keys.negative, where))
        gold = 0
    return TextItem(
        domain=domain,
        stratum=stratum,
        item=text_id("", context, *texts),
        context=context,
        # Without a context, nothing has to be separated from the option.
        options=tuple(f" {text}" for text in texts) if context else texts,
        gold=gold,
    )


def _options(
    record: Record, options_key: str, gold_key: str, where: str
) -> tuple[tuple[str, ...], int]:
    """Return the options of a record and the index of the right one."""
    options = record.get(options_key)
    if not isinstance(options, list) or len(options) < 2:
        raise ValueError(
            f"{where}: {options_key} = {shown(options)}; it must be a list of two or more texts"
        )
    texts = tuple(text.strip() for text in options if isinstance(text, str) and text.strip())
    if len(texts) < len(options):
        raise ValueError(
            f"{where}: {options_key} = {shown(options)}; it must be a list of two or more texts"
        )
    gold = record.get(gold_key)
    if isinstance(gold, bool) or not isinstance(gold, int) or not 0 <= gold < len(options):
        raise ValueError(
            f"{where}: {gold_key} = {shown(gold)}; it must be the index of an option, "
            f"0 to {len(options) - 1}"
        )
    return texts, gold
