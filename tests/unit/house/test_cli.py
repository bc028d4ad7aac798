"""The `relscale` command."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from two_domains import two_domains
from typer.testing import CliRunner

import relscale
from relscale.cli import app
from relscale.config.analysis import FitSettings, TwoStageAxes
from relscale.config.load import merged, read_yaml
from relscale.contract.law_tables import FAMILY_TABLES
from relscale.contract.scales import on_scale

ROOT = Path(__file__).parents[3]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def module(*words):
    """Run a module of this checkout."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def losses(tmp_path_factory):
    """A losses table from outside."""
    table = tmp_path_factory.mktemp("losses") / "losses.csv"
    two_domains().to_csv(table, index=False)
    return table


@pytest.fixture(scope="module")
def fitted(losses, tmp_path_factory):
    """The folder that `relscale laws` wrote, with the default settings."""
    out = tmp_path_factory.mktemp("laws")
    words = ("--losses", losses, "--family", "f", "--baseline", "a", "--out", out)
    done = invoke("laws", *words, "--optimum-by", "family_mean")
    assert done.exit_code == 0, done.output
    return out


def test_plan_of_released_models_lists_them_and_trains_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = invoke("plan", "experiments/released.yaml")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[1].split() == ["commonpile", "1e18", "5"]
    assert lines[1 + 3 * 7].startswith(
        "255 released models of 21 IsoFLOP curves are scored; nothing"
    )
    assert "training" not in done.output
    written = invoke("plan", "experiments/released.yaml", "--out", str(tmp_path / "models.csv"))
    assert written.exit_code == 0
    assert len((tmp_path / "models.csv").read_text().splitlines()) == 1 + 255


def test_plan_outside_a_checkout_says_where_to_go(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "relscale", "plan"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: config.yaml: not a readable YAML file: no such file in ")
    assert f"{tmp_path}; change to a checkout of relscale" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_plan_prints_the_cost_and_writes_the_runs(tmp_path):
    out = tmp_path / "suite.csv"
    overlay, config = ROOT / "experiments/paper.yaml", ROOT / "config.yaml"
    done = invoke("plan", overlay, "--config", config, "--out", out)
    assert done.exit_code == 0, done.output
    assert len(pd.read_csv(out)) == 255
    assert "GPU-hours" in done.output


@pytest.mark.parametrize("words", [(), ("--out", "runs.csv"), ("experiments/tiny.yaml",)])
def test_a_plan_that_names_no_command_is_that_of_the_suite(words, tmp_path, monkeypatch):
    words = [str(tmp_path / word) if word == "runs.csv" else word for word in words]
    monkeypatch.chdir(ROOT)
    plain, named = invoke("plan", *words), invoke("plan", "suite", *words)
    assert plain.exit_code == 0, plain.output
    assert plain.output == named.output and "training FLOPs" in plain.output


def test_the_help_of_plan_lists_its_commands():
    done = invoke("plan", "--help")
    assert done.exit_code == 0
    assert re.search(r"\bsuite\b", done.output)


def test_a_bad_overlay_ends_the_command_with_the_mistakes_alone(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("laws: {margn: 2}\n")
    done = module("relscale", "plan", overlay)
    assert done.returncode == 1
    assert done.stderr.startswith("error: 1 problem(s) in the configuration:\n")
    assert "mine.yaml: laws.margn = 2: unknown key; the choices are compute" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_module_has_the_commands_of_the_console_script():
    done = module("relscale", "--help")
    assert done.returncode == 0, done.stderr
    for command in (
        "init",
        "doctor",
        "experiments",
        "plan",
        "evaluate",
        "compare",
        "laws",
        "explain",
        "verify",
        "certify",
        "run",
        "archive",
        "crate",
        "publish",
        "table",
        "corpus",
    ):
        assert re.search(rf"\b{command}\b", done.stdout)


def test_the_command_prints_its_version():
    done = invoke("--version")
    assert (done.exit_code, done.output) == (0, f"relscale {relscale.__version__}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_command_offers_completion_in_shells(shell):
    words = {"_TYPER_COMPLETE_ARGS": "relscale ce", "_RELSCALE_COMPLETE": f"complete_{shell}"}
    words |= {"COMP_WORDS": "relscale ce", "COMP_CWORD": "1"}
    words |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = CliRunner().invoke(app, [], env=words, prog_name="relscale")
    assert "certify" in done.output and "archive" not in done.output
    assert "--install-completion" in invoke("--help").output


def test_init_writes_a_folder_in_which_experiments_plan(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    assert invoke("init", folder).exit_code == 0
    monkeypatch.chdir(folder)
    assert invoke("plan", "experiments/tiny.yaml", "--out", "runs.csv").exit_code == 0
    assert len(pd.read_csv(folder / "runs.csv")) == 18
    again = invoke("init", folder)
    assert again.exit_code == 1 and "not an empty folder" in str(again.exception)


def test_laws_take_a_losses_table_from_outside(fitted):
    relative = on_scale(pd.read_csv(fitted / "relative.csv")).set_index("estimator")
    assert relative.loc["joint", "dbeta"] == pytest.approx(-0.01, abs=1e-6)
    assert relative.loc["joint", "faster"] == "treatment"


def test_the_workflow_and_the_command_line_give_the_same_numbers(losses, fitted, tmp_path):
    settings = FitSettings(optimum_by="family_mean").model_dump(mode="json")
    spec = json.dumps({**settings, "family": "f", "baseline": "a", "metrics": ["bits_per_byte"]})
    outs = [tmp_path / f"{table.name}.csv" for table in FAMILY_TABLES]
    done = module("relscale.stages.laws", "--spec", spec, "--losses", losses, "--out", *outs)
    assert done.returncode == 0, done.stderr
    # Tables of parts need items of the runs: the command does not write them without rows.
    parts = {"buckets.csv", "documents.csv", "positions.csv", "position_laws.csv"}
    for path in outs:
        if path.name in parts:
            assert not (fitted / path.name).exists() and pd.read_csv(path).empty
        else:
            assert path.read_bytes() == (fitted / path.name).read_bytes()


def test_laws_against_other_baselines_have_the_noise_of_the_items_as_well(losses, tmp_path):
    frame = pd.read_csv(losses).query("family == 'f'")
    key = ["corpus", "run", "family", "domain", "metric"]
    rows = []
    for row in frame.to_dict("records"):
        rng = np.random.default_rng(sum(row["domain"].encode()))
        tilt = rng.normal(0, 0.02, 40)  # each item has a slope of its own
        values = np.exp(tilt * np.log(row["training_flops"]))
        values *= row["value"] / values.mean()
        parts = {"stratum": "s", "numerator": values, "denominator": 1.0}
        rows.append(
            pd.DataFrame({**{name: row[name] for name in key}, **parts}).assign(
                item=[f"i{number}" for number in range(40)]
            )
        )
    pd.concat(rows).to_parquet(tmp_path / "items.parquet")
    words = ("--losses", losses, "--items", tmp_path / "items.parquet", "--family", "f")
    words += ("--optimum-by", "family_mean", "--estimator", "joint", "--draws", "200")
    for baseline, more in (("a", ("--explorer",)), ("b", ())):
        out = tmp_path / baseline
        done = invoke("laws", *words, "--baseline", baseline, "--out", out, *more)
        assert done.exit_code == 0, done.output
    columns = ["treatment", "baseline", "scale", "dbeta", "ci_low", "ci_high", "verdict"]
    found, expected = (
        pd.read_csv(tmp_path / place)[columns] for place in ("a/baselines.csv", "b/relative.csv")
    )
    pd.testing.assert_frame_equal(found, expected)


def test_every_setting_of_a_fit_is_an_option_with_its_default():
    done = module("relscale", "laws", "--help")
    for model in (FitSettings, TwoStageAxes):
        for name, field in model.model_fields.items():
            option = "--estimator" if name == "estimators" else f"--{name.replace('_', '-')}"
            assert re.search(rf"{option}\s", done.stdout), option
            if isinstance(field.default, int | float | str):
                assert f"[default: {field.default}]" in done.stdout


@pytest.mark.parametrize("command", [["verify"], ["archive", "--out", "a.tar.gz"]])
def test_no_code_in_an_overlay_runs_before_it_is_checked(tmp_path, command):
    """Snakemake runs the expressions of a configuration file that has the key `__use_yte__`."""
    overlay, ran = tmp_path / "overlay.yaml", tmp_path / "ran"
    overlay.write_text(f"__use_yte__: true\nexperiment: ?open({str(ran)!r}, 'w').name\n")
    done = invoke(*command, overlay, "--folder", ROOT)
    assert isinstance(done.exception, ValueError) and "__use_yte__ = True" in str(done.exception)
    assert not ran.exists()


def test_a_null_removes_what_files_before_it_have():
    contents = [{"a": {"x": 1}}, {"a": None}, {"a": {"y": 2}}]
    assert merged(contents) == {"a": {"y": 2}}


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


@pytest.mark.parametrize("words", [["run"], ["explain"], ["corpus", "inspect"], ["plan", "next"]])
def test_paragraphs_of_help_fill_the_lines_of_a_narrow_terminal(words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = invoke(*words, "--help").stdout.partition("╭")[0]
    paragraphs = [part.splitlines() for part in re.split(r"\n\s*\n", text.strip())[1:]]
    for lines in paragraphs:
        for line, following in itertools.pairwise(lines):
            assert len(f"{line.strip()} {following.split()[0]}") > 58, (line, following)
