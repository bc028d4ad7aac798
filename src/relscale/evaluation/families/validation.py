"""Items of families of kind `validation`: windows of the held-out documents of a corpus."""

import pyarrow.parquet as pq

from relscale.config.families import ValidationFamily
from relscale.evaluation.document_windows import validation_items
from relscale.evaluation.families.base import FamilyItems, check_sample
from relscale.evaluation.samples import Sample
from relscale.evaluation.tokens import TextEncoder

DOMAIN = "own"


class ValidationItems(FamilyItems[ValidationFamily]):
    """Windows of the held-out documents of a corpus, as one domain."""

    def sample(self, length: int, encoder: TextEncoder) -> Sample:
        """Return windows into which the documents are cut from beginning to end.

        Raises:
            ValueError: if the corpus has no held-out text or too little of it.
        """
        if self.inputs.validation is None:
            raise ValueError(f"families.{self.name}: kind validation needs --validation")
        rows = pq.read_table(self.inputs.validation, columns=["component", "document", "text"])
        items, total = validation_items(
            [(str(row["component"]), row["document"], row["text"]) for row in rows.to_pylist()],
            domain=DOMAIN,
            seed=self.settings.sample_seed,
            length=length,
            max_tokens=self.settings.max_tokens,
            encoder=encoder,
        )
        if not items:
            raise ValueError(
                f"families.{self.name}: the corpus has no validation text; raise "
                "corpora.validation_share or give it more text"
            )
        sample = Sample(items=items)
        sample.left_out[DOMAIN]["over_cap"] = total - len(items)
        return check_sample(self.name, self.settings, sample)
