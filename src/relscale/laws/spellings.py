"""Names that are spelled in two ways, and budgets that have two names."""

import unicodedata

import numpy as np
import pandas as pd

SAME_COMPUTE = 1.01
"""Budgets of one corpus whose compute differs by less than this factor are one budget."""


def folded(name: str) -> str:
    """Return a name without what a reader does not see, or hardly: blanks, case, kinds of signs.

    Examples:
        >>> folded("Cafe\u0301 \u00a0X\u200b") == folded("CAF\u00c9 x")
        True
    """
    text = unicodedata.normalize("NFKC", name)
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", seen.casefold()).split())


def check_spellings(frame: pd.DataFrame, where: str) -> None:
    """Check that no corpus, family, domain or metric is spelled in two ways.

    Domains, metrics and families that look alike may be two things (`it` and `IT`) if one run has
    both of them.

    Raises:
        ValueError: naming the column and both spellings.
    """
    run = frame["corpus"] + "\n" + frame["run"]
    for _, rows in [("", frame), *frame.groupby("family", sort=True)]:
        for column in ("corpus", "family", "domain", "metric"):
            names = rows[column]
            for first, second in _alike(sorted(names.unique())):
                one, other = (set(run[rows.index[names == name]]) for name in (first, second))
                if not one & other:
                    raise ValueError(
                        f"{where}: {column} is spelled in two ways, {first!r} ({first!a}) in "
                        f"{len(one)} run(s) and {second!r} ({second!a}) in {len(other)}: one "
                        "spelling is needed"
                    )


def _alike(names: list[str]) -> list[tuple[str, str]]:
    """Return pairs of names that look alike."""
    first: dict[str, str] = {}
    return [
        (first[key], name) for name in names if first.setdefault(key := folded(name), name) != name
    ]


def check_budgets(used: pd.DataFrame, compute: str, where: str) -> None:
    """Check that no budget has two names: that no two budgets of a corpus have the same compute.

    A few runs that each have a budget of their own are left alone.

    Raises:
        ValueError: naming corpus and budgets.
    """
    runs = used.drop_duplicates(["corpus", "run"])
    for corpus, rows in runs.groupby("corpus", sort=True):
        budgets = rows.groupby("budget", sort=True)[compute].agg(["median", "size"])
        budgets = budgets.sort_values("median", kind="stable")
        middle, size = budgets["median"].to_numpy(), budgets["size"].to_numpy()
        same = middle[1:] < SAME_COMPUTE * middle[:-1]
        wrong = same & ((np.maximum(size[1:], size[:-1]) > 1) | (2 * same.sum() > len(same)))
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"{where}: budgets {budgets.index[at]!r} and {budgets.index[at + 1]!r} of corpus "
                f"{corpus!r} have the same {compute}, {middle[at]:.4g}: one budget needs one name"
            )
