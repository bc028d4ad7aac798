"""A copy of the checkout in which nothing has run, and the same after the tiny experiment."""

import re

import pytest
from checkouts import copy_checkout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory, request):
    """A copy of the checkout in which nothing has run."""
    return copy_checkout(
        tmp_path_factory.mktemp("checkout"), request.config.getoption("--downloads")
    )


@pytest.fixture(scope="session")
def finished(checkout):
    """The copy after the tiny experiment ran in it."""
    done = checkout.snakemake(check=False)
    if done.returncode and re.search(r"could not be downloaded", done.stdout + done.stderr):
        pytest.skip("the sources cannot be downloaded here; --downloads takes a folder of packages")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return checkout
