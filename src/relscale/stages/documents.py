"""Stage `documents`: build one corpus from its sources."""

import argparse
import json
from pathlib import Path

from relscale.config.corpora import Corpora
from relscale.files import sha256_of, write_json
from relscale.runtime import run
from relscale.text.decontamination import WindowSet, evaluation_texts
from relscale.text.documents import build_corpus
from relscale.text.parquet import write_documents


def main() -> None:
    """Parse the arguments, build the corpus, write its documents and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", required=True, help="JSON: corpus, mixture, corpora, decontaminate_against"
    )
    parser.add_argument(
        "--source",
        required=True,
        nargs="+",
        metavar="NAME=MANIFEST",
        help="manifests of the sources",
    )
    parser.add_argument("--out-train", required=True, type=Path)
    parser.add_argument("--out-validation", required=True, type=Path)
    parser.add_argument("--out-report", required=True, type=Path)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    files = {
        name: Path(manifest).parent / "files"
        for name, manifest in (pair.split("=", 1) for pair in arguments.source)
    }
    corpora = Corpora.model_validate(
        {**spec["corpora"], "mixtures": {spec["corpus"]: spec["mixture"]}}
    )
    families = sorted(spec["decontaminate_against"].items())
    texts = (
        text
        for name, settings in families
        for text in evaluation_texts(name, settings, files[settings["source"]])
    )
    corpus = build_corpus(spec["corpus"], corpora, files, WindowSet(texts, corpora.window_words))
    write_documents(corpus.train, arguments.out_train)
    write_documents(corpus.validation, arguments.out_validation)
    sums = {
        "train": sha256_of(arguments.out_train),
        "validation": sha256_of(arguments.out_validation),
    }
    write_json(
        arguments.out_report, {"corpus": spec["corpus"], "rows": corpus.rows, "sha256": sums}
    )


if __name__ == "__main__":
    run(main)
