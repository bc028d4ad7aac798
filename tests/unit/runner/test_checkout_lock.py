"""One call per checkout: the lock names its holder and lives as long as Snakemake does."""

import os
import subprocess
import sys

import pytest

from relscale.runner.checkout_lock import locked, snakemake_calls


def test_a_second_call_is_refused_and_learns_who_runs(tmp_path):
    with locked(tmp_path, "relscale run experiments/tiny.yaml"):
        refused = pytest.raises(ValueError, match=r"`relscale run experiments/tiny\.yaml`")
        with refused as caught, locked(tmp_path, "relscale run"):
            pass
        assert f"process {os.getpid()}, since 2" in str(caught.value)
    with locked(tmp_path, "relscale run"):
        pass


def test_two_checkouts_do_not_hinder_each_other(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with locked(tmp_path / "a", "one"), locked(tmp_path / "b", "two"):
        pass


def test_the_lock_outlives_its_holder_as_long_as_snakemake_runs(tmp_path):
    """As after `kill -9` of `relscale run` alone: its Snakemake still writes results."""
    with locked(tmp_path, "killed") as number:
        snakemake = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[number]
        )
    with pytest.raises(ValueError, match="`killed`"), locked(tmp_path, "relscale run"):
        pass
    snakemake.communicate(b"\n")
    with locked(tmp_path, "relscale run"):
        pass


def test_calls_of_snakemake_are_found_by_folder(tmp_path):
    checkout, processes = tmp_path / "checkout", tmp_path / "proc"
    checkout.mkdir()
    calls = {
        "11": ("python\0/usr/bin/snakemake\0--cores\x002\0", checkout),
        "12": ("python\0-m\0snakemake\0", tmp_path),
        "13": ("vim\0notes.txt\0", checkout),
    }
    for number, (words, folder) in calls.items():
        (processes / number).mkdir(parents=True)
        (processes / number / "cmdline").write_bytes(words.encode())
        (processes / number / "cwd").symlink_to(folder)
    (processes / "14").mkdir()  # ended meanwhile
    assert snakemake_calls(checkout, processes) == [
        "`python /usr/bin/snakemake --cores 2` (process 11)"
    ]
    assert snakemake_calls(checkout, tmp_path / "none") == []
