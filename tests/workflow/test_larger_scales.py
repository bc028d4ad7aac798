"""A dry run of the experiment for one GPU on Parquet files of one's own, as its page says."""

import re

import pytest
import yaml
from checkouts import ROOT, copy_checkout

pytestmark = pytest.mark.workflow


def test_the_day_on_a_gpu_is_dry_run_with_the_overlay_of_its_page(tmp_path):
    page = (ROOT / "docs/user/scales.md").read_text(encoding="utf-8")
    (block,) = re.findall(r'^```yaml title="overlay"\n(.*?)^```$', page, re.DOTALL | re.MULTILINE)
    overlay = yaml.safe_load(block)
    for source in overlay["sources"].values():
        folder = tmp_path / source["path"]
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(8):
            (folder / f"{number}.parquet").write_bytes(b"not read by a dry run")
    checkout = copy_checkout(tmp_path, "", experiment="gpu_day")
    stale = checkout.stale(overlay)
    counts = {name: stale[name] for name in ("source", "shard_plan", "shard", "train", "evaluate")}
    # Sources: the four packages of the families, and the two samples for the tokenizer.
    assert counts == {"source": 13, "shard_plan": 5, "shard": 16, "train": 60, "evaluate": 70}
