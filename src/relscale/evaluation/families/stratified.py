"""Items of families of questions, drawn stratum by stratum: subjects, behaviours, or domains."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from relscale.evaluation.families.base import FamilyItems, Settings, check_sample, check_texts
from relscale.evaluation.requests import Item, in_random_order, take_tokens
from relscale.evaluation.samples import Account, FamilyTexts, Sample
from relscale.evaluation.texts import TextItem
from relscale.evaluation.tokens import TextEncoder


@dataclass(kw_only=True)
class Stratum:
    """The questions of a subject, of a behaviour, or of a whole domain: the unit of sampling."""

    domain: str
    """The domain of the stratum."""
    name: str
    """Its name, which seeds its sample."""
    items: list[TextItem]
    """Its questions, including copies, in the order of the files."""


class StratifiedItems(FamilyItems[Settings]):
    """Questions by stratum; a kind defines the strata."""

    lists_empty_strata: ClassVar[bool] = True
    """Whether a stratum without items is listed in the account: not if strata are domains, which
    must not be empty."""

    @abstractmethod
    def strata(self) -> tuple[list[Stratum], Account]:
        """Return the questions by stratum, in the order of the domains, and the account.

        Raises:
            ValueError: naming file and line of a broken record; naming the key and the choices if a
                subject has no question.
        """

    def texts(self) -> FamilyTexts:
        """Return a sample of the questions of each stratum, each question once.

        Raises:
            ValueError: see `strata`; naming the domain if it has too little text.
        """
        strata, account = self.strata()
        texts = FamilyTexts(left_out=account.left_out, outside=account.outside)
        all_options = self.settings.needs_all_options()
        for stratum in strata:
            unique = {item.item: item for item in reversed(stratum.items)}
            ordered = in_random_order(
                unique.values(),
                seed=self.settings.sample_seed,
                name=stratum.name,
                key=lambda item: item.item,
            )
            taken = ordered[: self.settings.item_cap()]
            texts.left_out[stratum.domain] += Counter(
                copies=len(stratum.items) - len(unique), over_cap=len(unique) - len(taken)
            )
            texts.items += taken if all_options else map(_right_option_only, taken)
        return check_texts(self.name, self.settings, texts)

    def sample(self, length: int, encoder: TextEncoder) -> Sample:
        """Return a sample of the questions of each stratum that fit the window.

        All options are scored if a metric of the family needs them, else only the right one.

        Raises:
            ValueError: see `strata`; naming the domain if no question of it fits.
        """
        strata, account = self.strata()
        sample = Sample(left_out=account.left_out, outside=account.outside)
        for stratum in strata:
            left_out = sample.left_out[stratum.domain]
            fitting = self._fitting(stratum.items, length, encoder, left_out)
            ordered = in_random_order(
                fitting,
                seed=self.settings.sample_seed,
                name=stratum.name,
                key=lambda item: item.item,
            )
            taken = take_tokens(ordered, self.settings.token_cap(), self.settings.item_cap())
            left_out["over_cap"] += len(fitting) - len(taken)
            sample.items += taken
            if not taken and self.lists_empty_strata:
                sample.empty_strata[stratum.domain].append(stratum.name)
        return check_sample(self.name, self.settings, sample)

    def _fitting(
        self,
        questions: Iterable[TextItem],
        length: int,
        encoder: TextEncoder,
        left_out: Counter[str],
    ) -> list[Item]:
        """Return the questions that fit the window as items, each once; count the others."""
        all_options = self.settings.needs_all_options()
        items: dict[str, Item] = {}
        for question in questions:
            scored = question if all_options else _right_option_only(question)
            if question.item in items:
                left_out["copies"] += 1
                continue
            options = encoder.options(scored)
            if any(option.num_tokens > length for option in options):
                left_out["too_long"] += 1
                continue
            # Overlap is searched in the text with all options, whichever are scored.
            shown = (question.context, *(option.removeprefix(" ") for option in question.options))
            items[question.item] = Item(
                domain=question.domain,
                stratum=question.stratum,
                item=question.item,
                options=options,
                gold=scored.gold,
                text="\n".join(shown).strip(),
            )
        return list(items.values())


def _right_option_only(item: TextItem) -> TextItem:
    """Return an item with its right option as the only one."""
    return replace(item, options=(item.options[item.gold],), gold=0)
