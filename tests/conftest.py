"""Options and fixtures that all tests share."""

import os

import pytest

# Before any test module imports numpy or torch: threads of tiny operations mostly wait for each other, most of all on a busy machine.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")


def pytest_addoption(parser):
    parser.addoption("--downloads", default="", help="a folder of already downloaded packages, used instead of the network")
    parser.addoption("--soak", action="store_true", help="run the long lists, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--soak"):
        return
    for item in items:
        if "soak" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="a long test: --soak runs it"))
