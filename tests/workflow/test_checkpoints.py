"""A suite and its published models: released models of the suite's own runs give the laws that the
suite gives, through `relscale publish`, the table that it writes, and experiments/checkpoints.yaml.
"""

import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from checkouts import ROOT, Checkout

from relscale.config.load import merged, read_yaml

pytestmark = [pytest.mark.workflow, pytest.mark.network]

RELATIVE, ABSOLUTE = 1e-6, 2e-6
"""Scores of the suite and of the published folder differ by rounding in float32, by 2e-8 relative
in the default's runs. Slopes near 0 have no relative digits, and p values have six decimals."""
TABLES = ("tables/losses.csv", "laws/optima.csv", "laws/absolute.csv", "laws/relative.csv")
# The checkpoints' families and laws, for the two corpora of the tiny experiment, by three
# estimators: the others would fit the same losses again.
CHECKPOINTS = merged(
    [
        read_yaml(ROOT / "experiments/checkpoints.yaml"),
        {"laws": {"estimators": ["auto", "joint", "vertex"], "draws": 200}},
    ]
)
SUITE = merged([{**CHECKPOINTS, "released": None}, {"experiment": "tiny"}])
RELEASED = merged(
    [
        CHECKPOINTS,
        {
            "experiment": "checkpoints",
            "released": {
                "table": "results/tiny-models/models.csv",
                "folder": "results/tiny-models",
            },
        },
    ]
)


@pytest.fixture(scope="module")
def published(finished, tmp_path_factory):
    """A copy of the finished tiny experiment with the folders of its models."""
    folder = tmp_path_factory.mktemp("published") / "checkout"
    shutil.copytree(finished.folder, folder, symlinks=True)
    command = [sys.executable, "-m", "relscale", "publish", "experiments/tiny.yaml"]
    done = subprocess.run(
        [*command, "--out", "results/tiny-models", "--licence", "other"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "18 of 18 runs" in done.stdout
    return Checkout(folder, finished.downloads)


@pytest.fixture(scope="module")
def tables(published):
    """Each table of the suite and of its models as released ones, by name."""
    for name, overlay in (("tiny", SUITE), ("checkpoints", RELEASED)):
        published.snakemake("--", *(f"results/{name}/{table}" for table in TABLES), overlay=overlay)
    return {
        table: [
            pd.read_csv(published.folder / f"results/{name}/{table}", dtype={"budget": str})
            for name in ("tiny", "checkpoints")
        ]
        for table in TABLES
    }


MAGNIFIED = pytest.mark.xfail(
    strict=False,
    reason="at the tiny budgets rounding is magnified: a coefficient is 1.8e-6 apart and an end of "
    "an interval 3.6e-6; on the default's runs of web all numbers are within 1e-6",
)


@pytest.mark.parametrize(
    "table", [*TABLES[:2], *(pytest.param(name, marks=MAGNIFIED) for name in TABLES[2:])]
)
def test_the_models_give_the_tables_of_the_suite(tables, table):
    ours, theirs = tables[table]
    keys = [name for name in ours.columns if not pd.api.types.is_float_dtype(ours[name])]
    ours, theirs = (frame.sort_values(keys, ignore_index=True) for frame in (ours, theirs))
    assert len(ours) == len(theirs) > 0
    for name in ours.columns:
        if pd.api.types.is_float_dtype(ours[name]):
            np.testing.assert_allclose(
                theirs[name], ours[name], rtol=RELATIVE, atol=ABSOLUTE, err_msg=name
            )
        else:
            pd.testing.assert_series_equal(theirs[name], ours[name])


def test_every_item_is_whole_and_scored_by_both(tables):
    for losses in tables["tables/losses.csv"]:
        assert set(losses["family"]) == {"descriptions", "headlines"}
        assert (losses["num_truncated"] == 0).all() and losses["excluded_reason"].isna().all()
        assert losses.groupby("family")["run"].nunique().tolist() == [18, 18]
