"""Behaviour that all formats share: choices, facts about runs, checks, and written files."""

import os
from pathlib import Path

import pytest
from imported_files import run_facts, wandb_chart, write_csv
from typer.testing import CliRunner

import relscale.importers.formats as package
from relscale.cli import app
from relscale.cli.table_import import FORMATS
from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_COLUMNS, LOSSES_KEY, LOSSES_REQUIRED
from relscale.importers.formats import IMPORTERS
from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses


def invoke(*arguments):
    return CliRunner().invoke(app, ["table", "import", *map(str, arguments)])


def chart(tmp_path, *runs, key="eval/c4_loss"):
    return wandb_chart(tmp_path / "c4.csv", runs, key, {1: [4.0] * len(runs)})


def test_the_command_lists_every_format_and_each_is_named_as_its_module():
    modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(FORMATS) == set(IMPORTERS) == modules


def test_the_command_writes_a_losses_table_and_the_notes_next_to_it(tmp_path):
    out = tmp_path / "new" / "losses.csv"
    runs = run_facts(tmp_path / "runs.csv", ["a", "=b"])
    path = chart(tmp_path, "a", "=b")
    done = invoke("wandb", path, "--out", out, "--runs", runs, "--six-nd", "--family", "texts")
    assert done.exit_code == 0, done.output
    frame = read_table(out, LOSSES_REQUIRED, LOSSES_KEY)
    assert tuple(frame.columns) == LOSSES_COLUMNS
    assert list(frame["run"]) == ["=b", "a"] and set(frame["family"]) == {"texts"}
    assert out.read_text().splitlines()[1].startswith("c,'=b,")  # no formula for a spreadsheet
    notes = (tmp_path / "new" / "losses.csv.notes.txt").read_text()
    assert notes in done.output
    assert notes.startswith("2 run(s) of 1 corpora, 2 value(s)\nfamily texts: 1 domain(s)\n")
    assert "training_flops of 2 run(s) is 6 x num_params_total x tokens" in notes
    written = sorted(one.name for one in out.parent.iterdir())
    assert written == ["losses.csv", "losses.csv.notes.txt"]


def test_parquet_and_csv_have_the_same_values(tmp_path):
    options = ImportOptions(runs=run_facts(tmp_path / "runs.csv", ["a"]), six_nd=True)
    found = import_losses("wandb", [chart(tmp_path, "a")], options)
    for name in ("l.csv", "l.parquet"):
        found.write(tmp_path / name)
    first, second = (read_table(tmp_path / name) for name in ("l.csv", "l.parquet"))
    columns = ["run", "tokens", "training_flops", "value"]
    assert first[columns].to_numpy().tolist() == second[columns].to_numpy().tolist()


@pytest.mark.parametrize("name", ["losses", "losses.xlsx", "losses.csv.gz"])
def test_another_ending_is_refused_before_anything_is_read(tmp_path, name):
    done = invoke("wandb", tmp_path / "none.csv", "--out", tmp_path / name)
    assert isinstance(done.exception, ValueError) and "must end in .csv" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_the_table_that_was_there(tmp_path):
    out = tmp_path / "losses.csv"
    out.write_text("before")
    done = invoke("wandb", chart(tmp_path, "a"), "--out", out)
    assert "'a' lacks corpus, num_params_total, tokens, training_flops" in str(done.exception)
    assert out.read_text() == "before"


def test_a_format_that_is_not_known_is_named_with_the_choices(tmp_path):
    with pytest.raises(ValueError, match=r"format 'mlflow' is not known; the choices are llm_line"):
        import_losses("mlflow", [tmp_path])


@pytest.mark.parametrize(
    "word, message",
    [
        ("tokens", r"must be OURS=THEIRS"),
        ("=x", r"must be OURS=THEIRS"),
    ],
)
def test_a_wrong_pair_of_columns_is_named(tmp_path, word, message):
    done = invoke("wandb", tmp_path, "--out", tmp_path / "l.csv", "--column", word)
    assert message in str(done.exception)


RUNS = {
    "no run": ("name,tokens\na,1\n", r"no column run; it has name, tokens"),
    "typo": ("run,token\na,1\n", r"column\(s\) 'token' are not known; the choices are corpus, run"),
    "empty": ("run,tokens\n,5\n", r"line 2: run is empty"),
    "twice": ("run,tokens\na,5\na,6\n", r"line 3: run 'a' has more than one row"),
    "text": ("run,tokens\na,1B\n", r"line 2: tokens is '1B', not a number"),
    "negative": ("run,tokens\na,-5\n", r"line 2: tokens is -5.0: a positive whole number"),
    "seed": ("run,seed\na,x\n", r"line 2: seed is 'x': a whole number"),
    "flops": ("run,training_flops\na,0\n", r"line 2: training_flops is 0: a positive number"),
    "tabs": ("run\ttokens\na\t5\n", r"separated by tabs"),
    "others": ("run,tokens\nb,5\n", r"has none of the imported runs; they are 'a', and it has 'b'"),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_wrong_table_of_runs_is_named_with_its_place(tmp_path, case):
    text, message = RUNS[case]
    table = tmp_path / "runs.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=rf"runs\.csv: .*{message}|runs\.csv: {message}"):
        import_losses("wandb", [chart(tmp_path, "a")], ImportOptions(runs=table))


def test_runs_that_the_files_do_not_have_are_noted(tmp_path):
    table = run_facts(tmp_path / "runs.csv", ["a", "b"])
    options = ImportOptions(runs=table, six_nd=True)
    found = import_losses("wandb", [chart(tmp_path, "a")], options)
    assert any("run(s) that the files do not have: 'b'" in line for line in found.left_out)


def test_runs_that_lack_facts_are_left_out_only_if_that_is_asked_for(tmp_path):
    table = run_facts(tmp_path / "runs.csv", ["a"])
    path = chart(tmp_path, "a", "b")
    with pytest.raises(ValueError, match=r"'b' lacks corpus, num_params_total, tokens, training"):
        import_losses("wandb", [path], ImportOptions(runs=table, six_nd=True))
    options = ImportOptions(runs=table, six_nd=True, leave_out_incomplete=True)
    assert set(import_losses("wandb", [path], options).frame["run"]) == {"a"}
    with pytest.raises(ValueError, match=r"2 run\(s\) lack facts"):
        import_losses("wandb", [path], ImportOptions(leave_out_incomplete=True))


def test_numbers_in_another_unit_are_an_error_that_names_the_run(tmp_path):
    header = ["run", "corpus", "num_params_total", "tokens", "training_flops"]
    table = write_csv(tmp_path / "runs.csv", [header, ["a", "c", 100, 2 * 10**9, 1.2e18]])
    with pytest.raises(ValueError, match=r"run 'a': training_flops 1.2e\+18 over .* another unit"):
        import_losses("wandb", [chart(tmp_path, "a")], ImportOptions(runs=table))


def test_only_forward_flops_are_enough(tmp_path):
    header = ["run", "corpus", "num_params_total", "tokens", "forward_flops", "budget"]
    table = write_csv(tmp_path / "runs.csv", [header, ["a", "c", 10**8, 2 * 10**9, 4e17, "small"]])
    frame = import_losses("wandb", [chart(tmp_path, "a")], ImportOptions(runs=table)).frame
    assert list(frame["training_flops"]) == [1.2e18] and list(frame["budget"]) == ["small"]


@pytest.mark.parametrize("name", ["a\x07b", "a\nb"])
def test_a_control_character_in_a_name_is_refused(tmp_path, name):
    table = run_facts(tmp_path / "runs.csv", [name])
    with pytest.raises(ValueError, match=r"run is .*, with a line break or another control"):
        options = ImportOptions(runs=table, six_nd=True)
        import_losses("wandb", [chart(tmp_path, name)], options)


def test_paths_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read: No such file"):
        import_losses("wandb", [tmp_path / "none.csv"])
    with pytest.raises(ValueError, match=r"no CSV file in this folder"):
        import_losses("wandb", [tmp_path])
    path = chart(tmp_path, "a")
    with pytest.raises(ValueError, match=r"c4\.csv: is given twice"):
        import_losses("wandb", [path, tmp_path])
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ValueError, match=r"pipe\.csv: is not a regular file"):
        import_losses("wandb", [tmp_path / "pipe.csv"])


def test_hidden_files_and_links_within_the_folder_are_left_out_and_counted(tmp_path):
    folder = tmp_path / "charts"
    folder.mkdir()
    path = chart(folder, "a")
    (folder / ".checkpoint.csv").write_text("x")
    (folder / "again.csv").symlink_to(path)
    options = ImportOptions(runs=run_facts(tmp_path / "runs.csv", ["a"]), six_nd=True)
    found = import_losses("wandb", [folder], options)
    assert any("2 hidden file(s) and folder(s), or links inside" in line for line in found.left_out)
