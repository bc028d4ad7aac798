"""Stage `ngram`: train n-gram models of a corpus and score them on the requests of its runs."""

from pathlib import Path

from relscale.contract.arrow import arrow_table, write_parquet
from relscale.controls.byte_text import BytesOfTokens, training_text
from relscale.controls.score import (
    LOSSES_SCHEMA,
    ControlFamily,
    NgramModels,
    score_ngrams,
)
from relscale.controls.spec import NgramSpec
from relscale.evaluation.requests import read_requests
from relscale.evaluation.score_runs import read_overlaps
from relscale.runtime import run
from relscale.text.named_paths import named_paths
from relscale.text.tokenizer import load_tokenizer
from relscale.training.token_files import read_tokens


def main(
    *,
    spec: NgramSpec,
    tokenizer: Path,
    manifest: Path,
    requests: list[str],
    overlaps: list[str] | None = None,
    out_losses: Path,
    out_items: Path,
) -> None:
    """Write losses and items; requests and overlaps are NAME=PATH, by the names of families."""
    token_bytes = BytesOfTokens(load_tokenizer(tokenizer), str(tokenizer))
    found = named_paths(overlaps or ())
    families = []
    for name, path in named_paths(requests).items():
        table = read_requests(path)
        families.append(
            ControlFamily(
                name=name,
                requests=table,
                overlaps=read_overlaps(found.get(name), table.items),
                over_strata=name in spec.over_strata,
            )
        )
    sizes = sorted(spec.settings.bytes)
    text = training_text(
        read_tokens(manifest),
        token_bytes,
        context_length=spec.context_length,
        seed=spec.settings.seed,
        num_bytes=sizes[-1],
    )
    models = NgramModels(corpus=spec.corpus, text=text, sizes=sizes, order=spec.settings.order)
    rows, items = score_ngrams(models, families, token_bytes)
    write_parquet(arrow_table(rows, LOSSES_SCHEMA), out_losses)
    write_parquet(items, out_items)


if __name__ == "__main__":
    run(main)
