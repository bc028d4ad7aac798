"""Families of kind `parallel`: the same texts in every domain, paired by name."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from relscale.config.families import AnyFamily
from relscale.evaluation.families import FamilyInputs, family_sample, family_texts
from relscale.evaluation.overlap import item_texts, overlapping
from relscale.evaluation.requests import read_requests, write_requests

LENGTH = 60
VERSIONS = {
    "old": {
        "1.1.1": "whan that the erthe was maad of noght",
        "1.1.2": "and derknessis weren on the depthe",
        "1.2.1": "thei wenten forth",
        "1.3.1": "a verse of the old version alone",
        "2.1.1": "x" * 70,
        "2.1.2": "the laste vers",
    },
    "recent": {
        "1.1.1": "when the earth was made of nothing",
        "1.1.2": "and darkness was over the deep",
        "1.2.1": "they went out",
        "1.2.2": "a verse that only the new version has in this chapter",
        "2.1.1": "a verse that is short in the new version",
        "2.1.2": "the last verse",
    },
}
SHARED = ["1.1.1", "1.1.2", "2.1.1", "2.1.2"]
"""Chapters 1.2 and 1.3 have other verses in the other version."""


def family(**changes):
    settings = {
        "kind": "parallel",
        "reader": {"kind": "pythonbible", "files": "*.py"},
        "domains": {"Old": "old", "New": "recent"},
        "metrics": ["bits_per_byte"],
        "baseline": "New",
    }
    return TypeAdapter(AnyFamily).validate_python({**settings, **changes})


@pytest.fixture(name="folders")
def folders_fixture(tmp_path: Path) -> list[Path]:
    for source, verses in VERSIONS.items():
        text, starts, ends = "", {}, {}
        for name, words in verses.items():
            book, chapter, number = map(int, name.split("."))
            verse = 1_000_000 * book + 1000 * chapter + number
            starts[verse] = len(text)
            text += f" {number}. {words}"
            ends[verse] = len(text)
        (tmp_path / source).mkdir()
        call = f"bible = Bible(V.TEST, {text!r}, {starts!r}, {ends!r})\n"
        (tmp_path / source / "verses.py").write_text(call)
    return [tmp_path / source for source in VERSIONS]


def sample_of(settings, folders, encoder):
    inputs = FamilyInputs.of_folders(settings, folders)
    return family_sample("verses", settings, inputs, LENGTH, encoder)


def names(items, domain):
    return [item.item for item in items if item.domain == domain]


def test_all_domains_score_the_same_texts_in_the_same_order(folders, encoder):
    sample = sample_of(family(), folders, encoder)
    assert names(sample.items, "Old") == names(sample.items, "New")
    # 2.1.1 is longer than the window in the old version, so that both leave it out.
    assert sorted(names(sample.items, "New")) == ["1.1.1", "1.1.2", "2.1.2"]
    assert {item.cluster for item in sample.items} == {"1.1", "2.1"}
    shown = {(item.domain, item.item): item.text for item in sample.items}
    assert shown["Old", "2.1.2"] == "the laste vers"
    for domain in ("Old", "New"):
        assert sample.left_out[domain] == {"not_in_all_versions": 2, "too_long": 1}


def test_the_domain_with_the_most_tokens_decides_the_number_of_texts(folders, encoder):
    whole = sample_of(family(), folders, encoder)
    first = names(whole.items, "Old")
    tokens = {
        domain: [item.num_tokens for item in whole.items if item.domain == domain]
        for domain in ("Old", "New")
    }
    most = max(sum(tokens["Old"][:2]), sum(tokens["New"][:2]))
    for cap, count in ((most, 2), (most - 1, 1)):
        some = sample_of(family(tokens_per_domain=cap), folders, encoder)
        assert names(some.items, "Old") == names(some.items, "New") == first[:count]
        assert some.left_out["Old"]["over_cap"] + some.left_out["Old"]["too_long"] == 4 - count
    capped = sample_of(family(texts_per_domain=1), folders, encoder)
    assert names(capped.items, "New") == first[:1]


def test_texts_for_released_models_are_whole_and_paired(folders):
    texts = family_texts("verses", family(), *folders)
    assert names(texts.documents, "Old") == names(texts.documents, "New")
    assert sorted(names(texts.documents, "New")) == SHARED
    assert {document.cluster for document in texts.documents} == {"1.1", "2.1"}
    few = family_texts("verses", family(texts_per_domain=3), *folders)
    assert names(few.documents, "Old") == names(texts.documents, "Old")[:3]
    assert few.left_out["New"]["over_cap"] == 1


def test_sources_without_a_common_group_are_an_error(folders, encoder):
    place = folders[1] / "verses.py"
    place.write_text("bible = Bible(V.TEST, ' 1. alone', {9001001: 0}, {9001001: 9})\n")
    with pytest.raises(ValueError, match=r"families\.verses\.domains: no group .* Old 6, New 1"):
        sample_of(family(), folders, encoder)


def test_a_name_that_occurs_twice_is_an_error(folders, encoder):
    (folders[0] / "more.py").write_text(
        "bible = Bible(V.TEST, ' 1. again', {1001001: 0}, {1001001: 9})\n"
    )
    with pytest.raises(ValueError, match=r"domains\.Old: .*a second text of this name"):
        sample_of(family(), folders, encoder)


def test_clusters_and_the_texts_of_all_versions_are_in_the_requests(folders, encoder, tmp_path):
    sample = sample_of(family(), folders, encoder)
    write_requests(sample.items, tmp_path / "requests.parquet")
    table = read_requests(tmp_path / "requests.parquet")
    assert table.clusters == [item.cluster for item in sample.items]
    texts = item_texts(tmp_path / "requests.parquet")
    assert sorted(texts["1.1.1"]) == sorted(version["1.1.1"] for version in VERSIONS.values())


def test_a_verse_quoted_in_one_version_overlaps_in_all(folders, encoder, tmp_path):
    """The old version is quoted by a corpus: the pair is flagged by its name."""
    sample = sample_of(family(), folders, encoder)
    write_requests(sample.items, tmp_path / "requests.parquet")
    quote = f"It is written: {VERSIONS['old']['1.1.1'].upper()}!"
    texts = item_texts(tmp_path / "requests.parquet")
    found, too_short = overlapping(texts, [["Nothing of it.", quote]], size=8)
    assert found == ["1.1.1"] and too_short == 2
    # No window begins in one version and ends in the other.
    spanning = " ".join(reversed(texts["1.1.2"])), " ".join(texts["1.1.2"])
    assert overlapping(texts, [[text] for text in spanning], size=8) == ([], 2)


def test_every_text_of_the_sources_can_be_removed_from_corpora(folders):
    from relscale.text.decontamination import evaluation_windows
    from relscale.text.spec import ParallelTexts
    from relscale.text.windows import WordHasher, window_hashes

    spec = ParallelTexts.model_validate(family().text_spec())
    files = dict(zip(family().sources(), folders, strict=True))
    windows = evaluation_windows({"verses": spec}, files, 4)
    for version in VERSIONS.values():
        assert windows.contains(window_hashes(WordHasher()(version["1.1.1"]), 4)).all()
    json.dumps(family().text_spec())
