"""The report in a browser: every category opens, and its pages agree with the tables, offline."""

from pathlib import Path

import pandas as pd
import pytest

from relscale.contract.io import read_table
from relscale.contract.scales import on_scale
from relscale.contract.verdicts import direction_of
from relscale.files import sha256_of

pytestmark = [pytest.mark.workflow, pytest.mark.network, pytest.mark.browser]
CATEGORIES = ("0 Findings", "1 Figures of the paper", "2 Diagnostics", "4 Tables", "5 Provenance")


@pytest.fixture(scope="module")
def report(request, chromium):
    """A report and the results that it shows: those of `--results`, else of the tiny experiment."""
    given = request.config.getoption("--results")
    if given:
        return Path(given, "report.html"), Path(given)
    finished = request.getfixturevalue("finished")
    finished.snakemake(
        "--report", "report.html", "--report-stylesheet", "workflow/report/report.css"
    )
    return finished.folder / "report.html", finished.folder / "results/tiny"


def category(page, name):
    """Go to a category and return how many results it lists."""
    page.click(f"a:has-text('{name}')")
    page.wait_for_selector("tbody tr")
    return page.locator("tbody tr").count()


def menu(page):
    """Go back to the list of categories."""
    page.evaluate("app.setView({navbarMode: 'menu'})")
    page.wait_for_selector(f"a:has-text('{CATEGORIES[0]}')")


def view(page, label):
    """Open the result of that label and return the frame that it is shown in."""
    row = page.locator(f"tbody tr:has(td:text-is('{label}'))")
    row.locator("a").first.click()
    page.wait_for_selector("iframe")
    frame = page.locator("iframe").element_handle().content_frame()
    frame.wait_for_load_state()
    return frame


def test_the_first_page_answers_in_five_sentences_made_from_the_tables(report, opened, screenshots):
    path, results = report
    relative = on_scale(read_table(results / "laws/relative.csv"))
    text = (results / "html/landing.rst").read_text()
    with opened(path, warnings=False) as page:
        page.wait_for_selector(".prose li")
        page.locator(".prose h1").scroll_into_view_if_needed()
        assert page.locator(".prose h1").bounding_box()["y"] >= 0, (
            "the question is cut off at the top"
        )
        sentences = page.locator(".prose ol li").all_inner_texts()
        page.screenshot(path=screenshots / "report-first-page.png")
        page.click(".prose a:has-text('explorer.html')")
        page.wait_for_selector("text=Description")
        assert "absolute or relative" in page.inner_text("#app")
    assert len(sentences) == 5
    shown = relative[relative["estimator"] == "auto"].drop_duplicates(
        ["corpus", "family", "treatment"]
    )
    errors = shown[shown["metric"].isin(["bits_per_byte", "choice_loss_nats"])]
    directions = errors["verdict"].map(direction_of)
    words = {"narrow": "narrows", "widen": "widens", "cross": "crosses"}
    for word, sentence in zip(
        ("narrow", "widen", "cross", "parallel", "undecided"), sentences, strict=True
    ):
        assert word in sentence
        count = int((directions == words.get(word, word)).sum())
        assert sentence.startswith(f"{count} of {len(errors)} gap"), sentence
        assert sentence[:40] in text.replace("\\", "")


def test_every_category_shows_each_of_its_results(report, opened, screenshots):
    path, _ = report
    seen = 0
    with opened(path, warnings=False) as page:
        for name in CATEGORIES:
            menu(page)
            number = category(page, name)
            for place in range(number):
                page.locator("tbody tr").nth(place).locator("a").first.click()
                page.wait_for_function(
                    "document.querySelector('iframe') || "
                    "document.querySelectorAll('img').length > 1"
                )
                if page.locator("iframe").count():
                    frame = page.locator("iframe").element_handle().content_frame()
                    frame.wait_for_selector("h1")
                    if name == "4 Tables":
                        frame.wait_for_selector("tbody tr, p:has-text('no rows')")
                else:
                    page.wait_for_function(
                        "[...document.querySelectorAll('img')].at(-1).naturalWidth > 100"
                    )
                seen += 1
            page.screenshot(path=screenshots / f"report-{name.split()[0]}.png")
    assert seen > 12


def test_the_pages_say_what_the_tables_say(report, opened):
    path, results = report
    relative = on_scale(read_table(results / "laws/relative.csv"))
    with opened(path, warnings=False) as page:
        menu(page)
        category(page, "0 Findings")
        findings = view(page, "findings")
        for family in relative["family"].unique():
            cells = findings.eval_on_selector_all(
                f"table[data-family='{family}'] td",
                "all => all.map((cell) => cell.dataset.verdict)",
            )
            mine = relative[(relative["family"] == family) & (relative["estimator"] == "joint")]
            mine = mine[mine["metric"] == mine["metric"].iloc[0]]
            assert sorted(cells) == sorted(mine["verdict"].fillna(""))
        explorer = view(page, "explorer")
        explorer.wait_for_selector("#vis[data-drawn] svg")
        family, corpus, metric = (
            explorer.eval_on_selector(f"#{name}", "one => one.value")
            for name in ("family", "corpus", "metric")
        )
        explorer.select_option("#estimator", "vertex")
        explorer.wait_for_selector("#vis[data-drawn='2'] svg")
        slopes = explorer.eval_on_selector_all(
            "#verdicts td[data-key=dbeta]", "all => all.map((cell) => cell.dataset.value)"
        )
        mine = relative[
            (relative["family"] == family)
            & (relative["corpus"] == corpus)
            & (relative["metric"] == metric)
        ]
        wanted = mine.loc[mine["estimator"] == "vertex", "dbeta"].tolist()
        assert [float(slope) for slope in slopes] == pytest.approx(wanted, rel=1e-6)
        menu(page)
        category(page, "4 Tables")
        table = view(page, "relative")
        table.wait_for_selector("tbody tr")
        names = table.eval_on_selector_all(
            "thead th", "all => all.map((cell) => cell.textContent.trim())"
        )
        values = table.eval_on_selector_all(
            "tbody tr:first-child td", "all => all.map((cell) => cell.dataset.value)"
        )
        shown = dict(zip(names, values, strict=True))
        everywhere = read_table(results / "laws/relative.csv")
        keys = ["corpus", "family", "metric", "treatment", "baseline", "estimator", "scale", "path"]
        (slope,) = everywhere.loc[
            (everywhere[keys].astype(str) == [shown[key] for key in keys]).all(axis=1), "dbeta"
        ]
        assert float(shown["dbeta"]) == pytest.approx(slope, rel=1e-9)


def test_provenance_is_that_of_the_results(report, opened):
    path, results = report
    with opened(path, warnings=False) as page:
        menu(page)
        category(page, "5 Provenance")
        frame = view(page, "provenance")
        sums = frame.inner_text("table[data-name=sums]")
        jobs = frame.inner_text(
            "table[data-name=costs] tr:has(th:text-is('train')) td:nth-child(2)"
        )
        licences = frame.inner_text("table[data-name=sources]")
        said = frame.inner_text("body")
    assert sha256_of(results / "laws/relative.csv") in sums
    assert int(jobs) == len(pd.read_csv(results / "tables/suite.csv"))
    for licence in pd.read_csv(results / "tables/sources.csv")["licence"]:
        assert licence in licences
    assert "Relative Scaling Laws for LLMs" in said and "CPU time" in said


def test_report_and_explorer_are_small_enough_to_mail(report):
    path, results = report
    assert path.stat().st_size < 15e6
    assert (results / "explorer.html").stat().st_size < 3e6
