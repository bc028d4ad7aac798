"""Stage `statistics_table`: statistics of all corpora and domains as one table."""

from pathlib import Path

import pandas as pd

from relscale.contract.corpus_statistics import CORPUS_STATISTICS
from relscale.contract.io import read_tables, write_table
from relscale.corpus_statistics.rows import uncounted_row
from relscale.corpus_statistics.spec import StatisticsTableSpec
from relscale.runtime import run
from relscale.text.manifests import read_record
from relscale.text.tokens_manifest import CorpusRows


def main(
    *,
    spec: StatisticsTableSpec,
    part: list[Path] | None = None,
    manifest: list[Path] | None = None,
    out: Path,
) -> None:
    """Write the rows of all parts, and a row without values for each sharded corpus.

    The manifests are those of the sharded corpora.
    """
    names = list(CORPUS_STATISTICS.names)
    frames = [read_tables(part, names)] if part else []
    records = [read_record(path, CorpusRows) for path in manifest or ()]
    if records:
        rows = [uncounted_row(record.corpus, record.rows) for record in records]
        frames.append(pd.DataFrame(rows, columns=names))
    table = pd.concat(frames, ignore_index=True)
    for name, kind in CORPUS_STATISTICS.columns.items():
        if kind == "int":
            table[name] = table[name].astype("Int64")
    place = {corpus: index for index, corpus in enumerate(spec.corpora)}
    of_corpus = table["kind"] == "corpus"
    first = table[of_corpus].sort_values("corpus", key=lambda names: names.map(place))
    write_table(pd.concat([first, table[~of_corpus]], ignore_index=True), out, CORPUS_STATISTICS)


if __name__ == "__main__":
    run(main)
