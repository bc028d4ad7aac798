"""The sample pages of the documentation show the published results of the default experiment."""

import re
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "docs/sample"
PAGES = ("index.html", "explorer.html")


SHOWN = {
    "knowledge": "bits_per_byte",
    "topics": "bits_per_byte",
    "language": "bits_per_byte",
    "centuries": "bits_per_byte",
    "behaviour": "choice_probability_per_byte",
    "continuation": "choice_loss_nats",
}
"""Metric of each family, in the order of the page."""


def test_the_verdicts_are_those_of_the_certificate():
    laws = pd.read_csv(ROOT / "experiments/certified/default/relative.csv", keep_default_na=False)
    laws = laws[(laws["estimator"] == "auto") & (laws["scale"] == "ratio")]
    text = (SAMPLE / "index.html").read_text(encoding="utf-8")
    tables = re.findall(r'<table data-family="(\w+)">(.*?)</table>', text, re.DOTALL)
    assert [family for family, _ in tables] == list(SHOWN)
    for family, table in tables:
        rows = laws[(laws["family"] == family) & (laws["metric"] == SHOWN[family])]
        shown = re.findall(r'data-verdict="([\w ]*)"', table)
        assert len(shown) > 2 and sorted(shown) == sorted(rows["verdict"]), family


def test_they_are_small_link_to_each_other_and_request_nothing_from_elsewhere():
    pages = {name: (SAMPLE / name).read_text(encoding="utf-8") for name in PAGES}
    assert sum(map(len, pages.values())) < 1_000_000
    links = set(re.findall(r'href="([^"#]+)"', pages["index.html"]))
    assert links == {"explorer.html"}
    for text in pages.values():
        assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", text)
