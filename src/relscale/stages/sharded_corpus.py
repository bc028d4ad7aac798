"""Combine the shards of a corpus: the manifest of its tokens and its held-out documents."""

from pathlib import Path

from relscale.runtime import run
from relscale.text.named_paths import named_paths
from relscale.text.sharded_corpus import write_corpus
from relscale.text.spec import ShardedCorpusSpec


def main(
    *, spec: ShardedCorpusSpec, component: list[str], out_validation: Path, manifest: Path
) -> None:
    """Combine the shards of one corpus; `component` has the form NAME=FOLDER."""
    folders = named_paths(component)
    write_corpus(spec.corpus, spec.settings, folders, out_validation, manifest)


if __name__ == "__main__":
    run(main)
