"""Files appear whole, and what a killed process left is removed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relscale.files import ABANDONED_S, HOST, replacing, temporary_name, write_text

KILLED = (
    "import os, signal, sys\nfrom pathlib import Path\nfrom relscale.files import replacing\n"
    "with replacing(Path(sys.argv[1])) as temporary:\n"
    "    temporary.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["table.csv", "a[b]*?.json", ".hidden"])
def test_the_file_of_a_killed_process_is_removed_by_the_next_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode < 0
    (left,) = names(tmp_path)
    assert left.endswith(".tmp")
    write_text(path, "whole")
    assert names(tmp_path) == [name] and path.read_text() == "whole"


def test_the_file_of_a_process_that_still_writes_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    other = tmp_path / f".table.csv.{HOST}.{os.getppid()}.tmp"
    similar = tmp_path / f".table.csv.more.{HOST}.x.tmp"
    for file in (other, similar):
        file.write_text("half")
    write_text(path, "whole")
    assert names(tmp_path) == sorted([other.name, similar.name, "table.csv"])


def test_the_file_of_another_machine_is_removed_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    fresh, old = (tmp_path / f".table.csv.0123abcd.{number}.tmp" for number in (1, 2))
    for file in (fresh, old):
        file.write_text("half")
    before = time.time() - ABANDONED_S - 60
    os.utime(old, (before, before))
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == [fresh.name, "table.csv"]


def test_a_folder_and_a_link_that_were_left_are_removed_but_not_what_a_link_names(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    gone = int(done.stdout)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("text")
    (tmp_path / f".files.{HOST}.{gone}.tmp").mkdir()
    (tmp_path / f".files.{HOST}.{gone}.tmp/half").write_text("half")
    (tmp_path / f".other.{HOST}.{gone}.tmp").symlink_to(tmp_path / "kept")
    for name in ("files", "other"):
        temporary_name(tmp_path / name)
    assert names(tmp_path) == ["kept"] and (tmp_path / "kept/file").exists()
