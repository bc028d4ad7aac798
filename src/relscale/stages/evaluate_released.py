"""Score the released models of one IsoFLOP curve on one family, one after another."""

from pathlib import Path

from relscale.contract.arrow import arrow_table, write_parquet
from relscale.evaluation.aggregate import LOSSES_SCHEMA
from relscale.files import write_json
from relscale.released.score_family import Texts, score_models
from relscale.released.spec import EvaluateReleasedSpec
from relscale.released.text_table import read_texts
from relscale.runtime import run


def main(
    *,
    spec: EvaluateReleasedSpec,
    defined_by: list[str],
    texts: Path,
    out_losses: Path,
    out_items: Path,
    out_record: Path,
    out_buckets: Path | None = None,
    out_positions: Path | None = None,
) -> None:
    """Write losses, items, sums and the record of the scoring, with the digests that define it.

    The sums by bucket and by position are empty unless the spec asks for them.
    """
    items, documents = read_texts(texts)
    family = Texts(family=spec.family, settings=spec.settings, items=items, documents=documents)
    found = score_models(spec, family)
    write_parquet(arrow_table(found.losses, LOSSES_SCHEMA), out_losses)
    write_parquet(found.items, out_items)
    if out_buckets is not None:
        write_parquet(found.buckets, out_buckets)
    if out_positions is not None:
        write_parquet(found.positions, out_positions)
    # The workflow compares the record's spec with the one that it gives: only the keys given.
    given = spec.model_dump(mode="json", exclude_unset=True)
    runs = [record.as_json() for record in found.records]
    record = {"family": spec.family, "spec": given, "defined_by": defined_by, "runs": runs}
    write_json(out_record, record)


if __name__ == "__main__":
    run(main)
