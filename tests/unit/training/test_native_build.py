"""A compiled library and the sources that it was, or was not, compiled from."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from relscale.training import native_build
from relscale.training.native_build import SOURCE_FILES, UnavailableError, sources_digest

ROOT = Path(__file__).parents[3]
HERE = Path(native_build.__file__).parent

DIGEST = """
import sys
sys.path.insert(0, sys.argv[1])
from relscale.provenance.code import code_digest
print(code_digest("relscale.stages.train"), code_digest("relscale.stages.evaluate"))
print(code_digest("relscale.stages.laws"))
"""


def digests(folder):
    command = [sys.executable, "-c", DIGEST, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    training, laws = done.stdout.splitlines()
    return training.split(), laws


@pytest.mark.parametrize("name", ["vector.h", "decoder.c", "flags.json"])
def test_an_edit_of_a_source_makes_training_and_evaluation_stale_and_nothing_else(name, tmp_path):
    package = tmp_path / "relscale"
    shutil.copytree(HERE.parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    before = digests(tmp_path)
    path = package / "training/native" / name
    path.write_text(path.read_text().replace("1", "2", 1))
    after = digests(tmp_path)
    assert not set(before[0]) & set(after[0])
    assert before[1] == after[1]


def test_every_file_of_the_folder_is_a_source():
    named = {path for pattern in SOURCE_FILES for path in HERE.glob(pattern)}
    assert named == {path for path in (HERE / "native").iterdir() if path.is_file()}


def test_a_library_of_other_sources_is_refused_with_both_digests(tmp_path):
    (library,) = HERE.glob("_native.*") or [None]
    if library is None:
        pytest.skip("the native library was not compiled")
    shutil.copy(library, tmp_path)
    shutil.copytree(HERE / "native", tmp_path / "native")
    native_build._open(tmp_path)
    source = tmp_path / "native/layers.h"
    source.write_text(source.read_text() + "/* edited */\n")
    present = sources_digest(tmp_path)
    with pytest.raises(UnavailableError, match=rf"other sources .*\({present}\): run `make env`"):
        native_build._open(tmp_path)
    # Without sources there is nothing to compare with.
    shutil.rmtree(tmp_path / "native")
    native_build._open(tmp_path)


def test_a_file_that_is_no_library_is_a_reason(tmp_path):
    with pytest.raises(UnavailableError, match="it was not compiled"):
        native_build._open(tmp_path)
    suffix = native_build.EXTENSION_SUFFIXES[0]
    (tmp_path / f"_native{suffix}").write_bytes(b"text")
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        native_build._open(tmp_path)


def test_the_flags_are_lists_of_options():
    flags = json.loads((HERE / "native/flags.json").read_text())
    levels = flags.pop("x86_levels")
    assert set(levels) | {"baseline"} == set(native_build.LEVELS)
    for options in [*flags.values(), *levels.values()]:
        assert all(option.startswith("-") for option in options)
