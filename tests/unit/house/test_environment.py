"""`make env`: decides by content, and never writes behind a symbolic link.

The real Makefile runs with a stand-in for Python that records its calls and creates an environment
of a few shell scripts; a real environment takes minutes.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = f"""#!/bin/bash
echo "python $*" >> "$CALLS"
if [ "$1 $2" = "-m venv" ]; then
    folder="${{@: -1}}"
    rm -rf "$folder"/* "$folder"/.[a-z]*
    mkdir -p "$folder/bin"
    cp "$INSIDE" "$folder/bin/python"
    exit
fi
exec {sys.executable} "$@"
"""
INSIDE = """#!/bin/bash
echo "inside $*" >> "$CALLS"
if [ "$2 $3 $4" = "pip config list" ]; then cat "$PIP_SETTINGS" 2>/dev/null; fi
exit 0
"""
UV = """#!/bin/bash
echo "uv $* cert=$SSL_CERT_FILE timeout=$UV_HTTP_TIMEOUT" >> "$CALLS"
exit ${UV_STATUS:-0}
"""
SETTINGS = """:env:.find-links='/wheels'
global.cert='/certificates.crt'
global.default-timeout='180'
global.extra-index-url='file:///more https://mirror.example/simple'
global.find-links='/other /wheels'
global.index-url='https://index.example/simple'
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy of the files that decide about the environment, with a stand-in for Python."""
    folder = tmp_path / "checkout"
    for name in ("Makefile", "pyproject.toml", "setup.py", "tools", "envs"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "src/relscale/training/native", folder / "src/relscale/training/native")
    for name, text in (("python", PYTHON), ("inside", INSIDE)):
        program = tmp_path / name
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def make_env(folder, **variables):
    """Run `make env`; return the finished process and the calls of Python."""
    calls = folder.parent / "calls"
    calls.write_text("")
    outside = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    environment = {
        **outside,  # a make that runs these tests would have this one print its folder
        "CALLS": str(calls),
        "INSIDE": str(folder.parent / "inside"),
        "PIP_SETTINGS": str(folder.parent / "settings"),
    }
    words = [f"{key}={value}" for key, value in {"UV": "", **variables}.items()]
    done = subprocess.run(
        ["make", "env", f"PYTHON={folder.parent / 'python'}", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    own = [line for line in calls.read_text().splitlines() if "tools/environment.py" not in line]
    return done, own


def test_a_new_environment_is_created_and_gets_the_lock_and_the_project(checkout):
    done, calls = make_env(checkout)
    assert done.returncode == 0, done.stderr
    assert calls[0] == "python -m venv --clear .venv"
    assert any(call.endswith(" torch==2.13.0") for call in calls)
    assert any("--require-hashes --no-deps -r envs/requirements.lock" in call for call in calls)
    assert any(call.endswith("--editable .") for call in calls)


@pytest.fixture
def uv(tmp_path):
    """A stand-in for uv that records its calls."""
    program = tmp_path / "uv"
    program.write_text(UV)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_a_new_environment_says_what_is_installed_and_about_how_long_it_takes(checkout):
    done, _ = make_env(checkout)
    count = (checkout / "envs/requirements.lock").read_text().count("==")
    assert f"torch==2.13.0 by pip and the {count} packages of" in done.stdout
    assert "by pip, about 4 minutes" in done.stdout
    assert len(done.stdout.splitlines()) == 9  # four steps with their times


def test_uv_installs_the_same_lock_from_the_indexes_of_pip_and_no_torch(checkout, uv, tmp_path):
    (tmp_path / "settings").write_text(SETTINGS)
    done, calls = make_env(checkout, UV=uv)
    assert done.returncode == 0, done.stderr
    (call,) = [each for each in calls if each.startswith("uv ")]
    assert call.startswith("uv pip install --quiet --python .venv/bin/python ")
    assert "--require-hashes --no-deps -r envs/requirements.lock" in call
    assert "--default-index https://index.example/simple" in call
    assert "--index file:///more --index https://mirror.example/simple" in call
    assert "--find-links /wheels" in call and "/other" not in call  # the variable decides
    assert call.endswith("cert=/certificates.crt timeout=180")
    assert "torch" not in call
    assert any(each.startswith("inside -m pip ") and "torch==2.13.0" in each for each in calls)
    assert not any("inside -m pip" in each and "requirements.lock" in each for each in calls)
    assert make_env(checkout)[1] == []  # the same environment without uv


def test_a_failure_of_uv_is_one(checkout, uv, monkeypatch):
    monkeypatch.setenv("UV_STATUS", "2")
    done, _ = make_env(checkout, UV=uv)
    assert done.returncode != 0
    assert "failed with exit code 2" in done.stderr
    assert not (checkout / ".venv/.packages").exists()


def test_the_second_call_does_nothing_even_if_every_file_is_newer(checkout):
    make_env(checkout)
    for path in checkout.rglob("*"):
        if ".venv" not in path.parts:
            path.touch()
    done, calls = make_env(checkout)
    assert (done.returncode, done.stdout, calls) == (0, "", [])


def test_another_torch_or_another_lock_builds_the_environment_anew(checkout):
    make_env(checkout)
    assert "python -m venv --clear .venv" in make_env(checkout, TORCH="torch==2.12.0")[1]
    lock = checkout / "envs/requirements.lock"
    lock.write_text(lock.read_text() + "# edited\n")
    assert "python -m venv --clear .venv" in make_env(checkout, TORCH="torch==2.12.0")[1]


def test_an_edit_of_the_native_sources_installs_the_project_only(checkout):
    make_env(checkout)
    source = checkout / "src/relscale/training/native/decoder.c"
    source.write_text(source.read_text() + "// edited\n")
    _, calls = make_env(checkout)
    assert [call.split()[-2:] for call in calls] == [["--editable", "."], ["pip", "check"]]


def test_a_link_is_never_cleared(checkout, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "precious").write_text("kept")
    (checkout / ".venv").symlink_to(shared)
    done, calls = make_env(checkout)
    assert done.returncode != 0
    assert ".venv is a symbolic link to" in done.stderr and "rm .venv" in done.stderr
    assert calls == []
    assert [path.name for path in shared.iterdir()] == ["precious"]


def test_a_fresh_clone_with_a_link_to_an_environment_that_is_up_to_date_changes_nothing_there(
    checkout, tmp_path
):
    make_env(checkout)
    shared = tmp_path / "shared"
    (checkout / ".venv").rename(shared)
    (checkout / ".venv").symlink_to(shared)
    before = {path: path.stat().st_mtime_ns for path in shared.rglob("*")}
    done, calls = make_env(checkout)
    assert done.returncode == 0, done.stderr
    assert calls == ["inside setup.py --quiet build_ext --inplace"]
    assert {path: path.stat().st_mtime_ns for path in shared.rglob("*")} == before
    assert make_env(checkout)[1] == []


def test_a_check_builds_nothing_and_names_the_stale_parts(checkout):
    command = [sys.executable, "tools/environment.py", "--check"]

    def check():
        make = {name: value for name, value in os.environ.items() if name != "TORCH"}
        return subprocess.run(
            command, cwd=checkout, env=make, capture_output=True, text=True, check=False
        )

    assert (check().returncode, check().stderr) == (1, ".venv does not exist\n")
    make_env(checkout)
    assert (check().returncode, check().stdout) == (
        0,
        ".venv is up to date with envs/requirements.lock\n",
    )
    lock = checkout / "envs/requirements.lock"
    lock.write_text(lock.read_text() + "# edited\n")
    before = sorted(path.stat().st_mtime_ns for path in (checkout / ".venv").rglob("*"))
    assert "the packages of .venv are not those of envs/requirements.lock" in check().stderr
    assert sorted(path.stat().st_mtime_ns for path in (checkout / ".venv").rglob("*")) == before
