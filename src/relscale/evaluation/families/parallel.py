"""Items of families of kind `parallel`: the same named texts in every domain.

The sample depends on the seed and on the names that all sources share. A text that is left out in
one domain is left out in all, so that domains differ in version and not in content.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from relscale.config.families import ParallelFamily
from relscale.evaluation.families.base import FamilyItems, check_sample, check_texts
from relscale.evaluation.requests import Item, Option, in_random_order
from relscale.evaluation.samples import Account, FamilyTexts, Sample
from relscale.evaluation.texts import TextDocument
from relscale.evaluation.tokens import TextEncoder
from relscale.text.cleaning import clean
from relscale.text.document_reader import SourceDocument
from relscale.text.readers import read_documents

Version = dict[str, SourceDocument]
"""Texts of a domain by name; none is empty."""


class ParallelItems(FamilyItems[ParallelFamily]):
    """Texts by domain, paired by name."""

    def texts(self) -> FamilyTexts:
        """Return the same sample of the shared texts for every domain.

        Raises:
            ValueError: see `shared`; naming the domain if it has too little text.
        """
        versions, account = self.versions()
        names = self._ordered(shared(self.name, versions, account))
        taken = names[: self.settings.item_cap()]
        texts = FamilyTexts(left_out=account.left_out)
        for domain, version in versions.items():
            texts.left_out[domain]["over_cap"] += len(names) - len(taken)
            texts.documents += [
                TextDocument(
                    domain=domain,
                    stratum=domain,
                    item=name,
                    cluster=version[name].group or "",
                    text=version[name].text,
                )
                for name in taken
            ]
        return check_texts(self.name, self.settings, texts)

    def sample(self, length: int, encoder: TextEncoder) -> Sample:
        """Return the same sample of the shared texts for every domain, each as one window.

        Raises:
            ValueError: see `shared`; naming the domain if it has too little text.
        """
        versions, account = self.versions()
        names = self._ordered(shared(self.name, versions, account))
        windows, too_long = self._taken(names, versions, length, encoder)
        sample = Sample(left_out=account.left_out)
        for number, (domain, version) in enumerate(versions.items()):
            sample.left_out[domain] += Counter(
                too_long=too_long, over_cap=len(names) - too_long - len(windows)
            )
            sample.items += [
                Item(
                    domain=domain,
                    stratum=domain,
                    item=name,
                    cluster=version[name].group or "",
                    options=(options[number],),
                    text=version[name].text,
                )
                for name, options in windows.items()
            ]
        return check_sample(self.name, self.settings, sample)

    def versions(self) -> tuple[dict[str, Version], Account]:
        """Return the texts of every domain by name, and the account of empty texts.

        Raises:
            ValueError: as the reader; naming the domain and the text, if a name occurs twice.
        """
        account, versions = Account(), {}
        for domain, source in self.settings.domains.items():
            version: Version = {}
            for document in read_documents(self.inputs.sources[source], self.settings.reader):
                text = clean(document.text, self.settings.reader)
                words = " ".join(text.split())
                if document.name is None or document.name in version:
                    raise ValueError(
                        f"families.{self.name}.domains.{domain}: {document.where}: "
                        f"{'no name' if document.name is None else 'a second text of this name'}; "
                        "texts of several sources are paired by their names"
                    )
                if not words:
                    account.left_out[domain]["empty"] += 1
                    continue
                version[document.name] = SourceDocument(
                    text=words, name=document.name, group=document.group, where=document.where
                )
            versions[domain] = version
        return versions, account

    def _ordered(self, names: Iterable[str]) -> list[str]:
        seed = self.settings.sample_seed
        return in_random_order(names, seed=seed, name=self.settings.kind, key=str)

    def _taken(
        self,
        names: Iterable[str],
        versions: Mapping[str, Version],
        length: int,
        encoder: TextEncoder,
    ) -> tuple[dict[str, list[Option]], int]:
        """Return the windows of texts in every domain up to the caps, by name, and a count.

        The count is that of texts met so far that are longer than the window in some domain.
        """
        windows: dict[str, list[Option]] = {}
        spent, too_long = [0] * len(versions), 0
        max_tokens, max_items = self.settings.token_cap(), self.settings.item_cap()
        for name in names:
            options = [
                encoder.window(encoder.encode(version[name].text)) for version in versions.values()
            ]
            if any(option.num_tokens > length for option in options):
                too_long += 1
                continue
            spent = [old + option.num_tokens for old, option in zip(spent, options, strict=True)]
            over = max_tokens is not None and max(spent) > max_tokens
            if windows and (over or len(windows) == max_items):
                break
            windows[name] = options
        return windows, too_long


def shared(family: str, versions: Mapping[str, Version], account: Account) -> list[str]:
    """Return the names of texts in groups that have the same names in all domains.

    Args:
        family: name of the family, for messages.
        versions: texts of every domain.
        account: the texts left out are added to it.

    Raises:
        ValueError: naming the domains and their numbers of texts, if they share no group.
    """
    groups: list[dict[str | None, set[str]]] = []
    for version in versions.values():
        of: dict[str | None, set[str]] = defaultdict(set)
        for name, document in version.items():
            of[document.group].add(name)
        groups.append(of)
    first, *others = groups
    names = [
        name
        for name, document in next(iter(versions.values())).items()
        if all(other.get(document.group) == first[document.group] for other in others)
    ]
    for domain, version in versions.items():
        account.left_out[domain]["not_in_all_versions"] += len(version) - len(names)
    if not names:
        counts = ", ".join(f"{domain} {len(version)}" for domain, version in versions.items())
        raise ValueError(
            f"families.{family}.domains: no group of texts has the same names in all domains; "
            f"texts read: {counts}"
        )
    return names
