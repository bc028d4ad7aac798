"""Items of families of kind `strata`: windows of the held-out documents of one corpus."""

import sys
from collections import defaultdict

import pyarrow.parquet as pq

from relscale.config.families import StrataFamily
from relscale.evaluation.document_windows import validation_items
from relscale.evaluation.families.base import FamilyItems, check_sample
from relscale.evaluation.requests import take_tokens
from relscale.evaluation.samples import Sample
from relscale.evaluation.tokens import TextEncoder


class StrataItems(FamilyItems[StrataFamily]):
    """Windows of the held-out documents of one corpus, with one domain per component."""

    def sample(self, length: int, encoder: TextEncoder) -> Sample:
        """Return one window of each of a sample of the documents of each domain.

        The document is the item, so that items are independent.

        Raises:
            ValueError: if a domain has no held-out text or too little of it.
        """
        if self.inputs.validation is None:
            raise ValueError(f"families.{self.name}: kind strata needs --validation")
        rows = pq.read_table(self.inputs.validation, columns=["component", "document", "text"])
        documents: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        for row in rows.to_pylist():
            documents[row["component"]].append(
                (str(row["component"]), row["document"], row["text"])
            )
        sample = Sample(items=[])
        for domain, component in self.settings.domains.items():
            windows, _ = validation_items(
                documents[component],
                domain=domain,
                seed=self.settings.sample_seed,
                length=length,
                max_tokens=sys.maxsize,
                encoder=encoder,
            )
            # The first in the random order of the windows.
            one_each = {item.item.partition(":")[0]: item for item in reversed(windows)}
            ordered = [item for item in windows if one_each[item.item.partition(":")[0]] is item]
            taken = take_tokens(ordered, self.settings.tokens_per_domain)
            sample.items += taken
            sample.left_out[domain]["over_cap"] = len(ordered) - len(taken)
        return check_sample(self.name, self.settings, sample)
