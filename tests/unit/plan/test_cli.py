import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import merged, read_yaml

ROOT = Path(__file__).parents[3]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_plan_prints_the_bill_and_writes_the_runs(tmp_path):
    out = tmp_path / "suite.csv"
    done = invoke(
        "plan", ROOT / "experiments/paper.yaml", "--config", ROOT / "config.yaml", "--out", out
    )
    assert done.exit_code == 0, done.output
    assert len(pd.read_csv(out)) == 255
    assert "GPU-hours" in done.output


def test_plan_refuses_a_bad_overlay(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("laws: {margn: 2}\n")
    script = f"from relscale.cli import main; import sys; sys.argv = ['relscale', 'plan', {str(overlay)!r}, '--config', 'config.yaml']; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: 1 problem(s) in the configuration:\n")
    assert "mine.yaml: laws.margn = 2: unknown key; the choices are compute" in done.stderr
    assert "Traceback" not in done.stderr


def test_laws_take_a_losses_table_from_outside(tmp_path):
    rows = []
    for budget, flops in (("1e18", 1e18), ("1e19", 1e19), ("1e20", 1e20)):
        for place, tokens in enumerate((0.3, 0.6, 1.0, 1.7, 3.0)):
            curve = 1 + 0.02 * (place - 2) ** 2
            for domain, error in (("a", 2.0 * flops**-0.01), ("b", 3.0 * flops**-0.02)):
                shared = {
                    "corpus": "s",
                    "budget": budget,
                    "training_flops": flops,
                    "num_params_total": flops**0.5 / tokens,
                }
                shared |= {"tokens": tokens * flops**0.5, "run": f"{budget}-{place}"}
                rows.append(
                    {
                        **shared,
                        "family": "f",
                        "domain": domain,
                        "metric": "bits_per_byte",
                        "value": error * curve,
                    }
                )
    table = tmp_path / "losses.csv"
    pd.DataFrame(rows).to_csv(table, index=False)
    done = invoke(
        "laws",
        "--losses",
        table,
        "--family",
        "f",
        "--baseline",
        "a",
        "--out",
        tmp_path / "out",
        "--optimum-by",
        "family_mean",
    )
    assert done.exit_code == 0, done.output
    relative = pd.read_csv(tmp_path / "out/relative.csv").set_index("estimator")
    assert relative.loc["joint", "dbeta"] == pytest.approx(-0.01, abs=1e-6)
    assert relative.loc["joint", "faster"] == "treatment"


def test_overlays_merge_as_snakemake_merges_them(tmp_path):
    assert merged([{"a": {"x": 1, "y": [1]}, "b": 1}, {"a": {"y": [2]}, "c": 2}]) == {
        "a": {"x": 1, "y": [2]},
        "b": 1,
        "c": 2,
    }
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ValueError, match=r"list.yaml: must be a mapping of keys"):
        read_yaml(tmp_path / "list.yaml")
    with pytest.raises(ValueError, match=r"none.yaml: not a readable YAML file"):
        read_yaml(tmp_path / "none.yaml")
