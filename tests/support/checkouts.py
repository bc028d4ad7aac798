"""A copy of the checkout in which experiments run, with its past and its planned jobs."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COPIED = (
    "CITATION.cff",
    "LICENSE",
    "config",
    "config.yaml",
    "docs/reference/tables.md",
    "envs",
    "experiments",
    "profiles",
    "workflow",
    "src",
)
PAGES = ("html", "explorer.html", "figures")
CERTIFICATE = "certificate"  # Written by `relscale archive`, not by a job.
# Files with times of jobs, which differ between calls.
TIMES = (".snakemake_timestamp", "speed.csv")


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, and the experiment that runs in it."""

    folder: Path
    downloads: str
    experiment: str = "tiny"

    @property
    def results(self):
        """The folder of the experiment's results."""
        return self.folder / "results" / self.experiment

    def command(self, *arguments, overlay=None, cores=True):
        """Return the call of Snakemake for the experiment; `overlay` is merged over it."""
        files = [f"experiments/{self.experiment}.yaml"]
        if overlay is not None:
            (self.folder / "experiments/overlay.yaml").write_text(yaml.safe_dump(overlay))
            files.append("experiments/overlay.yaml")
        command = [
            sys.executable,
            "-m",
            "snakemake",
            *(["--cores", "2"] if cores else []),
            "--configfile",
            *files,
        ]
        return [*command, "--config", f"downloads={self.downloads}", *arguments]

    def snakemake(self, *arguments, overlay=None, check=True):
        """Run Snakemake in the copy."""
        command = self.command(*arguments, overlay=overlay)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(
                f"exit code {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
            )
        return done

    def unlock(self):
        """Unlock the folder, as a user does after `kill -9` of Snakemake."""
        self.snakemake("--unlock")

    def stale(self, overlay=None, *targets):
        """Return how many jobs of each rule would run now; the goal itself is left out."""
        done = self.snakemake("--dry-run", *(["--", *targets] if targets else []), overlay=overlay)
        text = done.stdout + done.stderr
        if "Nothing to be done" in text:
            return {}
        table = re.search(r"^job +count\n-+ +-+\n(.*?)\ntotal ", text, re.MULTILINE | re.DOTALL)
        assert table, text[-3000:]
        counts = {
            name: int(count)
            for name, count in (line.split() for line in table.group(1).splitlines())
        }
        counts.pop("all", None)
        return counts

    def contents(self, *folders):
        """Return {path: bytes} of the experiment's own results, but its pages and pictures, which
        tell times of jobs."""
        found = {}
        for path in sorted(self.results.rglob("*")):
            place = path.relative_to(self.results)
            left_out = (*PAGES, CERTIFICATE)
            wanted = place.parts[0] in folders if folders else place.parts[0] not in left_out
            if wanted and path.is_file() and path.name not in TIMES:
                found[str(place)] = path.read_bytes()
        return found


def copy_checkout(folder, downloads, experiment="tiny"):
    """Copy the checkout, without results, to a folder that exists."""
    for name in COPIED:
        source = ROOT / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source,
                folder / name,
                ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".*_cache"),
            )
        else:
            shutil.copy2(source, folder / name)
    return Checkout(folder, str(Path(downloads).absolute()) if downloads else "", experiment)


def family_of(process):
    """Return a process's descendants, children before grandchildren, as numbers."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name, in parentheses, may hold anything; the parent is the second field behind
                # it.
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except (OSError, IndexError, ValueError):
                continue
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def kill_at_once(process):
    """Kill a process and everything that it started, with SIGKILL: none of them can tidy up."""
    os.kill(
        process.pid, signal.SIGSTOP
    )  # or it would start another child while its children are listed
    for number in [process.pid, *family_of(process.pid)]:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
