"""Score the runs of one IsoFLOP curve on one family; after a kill, resume with the next run."""

from pathlib import Path

from relscale.contract.arrow import arrow_table, write_parquet
from relscale.evaluation.aggregate import LOSSES_SCHEMA, ScoredFamily
from relscale.evaluation.requests import read_requests
from relscale.evaluation.score_runs import ScoreCache, read_overlaps, score_runs
from relscale.evaluation.spec import EvaluateSpec
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
) -> None:
    """Write losses and items of the runs."""
    table = read_requests(requests)
    family = ScoredFamily(
        name=spec.family,
        settings=spec.settings,
        requests=table,
        overlaps=read_overlaps(overlaps, table.items),
    )
    cache = ScoreCache(folder=score_cache, defined_by=[sha256_of(requests), *defined_by])
    rows, items = score_runs(record, family, cache)
    write_parquet(arrow_table(rows, LOSSES_SCHEMA), out_losses)
    write_parquet(items, out_items)


if __name__ == "__main__":
    run(main)
