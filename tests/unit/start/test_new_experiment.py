"""`relscale init` makes an experiment of texts, models or a table of losses."""

import os
import pty
import random
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from two_domains import two_domains
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import load_experiment
from relscale.config.schema import schema_line
from relscale.text.readers import read_documents

ROOT = Path(__file__).parents[3]
FACTS = ("--licence", "CC0-1.0", "--citation", "Doe, J. (2025). Texts")


def prose(seed):
    words = [
        "the",
        "cat",
        "river",
        "mountain",
        "house",
        "gap",
        "law",
        "loss",
        "model",
        "train",
        "word",
        "island",
        "ship",
    ]
    chosen = random.Random(seed)
    return " ".join(chosen.choice(words) for _ in range(100)) + "\n"


@pytest.fixture
def texts(tmp_path):
    """A folder per domain, with files of several endings."""
    folder = tmp_path / "given/Letters"
    for domain, names in {"US": ["a.txt", "b.md", "deep/c"], "Côte d'Ivoire": ["d.txt"]}.items():
        for name in names:
            path = folder / domain / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(prose(name))
    return folder


def init(folder, *words):
    return CliRunner().invoke(app, ["init", str(folder), *map(str, words)])


def made(tmp_path, name, *words):
    """Run the command; return the loaded experiment and the printed text."""
    folder = tmp_path / "project"
    done = init(folder, *words)
    assert done.exit_code == 0, (done.output, done.exception)
    overlay = folder / f"experiments/{name}.yaml"
    assert overlay.read_text(encoding="utf-8").startswith(schema_line(Path("experiments")) + "\n")
    return load_experiment(folder / "config.yaml", overlay), done.output


def test_folders_become_domains_of_all_texts_in_bits_per_byte(texts, tmp_path):
    experiment, said = made(tmp_path, "letters", "--texts", texts, *FACTS)
    family = experiment.families["letters"]
    assert list(family.domains) == ["US", "Côte d'Ivoire"] and family.baseline == "US"
    assert family.metrics == ["bits_per_byte"]
    assert experiment.evaluate == ["validation", "letters"]
    documents = list(read_documents(texts, family.reader))
    assert len(documents) == 4 == len([path for path in texts.rglob("*") if path.is_file()])
    source = experiment.sources["letters"]
    assert (source.licence, source.citation) == (FACTS[1], FACTS[3])
    assert source.path == str(texts.resolve())
    assert "domains US, Côte d'Ivoire; baseline US" in said
    assert "relscale plan experiments/letters.yaml" in said


def test_the_baseline_can_be_named_and_must_be_a_domain(texts, tmp_path):
    words = ("--texts", texts, *FACTS, "--baseline")
    done = init(tmp_path / "refused", *words, "Mali")
    assert "--baseline Mali: is not a domain; the choices are US, Côte" in str(done.exception)
    assert not (tmp_path / "refused").exists()
    experiment, _ = made(tmp_path, "letters", *words, "Côte d'Ivoire")
    assert experiment.families["letters"].baseline == "Côte d'Ivoire"


def test_licence_and_citation_are_the_only_facts_that_must_be_given(texts, tmp_path):
    done = init(tmp_path / "project", "--texts", texts)
    assert str(done.exception).startswith("--licence and --citation: must be given for texts")
    done = init(tmp_path / "project", "--corpus", texts, "--licence", "CC0-1.0")
    assert str(done.exception).startswith("--citation: must be given")
    assert not (tmp_path / "project").exists()


def test_texts_without_domains_are_refused_before_anything_is_written(tmp_path):
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/a.txt").write_text(prose(1))
    done = init(tmp_path / "project", "--texts", tmp_path / "flat", *FACTS)
    assert "nothing names domains: put the texts of each domain into a folder" in str(
        done.exception
    )
    assert not (tmp_path / "project").exists()


def test_a_corpus_is_trained_on_and_has_no_text_of_the_family(texts, tmp_path):
    words = ("--texts", texts, "--corpus", texts / "US", "--name", "Both of them", *FACTS)
    experiment, said = made(tmp_path, "both_of_them", *words)
    assert "the longest run needs 10," in said and "add text, leave out the largest" in said
    assert experiment.suite.corpora == ["us"] == experiment.tokenizer.trained_on
    assert experiment.corpora.decontaminate_against == ["letters"]
    (component,) = experiment.corpora.mixtures["us"].components
    assert len(list(read_documents(texts / "US", component.reader))) == 3


def test_the_same_folder_can_be_family_and_corpus(texts, tmp_path):
    experiment, _ = made(tmp_path, "letters", "--texts", texts, "--corpus", texts, *FACTS)
    assert {"letters", "letters_corpus"} <= set(experiment.sources)
    assert experiment.suite.corpora == ["letters_corpus"]


def test_model_folders_become_a_table_to_complete(texts, tmp_path):
    for name in ("small", "large"):
        (tmp_path / f"checkpoints/{name}").mkdir(parents=True)
        (tmp_path / f"checkpoints/{name}/config.json").write_text("{}")
    (tmp_path / "checkpoints/notes").mkdir()
    words = ("--models", tmp_path / "checkpoints", "--texts", texts, *FACTS)
    experiment, said = made(tmp_path, "letters", *words)
    assert experiment.evaluate == ["letters"] and experiment.laws.optimum_by == "letters"
    assert experiment.released.folder == str((tmp_path / "checkpoints").resolve())
    table = pd.read_csv(tmp_path / "project" / experiment.released.table)
    assert list(table["model"]) == ["large", "small"] and table["tokens"].isna().all()
    assert "2 models; fill in budget, tokens and training_flops" in said


def test_a_table_of_models_is_taken_as_it_is(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(
        "corpus,run,budget,model,revision,tokens,training_flops\n"
        "web,a,1e18,lab/a,0123456789,1000000,1e18\n"
    )
    experiment, said = made(tmp_path, "mine", "--models", table)
    assert experiment.evaluate == ["topics"] and "1 models, a copy of" in said
    place = tmp_path / "project" / experiment.released.table
    assert place.read_text() == table.read_text()


def test_a_folder_without_models_is_refused(tmp_path):
    done = init(tmp_path / "project", "--models", tmp_path)
    assert "must be a table of models, or a folder with a folder per model" in str(done.exception)


def test_a_table_of_losses_becomes_families_with_laws(tmp_path):
    two_domains().to_csv(tmp_path / "losses.csv", index=False)
    experiment, said = made(tmp_path, "losses", "--table", tmp_path / "losses.csv", *FACTS)
    assert experiment.families["f"].kind == "table"
    assert experiment.families["f"].baseline in ("a", "b")
    assert experiment.losses.source.licence == FACTS[1]
    assert "every line of `losses` is a guess" in said
    content = yaml.safe_load((tmp_path / "project/experiments/losses.yaml").read_text())
    assert set(content) == {"experiment", "losses", "families"}


def test_a_table_that_cannot_be_guessed_says_how_to_read_it(tmp_path):
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    done = init(tmp_path / "project", "--table", tmp_path / "odd.csv")
    assert "relscale table inspect" in str(done.exception)
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--table", "t.csv", "--texts", "x"), "--table: an experiment with a table of losses"),
        (("--models", "m", "--corpus", "c", *FACTS), "--corpus: released models are not trained"),
        (("--texts", "x", "--name", "tiny", *FACTS), "the experiment 'tiny' is there already"),
    ],
)
def test_options_that_exclude_each_other_are_named(words, message, tmp_path):
    assert message in str(init(tmp_path / "project", *words).exception)


def test_on_a_terminal_missing_facts_are_asked_for(texts, tmp_path):
    leader, follower = pty.openpty()
    os.write(leader, f"texts\n{texts}\nCC0-1.0\nDoe (2025)\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "relscale", "init", "project"],
        cwd=tmp_path,
        stdin=follower,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(leader)
    os.close(follower)
    assert done.returncode == 0, done.stderr
    assert "Start from your own (texts, models, table, nothing) [nothing]" in done.stdout
    folder = tmp_path / "project"
    experiment = load_experiment(folder / "config.yaml", folder / "experiments/letters.yaml")
    assert experiment.sources["letters"].citation == "Doe (2025)"
