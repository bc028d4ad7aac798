"""Build the documents of one corpus from its sources."""

from pathlib import Path

from relscale.files import sha256_of, write_json
from relscale.runtime import run
from relscale.text.corpus_builder import build_corpus
from relscale.text.decontamination import evaluation_windows
from relscale.text.document_files import write_documents
from relscale.text.manifests import CorpusReport
from relscale.text.named_paths import source_folders
from relscale.text.spec import CorpusSpec


def main(
    *, spec: CorpusSpec, source: list[str], out_train: Path, out_validation: Path, out_report: Path
) -> None:
    """Build one corpus; `source` has the form NAME=MANIFEST."""
    files, rules = source_folders(source), spec.corpora
    windows = evaluation_windows(spec.decontaminate_against, files, rules.window_words)
    corpus = build_corpus(spec.corpus, spec.mixture, rules, files, windows)
    write_documents(corpus.train, out_train)
    write_documents(corpus.validation, out_validation)
    checksums = {"train": sha256_of(out_train), "validation": sha256_of(out_validation)}
    report = CorpusReport(corpus=spec.corpus, rows=corpus.rows, sha256=checksums)
    write_json(out_report, report.model_dump(mode="json"))


if __name__ == "__main__":
    run(main)
