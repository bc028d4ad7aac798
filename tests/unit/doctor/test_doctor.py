"""`relscale doctor`: programs, packages and folders are looked for as they are on this machine."""

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.doctor import machine
from relscale.doctor.check import Check, Presence, as_json, is_broken, report
from relscale.doctor.packages import environment_checks, lock_check, package_checks, python_check
from relscale.doctor.run import all_checks

ROOT = Path(__file__).parents[3]


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Puts scripts into the only folder of PATH: `programs(name="text of a shell script")`."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CC", raising=False)

    def write(**scripts):
        for name, script in scripts.items():
            place = folder / name.replace("_", "-")
            place.write_text(f"#!/bin/sh\n{script}\n")
            place.chmod(0o755)
        return folder

    return write


def test_the_command_reports_and_nothing_here_is_broken():
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    for name in ("Python", "packages", "torch", "native training step", "GPU", "SLURM", "disk"):
        assert f"  {name} " in done.output
    assert all(len(line) <= 100 or " " not in line.strip() for line in done.output.splitlines())


def test_the_json_has_every_check_with_its_finding():
    done = CliRunner().invoke(app, ["doctor", "--json"])
    content = json.loads(done.output)
    assert content["broken"] is False
    names = [check["name"] for check in content["checks"]]
    assert len(names) == len(set(names)) and {"Python", "hub", "memory, cores"} <= set(names)
    for check in content["checks"]:
        assert set(check) == {"name", "presence", "detail", "without"}
        assert Presence(check["presence"]) is not Presence.MISSING or check["without"]


def test_no_check_imports_torch_or_reads_the_network(tmp_path):
    script = (
        "import socket, sys; from pathlib import Path\n"
        "def refuse(*words, **options): raise AssertionError('network')\n"
        "socket.create_connection = refuse\n"
        "from relscale.doctor.run import all_checks\n"
        "all_checks(Path('.'))\n"
        "print(sorted({'torch', 'transformers', 'snakemake', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_missing_common_package_is_broken_and_a_missing_other_one_is_not():
    common, other = package_checks(["numpy>=99", "torch>=99", "datasets>=1; extra == 'hub'"])
    assert common.presence is Presence.BROKEN and "needed is >=99" in common.detail
    assert other.presence is Presence.MISSING and "laws, comparisons" in other.without
    assert is_broken([other, common]) and not is_broken([other])
    (absent,) = package_checks(["pandas", "surely-not-installed"])[1:]
    assert absent.detail == "surely-not-installed is not installed"


def test_every_requirement_of_the_package_says_what_works_without_it():
    import re

    from relscale.doctor.packages import LAWS, WITHOUT, requirements

    stated = [one for one in requirements() if "extra" not in one]
    names = {re.match(r"[A-Za-z0-9_.-]+", one)[0].lower() for one in stated}
    assert names == {*LAWS, *WITHOUT}


def test_this_python_is_new_enough():
    assert python_check().presence is Presence.FOUND


def test_a_gpu_is_read_from_nvidia_smi_and_a_cpu_build_of_torch_cannot_use_it(
    programs, monkeypatch
):
    assert machine.gpu_check().detail == "nvidia-smi is not in PATH"
    programs(nvidia_smi="echo 'NVIDIA H200, 143771 MiB, 570.1'; echo 'NVIDIA H200, 1, 570.1'")
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0+cu128")
    found = machine.gpu_check()
    assert found.presence is Presence.FOUND
    assert found.detail == "2: NVIDIA H200, 143771 MiB, 570.1"
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0+cpu")
    unusable = machine.gpu_check()
    assert unusable.presence is Presence.MISSING and "2.13.0+cpu cannot use it" in unusable.detail


def test_a_program_that_fails_is_reported_with_its_words(programs):
    programs(sbatch="echo 'fatal: no controller' >&2; exit 1")
    found = machine.slurm_check()
    assert found.presence is Presence.MISSING
    assert found.detail.endswith("ends with exit code 1: fatal: no controller")
    programs(sbatch="echo 'slurm 24.05.3'")
    assert machine.slurm_check().detail.startswith("slurm 24.05.3, ")


def test_a_program_that_hangs_is_left_after_seconds(programs, monkeypatch):
    monkeypatch.setattr(machine, "SECONDS", 0.2)
    programs(nvidia_smi=f"exec {shutil.which('sleep', path='/bin:/usr/bin')} 60")
    begin = time.monotonic()
    found = machine.gpu_check()
    assert found.detail == "nvidia-smi does not answer within 0.2 seconds"
    assert time.monotonic() - begin < 30  # it would sleep for 60


def test_compilers_are_looked_for_by_name(programs, monkeypatch):
    monkeypatch.setattr(machine.sysconfig, "get_config_var", lambda name: None)
    found = machine.compiler_check()
    assert found.presence is Presence.MISSING and "cc, gcc, clang" in found.detail
    folder = programs(clang="echo 'clang version 17'; echo more")
    assert machine.compiler_check().detail == f"{folder}/clang (clang version 17)"
    monkeypatch.setenv("CC", "mycc -O3")
    programs(mycc="echo mine")
    assert machine.compiler_check().detail == f"{folder}/mycc (mine)"


def test_the_shell_and_make_are_named_if_absent(programs):
    programs(bash="true")
    assert machine.shell_check().detail == "not in PATH: make"


def test_a_host_that_listens_is_reached_and_a_closed_port_is_not():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        assert machine.reach("127.0.0.1", port) == ""
    assert "refused" in machine.reach("127.0.0.1", port)


def test_the_limit_of_a_container_counts(tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text("500000000\n")
    found = machine.memory_check(limit)
    assert found.presence is Presence.MISSING and found.detail.startswith("0.5 GB, ")
    limit.write_text("max\n")
    assert machine.memory_check(limit) == machine.memory_check(tmp_path / "absent")


def test_the_disk_of_the_folder_is_measured(tmp_path):
    free = shutil.disk_usage(tmp_path).free / 1e9
    found = machine.disk_check(tmp_path)
    assert float(found.detail.split()[0].replace(",", "")) == pytest.approx(free, abs=1)
    assert str(tmp_path) in found.detail


def test_packages_that_differ_from_the_lock_are_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    real = next(line for line in (ROOT / "envs/requirements.lock").read_text().splitlines()
                if line.startswith("numpy=="))  # fmt: skip
    lock.write_text(f"{real}\n    --hash=sha256:0\nscipy==0.1 \\\nnot-there==1\n")
    found = lock_check(lock)
    assert found.presence is Presence.MISSING
    assert "(lock: 0.1); not-there is not installed" in found.detail and "numpy" not in found.detail


def test_outside_a_checkout_no_environment_is_checked(tmp_path):
    assert environment_checks(tmp_path) == []
    names = [check.name for check in all_checks(tmp_path)]
    assert "environment" in names and "lock" in names  # of the checkout of this package


def test_a_broken_check_gives_exit_code_one_and_is_named_last():
    checks = [
        Check(name="a", presence=Presence.FOUND, detail="1"),
        Check(name="bc", presence=Presence.BROKEN, detail="gone", without="nothing works"),
    ]
    assert report(checks) == (
        "ok  a   1\n!!  bc  gone\n        nothing works\n\nBroken, and needed by everything: bc.\n"
    )
    assert as_json(checks)["broken"] is True
