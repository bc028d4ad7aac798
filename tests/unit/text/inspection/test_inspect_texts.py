"""`relscale corpus inspect`: counts by hand, limits for huge folders, and YAML that loads."""

import gzip
import json
import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import load_experiment
from relscale.text.inspection import listing as listing_module
from relscale.text.inspection import sample as sample_module
from relscale.text.inspection.fields import domain_field, summarise, text_field
from relscale.text.inspection.listing import FileKind, encoding_of, list_files
from relscale.text.inspection.proposal import key_of, labels_of
from relscale.text.inspection.report import TextInspection
from relscale.text.inspection.sample import count_texts, evenly, take_sample
from relscale.text.readers import read_documents

ROOT = Path(__file__).parents[4]
WORDS = [
    "the",
    "cat",
    "river",
    "mountain",
    "house",
    "gap",
    "law",
    "loss",
    "model",
    "train",
    "word",
    "text",
    "island",
    "ship",
]


def prose(seed, words=120):
    chosen = random.Random(seed)
    return " ".join(chosen.choice(WORDS) for _ in range(words)) + "\n"


def write(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)


@pytest.fixture
def news(tmp_path):
    """Three folders of texts, among them an empty, a repeated and an unreadable one, and a PDF."""
    folder = tmp_path / "Our News"
    for country, number in (("US", 6), ("GB", 4), ("NG", 2)):
        for place in range(number):
            write(folder, **{f"{country}__{place}_dot_txt": prose(f"{country}{place}")})
    write(
        folder,
        GB__empty_dot_txt=" \n",
        GB__again_dot_txt=prose("US1").upper(),
        NG__latin_dot_txt="naïve café".encode("latin-1"),
        paper_dot_pdf=b"%PDF-1.4\0\xff",
        _dot_hidden="secret",
    )
    return folder


def records(number, seed=0):
    chosen = random.Random(seed)
    return [
        {"id": place, "body": prose(place), "country": chosen.choice(["US", "GB", "NG"]), "n": 0.5}
        for place in range(number)
    ]


def write_lines(path, number):
    path.write_text("".join(json.dumps(record) + "\n" for record in records(number)))


def experiment_with(proposal, tmp_path):
    """Load the default experiment with the proposed corpus and family."""
    sections = proposal.sections("CC0-1.0", "Doe, J. (2025). Texts")
    sections["suite"] = {"corpora": ["web", proposal.name]}
    if "families" in sections:
        sections["evaluate"] = ["validation", proposal.name]
        sections["figures"] = {"names": ["isoflop_curves"]}
        sections["laws"] = {"two_stage": None}
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(sections, allow_unicode=True))
    return load_experiment(ROOT / "config.yaml", overlay)


def test_files_documents_and_problems_are_counted(news):
    found = TextInspection.of(news)
    assert found.sample.is_complete
    counts = found.sample.counts
    assert (counts.documents, counts.empty, counts.exact_duplicates) == (14, 1, 1)
    assert counts.characters == sum(len(p.read_text()) for p in news.rglob("*.txt")
                                    if p.name != "latin.txt")  # fmt: skip
    text = found.report()
    assert "16 files" in text and "text_files   15 files" in text
    assert "1 hidden files and folders are left out" in text
    assert "NG/latin.txt: not UTF-8, perhaps Windows-1252 or Latin-1; save it as UTF-8" in text
    assert "paper.pdf: not UTF-8 text; it is a PDF file" in text
    assert "US: 6 files" in text and "secret" not in text


def test_folders_become_domains_and_the_configuration_loads(news, tmp_path):
    proposal = TextInspection.of(news).proposal
    assert proposal.name == "our_news"
    assert set(proposal.domains) == {"US", "GB", "NG"} and proposal.domains[0] == "US"
    experiment = experiment_with(proposal, tmp_path)
    family = experiment.families["our_news"]
    assert family.baseline == "US" and family.metrics == ["bits_per_byte"]
    (news / "NG/latin.txt").unlink()  # its encoding is an error for every reader
    documents = list(read_documents(news, family.reader))
    assert sorted({one.domain for one in documents}) == ["GB", "NG", "US"]
    (component,) = experiment.corpora.mixtures["our_news"].components
    assert len(list(read_documents(news, component.reader))) == len(documents) == 14


def test_without_licence_the_configuration_is_refused(news, tmp_path):
    sections = TextInspection.of(news).proposal.sections(None, None)
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(sections))
    with pytest.raises(ValueError, match=r"sources\.our_news") as error:
        load_experiment(ROOT / "config.yaml", overlay)
    assert "licence" in str(error.value) and "citation" in str(error.value)


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "json", "csv", "parquet"])
def test_records_of_every_format_name_text_and_domain(form, tmp_path):
    path = tmp_path / f"news.{form}"
    rows = records(60)
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "csv":
        lines = ["id,body,country,n"]
        lines += [f'{row["id"]},"{row["body"]}",{row["country"]},{row["n"]}' for row in rows]
        path.write_text("\n".join(lines) + "\n")
    elif form == "json":
        path.write_text(json.dumps(rows))
    else:
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(content) if form.endswith("gz") else content)
    found = TextInspection.of(path)
    assert found.sample.counts.documents == 60
    proposal = found.proposal
    (reader,) = proposal.readers
    assert reader["text"] == "body" and reader["files"] == path.name
    assert proposal.family_reader == {**reader, "domain": "country"}
    family = experiment_with(proposal, tmp_path).families["news"]
    domains = [document.domain for document in read_documents(tmp_path, family.reader)]
    assert sorted(domains) == sorted(row["country"] for row in rows)
    assert set(family.domains) == {"US", "GB", "NG"}


def test_a_long_file_is_sampled_and_its_records_are_estimated(tmp_path, monkeypatch):
    write_lines(tmp_path / "long.jsonl", 3000)
    monkeypatch.setattr(listing_module, "HEAD_BYTES", 200_000)
    found = TextInspection.of(tmp_path / "long.jsonl")
    (kind,) = found.sample.kinds.values()
    assert 100 < kind.sampled < 1000 and not found.sample.is_complete
    text = found.report()
    assert "a sample was read: 1 of 1 files" in text
    estimate = int(text.partition("json: about ")[2].split()[0].replace(",", ""))
    assert estimate == pytest.approx(3000, rel=0.1)  # records differ in length


def test_a_row_that_the_cut_divides_is_left_out(tmp_path, monkeypatch):
    rows = "".join(f'{place},"line one\nline two {prose(place)}"\n' for place in range(500))
    (tmp_path / "rows.csv").write_text("id,text\n" + rows)
    monkeypatch.setattr(listing_module, "HEAD_BYTES", 50_000)
    sample = take_sample(list_files(tmp_path / "rows.csv"))
    assert sample.problems == [] and 10 < sample.counts.documents < 500


def test_rows_of_parquet_are_counted_by_the_file(tmp_path, monkeypatch):
    pq.write_table(pa.Table.from_pylist(records(700)), tmp_path / "a.parquet")
    monkeypatch.setattr(sample_module, "MOST_RECORDS", 50)
    found = TextInspection.of(tmp_path / "a.parquet")
    assert found.sample.counts.documents == 50
    assert "parquet: about 700 records" in found.report()


def test_a_huge_folder_is_listed_and_opened_in_part(tmp_path, monkeypatch):
    for place in range(60):
        write(tmp_path, **{f"f{place % 3}__{place:02}_dot_txt": prose(place)})
    monkeypatch.setattr(listing_module, "MOST_ENTRIES", 40)
    monkeypatch.setattr(sample_module, "MOST_FILES", 7)
    found = TextInspection.of(tmp_path)
    assert len(found.listing.files) == 37  # and three folders
    assert found.sample.counts.documents == 7
    text = found.report()
    assert "listed; the folder has more" in text and "a sample was read: 7 of 37 files" in text


def test_a_bomb_is_read_to_the_limit_only(tmp_path):
    packed = gzip.compress(bytes(32) * (1 << 20) * 2)
    (tmp_path / "bomb.txt.gz").write_bytes(packed)
    (tmp_path / "line.jsonl.gz").write_bytes(gzip.compress(b'{"text": "' + b"a" * (1 << 26)))
    sample = take_sample(list_files(tmp_path))
    assert sample.counts.documents == 0
    assert len(sample.problems) == 1  # NUL bytes; of the endless line nothing is whole


def test_pipes_links_and_hidden_files_are_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    write(tmp_path, a_dot_txt="text")
    found = list_files(tmp_path)
    assert [file.name for file in found.files] == ["a.txt"]
    assert [words.partition(" ")[0] for words in found.unreadable] == [
        "gone.txt",
        "loop",
        "pipe.txt",
    ]


def test_code_in_files_is_not_run(tmp_path):
    ran = tmp_path / "ran"
    write(tmp_path, evil_dot_py=f"open({str(ran)!r}, 'w')", model_dot_pkl=b"\x80\x04cos\nsystem\n.")
    assert CliRunner().invoke(app, ["corpus", "inspect", str(tmp_path)]).exit_code == 0
    assert not ran.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("héllo".encode("utf-16"), "it is UTF-16"),
        (b"\xef\xbb\xbfhello", "UTF-8 with a byte order mark"),
        (b"\x1f\x8b\x08\x00", "it is compressed with gzip"),
        ("日本".encode()[:-1], "not UTF-8"),
    ],
)
def test_encodings_are_named(content, words):
    assert words in encoding_of(content)


def test_a_letter_that_the_limit_cuts_is_not_a_wrong_encoding():
    assert encoding_of("日本".encode()[:-1], is_whole=False) == "UTF-8"


def test_odd_documents_are_counted_by_hand():
    long = prose(1, 200)
    nearly = long.replace("cat", "dog", 2)
    odd = ["bad \ufffd letter here, really", "a\x07bell in a longer text"]
    marked = "<p>marked &amp; up text of some length</p>"
    texts = [long, nearly, "short", "", *odd, marked, long.upper()]
    counts = count_texts(texts)
    assert (counts.documents, counts.empty, counts.short) == (8, 1, 1)
    assert (counts.replaced, counts.control, counts.markup) == (1, 1, 1)
    assert counts.exact_duplicates == 1
    assert (counts.compared, counts.near_duplicates) == (6, 1)


def test_one_file_of_every_ending_is_opened_besides_the_sample(tmp_path, monkeypatch):
    for place in range(30):
        write(tmp_path, **{f"{place:02}_dot_txt": prose(place)})
    write(tmp_path, **{"05b_dot_md": prose(99), "07b_dot_bin": b"\x00\x01"})
    monkeypatch.setattr(sample_module, "MOST_FILES", 2)
    sample = take_sample(list_files(tmp_path))
    assert sample.endings == {
        ".txt": FileKind.TEXT, ".md": FileKind.TEXT, ".bin": FileKind.UNREADABLE,
    }  # fmt: skip
    assert sample.counts.documents == 3


def test_repairs_of_the_readers_are_told_by_file(tmp_path, caplog):
    (tmp_path / "half.jsonl").write_text('{"text": "half \\ud800 a pair in a text"}\n')
    found = TextInspection.of(tmp_path)
    assert found.sample.remarks == [
        "half.jsonl: removed halves of surrogate pairs from 1 record(s)"
    ]
    assert "repaired by the reader: half.jsonl" in found.report() and caplog.records == []


def test_much_markup_proposes_to_remove_it(tmp_path):
    for place in range(4):
        write(tmp_path, **{f"{place}_dot_txt": f"<p>{prose(place)}</p>"})
    assert TextInspection.of(tmp_path).proposal.readers[0]["strip_markup"] is True


def test_texts_and_records_together_get_a_component_each(tmp_path):
    write(tmp_path, a_dot_txt=prose(1), b_dot_md=prose(2))
    write_lines(tmp_path / "c.jsonl", 20)
    text, lines = TextInspection.of(tmp_path).proposal.readers
    assert text == {"kind": "text_files", "files": "**/*", "exclude": ["*.jsonl"]}
    assert lines == {"kind": "json", "files": "**/*.jsonl", "text": "body"}


def test_deeper_folders_name_domains_if_the_first_level_has_one(tmp_path):
    folder = tmp_path / "archive"
    write(folder, v1__US__a_dot_txt=prose(1), v1__GB__b_dot_txt=prose(2), v1__README="notes")
    proposal = TextInspection.of(folder).proposal
    assert proposal.family_reader == {
        "kind": "domain_folders", "files": "**/*", "exclude": ["v1/README"], "level": 2,
    }  # fmt: skip


def test_files_without_folders_or_fields_propose_no_family(tmp_path):
    write(tmp_path, a_dot_txt=prose(1), b_dot_txt=prose(2))
    found = TextInspection.of(tmp_path)
    assert found.proposal.family_reader is None
    assert "Nothing names domains" in found.report()


def test_the_text_is_a_usual_name_or_the_longest_string():
    fields = summarise([{"url": "http://" + "a" * 90, "text": "short", "x": 1}])
    assert text_field(fields) == "text"
    fields = summarise([{"title": "a" * 50, "story": "b" * 500}, {"title": None, "story": "c" * 9}])
    assert text_field(fields) == "story"
    assert text_field(summarise([{"a": 1, "b": "tiny"}])) is None


def test_the_domain_has_few_values_in_all_records():
    rows = [{"t": "x" * 99 + str(i), "lang": "en", "topic": f"t{i % 3}", "id": str(i),
             "half": "a" if i % 2 else None} for i in range(30)]  # fmt: skip
    assert domain_field(summarise(rows), 30, "t") == "topic"
    assert domain_field(summarise([{"t": "a", "k": str(i)} for i in range(9)]), 9, "t") is None


def test_keys_and_labels_are_those_that_a_configuration_takes():
    assert key_of(Path("data/Ünïcode & more")) == "n_code_more"
    assert labels_of(["US", "_x", "  ", "x"]) == {"US": "US", "x": "_x", "domain 3": "  ",
                                                  "domain 4": "x"}  # fmt: skip


def test_sampled_files_are_spread_evenly():
    assert evenly(list(range(101)), 5) == [0, 25, 50, 75, 100]
    assert evenly([1, 2], 5) == [1, 2]


def test_a_path_without_files_is_refused(tmp_path):
    for path, words in ((tmp_path / "absent", "no such file or folder"), (tmp_path, "no files")):
        done = CliRunner().invoke(app, ["corpus", "inspect", str(path)])
        assert isinstance(done.exception, ValueError) and words in str(done.exception)


def test_kinds_have_the_names_of_readers():
    from relscale.text.readers import READERS

    kinds = {settings.model_fields["kind"].annotation.__args__[0] for settings in READERS}
    assert {kind.value for kind in FileKind} - {"none"} <= kinds
