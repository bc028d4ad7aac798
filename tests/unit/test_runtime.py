"""The command line of a stage: where it takes its spec from."""

import errno
import json
import os
import subprocess
import sys

import pytest

from relscale.config.base import Model
from relscale.runtime import call, user_errors


class Settings(Model):
    names: list[str]


def stage_that_keeps(found):
    def stage(*, spec: Settings) -> None:
        found.append(spec.names)

    return stage


NAMES = [
    "plain",
    "with 'quotes' and \"more\"",
    "{braces} {{twice}}",
    "$HOME `id` \\ %s %%",
    "Ünï\n",
]


def test_a_spec_is_read_from_the_option_or_from_a_file(tmp_path):
    found, text = [], json.dumps({"names": NAMES}, ensure_ascii=False)
    path = tmp_path / "{spec}.json"
    path.write_text(text, encoding="utf-8")
    for word in (text, f" {text}", str(path)):
        call(stage_that_keeps(found), ["--spec", word])
    assert found == [NAMES] * 3


@pytest.mark.parametrize("megabytes", [0.2, 3])
def test_a_spec_of_any_size_passes_the_shell_as_rules_write_it(tmp_path, megabytes):
    """One word may have 128 KiB, and all words together about 2 MB; a spec is in neither."""
    names = [*NAMES, "x" * int(megabytes * 2**20)]
    text = json.dumps({"names": names}, ensure_ascii=False).replace("'", "'\"'\"'")
    (tmp_path / "stage.py").write_text(
        "from pathlib import Path\nfrom relscale.config.base import Model\n"
        "from relscale.runtime import run\n\n\n"
        "class Settings(Model):\n    names: list[str]\n\n\n"
        "def main(*, spec: Settings, out: Path) -> None:\n"
        "    out.write_text('|'.join(spec.names), encoding='utf-8')\n\n\nrun(main)\n"
    )
    (tmp_path / "job.sh").write_text(
        f"{sys.executable} stage.py --spec <(printf %s '{text}') --out out.txt\n", encoding="utf-8"
    )
    subprocess.run(["bash", "-euo", "pipefail", "job.sh"], cwd=tmp_path, check=True)
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "|".join(names)


@pytest.mark.parametrize("word", ["nothing.json", "", "x" * 5000, '"text"'])
def test_a_spec_that_is_neither_json_nor_a_file_is_an_error_of_the_option(word):
    with pytest.raises(ValueError, match=r"^--spec '.{0,90}': neither JSON nor a file") as error:
        call(stage_that_keeps([]), ["--spec", word])
    assert len(str(error.value)) < 200


def test_a_wrong_key_in_a_file_is_named_as_in_the_option(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text('{"names": ["a"], "nmaes": 3}')
    with pytest.raises(ValueError, match=r"^--spec: nmaes: "):
        call(stage_that_keeps([]), ["--spec", str(path)])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENAMETOOLONG])
def test_a_disk_that_takes_no_file_is_one_line(number):
    with pytest.raises(SystemExit) as caught, user_errors():
        raise OSError(number, os.strerror(number), "out.csv")
    assert str(caught.value).startswith("error: ") and "'out.csv'" in str(caught.value)


def test_other_errors_of_the_system_keep_their_traceback():
    with pytest.raises(OSError, match="no such process"), user_errors():
        raise OSError(errno.ESRCH, "no such process")
