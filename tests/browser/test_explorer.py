"""The explorer in a browser: it agrees with the tables, and needs no network."""

import io
import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest

from relscale.contract.directions import lower_is_better
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.status import Status, decode_remarks
from relscale.figures.kit.laws import law_gap, law_value

pytestmark = pytest.mark.browser
LAW = ("family", "metric", "corpus", "estimator", "scale", "path")
DIGITS = 2e-6  # the page's numbers have seven significant digits, its labels six


def drawn(page):
    """Wait until the chart of the latest choices is drawn."""
    page.wait_for_selector("#vis[data-drawn] svg")


def choose(page, **choices):
    for name, value in choices.items():
        if name == "view":
            page.check(f"input[name=view][value={value}]")
        elif page.locator(f"#{name}").is_enabled():
            page.select_option(f"#{name}", value)
    drawn(page)


def options(page, name):
    return page.eval_on_selector_all(f"#{name} option", "all => all.map((one) => one.value)")


def current(page):
    """Return the current choices, by the tables' columns."""
    return {
        name: page.eval_on_selector(f"#{name}", "one => one.value")
        for name in ("family", "metric", "corpus", "estimator", "baseline", "scale", "path")
    }


def pick(frame, chosen, *columns):
    """Return the rows that have the chosen values in these columns."""
    kept = np.logical_and.reduce([frame[column] == chosen[column] for column in columns])
    return frame[kept]


def cells(page, table, key):
    """Return a column's values as the page keeps them; empty cells as NaN."""
    values = page.eval_on_selector_all(
        f"#{table} tbody [data-key={key}]", "all => all.map((cell) => cell.dataset.value)"
    )
    return [
        value
        if key in ("treatment", "verdict", "domain", "item")
        else float(value)
        if value
        else math.nan
        for value in values
    ]


def marks(page, kind):
    """Return domain, name and value of the marks of the chart, from their labels."""
    labels = page.eval_on_selector_all(
        "#vis path[aria-label]", "all => all.map((mark) => mark.getAttribute('aria-label'))"
    )
    point = r"(?:run (?P<run>\S+)|optimum of budget (?P<budget>\S+))"
    pattern = rf"(?P<domain>.+); {point}; .* (?P<y>-?[\d.e-]+)(?: percent)?; compute \S+"
    found = [re.fullmatch(pattern, label) for label in labels]
    assert all(found), labels
    rows = pd.DataFrame([match.groupdict() for match in found])
    return rows[rows[kind].notna()].assign(y=lambda frame: frame["y"].astype(float))


def choose_at_once(page, picked):
    """Choose options without waiting for the chart."""
    for name, value in picked.items():
        if page.locator(f"#{name}").is_enabled():
            page.select_option(f"#{name}", value)


def compare_verdicts(page, relative):
    """Compare the table of verdicts with the rows of the choices; return their number."""
    asked = pick(relative, current(page), *LAW)
    assert cells(page, "verdicts", "treatment") == asked["treatment"].tolist()
    assert cells(page, "verdicts", "verdict") == asked["verdict"].fillna("").tolist()
    for name in ("dbeta", "ci_low"):
        np.testing.assert_allclose(
            cells(page, "verdicts", name), asked[name].astype(float), rtol=DIGITS
        )
    explained = page.inner_text("#words")
    assert all(word in explained for word in asked["verdict"].dropna() if word)
    return len(asked)


def test_every_choice_shows_the_verdicts_of_the_table(pages, opened):
    relative, seen = pages.tables["relative"], 0
    with opened(pages.explorer) as page:
        drawn(page)
        for family in options(page, "family"):
            choose(page, family=family)
            for metric in options(page, "metric"):
                for corpus in options(page, "corpus"):
                    for estimator in options(page, "estimator"):
                        picked = {"metric": metric, "corpus": corpus, "estimator": estimator}
                        choose_at_once(page, picked)
                        for scale in options(page, "scale"):
                            choose_at_once(page, {"scale": scale})
                            seen += compare_verdicts(page, relative)
        drawn(page)
    assert seen == len(relative) > 0


def view_of(page, pages, name, table):
    """Choose a view; skip where the finished experiment has no rows for it."""
    drawn(page)
    offered = page.locator(f"input[name=view][value={name}]").count()
    assert bool(offered) == bool(len(pages.tables.get(table, ())))
    if not offered:
        pytest.skip(f"the experiment has no table {table}")
    choose(page, view=name)


def test_slopes_by_bucket_and_documents_are_those_of_the_tables(pages, opened, screenshots):
    with opened(pages.explorer, width=1440, height=900) as page:
        view_of(page, pages, "buckets", "buckets")
        page.screenshot(path=screenshots / "explorer-buckets.png", full_page=True)
        table, seen = pages.tables["buckets"], 0
        documents, found = pages.tables["documents"], 0
        for family in options(page, "family"):
            choose_at_once(page, {"family": family})
            for corpus in options(page, "corpus"):
                choose_at_once(page, {"corpus": corpus})
                chosen = {"family": family, "corpus": corpus}
                rows = page.evaluate("explorer.shown.buckets")
                asked = pick(table, chosen, *chosen)
                key = ["partition", "bucket", "treatment"]
                got = pd.DataFrame(rows).set_index(key).sort_index()
                want = asked.set_index(key).sort_index()
                assert got.index.equals(want.index)
                for name in ("dbeta", "ci_low", "ci_high", "p_difference_adjusted"):
                    np.testing.assert_allclose(
                        got[name].astype(float), want[name].astype(float), rtol=DIGITS
                    )
                assert len(cells(page, "buckets", "dbeta")) == len(asked)
                moved = pick(documents, chosen, *chosen)
                np.testing.assert_allclose(
                    sorted(cells(page, "documents", "change_shrunk")),
                    sorted(moved["change_shrunk"]),
                    rtol=DIGITS,
                )
                clear = (asked["p_difference_adjusted"] < 0.05) & (asked["partition"] != "all")
                known = asked["dbeta"].notna() & (asked["partition"] != "all")
                assert f"{clear.sum()} of {known.sum()} slope" in page.inner_text("#said")
                seen, found = seen + len(asked), found + len(moved)
        assert seen == len(table) > 0 and found == len(documents)


def test_a_slope_that_is_shown_to_differ_is_filled_and_ticks_choose_treatments(pages, opened):
    with opened(pages.explorer) as page:
        view_of(page, pages, "buckets", "buckets")
        rows = [row for row in page.evaluate("explorer.shown.buckets") if row["dbeta"] is not None]
        labels = "all => all.map((one) => one.getAttribute('aria-label'))"
        filled = page.eval_on_selector_all("#vis path[aria-label]:not([fill=white])", labels)
        every = page.eval_on_selector_all("#vis path[aria-label]", labels)
        assert len(every) == len(rows)
        clear = [row for row in rows if (row["p_difference_adjusted"] or 1) < 0.05]
        assert len(filled) == len(clear)
        last = page.locator("#domains input").last
        unticked = last.get_attribute("value")
        last.uncheck()
        left = set(cells(page, "buckets", "treatment")) | set(cells(page, "documents", "treatment"))
        assert left == {row["treatment"] for row in rows} - {unticked}


def test_suites_are_compared_with_intervals_and_verdicts(pages, opened, screenshots):
    with opened(pages.explorer, width=1440, height=900) as page:
        view_of(page, pages, "suites", "suite_contrasts")
        page.screenshot(path=screenshots / "explorer-suites.png", full_page=True)
        table, seen = pages.tables["suite_contrasts"], 0
        for family in options(page, "family"):
            choose_at_once(page, {"family": family})
            for metric in options(page, "metric"):
                choose_at_once(page, {"metric": metric})
                for scale in options(page, "scale"):
                    choose_at_once(page, {"scale": scale})
                    for pair in options(page, "pair"):
                        choose_at_once(page, {"pair": pair})
                        treatment, baseline = pair.split("/")
                        chosen = {"family": family, "metric": metric, "scale": scale}
                        chosen |= {"treatment": treatment, "baseline": baseline}
                        asked = pick(table, chosen, *chosen).set_index("domain")
                        got = cells(page, "suites", "domain")
                        assert sorted(got) == sorted(asked.index)
                        for name in ("dbeta", "ci_low"):
                            np.testing.assert_allclose(
                                cells(page, "suites", name), asked.loc[got, name], rtol=DIGITS
                            )
                        verdicts = asked.loc[got, "verdict"].fillna("").tolist()
                        assert cells(page, "suites", "verdict") == verdicts
                        seen += len(asked)
                pairs = pick(table, chosen, "family", "metric", "scale")
                if pairs[["treatment", "baseline"]].drop_duplicates().shape[0] > 1:
                    shown = page.locator("#pairs td small").count()
                    assert shown == len(pairs)
        assert seen == len(table) > 0


def test_a_view_keeps_the_choices_that_another_does_not_offer(pages, opened):
    with opened(pages.explorer) as page:
        drawn(page)
        last = options(page, "estimator")[-1]
        choose(page, estimator=last)
        view_of(page, pages, "buckets", "buckets")
        assert not page.locator("#estimator").is_visible()
        choose(page, view="relative")
        assert page.evaluate("explorer.choice.estimator") == last


def test_views_without_rows_are_not_offered(maker, write, opened):
    tables = maker(families={"topics": ("People", "bits_per_byte", ("People", "History"))})
    for name in ("buckets", "documents", "suite_contrasts"):
        tables[name] = tables[name].iloc[:0]
    with opened(write(tables, {"experiment": "x"})) as page:
        drawn(page)
        views = page.eval_on_selector_all("input[name=view]", "all => all.map((one) => one.value)")
        assert views == ["relative", "absolute"]
        assert not page.locator("#buckets").is_visible()
        assert not page.locator("#suites").is_visible()


@pytest.mark.parametrize("view", ["buckets", "suites"])
def test_the_other_views_fit_a_phone_and_work_by_keyboard(view, pages, opened, screenshots):
    tables = {"buckets": "buckets", "suites": "suite_contrasts"}
    with opened(pages.explorer, width=360, height=740, has_touch=True) as page:
        view_of(page, pages, view, tables[view])
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.locator("#vis svg.marks").bounding_box()["width"] <= 360
        page.screenshot(path=screenshots / f"explorer-{view}-phone.png", full_page=True)
        page.locator("#family").focus()
        for _ in range(6):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "view":
                break
        page.keyboard.press("ArrowLeft")
        drawn(page)
        assert page.evaluate("explorer.choice.view") != view


def test_all_corpora_are_compared_in_one_table(pages, opened):
    relative = pages.tables["relative"]
    with opened(pages.explorer) as page:
        drawn(page)
        chosen, corpora = current(page), options(page, "corpus")
        said = page.evaluate(
            "[...document.querySelectorAll('#corpora tbody tr')].map((row) =>"
            " [...row.cells].map((cell) => cell.innerText))"
        )
    if len(corpora) < 2:
        assert not said or not any(said)
        return
    asked = pick(relative, chosen, *(name for name in LAW if name != "corpus"), "baseline")
    assert len(said) == asked["treatment"].nunique()
    for row in said:
        assert len(row) == 1 + len(corpora)
    for place, corpus in enumerate(corpora):
        laws = asked[asked["corpus"] == corpus]
        wanted = sorted(word for word in laws["verdict"].fillna("") if word)
        found = [row[1 + place].split("\n")[0].split(" ", 1)[-1] for row in said]
        assert sorted(word for word in found if word in set(wanted)) == wanted


def test_lines_are_named_at_their_ends_without_overlap(pages, opened, screenshots):
    with opened(pages.explorer, width=1440, height=900) as page:
        drawn(page)
        family = page.evaluate("explorer.choice.family")
        boxes = page.evaluate(
            "[...document.querySelectorAll('#vis .mark-text.role-mark text')].map((one) => {"
            " const box = one.getBoundingClientRect();"
            " return [one.textContent, box.top, box.bottom, box.right]; })"
        )
        treatments = page.evaluate(
            "explorer.shown.verdicts.filter((row) => row.dbeta !== null).length"
        )
        page.screenshot(path=screenshots / "explorer-wide.png", full_page=True)
        edge = page.locator("#vis svg.marks").bounding_box()
    assert len(boxes) == treatments > 0, family
    ordered = sorted(boxes, key=lambda box: box[1])
    for above, below in itertools.pairwise(ordered):
        assert below[1] >= above[2] - 3, (above, below)
    assert max(box[3] for box in boxes) <= edge["x"] + edge["width"]


def test_no_select_is_cut_and_the_page_explains_its_words(pages, opened):
    with opened(pages.explorer, width=1440, height=900) as page:
        drawn(page)
        page.locator("#explained summary").click()
        words = page.inner_text("#glossary")
        for name in ("G", "dβ", "p difference", "p equivalence", "detectable dβ"):
            assert name in words
        cut = page.evaluate(
            "[...document.querySelectorAll('#choices select')].filter((one) => {"
            " const context = document.createElement('canvas').getContext('2d');"
            " context.font = getComputedStyle(one).font;"
            " const text = one.selectedOptions[0]?.text ?? '';"
            " return context.measureText(text).width > one.clientWidth; })"
            ".map((one) => one.id)"
        )
        assert cut == []


def test_a_table_that_scrolls_says_so(pages, opened, screenshots):
    with opened(pages.explorer, width=360, height=740, has_touch=True) as page:
        drawn(page)
        note = page.locator("p.scrolls + div.scroll[aria-label=Verdicts]")
        assert note.count() == 1
        assert page.locator("p.scrolls").first.is_visible()
        page.evaluate("document.querySelector('div.scroll').scrollLeft = 300")
        name = page.locator("#verdicts tbody th").first.bounding_box()
        region = page.locator("div.scroll").first.bounding_box()
        assert abs(name["x"] - region["x"]) < 2, "the treatment stays in view"


def test_remarks_are_listed_one_by_one(pages, opened):
    relative = pages.tables["relative"]
    with opened(pages.explorer) as page:
        drawn(page)
        chosen = current(page)
        shown = page.eval_on_selector_all(
            "#verdicts td.remarks",
            "all => all.map((cell) => cell.querySelector('li')"
            " ? [...cell.querySelectorAll('li')].map((one) => one.textContent)"
            " : cell.textContent ? [cell.textContent] : [])",
        )
    asked = pick(relative, chosen, *LAW)
    assert shown == [decode_remarks(cell) for cell in asked["remarks"]]


def test_statuses_of_the_shown_laws_are_explained(pages, opened):
    with opened(pages.explorer) as page:
        drawn(page)
        for family in options(page, "family"):
            choose(page, family=family)
            rows = page.evaluate("[...explorer.shown.verdicts, ...explorer.shown.absolute]")
            wanted = sorted({row["status"] for row in rows} - {"ok"})
            explained = page.locator("#statuses dt").all_inner_texts()
            assert explained == [word.replace("_", " ") for word in wanted]
            meanings = page.locator("#statuses dd").all_inner_texts()
            assert meanings == [Status(word).__doc__ for word in wanted]


def test_the_chart_shows_every_run_and_its_value(pages, opened):
    losses = pages.tables["losses"]
    with opened(pages.explorer) as page:
        choose(page, view="absolute")
        chosen = current(page)
        shown = marks(page, "run")
    kept = (
        losses["excluded_reason"].fillna("") == "" if "excluded_reason" in losses else slice(None)
    )
    asked = pick(losses[kept], chosen, "family", "metric", "corpus")
    assert len(shown) == len(asked) > 0
    np.testing.assert_allclose(sorted(shown["y"]), sorted(asked["value"].astype(float)), rtol=6e-6)
    assert set(shown["run"]) == set(asked["run"])


@pytest.mark.parametrize("other", [False, True])
def test_the_relative_chart_shows_each_runs_ratio_to_the_chosen_baseline(pages, opened, other):
    losses = pages.tables["losses"]
    with opened(pages.explorer) as page:
        drawn(page)
        if other:
            choose(page, baseline=options(page, "baseline")[1])
        chosen = current(page)
        shown = marks(page, "run")
        said = cells(page, "verdicts", "dbeta")
        treatments = cells(page, "verdicts", "treatment")
    asked = pick(losses, chosen, "family", "metric", "corpus").pivot(
        index="run", columns="domain", values="value"
    )
    ratios = asked.drop(columns=chosen["baseline"]).div(asked[chosen["baseline"]], axis=0).stack()
    changes = 100 * (1 - ratios) if lower_is_better(chosen["metric"]) else 100 * (ratios - 1)
    np.testing.assert_allclose(
        sorted(shown["y"]), sorted(changes), atol=1e-4
    )  # percent of a ratio of seven digits
    table = pages.tables["baselines" if other else "relative"]
    laws = pick(table, chosen, *LAW, "baseline").set_index("treatment")
    assert treatments and len(treatments) == len(laws)
    np.testing.assert_allclose(said, laws.loc[treatments, "dbeta"], rtol=DIGITS)


def test_the_curves_are_the_tables_laws(pages, opened):
    with opened(pages.explorer) as page:
        drawn(page)
        rows = page.evaluate("explorer.shown.verdicts")
        absolute = page.evaluate("explorer.shown.absolute")
        for flops in (3e10, 2e11, 4e12):
            for row in rows:
                want = [float(values[0]) for values in law_gap(pd.Series(row), np.array([flops]))]
                assert page.evaluate(
                    "([row, flops]) => explorer.lawGap(row, flops)", [row, flops]
                ) == pytest.approx(want, rel=1e-9)
            for row in absolute:
                want = float(law_value(pd.Series(row), np.array([flops]))[0])
                assert page.evaluate(
                    "([row, flops]) => explorer.lawValue(row, flops)", [row, flops]
                ) == pytest.approx(want, rel=1e-9)


def test_the_difference_scale_draws_differences_to_the_baseline(pages, opened):
    losses = pages.tables["losses"]
    with opened(pages.explorer) as page:
        drawn(page)
        if "difference" not in options(page, "scale"):
            pytest.skip("the tables have no laws on the difference scale")
        choose(page, scale="difference")
        chosen = current(page)
        shown = marks(page, "run")
        rows = page.evaluate("explorer.shown.verdicts")
        flops = 2 * rows[0]["reference_compute"]
        middle = page.evaluate(
            "([row, flops]) => explorer.lawDifference(row, flops)", [rows[0], flops]
        )
    asked = pick(losses, chosen, "family", "metric", "corpus").pivot(
        index="run", columns="domain", values="value"
    )
    differences = asked.drop(columns=chosen["baseline"]).sub(asked[chosen["baseline"]], axis=0)
    np.testing.assert_allclose(sorted(shown["y"]), sorted(differences.stack()), atol=1e-5)
    assert middle[0] == pytest.approx(rows[0]["gamma"] + rows[0]["dbeta"] * math.log(2), rel=1e-9)


def test_hovering_names_the_run(pages, opened, screenshots):
    with opened(pages.explorer) as page:
        choose(page, view="absolute")
        mark = page.locator("#vis path[aria-label*='; run ']").last
        box = mark.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_selector("#vg-tooltip-element.visible")
        told = page.inner_text("#vg-tooltip-element")
        label = mark.get_attribute("aria-label")
        page.screenshot(path=screenshots / "explorer-hover.png")
    run = re.search(r"run (\S+);", label).group(1)
    assert run in told and "training tokens" in told and "value" in told


def test_unticking_a_domain_takes_its_marks_away(pages, opened):
    with opened(pages.explorer) as page:
        choose(page, view="absolute")
        before = marks(page, "run")
        name = page.locator("#domains label").last.inner_text().strip()
        page.locator("#domains input").last.uncheck()
        drawn(page)
        after = marks(page, "run")
    assert set(before["domain"]) - set(after["domain"]) == {name}
    assert len(after) == (before["domain"] != name).sum()


def test_downloads_hold_the_rows_of_the_tables(pages, opened):
    with opened(pages.explorer) as page:
        drawn(page)
        chosen = current(page)
        files = {}
        for button in ("save-verdicts", "save-drawn", "save-losses"):
            with page.expect_download() as download:
                page.click(f"#{button}")
            files[button] = pd.read_csv(
                io.StringIO(download.value.path().read_text()), dtype={"budget": str}
            )
            assert download.value.suggested_filename.endswith(".csv")
        drawn_rows = page.evaluate("explorer.shown.drawn.length")
    laws = pick(pages.tables["relative"], chosen, *LAW)
    assert files["save-verdicts"].columns.tolist() == laws.columns.tolist()
    np.testing.assert_allclose(
        files["save-verdicts"]["dbeta"], laws["dbeta"].astype(float), rtol=DIGITS
    )
    assert len(files["save-drawn"]) == drawn_rows > 0
    mine = pick(pages.tables["losses"], chosen, "family")
    np.testing.assert_allclose(
        files["save-losses"]["value"], mine["value"].astype(float), rtol=DIGITS
    )
    assert files["save-losses"]["budget"].tolist() == mine["budget"].tolist()


def test_it_works_by_keyboard_alone(pages, opened):
    with opened(pages.explorer) as page:
        drawn(page)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "family"
        first = page.eval_on_selector("#family", "one => one.value")
        page.keyboard.press("ArrowDown")
        drawn(page)
        assert (
            page.evaluate("explorer.choice.family")
            == page.eval_on_selector("#family", "one => one.value")
            != first
        )
        for _ in range(8):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "view":
                break
        page.keyboard.press("ArrowRight")
        drawn(page)
        assert page.evaluate("explorer.choice.view") == "absolute"
        page.locator("details:has(#drawn) summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#drawn tbody tr").first.is_visible()


def test_it_fits_a_phone(pages, opened, screenshots):
    with opened(pages.explorer, width=360, height=740, has_touch=True) as page:
        for family in options(page, "family"):
            choose(page, family=family)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
                family
            )
            assert page.locator("#vis svg.marks").bounding_box()["width"] <= 360
        page.screenshot(path=screenshots / "explorer-phone.png", full_page=True)


def test_an_address_keeps_the_choices(pages, opened):
    with opened(pages.explorer) as page:
        drawn(page)
        choose(page, corpus=options(page, "corpus")[-1], view="absolute")
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        drawn(page)
        assert page.evaluate("[explorer.choice.corpus, explorer.choice.view]") == [
            options(page, "corpus")[-1],
            "absolute",
        ]


@pytest.mark.parametrize(
    "case",
    [
        "nothing",
        "headers",
        "one domain",
        "one budget",
        "fifty domains",
        "undecided",
        "long names",
        "zeros",
    ],
)
def test_degenerate_tables_are_shown_and_what_is_missing_is_said(
    case, maker, write, opened, screenshots
):
    names = {
        "fifty domains": tuple(f"d{k:02d}" for k in range(50)),
        "long names": ("a", "b_" * 60 + "c"),
        "one domain": ("own",),
    }
    families = {"topics": ("", "bits_per_byte", names.get(case, ("People", "History")))}
    families = {"topics": (families["topics"][2][0], *families["topics"][1:])}
    tables = maker(
        families=families,
        corpora=("web",),
        budgets=("1e11",) if case == "one budget" else ("1e11", "5e11"),
    )
    tables["losses"] = tables["losses"].query("family == 'topics'")
    if case == "nothing":
        tables = {name: frame.iloc[:0] for name, frame in tables.items()}
        tables["losses"] = pd.DataFrame(columns=list(LOSSES_REQUIRED))
    elif case == "headers":
        tables = {name: frame.iloc[:0] for name, frame in tables.items()}
    elif case in ("one budget", "undecided"):
        nothing = {
            "dbeta": math.nan,
            "gamma": math.nan,
            "ci_low": math.nan,
            "ci_high": math.nan,
            "verdict": None,
            "status": "too_few_budgets",
            "remarks": "x",
        }
        tables["relative"] = tables["relative"].assign(
            **({"verdict": "undecided"} if case == "undecided" else nothing)
        )
    elif case == "zeros":
        tables["losses"] = tables["losses"].assign(
            value=[0.0, -1.0, *tables["losses"]["value"].iloc[2:]]
        )
        tables["points"] = tables["points"].assign(
            gap=tables["points"]["gap"].where(tables["points"].index % 3 > 0, 1.0)
        )
    path = write(tables, {"experiment": case})
    with opened(path, width=390) as page:
        page.wait_for_selector("body[data-ready]")
        if case in ("nothing", "headers"):
            assert page.inner_text("#said") == "The tables are empty: there is nothing to show."
            return
        drawn(page)
        choose(page, view="absolute")
        choose(page, view="relative")
        missing, said = page.inner_text("#missing"), page.inner_text("#said")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.screenshot(path=screenshots / f"explorer-{case.replace(' ', '-')}.png", full_page=True)
    wanted = {
        "one domain": (missing, "The family has one domain, so there is no gap to show."),
        "one budget": (said, "1 gap with People: 1 without a verdict"),
        "fifty domains": (said, "49 gaps with d00"),
        "undecided": (said, "1 gap with People: 1 undecided"),
        "long names": (said, "1 gap with a"),
        "zeros": (missing, "cannot be drawn: not positive, not finite, or without the baseline's"),
    }
    text, part = wanted[case]
    assert part in text
