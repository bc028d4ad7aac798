"""Merging of configuration files, with the defaults of an experiment that has a losses table.

`config.yaml` configures an experiment that trains. An overlay with a section `losses` would have to
take back its families, figures and laws one by one. `merged_files` puts defaults that fit a table
between the two instead. Light imports.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from relscale.config.errors import ConfigFile, Problem
from relscale.config.figures import TABLE_FIGURES

UNUSED_SECTIONS = (
    "sources",
    "corpora",
    "tokenizer",
    "suite",
    "training",
    "costs",
    "controls",
    "ngram",
    "corpus_statistics",
    "tuning",
)
"""Sections that an experiment with a losses table does not use."""
TEASER = "figure1_teaser"
OPTIMUM = "validation"
"""Family that locates the optima by default, if the table has it."""


def merged(contents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge configurations, as Snakemake does.

    Mappings are merged key by key, everything else is replaced by the later value, and a null
    removes its key with all that earlier configurations have below it (Snakemake forgets a null if
    a later overlay gives the key a mapping).
    """
    result: dict[str, Any] = {}
    for content in contents:
        for key, value in content.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged([result[key], value]) if both else value
    return {
        key: merged([value]) if isinstance(value, Mapping) else value
        for key, value in result.items()
        if value is not None
    }


def merged_files(files: Sequence[ConfigFile]) -> dict[str, Any]:
    """Merge configuration files in order.

    The defaults of a losses table are merged before the first file that names one, and after the
    files before it.
    """
    contents = [content for _, content in files]
    place = _first_with_table(files)
    if place is None:
        return merged(contents)
    before, own = merged(contents[:place]), merged(contents[place:])
    return merged([before, _defaults(before, own), *contents[place:]])


def unused_sections(files: Sequence[ConfigFile]) -> list[Problem]:
    """Return a problem for each section that a file with a losses table gives in vain."""
    place = _first_with_table(files)
    if place is None:
        return []
    own = merged(content for _, content in files[place:])
    message = "an experiment with a losses table trains and fetches nothing: leave it out"
    return [((key,), message) for key in UNUSED_SECTIONS if key in own]


def _first_with_table(files: Sequence[ConfigFile]) -> int | None:
    """Return the place of the first file with a losses table, None without one."""
    if merged(content for _, content in files).get("losses") is None:
        return None
    return next(place for place, (_, content) in enumerate(files) if content.get("losses"))


def _defaults(before: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults: families, laws and figures of the table.

    Args:
        before: the configuration before the table.
        own: the files from the first with a table on.
    """
    families = _keys(own, "families")
    evaluated = own.get("evaluate")
    shown = [name for name in evaluated if isinstance(name, str)] if evaluated else families
    first = OPTIMUM if OPTIMUM in shown else next(iter(shown), OPTIMUM)
    compared = next((name for name in shown if name != OPTIMUM), first)
    return {
        "evaluate": families,
        "families": dict.fromkeys(_keys(before, "families")),
        "laws": {"optimum_by": first, "two_stage": None},
        "figures": {
            **dict.fromkeys(_keys(before, "figures")),
            # The teaser compares families.
            "names": [name for name in TABLE_FIGURES if name != TEASER or len(shown) > 1],
            "teaser": shown,
            "size_or_data": compared,
        },
    }


def _keys(content: Mapping[str, Any], section: str) -> list[str]:
    found = content.get(section)
    return list(found) if isinstance(found, Mapping) else []
