"""A cluster, a copy of the checkout that is sent to it, and one that runs without it."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest
from checkouts import copy_checkout
from slurm_cluster import Cluster, missing_programs


@pytest.fixture(scope="session")
def cluster():
    """A private SLURM; the test is skipped, with the reason, where it is not installed."""
    if missing := missing_programs():
        pytest.skip(
            f"SLURM is not installed: no {', '.join(missing)} (apt-get install slurmctld "
            f"slurmd slurm-client munge)"
        )
    # Not pytest's folder: Munge asks that everyone may pass through to its socket, whose path must
    # be short.
    folder = Path(tempfile.mkdtemp(prefix="relscale-slurm-"))
    folder.chmod(0o755)
    cluster = Cluster(folder)
    try:
        yield cluster.start()
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sent(tmp_path_factory, request):
    """A copy of the checkout for the cluster."""
    return copy_checkout(
        tmp_path_factory.mktemp("sent"), request.config.getoption("--downloads"), "slurm"
    )


@pytest.fixture(scope="session")
def local(tmp_path_factory, request):
    """A copy of the checkout in which the experiment ran on this machine, undisturbed."""
    checkout = copy_checkout(
        tmp_path_factory.mktemp("local"), request.config.getoption("--downloads"), "slurm"
    )
    done = checkout.snakemake(check=False)
    if done.returncode and re.search(r"could not be downloaded", done.stdout + done.stderr):
        pytest.skip("the sources cannot be downloaded here; --downloads takes a folder of packages")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return checkout
