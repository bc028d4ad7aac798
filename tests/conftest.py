"""Options and fixtures that all tests share."""

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

# Groups of tests that run Snakemake, longest first; the first with a test's file or folder has it.
SNAKEMAKE = {
    "staleness": "tests/workflow/test_staleness.py",
    "workflow": "tests/workflow/",
    "slurm": "tests/slurm/",
}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
FLAGS += ("--disable-component-update", "--disable-sync")

# Before any test module imports numpy or torch: threads of tiny operations mostly wait for each
# other, most of all on a busy machine.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# Calls of make in tests do not inherit the options and variables of the one that runs the tests.
for _variable in ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(_variable, None)

# Where `make test` puts lm-evaluation-harness, behind everything that is installed. transformers
# looks for its parts only once.
_harness = Path(sys.prefix) / ".harness"
if _harness.is_dir():
    sys.path.append(str(_harness))


def pytest_addoption(parser):
    parser.addoption(
        "--downloads",
        default="",
        help="a folder of already downloaded packages, used instead of the network",
    )
    parser.addoption("--soak", action="store_true", help="run the long lists, too")
    parser.addoption(
        "--screenshots", default="", help="keep the screenshots of the browser tests in this folder"
    )
    parser.addoption(
        "--results",
        default="",
        help="also open the pages of this finished experiment, such as results/default",
    )
    parser.addoption(
        "--level",
        default="",
        help="the level of instructions of the native step in this process (make levels)",
    )


def pytest_configure(config):
    """Leave the native step one level of instructions, if one is named."""
    if level := config.getoption("--level"):
        from relscale.training import native_build

        if level not in native_build.LEVELS:
            raise pytest.UsageError(f"--level {level}: not in {', '.join(native_build.LEVELS)}")
        native_build.LEVELS = (level,)


def pytest_collection_modifyitems(config, items):
    """Skip the long tests, and begin with those that take longest."""
    if not config.getoption("--soak"):
        for item in items:
            if "soak" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="a long test: --soak runs it"))
    order = {group: place for place, group in enumerate(SNAKEMAKE)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Return the scheduler that distributes groups of tests over processes."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return GroupScheduling(config, log)


def group_of(nodeid):
    """Return the group of a test, whose tests share a process.

    Tests of one file share what is prepared once per file. Tests that run Snakemake form a few
    large groups, since they share finished experiments. Each group works in its own copies of the
    checkout; the tests of SLURM share one cluster and none of the other groups' experiments.
    """
    file = nodeid.split("::")[0]
    return next((group for group, place in SNAKEMAKE.items() if file.startswith(place)), file)


@pytest.fixture(scope="session")
def chromium():
    """An installed Chromium with no network but files; the test is skipped, with the reason, where
    there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CHROMIUM") or next(
        (found for name in CHROMIUM if (found := shutil.which(name))), None
    )
    if path is None:
        pytest.skip(
            f"no Chromium is installed (looked for {', '.join(CHROMIUM)}; the variable CHROMIUM "
            "may name one)"
        )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screenshots(request, tmp_path_factory):
    """The folder for screenshots."""
    given = request.config.getoption("--screenshots")
    folder = Path(given).absolute() if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def opened(chromium):
    """A function that opens a file as a page; at the end of its block the page must have had no
    error and asked nobody for anything."""

    @contextmanager
    def open_page(path, width=1200, height=900, warnings=True, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **options
        )
        context.set_default_timeout(120_000)  # a busy machine is slow; time decides no test
        page = context.new_page()
        errors, asked = [], []
        counted = ("error", "warning") if warnings else ("error",)
        page.on(
            "console",
            lambda message: errors.append(message.text) if message.type in counted else None,
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        address = path.absolute().as_uri()
        page.goto(address)
        try:
            yield page
            outside = [
                url
                for url in asked
                if url.partition("#")[0] != address
                and not url.startswith(("data:", "blob:", "about:"))
            ]
            assert not errors, errors
            assert not outside, outside
        finally:
            context.close()

    return open_page
