"""Every command and file of docs/user/losses-table.md works, outside any checkout."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from relscale.config.load import load_experiment
from relscale.contract.scales import on_scale
from relscale.figures import find
from relscale.pages.law_folder import plain_caption

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/user/losses-table.md").read_text(encoding="utf-8")


def block(kind, number=0):
    """Return a block of code of the page."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[number]


COMMANDS = [
    line for part in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in part.splitlines()
]


def run(words, folder):
    """Run a command of the page in a folder with this checkout's package."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands(program):
    """Return the words of the page's commands of a program."""
    return [line.split() for line in COMMANDS if line.split()[0] == program]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder without a checkout, in which the page's `relscale` commands ran."""
    place = tmp_path_factory.mktemp("nowhere")
    (place / "ladder.csv").write_text(block("csv"))
    (inspect, laws) = commands("relscale")
    run(inspect, place)
    (place / "said.txt").write_text(run(laws, place))
    return place


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder with the configuration, the Makefile, and the table and the overlay of the page."""
    place = tmp_path_factory.mktemp("checkout")
    (place / "experiments/published").mkdir(parents=True)
    (place / "data").mkdir()
    for name in ("config.yaml", "Makefile"):
        (place / name).write_bytes((ROOT / name).read_bytes())
    (place / "data/ladder.csv").write_text(block("csv"))
    (place / "experiments/published/ladder.yaml").write_text(block("yaml"))
    (place / "src").symlink_to(ROOT / "src")
    return place


def test_the_page_has_no_other_programs():
    assert {line.split()[0] for line in COMMANDS} == {"relscale", "make"}


def test_every_listed_file_is_written_below_the_folder(folder):
    out = folder / "my_laws"
    table = PAGE.partition("| file | content |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    names = [name for cell in cells for name in re.findall(r"`(.*?)`", cell)]
    assert len(names) > 8
    for name in names:
        assert (out / name).exists(), name
    assert sorted(path.name for path in folder.iterdir()) == [
        "ladder.csv",
        "mapping.yaml",
        "my_laws",
        "said.txt",
    ]
    assert "Report: my_laws/report.html" in (folder / "said.txt").read_text()


def test_the_laws_are_those_that_the_page_planted(folder):
    relative = on_scale(pd.read_csv(folder / "my_laws/relative.csv"))
    verdicts = relative[relative["estimator"] == "auto"].set_index("treatment")["verdict"]
    assert verdicts.to_dict() == {"code": "widens", "legal": "crosses"}


def test_the_report_holds_verdicts_figures_and_tables_and_loads_nothing(folder):
    report = (folder / "my_laws/report.html").read_text()
    assert not re.search(r"(?:src|href)=\"(?!data:)", report)
    assert "<script" not in report
    drawn = {path.stem for path in (folder / "my_laws/figures").iterdir()}
    assert set(re.findall(r'<figure id="(\w+)"', report)) == drawn
    assert len(drawn) == 8 and report.count("data:image/svg+xml;base64,") == len(drawn)
    assert "widens" in report and "How the table was read" in report
    assert 'id="table-relative"' in report and 'id="table-suite"' in report
    for name in drawn:
        caption = plain_caption(find(name).caption)
        assert "``" not in caption and "laws/" not in caption


def test_the_front_page_does_not_say_that_something_was_trained(folder):
    front = (folder / "my_laws/index.html").read_text()
    assert "The losses of 12 runs on 1 corpus" in front
    assert "were read from a table; nothing was trained" in front
    assert "10 % of log G" in front and "at least 0.005" in front


def test_the_explorer_offers_every_domain_as_baseline(folder):
    baselines = pd.read_csv(folder / "my_laws/baselines.csv")
    assert set(baselines["baseline"]) == {"code", "legal"}
    explorer = (folder / "my_laws/explorer.html").read_text()
    assert "Explorer: texts of ladder.csv" in explorer


def test_the_overlay_is_an_experiment_that_make_and_plan_know(checkout):
    overlay = checkout / "experiments/published/ladder.yaml"
    experiment = load_experiment(checkout / "config.yaml", overlay)
    assert experiment.evaluate == ["texts"] == list(experiment.families)
    assert (experiment.laws.optimum_by, experiment.figures.corpus) == ("texts", None)
    said = run(["relscale", "plan", "experiments/published/ladder.yaml"], checkout)
    assert "12 runs of 1 corpora" not in said
    assert "12 runs of 1 corpus at 12 budgets are read from data/ladder.csv" in said
    assert said.splitlines()[-1].endswith("nothing is trained or scored")
    assert "family texts: 3 domains (code, legal, web)" in said
    assert "training_flops is derived" in said
    for words in commands("make"):
        done = subprocess.run(
            [words[0], "--dry-run", *words[1:]],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "experiments/published/ladder.yaml" in done.stdout


def test_the_mapping_and_the_overlay_read_the_same_losses(folder, checkout):
    from relscale.config.losses_file import read_mapping
    from relscale.losses_table.read import read_losses

    by_command = read_losses(read_mapping(folder / "mapping.yaml", folder / "ladder.csv")).frame
    table = load_experiment(
        checkout / "config.yaml", checkout / "experiments/published/ladder.yaml"
    ).losses
    by_overlay = read_losses(
        table.model_copy(update={"path": str(checkout / "data/ladder.csv")})
    ).frame
    columns = ["run", "domain", "num_params_total", "tokens", "training_flops", "value"]
    pd.testing.assert_frame_equal(by_command[columns], by_overlay[columns])


def test_the_page_states_a_source_in_its_overlay():
    assert set(yaml.safe_load(block("yaml"))["losses"]["source"]) == {"citation", "licence"}
