"""Options and fixtures that all tests share."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--downloads", default="", help="a folder of already downloaded packages, used instead of the network")
    parser.addoption("--soak", action="store_true", help="run the long lists, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--soak"):
        return
    for item in items:
        if "soak" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="a long test: --soak runs it"))
