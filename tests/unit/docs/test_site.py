"""The documentation site builds offline and strictly, and no page has a dead link."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
OTHERS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, and the output of the build."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_in_the_navigation(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    for path in PAGES:
        page = path.relative_to(ROOT / "docs").with_suffix(".html")
        assert f'href="{page}"' in index, page


def test_the_site_has_every_page_and_asks_nobody_for_anything(site):
    assert (site / "reference/configuration.html").is_file()
    outside = re.compile(
        r"<(?:script|img|iframe)[^>]+src=\"(?:https?:)?//|<link[^>]+href=\"(?:https?:)?//[^>]+"
        r"rel=\"(?:stylesheet|preconnect)|@import url\(\"?(?:https?:)?//"
    )
    for page in site.rglob("*.html"):
        assert not outside.search(page.read_text(encoding="utf-8")), page


def test_the_reference_of_the_api_shows_signatures_and_docstrings(site):
    page = (site / "reference/api.html").read_text(encoding="utf-8")
    for name in ("fit_laws", "load_experiment", "plan_suite"):
        assert name in page
    assert "Raises" in page


@pytest.mark.parametrize("path", [*PAGES, *OTHERS], ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+://", target):
            assert (path.parent / target).exists(), f"{path}: {target}"


def test_no_page_names_a_document_that_moved():
    for path in [*PAGES, *OTHERS, *sorted((ROOT / "src").rglob("*.py"))]:
        text = path.read_text(encoding="utf-8")
        for name in ("docs/DATA.md", "docs/EXTENDING.md", "docs/REPRODUCE.md", "docs/LOG.md"):
            assert name not in text, f"{path}: {name}"
