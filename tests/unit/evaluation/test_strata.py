"""Families of strata: one window of each held-out document, by component of one corpus."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from relscale.config.families import AnyFamily, StrataFamily
from relscale.evaluation.families import FamilyInputs, family_sample
from relscale.evaluation.samples import Sample
from relscale.evaluation.tokens import TextEncoder
from relscale.text.corpus_builder import CorpusDocument
from relscale.text.document_files import write_documents

LENGTH = 16


def family(**changes: object) -> StrataFamily:
    settings = {
        "kind": "strata",
        "corpus": "even",
        "metrics": ["bits_per_byte"],
        "domains": {"first": 0, "second": 1},
        "tokens_per_domain": 64,
        **changes,
    }
    found = TypeAdapter(AnyFamily).validate_python(settings)
    assert isinstance(found, StrataFamily)
    return found


def sample(folder: Path, made: StrataFamily, encoder: TextEncoder) -> Sample:
    """Return the sample of a corpus with ten long documents of each of two components."""
    documents = [
        CorpusDocument(
            component=component,
            document=f"{16 * number + component:016x}",
            text="xyz"[component] * 20 + f"{number:010d}" * 4,
        )
        for component in (0, 1)
        for number in range(10)
    ]
    path = folder / "validation.parquet"
    write_documents(documents, path)
    return family_sample("strata", made, FamilyInputs(validation=path), LENGTH, encoder)


def test_a_domain_has_windows_of_its_component_and_one_per_document(
    tmp_path: Path, encoder: TextEncoder
) -> None:
    found = sample(tmp_path, family(), encoder)
    for domain, component in (("first", 0), ("second", 1)):
        items = [item for item in found.items if item.domain == domain]
        names = [item.item.split(":")[0] for item in items]
        assert 3 <= len(items) == len(set(names)) < 10
        assert {int(name, 16) % 16 for name in names} == {component}
        assert sum(item.num_tokens for item in items) <= 64
        assert found.left_out[domain]["over_cap"] == 10 - len(items)


def test_another_domain_changes_no_sample(tmp_path: Path, encoder: TextEncoder) -> None:
    both = sample(tmp_path, family(), encoder)
    alone = sample(tmp_path, family(domains={"second": 1}), encoder)
    assert alone.items == [item for item in both.items if item.domain == "second"]


def test_a_component_without_held_out_text_is_named(tmp_path: Path, encoder: TextEncoder) -> None:
    with pytest.raises(ValueError, match=r"families\.strata\.domains\.none"):
        sample(tmp_path, family(domains={"first": 0, "none": 7}), encoder)


def test_without_held_out_documents_the_input_is_named(encoder: TextEncoder) -> None:
    with pytest.raises(ValueError, match="needs --validation"):
        family_sample("strata", family(), FamilyInputs(), LENGTH, encoder)


def test_the_runs_of_every_corpus_are_scored_on_the_same_documents() -> None:
    assert family().text_corpus("lean_a") == family().text_corpus("lean_b") == "even"
