"""Build one shard of a component. An interrupted shard resumes; a finished one takes seconds."""

from pathlib import Path

from relscale.runtime import run
from relscale.text.named_paths import source_folders
from relscale.text.shard_builder import ShardInputs, ShardOutputs, UnfinishedShards, build_shard
from relscale.text.shard_tokens import SAVE_MB
from relscale.text.spec import ComponentSpec


def main(
    *,
    spec: ComponentSpec,
    plan: Path,
    shard: int,
    tokenizer: Path,
    source: list[str],
    checkpoints: Path,
    defined_by: list[str],
    out_tokens: Path,
    out_validation: Path,
    out_record: Path,
    save_mb: float = SAVE_MB,
) -> None:
    """Build one shard.

    `source` has the form NAME=MANIFEST; `checkpoints` is the folder of unfinished shards.
    """
    inputs = ShardInputs(plan=plan, tokenizer=tokenizer, sources=source_folders(source))
    outputs = ShardOutputs(tokens=out_tokens, validation=out_validation, record=out_record)
    unfinished = UnfinishedShards(folder=checkpoints, defined_by=defined_by, save_mb=save_mb)
    build_shard(spec, shard, inputs, outputs, unfinished)


if __name__ == "__main__":
    run(main)
