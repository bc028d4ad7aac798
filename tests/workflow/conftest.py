"""A copy of the checkout in which experiments really run, and a look at what Snakemake would run next."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COPIED = ("Snakefile", "CITATION.cff", "config.yaml", "envs", "experiments", "profiles", "workflow", "src")


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout."""

    folder: Path
    downloads: str

    def snakemake(self, *arguments, overlay=None, check=True):
        """Run Snakemake in the copy; `overlay` is merged over the tiny experiment."""
        files = ["experiments/tiny.yaml"]
        if overlay is not None:
            (self.folder / "experiments/overlay.yaml").write_text(yaml.safe_dump(overlay))
            files.append("experiments/overlay.yaml")
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", *files, "--config", f"downloads={self.downloads}"]
        done = subprocess.run([*command, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"exit code {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        return done

    def stale(self, overlay=None, *targets):
        """Return how many jobs of each rule would run now; the goal itself is left out."""
        done = self.snakemake("--dry-run", *(["--", *targets] if targets else []), overlay=overlay)
        text = done.stdout + done.stderr
        if "Nothing to be done" in text:
            return {}
        table = re.search(r"^job +count\n-+ +-+\n(.*?)\ntotal ", text, re.MULTILINE | re.DOTALL)
        assert table, text[-3000:]
        counts = {name: int(count) for name, count in (line.split() for line in table.group(1).splitlines())}
        counts.pop("all", None)
        return counts


@pytest.fixture(scope="session")
def checkout(tmp_path_factory, request):
    """A copy of the checkout in which nothing has run."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".*_cache"))
        else:
            shutil.copy2(source, folder / name)
    return Checkout(folder, request.config.getoption("--downloads"))


@pytest.fixture(scope="session")
def finished(checkout):
    """The copy after the tiny experiment ran in it."""
    done = checkout.snakemake(check=False)
    if done.returncode and re.search(r"could not be downloaded", done.stdout + done.stderr):
        pytest.skip("the sources cannot be downloaded here; --downloads takes a folder of packages")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return checkout
