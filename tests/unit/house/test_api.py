"""The public API: lazy, complete, and with examples that run."""

import doctest
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Unpack, get_type_hints

import pytest
import yaml

import relscale
from relscale.config import load
from relscale.laws.keywords import LawKeywords
from relscale.laws.spec import LawSpec

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"torch", "pandas", "scipy", "pyarrow", "transformers", "matplotlib", "numpy"}


def test_importing_the_package_imports_nothing_heavy():
    script = "import sys, relscale; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("name", sorted({*relscale.__all__} - {"__version__"}))
def test_every_part_of_the_api_is_there_and_documented(name):
    part = getattr(relscale, name)
    assert callable(part) and part.__doc__
    assert isinstance(part, type) or "Args:" in part.__doc__ or "Raises:" in part.__doc__


def test_the_version_is_that_of_the_project_file_and_of_the_citation():
    assert relscale.__version__ == PROJECT["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == PROJECT["version"]


def test_type_checkers_read_the_annotations():
    assert (ROOT / "src/relscale/py.typed").is_file()


def test_the_keywords_of_fit_laws_are_the_fields_of_the_spec():
    keywords = get_type_hints(LawKeywords)
    fields = LawSpec.model_fields
    assert set(keywords) == set(fields)
    assert LawKeywords.__required_keys__ == {
        name for name, field in fields.items() if field.is_required()
    }
    types = get_type_hints(LawSpec)  # without the rules of Annotated
    assert keywords == {name: types[name] for name in fields}


def test_type_checkers_know_the_keywords_of_fit_laws():
    assert get_type_hints(relscale.fit_laws)["settings"] == Unpack[LawKeywords]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fit_law'"):
        relscale.fit_law  # noqa: B018


@pytest.mark.parametrize("module", [relscale, load], ids=lambda module: module.__name__)
def test_examples_of_docstrings_run(module, monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(module)
    assert tried and not failed


def test_examples_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = ROOT / "docs/reference/api.md"
    failed, tried = doctest.testfile(
        str(page), module_relative=False, globs={"folder": tmp_path}, optionflags=doctest.ELLIPSIS
    )
    assert tried > 5 and not failed
