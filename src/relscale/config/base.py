"""Base of all settings: closed, frozen models, and the types that several sections share."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

SMALLEST_BUDGET, LARGEST_BUDGET = Decimal("1e6"), Decimal("1e30")
"""FLOPs of a budget: the smallest models need more, the largest models known about 1e26."""
BUDGET_PATTERN = r"^[0-9]{1,41}(\.[0-9]{1,41})?([eE]\+?[0-9]{1,3})?$"
MOST_WIDTH, MOST_LAYERS = 2**20, 10_000
"""Larger sizes are mistakes."""
MOST_LETTERS = 100
"""Letters of a domain's name, at most."""
JOINERS = "\u200c\u200d"
"""Invisible characters that are letters' neighbours in Persian and in Indian scripts."""


def _number(value: object, read: ValidatorFunctionWrapHandler) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number; an unquoted yes, no, true or false is none")
    return read(value)


def _whole(value: object, read: ValidatorFunctionWrapHandler) -> object:
    number = _number(value, read)
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise ValueError("must be below 2^63")
    return number


def _label(value: str) -> str:
    value = unicodedata.normalize("NFC", value)
    kinds = [unicodedata.category(letter) for letter in value if letter not in JOINERS]
    if any(kind[0] not in "LMNPS" and kind != "Zs" for kind in kinds):
        raise ValueError("must not contain control characters or invisible ones")
    if not value[:1].isalnum() or value != value.rstrip() or len(value) > MOST_LETTERS:
        raise ValueError(
            "must begin with a letter or digit, must not end with a space, and has at most "
            f"{MOST_LETTERS} letters"
        )
    return value


def _budget(value: str) -> str:
    if not re.fullmatch(BUDGET_PATTERN, value):
        raise ValueError('must be FLOPs as text in quotes, such as "1e18" or "1.5e18"')
    number = Decimal(value)
    if not SMALLEST_BUDGET <= number <= LARGEST_BUDGET:
        raise ValueError("must be from 1e6 to 1e30 FLOPs")
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{number.adjusted()}"


def _shape(value: str) -> str:
    width, layers = (int(part) for part in value.split("x"))
    if width > MOST_WIDTH or layers > MOST_LAYERS:
        raise ValueError(f"must be at most {MOST_WIDTH} wide and {MOST_LAYERS} layers deep")
    return value


NUMBER = WrapValidator(_number)
"""Refuses true and false as numbers. It is the last entry of an annotation, behind the limits."""
WHOLE = WrapValidator(_whole)
"""The same for whole numbers, which must fit into the columns of tables."""
Int = Annotated[int, WHOLE]
"""A whole number."""
Flag = Annotated[bool, Strict()]
"""True or false; neither 0 or 1 nor a word in quotes."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""A key that becomes part of file names: lower case, digits, underscores."""
Label = Annotated[str, AfterValidator(_label)]
"""The name of a domain, as tables and figures show it, in Unicode's composed form (NFC)."""
BudgetLabel = Annotated[
    str, AfterValidator(_budget), WithJsonSchema({"type": "string", "pattern": BUDGET_PATTERN})
]
"""A budget as text, such as "1e18". Quote it: YAML reads some of these as text and others as
numbers. All spellings of one number become the same label: 1.0E+18 is "1e18"."""
ShapeLabel = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,9}x[1-9][0-9]{0,9}$"),
    AfterValidator(_shape),
]
"""Width x layers, such as "64x3"."""
Positive = Annotated[int, Field(gt=0), WHOLE]
Seed = Annotated[int, Field(ge=0), WHOLE]
"""A seed of a random generator."""
Share = Annotated[float, Field(gt=0, lt=1), NUMBER]


def _pinned(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,40}", value):
        raise ValueError(
            "is not a commit: a branch or tag can move after a result was made; "
            "give the commit's hash (7 to 40 hexadecimal digits)"
        )
    return value


Revision = Annotated[str, AfterValidator(_pinned)]
"""A commit on the Hugging Face Hub. Only a commit pins bytes."""

Entry = TypeVar("Entry")
Entries = TypeVar("Entries", bound=Sequence[object])


def without_repeats(values: Entries) -> Entries:
    """Return a sequence unchanged if each entry occurs once.

    Raises:
        ValueError: naming the repeated entries.
    """
    repeated = sorted(str(value) for value, count in Counter(values).items() if count > 1)
    if repeated:
        more = f" and {len(repeated) - 20} more" if len(repeated) > 20 else ""
        raise ValueError(f"each entry once; repeated: {', '.join(repeated[:20])}{more}")
    return values


Unique = Annotated[list[Entry], AfterValidator(without_repeats)]
"""A list in which each entry occurs once."""
Value = TypeVar("Value")


def _one_spelling(given: object) -> object:
    """Refuse labels that differ only in how Unicode composes their letters."""
    if isinstance(given, Mapping):
        forms = Counter(unicodedata.normalize("NFC", key) for key in given if isinstance(key, str))
        if twice := [name for name, count in forms.items() if count > 1]:
            raise ValueError(
                f"{', '.join(twice)}: given in two spellings that look alike (composed and "
                "decomposed letters of Unicode); use one"
            )
    return given


ByLabel = Annotated[dict[Label, Value], BeforeValidator(_one_spelling)]
"""Values by the name of a domain."""


def is_none(value: object) -> bool:
    """Return whether a value is None: the `exclude_if` of keys that are written only if set."""
    return value is None


class Model(BaseModel):
    """A closed, frozen model.

    An unknown key is an error, and the docstring under a field is its description in the schema
    and in the configuration reference.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )
