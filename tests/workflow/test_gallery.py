"""The smallest entry of the gallery, from its table to the report; nothing is trained or scored."""

import pandas as pd
import pytest

from relscale.config.load import read_yaml
from relscale.contract.scales import on_scale

pytestmark = pytest.mark.workflow


def test_the_figures_of_the_paper_are_redrawn_from_their_points(checkout):
    overlay = read_yaml(checkout.folder / "experiments/published/paper_figures.yaml")
    done = checkout.snakemake(overlay=overlay)
    assert "rule train" not in done.stdout
    results = checkout.folder / "results/paper_figures"
    laws = on_scale(pd.read_csv(results / "laws/relative.csv"))
    # Seven points per slope, five for humanities on Common Pile: as benchmarks/paper_points.py.
    assert len(laws) == 33 and (laws["p_difference"] < 0.05).sum() == 21
    users = pd.read_csv(results / "laws/correlation.csv")
    assert set(users["status"]) == {"illustration"} and (users["n"] == 4).all()
    for name in ("figure4_knowledge", "figure5_language", "figure7_behaviour"):
        assert (results / f"figures/{name}.png").stat().st_size > 10_000
    findings = (results / "html/findings.html").read_text()
    assert "numbers read off published figures" in (results / "tables/sources.csv").read_text()
    assert "Canada" in findings and (results / "explorer.html").stat().st_size > 100_000
