"""Items of families, one module per kind: `family_texts` and `family_sample` are the entry points.

`FAMILY_ITEMS` is the registry of the kinds; a test compares it with the settings of
`relscale.config.families`.
"""

from pathlib import Path
from typing import Any

from relscale.config.families import Family
from relscale.evaluation.families.base import FamilyInputs, FamilyItems
from relscale.evaluation.families.continuation import ContinuationItems
from relscale.evaluation.families.documents import DocumentItems
from relscale.evaluation.families.pairs import PairItems
from relscale.evaluation.families.parallel import ParallelItems
from relscale.evaluation.families.questions import QuestionItems
from relscale.evaluation.families.risk import RiskItems
from relscale.evaluation.families.strata import StrataItems
from relscale.evaluation.families.validation import ValidationItems
from relscale.evaluation.samples import FamilyTexts, Sample
from relscale.evaluation.tokens import TextEncoder

FAMILY_ITEMS: dict[str, type[FamilyItems[Any]]] = {
    "validation": ValidationItems,
    "documents": DocumentItems,
    "questions": QuestionItems,
    "pairs": PairItems,
    "risk": RiskItems,
    "continuation": ContinuationItems,
    "parallel": ParallelItems,
    "strata": StrataItems,
}
"""The items of each kind of family."""

__all__ = ["FAMILY_ITEMS", "FamilyInputs", "family_sample", "family_texts"]


def family_texts(name: str, family: Family, source: Path, *others: Path) -> FamilyTexts:
    """Return the items of a family as texts up to its caps, each item once.

    Args:
        name: name of the family, for messages.
        family: its settings.
        source: folder of the files of its source.
        others: folders of its other sources, in the order of `Family.sources`.

    Raises:
        ValueError: naming file and line of a broken record; naming the key and the choices, if a
            domain has no text or less than it should; if the kind needs the suite's tokenizer.
    """
    inputs = FamilyInputs.of_folders(family, [source, *others])
    return _items_of(name, family, inputs).texts()


def family_sample(
    name: str, family: Family, inputs: FamilyInputs, length: int, encoder: TextEncoder
) -> Sample:
    """Return the items of a family as token sequences that fit a window, up to its caps.

    Args:
        name: name of the family, for messages.
        family: its settings.
        inputs: places of its text.
        length: tokens of the window.
        encoder: the suite's tokenizer.

    Raises:
        ValueError: naming file and line of a broken record; naming the key and the choices, if a
            domain has no text or less than it should; naming an input that is missing.
    """
    return _items_of(name, family, inputs).sample(length, encoder)


def _items_of(name: str, family: Family, inputs: FamilyInputs) -> FamilyItems[Any]:
    return FAMILY_ITEMS[family.kind](name, family, inputs)
