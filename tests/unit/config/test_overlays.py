"""make finds the name of an experiment as the package reads it, or stops."""

import subprocess
from pathlib import Path

import pytest

from relscale.config.errors import ConfigError
from relscale.config.load import load_experiment
from relscale.config.overlays import experiment_name

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/plain.yaml").write_text("experiment: plain\n")
    (tmp_path / "config.yaml").write_text("experiment: default\n")
    return tmp_path


def written(checkout, text, name="mine"):
    (checkout / f"experiments/{name}.yaml").write_bytes(text.encode())
    return name


@pytest.mark.parametrize(
    "text",
    [
        "experiment: my_x\n",
        'experiment: "my_x"  # comment\n',
        "experiment: 'my_x'\r\nlaws: {draws: 100}\r\n",
        "laws: {draws: 100}\nexperiment   :   my_x\n",
        "  experiment: my_x\n",
        '{"experiment": "my_x"}',
        "experiment: &name my_x\n",
        "experiment: >-\n  my_x\n",
        "\ufeffexperiment: my_x\n",
    ],
)
def test_the_name_is_read_as_yaml(checkout, text):
    assert experiment_name(written(checkout, text), checkout) == "my_x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("laws: {draws: 100}\n", "experiment = (nothing): missing"),
        ("laws:\n  experiment: tiny\n", "experiment = (nothing): missing"),
        ("experiment:\n", "experiment = None"),
        ("experiment: shared\n", "'shared': is the folder of results that all experiments share"),
        ("experiment: default\n", "'default': is the experiment of config.yaml"),
        ("experiment: ../..\n", "experiment = '../..'"),
        ("experiment: a/b\n", "experiment = 'a/b'"),
        ("experiment: .\n", "experiment = '.'"),
        ("experiment: ''\n", "experiment = ''"),
        ("experiment: ' '\n", "experiment = ' '"),
        ("experiment: -rf\n", "experiment = '-rf'"),
        ("experiment: Tiny\n", "experiment = 'Tiny'"),
        ("experiment: 2026\n", "experiment = 2026"),
        ("experiment: [a]\n", "experiment = ['a']"),
        ("experiment: a\nexperiment: b\n", "mine.yaml:2: the key experiment is already given"),
        ("experiment: plain\n", "is also the name in"),
        ("- a\n", "must be a mapping"),
    ],
)
def test_a_name_that_would_cost_other_results_is_refused(checkout, text, expected):
    with pytest.raises(ValueError) as caught:
        experiment_name(written(checkout, text), checkout)
    assert expected in str(caught.value)
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "selected", ["typo", "", " ", "a b", "../config", ".", "/", "-n", "x;y", "plain.yaml", "a'b"]
)
def test_a_missing_overlay_names_the_choices(checkout, selected):
    with pytest.raises(ValueError, match=r"the choices are default, plain$"):
        experiment_name(selected, checkout)


def test_default_is_the_configuration_without_an_overlay(checkout):
    assert experiment_name("default", checkout) == "default"
    written(checkout, "experiment: other\n", "default")
    with pytest.raises(ValueError, match="would never be used"):
        experiment_name("default", checkout)


def test_the_default_experiment_has_the_name_in_its_configuration(checkout):
    (checkout / "config.yaml").write_text("experiment: renamed\n")
    assert experiment_name("default", checkout) == "renamed"
    name = written(checkout, "experiment: renamed\n")
    with pytest.raises(ValueError, match=r"mine.yaml: .* is the experiment of config.yaml"):
        experiment_name(name, checkout)
    (checkout / "config.yaml").write_text("laws: {draws: 100}\n")
    with pytest.raises(ValueError, match=r"config.yaml: experiment = \(nothing\): missing"):
        experiment_name("default", checkout)


def test_the_names_of_the_committed_overlays_are_theirs():
    for path in (ROOT / "experiments").glob("*.yaml"):
        assert experiment_name(path.stem, ROOT) == path.stem


def test_a_configuration_cannot_be_called_like_the_shared_folder(checkout):
    name = written(checkout, "experiment: shared\n")
    with pytest.raises(ConfigError, match="experiment = 'shared': is the folder"):
        load_experiment(ROOT / "config.yaml", checkout / f"experiments/{name}.yaml")


def dry_run(folder, *words):
    """Return exit code and output of a dry run of make in a folder with the project's Makefile."""
    command = ["make", "-f", ROOT / "Makefile", "--dry-run", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


TARGETS = (
    "clean-results",
    "reproduce",
    "report",
    "plan",
    "figures",
    "verify",
    "archive",
    "publish",
)


@pytest.fixture
def with_package(checkout):
    (checkout / "src").symlink_to(ROOT / "src")
    return checkout


def test_no_target_of_make_runs_for_a_missing_overlay(with_package):
    code, text = dry_run(with_package, *TARGETS, "EXPERIMENT=typo")
    assert code == 2
    assert "experiments/typo.yaml does not exist; the choices are default plain" in text
    assert "rm " not in text and "snakemake" not in text


@pytest.mark.parametrize("target", ["clean-results", "reproduce", "archive"])
def test_no_target_of_make_runs_for_an_overlay_without_a_name(with_package, target):
    written(with_package, "laws: {draws: 100}\n")
    code, text = dry_run(with_package, target, "EXPERIMENT=mine")
    assert code == 2
    assert "experiments/mine.yaml: experiment = (nothing): missing" in text
    assert "rm " not in text and "snakemake" not in text and "archive " not in text


def test_make_removes_the_folders_of_the_name_in_the_overlay(with_package):
    written(with_package, 'experiment: "my_x"  # comment\r\n')
    code, text = dry_run(with_package, "clean-results", "EXPERIMENT=mine", "NAME=", "RESULTS=")
    assert code == 0
    assert text.strip() == "rm -rf -- results/my_x logs/my_x benchmarks/results/my_x"
