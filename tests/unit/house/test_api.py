"""The public API: lazy, complete, and with examples that run."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import relscale
from relscale.config import load

ROOT = Path(__file__).parents[3]
HEAVY = {"torch", "pandas", "scipy", "pyarrow", "transformers", "matplotlib", "numpy"}


def test_importing_the_package_imports_nothing_heavy():
    script = "import sys, relscale; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("name", relscale.__all__)
def test_every_function_of_the_api_is_there_and_documented(name):
    function = getattr(relscale, name)
    assert callable(function)
    assert (function.__doc__ and "Args:" in function.__doc__) or "Raises:" in function.__doc__


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
