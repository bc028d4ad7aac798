"""The explorer's data are the tables; its page is whole, small and asks nothing of anyone."""

import base64
import gzip
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.status import SEPARATOR, Status, encode_remarks
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.buckets import BUCKETS
from relscale.contract.tables.contrasts import CONTRASTS
from relscale.contract.tables.documents import DOCUMENTS
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.contract.verdict_words import Verdict
from relscale.figures.kit.style import BASELINE_COLOUR, PALETTE
from relscale.pages.explorer import (
    ExplorerData,
    ExplorerTables,
    Packed,
    TextColumn,
    explorer_data,
    explorer_page,
    pack,
)
from relscale.pages.explorer_columns import COLUMNS, DOWNLOADED_POINTS, TIPS
from relscale.pages.render import FOLDER
from relscale.pages.spec import ExplorerSpec
from relscale.runtime import call, run
from relscale.stages import baselines, explorer

Tables = dict[str, pd.DataFrame]
NAMES = ("losses", "points", "absolute", "relative")
FAMILIES = [
    {
        "family": "knowledge",
        "metrics": ["bits_per_byte"],
        "baseline": "STEM",
        "domains": ["STEM", "humanities", "other"],
    }
]


def data_of(tables: Tables, **spec: Any) -> ExplorerData:
    """Return the explorer's data of tables."""
    return explorer_data(chosen(tables), ExplorerSpec.model_validate(spec))


def chosen(tables: Tables) -> ExplorerTables:
    """Return the tables that the explorer takes."""
    names = [*NAMES, *(["baselines"] if "baselines" in tables else [])]
    return ExplorerTables(**{name: tables[name] for name in names})


def unpacked(columns: Packed) -> pd.DataFrame:
    """Return the table that the page's script reads."""
    frame = {}
    for name, column in columns.items():
        if isinstance(column, TextColumn):
            frame[name] = [None if k is None else column.texts[k] for k in column.places]
        else:
            frame[name] = column
    return pd.DataFrame(frame)


def embedded(page: str) -> dict[str, Any]:
    """Return the data inside a page, as its script reads them."""
    packed = re.search(r'id="data">(.*?)</script>', page)
    assert packed is not None
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


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
    json.dumps(packed, allow_nan=False, default=vars)
    back = unpacked(packed)
    assert packed["name"] == TextColumn(texts=["a", "b"], places=[0, None, 1, 0])
    assert packed["value"] == [0.1234568, None, None, 300000000000]
    assert back["budget"].tolist() == ["5e10", "1e11", "5e10", "x"]
    assert back["good"].tolist() == [True, False, True, False]


def test_data_are_the_tables_with_one_row_per_run(tables: Tables) -> None:
    data = data_of(tables, families=FAMILIES, corpora=["curated", "web"])
    runs, values = unpacked(data.tables["runs"]), unpacked(data.tables["losses"])
    losses = tables["losses"]
    assert len(runs) == losses["run"].nunique()
    # Seven significant digits: half of the last one is at most 5e-7 of the value.
    np.testing.assert_allclose(values["value"], losses["value"].astype(float), rtol=5e-7)
    assert runs["run"].to_numpy()[values["at"]].tolist() == losses["run"].tolist()
    slopes = unpacked(data.tables["relative"])["dbeta"]
    np.testing.assert_allclose(slopes, tables["relative"]["dbeta"].astype(float), rtol=5e-7)
    assert [corpus.name for corpus in data.corpora] == ["curated", "web", "web_synthetic"]
    assert data.estimators == ["best_run", "joint", "vertex"]


def test_estimators_and_columns_come_from_the_tables(tables: Tables) -> None:
    more = tables["relative"].query("estimator == 'vertex'")
    more = more.assign(estimator="akima", new_column=1.5)
    data = data_of({**tables, "relative": pd.concat([tables["relative"], more])})
    assert data.estimators == ["akima", "best_run", "joint", "vertex"]
    assert "new_column" in data.tables["relative"]
    assert "new_column" in data.downloads["verdicts"]


def test_shown_columns_are_columns_of_the_tables(tables: Tables) -> None:
    """Columns that the script adds to points are listed here."""
    data = data_of(tables)
    added = {"kind", "compute", "gap", "y"}
    run = {*data.tables["runs"], *data.tables["losses"]} | added
    optimum = {*POINTS.names, "remarks"} | added
    known = {
        "verdicts": {*RELATIVE.names, "remarks"},
        "contrasts": {*CONTRASTS.names},
        "buckets": {*BUCKETS.names},
        "documents": {*DOCUMENTS.names},
        "suites": {*SUITE_CONTRASTS.names},
        "bucket": {*BUCKETS.names},
        "suite": {*SUITE_CONTRASTS.names},
        "laws": {*ABSOLUTE.names, "remarks"},
        "drawn": run,
        "run": run,
        "optimum": optimum,
    }
    for name, columns in {**COLUMNS, **TIPS}.items():
        named = {name for column in columns for name in (column.key, column.upper) if name}
        assert named <= known[name], name
    assert set(DOWNLOADED_POINTS) <= run
    assert set(data.downloads["losses"]) <= run


def test_the_script_writes_every_form_of_column() -> None:
    script = (FOLDER / "explorer/format.js").read_text()
    forms = {column.form for columns in [*COLUMNS.values(), *TIPS.values()] for column in columns}
    written = re.findall(r"^  (\w+): \(row", script, re.MULTILINE)
    assert forms == set(written)


def test_excluded_runs_have_no_values(tables: Tables) -> None:
    losses = tables["losses"].copy()
    gone = losses["run"] == losses["run"].iloc[0]
    losses.loc[gone, "excluded_reason"] = "diverged"
    data = data_of({**tables, "losses": losses})
    assert len(unpacked(data.tables["losses"])) == int((~gone).sum())
    assert len(unpacked(data.tables["runs"])) == losses["run"].nunique()


def test_colours_follow_the_figures(tables: Tables) -> None:
    families = data_of(tables, families=FAMILIES).families
    (family,) = [family for family in families if family.name == "knowledge"]
    assert {domain.name: domain.colour for domain in family.domains} == {
        "STEM": BASELINE_COLOUR,
        "humanities": PALETTE[0],
        "other": PALETTE[1],
        "social_sciences": PALETTE[2],
    }


def test_a_metric_says_whether_lower_is_better(tables: Tables) -> None:
    metrics = data_of(tables).metrics
    assert metrics["bits_per_byte"].lower_is_better
    assert not metrics["choice_probability_per_byte"].lower_is_better
    assert "rror" not in metrics["choice_probability_per_byte"].label


def test_laws_against_other_baselines_follow_and_change_no_default(tables: Tables) -> None:
    others = tables["relative"].query("family == 'knowledge' and treatment == 'humanities'")
    others = others.assign(baseline="other")
    data = data_of({**tables, "baselines": others})
    relative = unpacked(data.tables["relative"])
    assert relative["baseline"].iloc[len(tables["relative"]) :].unique().tolist() == ["other"]
    assert len(relative) == len(tables["relative"]) + len(others)
    assert {family.name: family.baseline for family in data.families}["knowledge"] == "STEM"


def test_remarks_are_split_by_the_separator_that_joined_them(tables: Tables) -> None:
    remarks = encode_remarks(["2 runs excluded", "optimum at the edge"])
    relative = tables["relative"].assign(remarks=remarks)
    data = embedded(
        explorer_page(replace(chosen(tables), relative=relative), ExplorerSpec(experiment="x"))
    )
    assert data["remarks_separator"] == SEPARATOR
    assert data["statuses"] == {status.value: status.__doc__ for status in Status}
    assert data["tables"]["relative"]["remarks"]["texts"] == [remarks]


def test_scales_paths_and_contrasts_of_the_tables_are_offered_and_explained(tables: Tables) -> None:
    contrasts = pd.DataFrame(
        [
            {"corpus": "web", "family": "knowledge", "metric": "bits_per_byte",
             "estimator": "joint", "kind": kind, "domain": "other", "other": "humanities",
             "dbeta": 0.01}
            for kind in ("family_mean", "pair")
        ]
    )  # fmt: skip
    relative = tables["relative"].assign(path="fixed_ratio:20")
    made = replace(chosen({**tables, "relative": relative}), contrasts=contrasts)
    data = explorer_data(made, ExplorerSpec())
    assert [scale.name for scale in data.scales] == ["ratio", "difference"]
    assert [path.label for path in data.paths] == ["at 20 tokens per parameter"]
    assert [one.name for one in data.contrasts] == ["family_mean", "pair"]
    assert [verdict.word for verdict in data.verdicts] == [verdict.value for verdict in Verdict]
    page = explorer_page(made, ExplorerSpec())
    assert "L(treatment) − L(baseline)" in page and "Ratio of the two values" in page
    assert unpacked(data.tables["contrasts"])["kind"].tolist() == list(contrasts["kind"])
    assert data_of(tables).contrasts == []


def test_views_are_offered_where_their_tables_have_rows(tables: Tables) -> None:
    assert [view.name for view in data_of(tables).views] == ["relative", "absolute"]
    made = replace(
        chosen(tables), buckets=tables["buckets"], suite_contrasts=tables["suite_contrasts"]
    )
    data = explorer_data(made, ExplorerSpec(labels={"web": "Web pages"}))
    assert [view.name for view in data.views] == ["relative", "absolute", "buckets", "suites"]
    assert [bucket.label for bucket in data.buckets] == [
        *("whole text", "letters", "digits", "punctuation", "white space", "non-ASCII"),
        *("common words", "rare words", "unseen words", "other bytes"),
    ]
    assert {pair.label for pair in data.pairs} >= {"Web pages against curated"}
    assert len(unpacked(data.tables["buckets"])) == len(tables["buckets"])
    assert len(unpacked(data.tables["suites"])) == len(tables["suite_contrasts"])
    empty = replace(made, buckets=tables["buckets"].iloc[:0])
    page = explorer_page(empty, ExplorerSpec())
    assert 'value="suites"' in page and 'value="buckets"' not in page


def test_the_estimator_of_all_designs_is_chosen_first(tables: Tables) -> None:
    assert data_of(tables).default_estimator == "joint"
    relative = tables["relative"].replace({"estimator": {"vertex": "auto"}})
    assert data_of({**tables, "relative": relative}).default_estimator == "auto"


def test_page_is_whole_and_the_same_bytes(tables: Tables) -> None:
    losses = tables["losses"].replace({"domain": {"other": "</script><b>"}})
    spec = ExplorerSpec(experiment="a<b")
    pages = [explorer_page(chosen({**tables, "losses": losses}), spec) for _ in range(2)]
    assert pages[0] == pages[1]
    page = pages[0]
    assert len(page.encode()) < 1.4e6, "a report's frame may have 2 MB, and base64 adds a third"
    assert page.count("</script>") == 3 and "Explorer: a&lt;b</h1>" in page
    assert not re.search(r"https?:|<(script|link|img|iframe)[^>]*\s(src|href)=", page)
    assert "default-src 'none'" in page
    data = embedded(page)
    assert "</script><b>" in data["tables"]["losses"]["domain"]["texts"]


def test_unknown_keys_of_the_spec_are_an_error(tables: Tables, tmp_path: Path) -> None:
    words = explorer_words(tables, tmp_path, {"familly": []})
    with pytest.raises(ValueError, match="--spec: familly"):
        call(explorer.main, words)


@pytest.mark.parametrize("case", ["required columns", "headers", "one domain"])
def test_data_of_degenerate_tables(case: str, tables: Tables, maker: Callable[..., Tables]) -> None:
    if case == "required columns":
        made = {name: tables[name].iloc[:0] for name in NAMES}
        made["losses"] = pd.DataFrame(columns=list(LOSSES_REQUIRED))
    elif case == "headers":
        made = {name: frame.iloc[:0] for name, frame in tables.items()}
    else:
        families = {"topics": ("People", "bits_per_byte", ("People",))}
        made = maker(families=families, corpora=("web",))
    data = data_of(made)
    json.dumps(data, allow_nan=False, default=vars)
    expected = ["continuation", "topics"] if case == "one domain" else []
    assert [family.name for family in data.families] == expected


def explorer_words(tables: Tables, folder: Path, spec: dict[str, Any]) -> list[str]:
    """Write tables and return the command line of the explorer's stage."""
    words = ["--spec", json.dumps(spec), "--out", str(folder / "explorer.html")]
    for name in NAMES:
        tables[name].to_csv(folder / f"{name}.csv", index=False)
        words += [f"--{name}", str(folder / f"{name}.csv")]
    return words


def test_the_stage_writes_the_page_with_other_baselines(tables: Tables, tmp_path: Path) -> None:
    words = explorer_words(tables, tmp_path, {"experiment": "x"})
    others = tables["relative"].query("family == 'knowledge'").assign(baseline="other")
    others.to_csv(tmp_path / "baselines.csv", index=False)
    call(explorer.main, [*words, "--baselines", str(tmp_path / "baselines.csv")])
    data = embedded((tmp_path / "explorer.html").read_text())
    assert "other" in data["tables"]["relative"]["baseline"]["texts"]


def test_the_stage_takes_a_table_of_parts_and_none_of_suites(
    tables: Tables, tmp_path: Path
) -> None:
    words = explorer_words(tables, tmp_path, {"experiment": "x"})
    tables["buckets"].to_csv(tmp_path / "buckets.csv", index=False)
    # A rule passes options without a value for tables that an experiment lacks.
    words += ["--buckets", str(tmp_path / "buckets.csv"), "--documents", "--suite-contrasts"]
    call(explorer.main, words)
    data = embedded((tmp_path / "explorer.html").read_text())
    assert [view["name"] for view in data["views"]] == ["relative", "absolute", "buckets"]


def test_laws_against_two_baselines_mirror_each_other(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses, out = tmp_path / "losses.csv", tmp_path / "baselines.csv"
    tables["losses"].to_csv(losses, index=False)
    spec = {
        "family": "knowledge",
        "metrics": ["bits_per_byte"],
        "draws": 100,
        "baselines": ["humanities", "other"],
        "estimators": ["joint"],
    }
    words = {"--spec": json.dumps(spec), "--losses": losses, "--optimum-losses": losses}
    words["--out"] = out
    command = [str(word) for pair in words.items() for word in pair]
    monkeypatch.setattr("sys.argv", ["baselines", *command])
    run(baselines.main)
    made = pd.read_csv(out)
    made = made[made["scale"] == "ratio"]
    assert sorted(made["baseline"].unique()) == ["humanities", "other"] and len(made) == 3 * 2 * 3
    both = made.set_index(["corpus", "treatment", "baseline"])["dbeta"]
    one_way = both.loc[("web", "other", "humanities")]
    # Noise components are pooled over the gaps to a baseline, so that weights differ a little.
    assert one_way == pytest.approx(-both.loc[("web", "humanities", "other")], rel=1e-4)
