"""The sections of a configuration that could be read, for checks between them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from relscale.config.analysis import Laws
from relscale.config.controls import Control
from relscale.config.corpora import Corpora, Tokenizer
from relscale.config.corpus_statistics import CorpusStatistics
from relscale.config.errors import KeyPath
from relscale.config.families import AnyFamily
from relscale.config.figures import Figures
from relscale.config.losses import LossesTable
from relscale.config.released import ReleasedModels
from relscale.config.sources import Source
from relscale.config.suite import Suite
from relscale.config.table_defaults import UNUSED_SECTIONS


@dataclass(frozen=True, kw_only=True)
class Sections:
    """Sections of one configuration; None for a section that could not be read at all.

    A section with mistakes lacks what they concern: an attribute without a default is not there.
    """

    sources: Mapping[str, Source] | None = None
    """Section `sources`."""
    corpora: Corpora | None = None
    """Section `corpora`."""
    tokenizer: Tokenizer | None = None
    """Section `tokenizer`."""
    suite: Suite | None = None
    """Section `suite`."""
    released: ReleasedModels | None = None
    """Section `released`; None also where it is left out."""
    losses: LossesTable | None = None
    """Section `losses`; None also where it is left out. With it, sections that it does not use are
    None, so that nothing is compared with them."""
    evaluate: list[str] | None = None
    """Section `evaluate`."""
    families: Mapping[str, AnyFamily] | None = None
    """Section `families`."""
    controls: list[Control] | None = None
    """Section `controls`; None also where it is left out."""
    corpus_statistics: CorpusStatistics | None = None
    """Section `corpus_statistics`; None also where it is left out."""
    tuning: Mapping[str, list[str]] | None = None
    """Section `tuning`; None also where it is left out."""
    laws: Laws | None = None
    """Section `laws`."""
    figures: Figures | None = None
    """Section `figures`."""

    wrong: frozenset[KeyPath] = frozenset()
    """Paths of the keys with mistakes of their own."""
    given: frozenset[str] = frozenset()
    """Names of the sections in the files."""

    @classmethod
    def of(
        cls,
        sections: Mapping[str, Any],
        *,
        wrong: frozenset[KeyPath] = frozenset(),
        given: frozenset[str] = frozenset(),
    ) -> "Sections":
        """Take the sections that checks read from the validated ones."""
        names = {field.name for field in fields(cls)}
        known = {key: value for key, value in sections.items() if key in names}
        if "losses" in given:
            known = {key: value for key, value in known.items() if key not in UNUSED_SECTIONS}
        return cls(**known, wrong=wrong, given=given)

    def right(self, *path: str | int) -> bool:
        """Return whether nothing at or below a key has a mistake of its own."""
        return not any(other[: len(path)] == path for other in self.wrong)

    @property
    def trained(self) -> bool:
        """Whether runs are trained: neither released models nor a losses table are given."""
        return not {"released", "losses"} & self.given
