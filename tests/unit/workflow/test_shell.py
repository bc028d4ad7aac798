"""Jobs find this checkout's package, wherever the checkout is."""

import subprocess
from pathlib import Path

import pytest

from relscale.workflow.shell import shell_prefix


def formatted(prefix):
    """Return a prefix as Snakemake hands it to the shell."""
    return prefix.format()


@pytest.mark.parametrize(
    "folder", ["plain", "a b's ü $y", 'double "quotes"', "back\\slash", "a;b&c"]
)
def test_odd_signs_in_folders_reach_the_job(folder):
    source, python = Path("/x", folder, "src"), Path("/y", folder, "bin/python3")
    command = f'{formatted(shell_prefix(source, python))}echo "$PYTHONPATH"; echo "$PATH"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == str(source)
    assert done.stdout.splitlines()[1].startswith(f"{python.parent}:")


def test_braces_of_the_interpreter_are_kept():
    prefix = shell_prefix(Path("/x/src"), Path("/{env}/bin/python"))
    assert formatted(prefix).startswith("export PATH='/{env}/bin':$PATH PYTHONPATH=/x/src ")


def test_the_interpreter_is_left_out_where_snakemake_deploys_environments():
    assert " PATH=" not in shell_prefix(Path("/x/src"), None)


@pytest.mark.parametrize("folder", ["{x}", "a{", "}b", "a:b"])
def test_folders_that_cannot_work_are_named(folder):
    with pytest.raises(ValueError, match="rename the folder") as caught:
        shell_prefix(Path("/x", folder, "src"), Path("/y/bin/python"))
    assert f"/x/{folder}" in str(caught.value)
