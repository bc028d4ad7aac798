"""Calls of Snakemake with the profile for SLURM, and what can be waited for while they run."""

import subprocess
import time

# For a cluster without accounting whose jobs take seconds; everything else is the profile's.
FOR_TESTS = (
    "--slurm-init-seconds-before-status-checks",
    "2",
    "--slurm-status-command",
    "squeue",
    "--latency-wait",
    "20",
)
PATIENCE_S = 300


class Sent:
    """One call that sends jobs to a cluster, in a process of its own."""

    def __init__(self, cluster, checkout, *arguments, partition="main", overlay=None):
        """Start it; its output goes to a file."""
        self.checkout = checkout
        self.output = (
            checkout.folder / f"call-{len(list(checkout.folder.glob('call-*.txt'))) + 1}.txt"
        )
        profile = (
            "--profile",
            "profiles/slurm",
            *FOR_TESTS,
            "--default-resources",
            f"slurm_partition={partition}",
            "mem_mb=1000",
        )
        command = checkout.command(*profile, *arguments, overlay=overlay, cores=False)
        with self.output.open("w") as handle:
            self.process = subprocess.Popen(
                command,
                cwd=checkout.folder,
                env=cluster.environment,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self):
        """Its output so far."""
        return self.output.read_text(errors="replace")

    def wait(self):
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout=2 * PATIENCE_S)

    def until(self, what, condition):
        """Wait until a condition holds while the call runs, and return its value."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if found := condition():
                return found
            assert self.process.poll() is None, f"ended before {what}:\n{self.text[-4000:]}"
            time.sleep(0.05)
        raise AssertionError(f"no {what} within {PATIENCE_S} s:\n{self.text[-4000:]}")


def checkpoint_of(checkout, run):
    """Return the step of the run's latest checkpoint, or 0."""
    steps = checkout.folder.glob(f"results/shared/checkpoints/{run}-*/step-*.json")
    return max((int(path.stem.removeprefix("step-")) for path in steps), default=0)


def training_log(checkout, run):
    """Return the log of the latest attempt at a run."""
    path = checkout.folder / "logs" / checkout.experiment / "train" / f"{run}.log"
    return path.read_text() if path.is_file() else ""
