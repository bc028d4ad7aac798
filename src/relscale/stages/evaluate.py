"""Score the runs of one IsoFLOP curve on one family; after a kill, resume with the next run."""

from pathlib import Path

from relscale.contract.arrow import arrow_table, write_parquet
from relscale.evaluation.aggregate import LOSSES_SCHEMA, ScoredFamily
from relscale.evaluation.requests import read_requests
from relscale.evaluation.score_runs import DocumentParts, ScoreCache, read_overlaps, score_runs
from relscale.evaluation.spec import EvaluateSpec
from relscale.evaluation.token_bytes import read_token_bytes
from relscale.files import sha256_of
from relscale.runtime import run


def main(
    *,
    spec: EvaluateSpec,
    requests: Path,
    record: list[Path],
    score_cache: Path,
    defined_by: list[str],
    out_losses: Path,
    out_items: Path,
    overlaps: Path | None = None,
    token_bytes: Path | None = None,
    out_buckets: Path | None = None,
    out_positions: Path | None = None,
) -> None:
    """Write losses and items of the runs, and the sums by bucket and by position.

    These are empty unless the spec asks for them.

    Raises:
        ValueError: if the spec asks for sums by bucket and `token_bytes` is not given.
    """
    if spec.buckets and token_bytes is None:
        raise ValueError(f"family {spec.family!r}: sums by bucket need --token-bytes")
    table = read_requests(requests)
    family = ScoredFamily(
        name=spec.family,
        settings=spec.settings,
        requests=table,
        overlaps=read_overlaps(overlaps, table.items),
    )
    cache = ScoreCache(folder=score_cache, defined_by=[sha256_of(requests), *defined_by])
    parts = None
    if spec.buckets and token_bytes is not None:
        parts = DocumentParts.of(family, read_token_bytes(token_bytes, table), spec.context_length)
    found = score_runs(record, family, cache, parts)
    write_parquet(arrow_table(found.losses, LOSSES_SCHEMA), out_losses)
    write_parquet(found.items, out_items)
    if out_buckets is not None:
        write_parquet(found.buckets, out_buckets)
    if out_positions is not None:
        write_parquet(found.positions, out_positions)


if __name__ == "__main__":
    run(main)
