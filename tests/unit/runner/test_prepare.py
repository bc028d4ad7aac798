"""Options of Snakemake, mistakes of the command line and of the configuration, and the head."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from relscale.runner.prepare import MEM_MB, Machine, prepared

ROOT = Path(__file__).parents[3]
TINY = ROOT / "experiments/tiny.yaml"


def named(tmp_path, text):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(text)
    return overlay


def test_on_this_machine_cores_and_memory_have_defaults_and_can_be_given():
    words = Machine(cores=3, gpus=2).words()
    assert words[:5] == ["--cores", "3", "--resources", "gpu=2", f"mem_mb={MEM_MB}"]
    assert 1 <= int(Machine().words()[1]) <= os.cpu_count()
    assert "mem_mb=9" in Machine(mem_mb=9).words()


def test_a_profile_decides_what_is_not_given(tmp_path):
    assert Machine(profile=tmp_path).words() == ["--profile", str(tmp_path)]
    words = Machine(profile=tmp_path, cores=4, mem_mb=9).words()
    assert words == ["--profile", str(tmp_path), "--cores", "4", "--resources", "mem_mb=9"]


def test_targets_do_not_follow_an_option_with_any_number_of_values(tmp_path):
    found = prepared(ROOT, [TINY], Machine(cores=2, downloads=tmp_path), ["figures"])
    assert found.words[:2] == ["--configfile", "experiments/tiny.yaml"]
    assert found.words[-3:] == ["--max-jobs-per-timespan", "1000/10s", "figures"]
    assert f"downloads={tmp_path}" in found.words


def test_a_file_of_yours_over_tiny_is_one_more_overlay(tmp_path):
    mine = named(tmp_path, "experiment: mine\nsuite: {seeds: [0, 1]}\n")
    found = prepared(ROOT, [TINY, mine], Machine())
    assert found.experiment.name == "mine"
    assert len(found.experiment.runs) == 36
    assert found.configuration == ["--configfile", "experiments/tiny.yaml", str(mine)]
    assert found.front_page == ROOT / "results/mine/index.html"


def test_all_runs_without_results_are_expected_at_their_planned_seconds(tmp_path):
    found = prepared(ROOT, [TINY, named(tmp_path, "experiment: never_run\n")], Machine(cores=2))
    expected = found.expected()
    assert set(expected.run_seconds) == expected.missing and len(expected.missing) == 18
    assert sum(expected.run_seconds.values()) == pytest.approx(found.bill().total_seconds)
    assert expected.slots == 2
    cluster = prepared(ROOT, [TINY], Machine(profile=ROOT / "profiles/slurm"))
    assert cluster.expected().slots is None


@pytest.mark.parametrize(
    ("overlays", "words"),
    [
        ([TINY], ["18 runs on 2 corpora", "training of all", "disk:", "results in results/tiny"]),
        ([ROOT / "experiments/released.yaml"], ["255 released models of 21 IsoFLOP curves"]),
        ([ROOT / "experiments/published/olmo_ladder.yaml"], ["nothing is trained"]),
    ],
    ids=["trained", "released", "table"],
)
def test_the_head_says_what_is_run_and_what_it_costs(overlays, words):
    lines = prepared(ROOT, overlays, Machine(cores=2)).head()
    assert 2 <= len(lines) <= 5
    for word in words:
        assert word in "\n".join(lines)


@pytest.mark.parametrize(
    ("option", "remedy"),
    [
        ("--config", "write the keys to an overlay"),
        ("--configfile=x.yaml", "name the file as an overlay"),
        ("-d", "use --folder"),
        ("--profile", "give it before `--`"),
    ],
)
def test_options_that_the_command_must_see_are_refused_with_the_remedy(option, remedy):
    with pytest.raises(ValueError, match=option) as caught:
        prepared(ROOT, [TINY], Machine(), [option])
    assert remedy in str(caught.value)


def test_an_overlay_without_a_name_does_not_replace_the_default_results(tmp_path):
    mine = named(tmp_path, "suite: {seeds: [7]}\n")
    with pytest.raises(ValueError, match="experiment: my_mine"):
        prepared(ROOT, [mine], Machine())


@pytest.mark.parametrize("option", ["profile", "downloads"])
def test_a_folder_that_is_not_there_is_named(option, tmp_path):
    with pytest.raises(ValueError, match=f"--{option} .*nowhere: no such folder"):
        prepared(ROOT, [TINY], Machine(**{option: tmp_path / "nowhere"}))


def run(cwd, *words):
    return subprocess.run(
        [sys.executable, "-m", "relscale", "run", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_names_all_mistakes_at_once_from_any_folder_and_starts_nothing(tmp_path):
    mine = named(
        tmp_path,
        "experiment: wrong\nlaws: {margn: 2}\nevaluate: [validation, language, dialects]\n",
    )
    done = run(tmp_path, TINY, "mine.yaml", "--folder", ROOT)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("error: 2 problem(s) in the configuration:\n")
    assert f"{os.path.relpath(mine, ROOT)}: laws.margn = 2: unknown key" in done.stderr
    assert "evaluate[2] = 'dialects': is not in families" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (ROOT / "logs/wrong").exists()


def test_outside_a_checkout_the_command_says_where_to_go(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "change to a checkout of relscale" in done.stderr
