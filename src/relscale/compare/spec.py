"""Settings of a comparison. Light imports."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from relscale.config.analysis import Level
from relscale.config.base import WHOLE, Model, without_repeats
from relscale.contract.directions import known_direction

Names = Annotated[tuple[str, ...], AfterValidator(without_repeats)]

_SHARE = re.compile(r"([\d.]+(?:e-?\d+)?) ?%", re.IGNORECASE | re.ASCII)


class CompareSettings(Model):
    """Choice of families, metrics and runs, and how they are compared."""

    family: Names = ()
    """Families to compare; none stands for all that both sides have."""
    metric: Names = ()
    """Metrics to compare; none stands for all that both sides have."""
    budget: Names = ()
    """Budgets whose runs are compared, where a side is a corpus; none stands for all."""
    average: Literal["auto", "pooled", "strata"] = "auto"
    """Value of a domain: the sum over the sum of its items (`pooled`), or the mean over its strata
    of that (`strata`). `auto` takes the one that gives the values of the losses table in the folder
    of the items table, or `pooled` without one."""
    cluster_by: Literal["auto", "item", "stratum"] = "auto"
    """Items drawn together: those of one cluster (`auto`: the column `cluster`; without one the
    windows of a document; otherwise each item), each item, or those of one stratum."""
    margin: str | None = None
    """Also test whether the difference is smaller than this: a number in the unit of the metric, or
    a share of the value of b, such as `1%`."""
    level: Level = 0.95
    """Confidence level of the intervals; tests are at 1 minus it."""
    worst: Annotated[int, Field(ge=0, le=10_000), WHOLE] = 10
    """Number of items per domain and metric in worst_documents.csv."""
    higher_is_better: Names = ()
    """Metrics, not known, whose larger values are better."""
    lower_is_better: Names = ()
    """Metrics, not known, whose smaller values are better."""

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "CompareSettings":
        """Return the settings with the given fields.

        Raises:
            ValueError: naming every wrong key, its value and the rule that it breaks.
        """
        try:
            settings = cls(**values)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, one['loc']))} is {one['input']!r}: {one['msg']}"
                for one in error.errors()
            )
            raise ValueError(f"settings of the comparison: {problems}") from None
        if both := set(settings.higher_is_better) & set(settings.lower_is_better):
            raise ValueError(
                f"metric {', '.join(sorted(both))} is both higher_is_better and lower_is_better"
            )
        margin_of(settings.margin)
        return settings

    def higher(self, metric: str) -> bool | None:
        """Return whether a larger value of a metric is better; None where it is not known.

        Raises:
            ValueError: if the settings contradict what is known of the metric.
        """
        known = known_direction(metric)
        stated = True if metric in self.higher_is_better else None
        stated = False if metric in self.lower_is_better else stated
        if known is not None and stated is not None and known != stated:
            raise ValueError(
                f"metric {metric!r}: {'larger' if known else 'smaller'} values are better; it "
                "cannot be changed (give another metric another name)"
            )
        return known if stated is None else stated


@dataclass(frozen=True, kw_only=True)
class Margin:
    """The largest difference that counts as small."""

    number: float
    """In the unit of the metric, or as a share."""
    is_share: bool
    """Whether it is a share of the value of b."""

    def of(self, value_b: float) -> float:
        """Return the margin in the unit of the metric."""
        return self.number * abs(value_b) if self.is_share else self.number


def margin_of(text: str | None) -> Margin | None:
    """Return the margin that a text states.

    Raises:
        ValueError: naming the text, if it is not a positive number or percentage.

    Examples:
        >>> margin_of("1%").of(2.0), margin_of("0.05").of(2.0)
        (0.02, 0.05)
    """
    if text is None:
        return None
    share = _SHARE.fullmatch(text.strip())
    try:
        number = float(share[1]) / 100 if share else float(text)
    except ValueError:
        number = math.nan
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(
            f"margin is {text!r}: a positive number in the unit of the metric, or a share of the "
            "value of b such as 1%, is needed"
        )
    return Margin(number=number, is_share=share is not None)
