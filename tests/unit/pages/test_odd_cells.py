"""Pages take infinite, empty and huge numbers and odd names: nothing vanishes or changes."""

import base64
import gzip
import json
import math
import re
import warnings
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from jinja2 import Environment

from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.tables.two_stage import TWO_STAGE
from relscale.laws.slope_text import slope_number
from relscale.pages.explorer import ExplorerTables, TextColumn, explorer_data, explorer_page, pack
from relscale.pages.findings import FindingsTables, findings_page, findings_rst
from relscale.pages.provenance import duration, stage_costs
from relscale.pages.sentences import scope_sentence, slope_text
from relscale.pages.spec import ExplorerSpec, FindingsSpec
from relscale.pages.tables_html import cell_text, table_page
from relscale.runtime import call
from relscale.stages import html_table

Tables = dict[str, pd.DataFrame]
ODD = (math.inf, -math.inf, math.nan, 0.0, -1.0, 1e300, 1e-300, -0.0)
NAMES = (
    "NA",
    "None",
    "nan",
    "2019",
    "say \"x\" & 'y'",
    "<b>",
    "{a}{{ b }}{% c %}",
    "$x^2$",
    "a_b_",
    "*c*",
    "|d| `e`",
    "us",
    "日本",
    "עברית",
)
FAMILY = {"family": "knowledge", "metric": "bits_per_byte", "baseline": "US"}


@pytest.fixture(scope="module")
def named(maker: Callable[..., Tables]) -> Tables:
    """Tables of a family whose domains have odd names."""
    families = {"knowledge": ("US", "bits_per_byte", ("US", *NAMES))}
    return maker(families=families, corpora=("NA", "web"), budgets=("5e10", "1e11"))


def suite() -> pd.DataFrame:
    """Return a suite of one run."""
    row = {"corpus": "web", "run": "a", "budget": "1e11", "training_flops": 1e11}
    return pd.DataFrame([row], columns=list(SUITE_COLUMNS))


def spec(**changes: Any) -> FindingsSpec:
    """Return a spec of the findings page of that family."""
    return FindingsSpec.model_validate({"families": [FAMILY], **changes})


def cells(page: str) -> list[tuple[str, str]]:
    """Return value and text of each cell of a table's page."""
    packed = re.search(r'id="rows">([^<]*)<', page)
    assert packed is not None
    rows = gzip.decompress(base64.b64decode(packed[1])).decode()
    found = re.findall(r'data-value="([^"]*)">([^<]*)<', rows)
    return [(unescape(value), unescape(text)) for value, text in found]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (np.float32("-inf"), "−∞"),
        (math.nan, ""),
        (pd.NA, ""),
        (pd.NaT, ""),
        (-0.0, "0"),
        (1e300, "1e+300"),
        (-1e-300, "-1e-300"),
        (123456789.0, "1.2346e+08"),
        (10**30, "1000000000000000000000000000000"),
        (np.bool_(True), "yes"),
        (False, "no"),
        ("nan", "nan"),
        ("NA", "NA"),
        ("", ""),
    ],
)
def test_a_cell_is_what_the_table_holds(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_infinite_cells_sort_as_numbers_and_names_as_text() -> None:
    frame = pd.DataFrame({"x": [math.inf, 1.5, -math.inf], "name": ["inf", "NaN", "Infinity"]})
    assert cells(table_page(frame, "t")) == [
        ("Infinity", "∞"),
        ("inf", "inf"),
        ("1.5", "1.5"),
        ("NaN", "NaN"),
        ("-Infinity", "−∞"),
        ("Infinity", "Infinity"),
    ]
    huge = pd.DataFrame({"n": [10**400, 3]}, dtype=object)
    assert [value for value, _ in cells(table_page(huge, "t"))] == ["Infinity", "3.0"]


def test_a_table_with_an_infinite_interval_has_a_page(tables: Tables, tmp_path: Path) -> None:
    rows = tables["two_stage"].assign(midpoint_ci_low=-math.inf, midpoint_ci_high=math.inf)
    rows.reindex(columns=list(TWO_STAGE.names)).to_csv(tmp_path / "two_stage.csv", index=False)
    page = tmp_path / "two_stage.html"
    call(html_table.main, ["--csv", str(tmp_path / "two_stage.csv"), "--html", str(page)])
    texts = [text for _, text in cells(page.read_text(encoding="utf-8"))]
    assert texts.count("∞") == texts.count("−∞") == len(rows)


def test_tables_without_rows_or_columns_have_a_page() -> None:
    assert "The table has no rows." in table_page(pd.DataFrame({"a": []}), "t")
    assert "The table has no rows." in table_page(pd.DataFrame(), "t")


@pytest.mark.parametrize(
    ("slope", "low", "high", "text"),
    [
        (-0.0, -0.0004, 0.0, "+0.000 [−0.0004, +0.000]"),
        (4e-7, -math.inf, math.inf, "+4e-07 [−∞, +∞]"),
        (12345678.0, -1e300, 1e300, "+1.23e+07 [−1e+300, +1e+300]"),
        (math.inf, 0.0, 1.0, ""),
        (0.02, math.nan, 1.0, "+0.020"),
    ],
)
def test_slopes_of_any_size_are_written_as_they_are(
    slope: float, low: float, high: float, text: str
) -> None:
    assert slope_text(pd.Series({"dbeta": slope, "ci_low": low, "ci_high": high})) == text


def test_a_slope_never_reads_as_zero_unless_it_is() -> None:
    values = [10.0**k for k in range(-12, 12)]
    assert all(float(slope_number(value, 3)) == pytest.approx(value, rel=0.01) for value in values)
    assert slope_number(math.nan, 3) == ""


@pytest.mark.parametrize(
    ("flops", "said"),
    [
        ([math.nan], "with an unknown number of training FLOPs per model"),
        ([math.inf, 2e18], "with 2e18 training FLOPs per model"),
        ([3e9, 1.2e10], "with 3e9 to 1.2e10 training FLOPs per model"),
        ([-1.0, 0.0, 3e18], "with 3e18 training FLOPs per model"),
    ],
)
def test_the_range_of_compute_leaves_out_what_is_no_compute(flops: list[float], said: str) -> None:
    rows = pd.concat([suite()] * len(flops)).assign(training_flops=flops)
    assert said in scope_sentence(rows, "training_flops")


def odd_cells(frame: pd.DataFrame, shift: int) -> pd.DataFrame:
    """Put one odd number into each column of floating-point numbers, each in another row."""
    changed = frame.reset_index(drop=True)
    for place, column in enumerate(changed.select_dtypes("float").columns):
        changed.loc[(place + shift) % len(changed), column] = ODD[(place + shift) % len(ODD)]
    return changed


@pytest.mark.parametrize("shift", range(0, 40, 5))
def test_findings_take_odd_numbers_in_any_column(shift: int, named: Tables) -> None:
    relative = odd_cells(named["relative"], shift)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = FindingsTables(relative=relative, suite=odd_cells(suite(), shift))
        page = findings_page(made, spec())
        text = findings_rst(made, spec(), {})
    for wrong in (r"\binf\b", "−0.000", r"[+−]0\.000\d{9}", r"\d{40}"):
        assert not re.search(wrong, page + text)


@pytest.mark.parametrize("shift", range(0, 40, 10))
def test_the_explorer_takes_odd_numbers_in_any_column(shift: int, named: Tables) -> None:
    names = ("losses", "points", "absolute", "relative")
    tables = ExplorerTables(**{name: odd_cells(named[name], shift) for name in names})
    data = explorer_data(tables, ExplorerSpec())
    text = json.dumps(data, default=vars, allow_nan=False)
    assert not re.search(r"\b(NaN|Infinity)\b", text.replace('"NaN"', ""))


def test_every_name_is_in_every_page(named: Tables) -> None:
    made = FindingsTables(relative=named["relative"], suite=suite())
    page = unescape(findings_page(made, spec(corpora=["NA", "web"])))
    text = findings_rst(made, spec(), {})
    body = publish_parts(
        Environment().from_string(text).render(),
        writer="html",
        settings_overrides={"halt_level": 2},
    )["html_body"]
    for name in NAMES:
        shown = name.replace("_", " ")
        assert f">{shown}</th>" in page, name
        assert re.search(rf"(^|[ :>;]){re.escape(shown.strip())} \(", unescape(body)), name
    assert "nan / US" not in page
    names = ("losses", "points", "absolute", "relative")
    tables = ExplorerTables(**{name: named[name] for name in names})
    choices = explorer_data(tables, ExplorerSpec()).families
    knowledge = next(family for family in choices if family.name == "knowledge")
    assert {domain.name for domain in knowledge.domains} == {"US", *NAMES}
    assert (
        "<b>" not in explorer_page(tables, ExplorerSpec(experiment="<b>")).partition("<style>")[0]
    )


def test_names_that_look_like_numbers_stay_text_for_the_script() -> None:
    packed = pack(pd.DataFrame({"domain": [2019, 2020], "treatment": [1, 1], "value": [1.0, 2.0]}))
    assert isinstance(packed["domain"], TextColumn) and packed["domain"].texts == ["2019", "2020"]
    assert isinstance(packed["treatment"], TextColumn) and packed["value"] == [1, 2]


def test_an_unmeasured_job_costs_nothing_and_a_blank_line_is_none(tmp_path: Path) -> None:
    record = '{"rule_name": "a", "s": NaN, "cpu_time": "-", "max_rss": Infinity}\n\n'
    (tmp_path / "a.jsonl").write_text(record)
    (cost,) = stage_costs([tmp_path], tmp_path / "none", [])
    assert (cost.wall_s, cost.cpu_s, cost.memory_mb) == (0.0, 0.0, 0.0)
    assert duration(cost.wall_s) == "0 s"
