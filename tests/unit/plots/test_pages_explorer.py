"""The explorer's data are the tables; its page is whole, small and asks nothing of anyone."""

import base64
import gzip
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relscale.figures.kit.style import BASELINE_COLOUR, PALETTE
from relscale.pages.explorer import DEFAULTS, explorer_page, pack, payload
from relscale.stages import baselines, explorer

Tables = dict[str, pd.DataFrame]
FAMILIES = [
    {
        "family": "knowledge",
        "metrics": ["bits_per_byte"],
        "baseline": "STEM",
        "domains": ["STEM", "humanities", "other"],
    }
]


def filled(**changes: Any) -> dict[str, Any]:
    return {**DEFAULTS, **changes}


def unpacked(columns: dict[str, Any]) -> pd.DataFrame:
    """Return the table that the page's script reads."""

    def values(column: Any) -> list[Any]:
        return (
            column
            if isinstance(column, list)
            else [None if k is None else column["texts"][k] for k in column["places"]]
        )

    return pd.DataFrame({name: values(column) for name, column in columns.items()})


@pytest.fixture(scope="module")
def sources(reference: Path) -> tuple[str, str]:
    """The page's template and script."""
    folder = reference.parent / "explorer"
    return (folder / "explorer.html").read_text(), (folder / "explorer.js").read_text()


def test_packed_tables_unpack_to_what_they_were() -> None:
    frame = pd.DataFrame(
        {
            "name": ["a", None, "b", "a"],
            "value": [0.123456789, math.nan, math.inf, 3e11],
            "budget": ["5e10", "1e11", "5e10", "x"],
            "good": [True, False] * 2,
        }
    )
    packed = pack(frame)
    json.dumps(packed, allow_nan=False)
    back = unpacked(packed)
    assert packed["name"] == {"texts": ["a", "b"], "places": [0, None, 1, 0]}
    assert packed["value"] == [0.1234568, None, None, 300000000000]
    assert back["budget"].tolist() == ["5e10", "1e11", "5e10", "x"] and back["good"].tolist() == [
        True,
        False,
        True,
        False,
    ]


def test_data_are_the_tables_with_one_row_a_run(tables: Tables) -> None:
    data = payload(tables, filled(families=FAMILIES, corpora=["curated", "web"]))
    runs, values = unpacked(data["runs"]), unpacked(data["losses"])
    losses = tables["losses"]
    assert len(runs) == losses["run"].nunique()
    np.testing.assert_allclose(values["value"], losses["value"].astype(float), rtol=1e-6)
    assert runs["run"].to_numpy()[values["at"]].tolist() == losses["run"].tolist()
    np.testing.assert_allclose(
        unpacked(data["relative"])["dbeta"], tables["relative"]["dbeta"].astype(float), rtol=1e-6
    )
    assert [corpus["name"] for corpus in data["corpora"]] == ["curated", "web", "web_synthetic"]
    assert data["estimators"] == ["best_run", "joint", "vertex"]


def test_estimators_and_columns_come_from_the_tables(tables: Tables) -> None:
    more = (
        tables["relative"].query("estimator == 'vertex'").assign(estimator="akima", new_column=1.5)
    )
    data = payload({**tables, "relative": pd.concat([tables["relative"], more])}, filled())
    assert data["estimators"] == ["akima", "best_run", "joint", "vertex"]
    assert "new_column" in data["relative"]


def test_excluded_runs_have_no_values(tables: Tables) -> None:
    losses = tables["losses"].copy()
    gone = losses["run"] == losses["run"].iloc[0]
    losses.loc[gone, "excluded_reason"] = "diverged"
    data = payload({**tables, "losses": losses}, filled())
    assert len(unpacked(data["losses"])) == int((~gone).sum())
    assert len(unpacked(data["runs"])) == losses["run"].nunique()


def test_colours_follow_the_figures(tables: Tables) -> None:
    (family,) = [
        family
        for family in payload(tables, filled(families=FAMILIES))["families"]
        if family["name"] == "knowledge"
    ]
    colours = {domain["name"]: domain["colour"] for domain in family["domains"]}
    assert colours == {
        "STEM": BASELINE_COLOUR,
        "humanities": PALETTE[0],
        "other": PALETTE[1],
        "social_sciences": PALETTE[2],
    }


def test_other_baselines_are_told_apart(tables: Tables) -> None:
    others = (
        tables["relative"]
        .query("family == 'knowledge' and treatment == 'humanities'")
        .assign(baseline="other")
    )
    relative = unpacked(payload({**tables, "baselines": others}, filled())["relative"])
    assert relative.groupby("own")["baseline"].unique().loc[False].tolist() == ["other"]
    assert int(relative["own"].sum()) == len(tables["relative"])


def test_page_is_whole_and_the_same_bytes(tables: Tables, sources: tuple[str, str]) -> None:
    losses = tables["losses"].replace({"domain": {"other": "</script><b>"}})
    pages = [
        explorer_page({**tables, "losses": losses}, {"experiment": "a<b"}, *sources)
        for _ in range(2)
    ]
    assert pages[0] == pages[1]
    page = pages[0]
    assert len(page.encode()) < 1.4e6, "a report's frame may have 2 MB, and base64 adds a third"
    assert (
        page.count("</script>") == 3
        and "Explorer: a&lt;b</h1>" in page
        and not re.search(r"@(TITLE|DATA|VEGA|SCRIPT)@", page)
    )
    assert not any(
        re.search(r"https?:|<(script|link|img|iframe)[^>]*\s(src|href)=", source)
        for source in sources
    )
    assert "default-src 'none'" in page
    packed = re.search(r'id="data">(.*?)</script>', page).group(1)  # type: ignore[union-attr]
    data = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert "</script><b>" in data["losses"]["domain"]["texts"]


def test_template_must_have_its_places(tables: Tables, sources: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="the explorer's template must have @VEGA@ once"):
        explorer_page(tables, {}, sources[0].replace("@VEGA@", ""), sources[1])
    with pytest.raises(ValueError, match="unknown key"):
        explorer_page(tables, {"familly": []}, *sources)


@pytest.mark.parametrize("case", ["nothing", "headers", "one domain"])
def test_data_of_degenerate_tables(case: str, tables: Tables, maker: Callable[..., Tables]) -> None:
    made = {"nothing": {}, "headers": {name: frame.iloc[:0] for name, frame in tables.items()}}.get(
        case
    )
    if made is None:
        made = maker(
            families={"topics": ("People", "bits_per_byte", ("People",))}, corpora=("web",)
        )
    data = payload(made, filled())
    json.dumps(data, allow_nan=False)
    assert [family["name"] for family in data["families"]] == (
        [] if case != "one domain" else ["continuation", "topics"]
    )


def test_stages(
    tables: Tables,
    sources: tuple[str, str],
    tmp_path: Path,
    reference: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("losses", "points", "absolute", "relative"):
        tables[name].to_csv(tmp_path / f"{name}.csv", index=False)
    spec = {
        "family": "knowledge",
        "metrics": ["bits_per_byte"],
        "draws": 100,
        "baselines": ["humanities", "other"],
        "estimators": ["joint"],
    }
    out = tmp_path / "baselines.csv"
    losses = str(tmp_path / "losses.csv")
    monkeypatch.setattr(
        "sys.argv",
        [
            "x",
            "--spec",
            json.dumps(spec),
            "--losses",
            losses,
            "--optimum-losses",
            losses,
            "--out",
            str(out),
        ],
    )
    baselines.main()
    made = pd.read_csv(out)
    assert sorted(made["baseline"].unique()) == ["humanities", "other"] and len(made) == 3 * 2 * 3
    both = made.set_index(["corpus", "treatment", "baseline"])["dbeta"]
    one_way, other_way = (
        both.loc[("web", "other", "humanities")],
        both.loc[("web", "humanities", "other")],
    )
    assert one_way == pytest.approx(-other_way)
    folder = reference.parent / "explorer"
    names = [
        word
        for name in ("losses", "points", "absolute", "relative")
        for word in (f"--{name}", str(tmp_path / f"{name}.csv"))
    ]
    rest = [
        "--template",
        str(folder / "explorer.html"),
        "--script",
        str(folder / "explorer.js"),
        "--out",
        str(tmp_path / "e.html"),
    ]
    explorer.main(["--spec", '{"experiment": "x"}', *names, "--baselines", str(out), *rest])
    packed = re.search(r'id="data">(.*?)</script>', (tmp_path / "e.html").read_text()).group(1)  # type: ignore[union-attr]
    assert (
        False
        in unpacked(json.loads(gzip.decompress(base64.b64decode(packed)))["relative"])[
            "own"
        ].to_numpy()
    )
