"""Items of families of kind `documents`: one window of each document, or whole documents."""

from collections import Counter, defaultdict
from pathlib import Path

from relscale.config.families import DocumentFamily
from relscale.config.readers import names_domains
from relscale.evaluation.document_windows import document_items
from relscale.evaluation.families.base import (
    FamilyItems,
    check_sample,
    check_texts,
    raise_no_text,
)
from relscale.evaluation.requests import in_random_order, text_id
from relscale.evaluation.samples import Account, FamilyTexts, Sample
from relscale.evaluation.texts import TextDocument
from relscale.evaluation.tokens import TextEncoder
from relscale.text.cleaning import clean
from relscale.text.readers import read_documents


class DocumentItems(FamilyItems[DocumentFamily]):
    """Documents by domain."""

    def texts(self) -> FamilyTexts:
        """Return a sample of each domain's documents, each document once.

        Raises:
            ValueError: see `documents_by_domain`; naming the domain if it has too little text.
        """
        rows, account = documents_by_domain(self.name, self.settings, self.source)
        texts = FamilyTexts(left_out=account.left_out, outside=account.outside)
        for domain, documents in rows.items():
            unique: dict[str, TextDocument] = {}
            for stratum, text in documents:
                key = text_id(text)
                document = TextDocument(domain=domain, stratum=stratum, item=key, text=text)
                unique.setdefault(key, document)
            ordered = in_random_order(
                unique.values(),
                seed=self.settings.sample_seed,
                name=domain,
                key=lambda document: document.item,
            )
            taken = ordered[: self.settings.item_cap()]
            texts.documents += taken
            texts.left_out[domain] += Counter(
                copies=len(documents) - len(unique), over_cap=len(unique) - len(taken)
            )
        return check_texts(self.name, self.settings, texts)

    def sample(self, length: int, encoder: TextEncoder) -> Sample:
        """Return one window from each of a sample of a domain's documents.

        Raises:
            ValueError: see `documents_by_domain`; naming the domain if it has too little text.
        """
        texts, account = documents_by_domain(self.name, self.settings, self.source)
        sample = Sample(left_out=account.left_out, outside=account.outside)
        for domain in self.settings.domains:
            items, left_out = document_items(
                texts[domain],
                domain=domain,
                family=self.settings,
                length=length,
                encoder=encoder,
            )
            sample.items += items
            sample.left_out[domain] += left_out
        return check_sample(self.name, self.settings, sample)


def documents_by_domain(
    name: str, family: DocumentFamily, files: Path
) -> tuple[dict[str, list[tuple[str, str]]], Account]:
    """Return (stratum, cleaned text) of each document by domain, and the account of other text.

    Raises:
        ValueError: naming the key, its value and the choices, if a value of the domain key is not
            in the source or a domain has no text.
    """
    domains_of_value: dict[str, list[str]] = defaultdict(list)
    for domain, values in family.domains.items():
        for value in dict.fromkeys(values):
            domains_of_value[value].append(domain)
    only = None if names_domains(family.reader) else next(iter(family.domains))
    texts: dict[str, list[tuple[str, str]]] = {domain: [] for domain in family.domains}
    account, seen = Account(), Counter[str]()
    for document in read_documents(files, family.reader):
        value = document.domain or ""
        seen[value] += 1
        domains = [only] if only else domains_of_value.get(value, [])
        if not domains:
            account.outside[value] += 1
            continue
        text = clean(document.text, family.reader).strip()
        for domain in domains:
            if text:
                texts[domain].append((value or domain, text))
            else:
                account.left_out[domain]["empty"] += 1
    for domain, values in family.domains.items():
        missing = [value for value in values if value not in seen] if only is None else []
        if missing or not texts[domain]:
            raise_no_text(f"families.{name}.domains.{domain}", missing or values, seen)
    return texts, account
