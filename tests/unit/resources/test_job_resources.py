"""Resources of the jobs of the paper's experiment: enough, within the limits of a partition, and in
words that the SLURM plugin reads."""

import re
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_interface_common.exceptions import WorkflowError

from relscale.config.load import load_config, merged, read_yaml
from relscale.plan.accounting import count_parameters
from relscale.plan.cost import run_seconds
from relscale.plan.suite import plan_suite
from relscale.resources.evaluation import (
    LEAST_MIB,
    LEAST_SCORING_MINUTES,
    curve_resources,
    evaluation_resources,
    requests_resources,
    runs_by_curve,
)
from relscale.resources.job_resources import (
    CORES_PER_GPU,
    CUDA_MIB,
    LEAST_MINUTES,
    SLACK,
    JobResources,
)
from relscale.resources.report import gpu_jobs_report
from relscale.resources.text import (
    BYTES_PER_COMPRESSED_BYTE,
    BYTES_PER_TOKEN,
    UNKNOWN_MINUTES,
    shard_minutes,
)
from relscale.resources.training import (
    SHORT_SHARE,
    _execution,
    array_resources,
    attempts,
    fitting_counts,
    is_short,
    suite_resources,
    training_resources,
)
from relscale.text.local_files import LocalFile

ROOT = Path(__file__).parents[3]
MIB = 2**20


def planned(*overlays):
    """Return an experiment and its runs; overlays are names of files, or mappings."""
    contents = [
        read_yaml(ROOT / "config.yaml"),
        *(read_yaml(ROOT / one) if isinstance(one, str) else one for one in overlays),
    ]
    experiment = load_config(merged(contents), [("test", content) for content in contents])
    return experiment, plan_suite(experiment.suite, experiment.tokenizer.vocab_size)


@pytest.fixture(scope="module")
def paper():
    return planned("experiments/paper.yaml")


def tokens_of(experiment):
    return {
        name: experiment.families[name].tokens_to_score(experiment.suite.recipe.context_length)
        for name in experiment.evaluate
    }


def asked_by_cells(experiment, runs):
    return curve_resources(
        runs_by_curve(runs), tokens_of(experiment), experiment.costs, experiment.training
    )


def test_every_run_of_the_paper_fits_what_its_job_asks_for(paper):
    experiment, runs = paper
    training = experiment.training
    alone = suite_resources(runs, training, experiment.costs)
    asked = array_resources(alone, training)
    assert len(asked) == 255
    for run in runs:
        needs, weights = asked[run.run], 4 * count_parameters(run.shape).total
        fully = _execution(run, alone[run.run].gpu, training.gpu_memory_gb).fully_sharded
        # Weights and two moments on their way to a checkpoint, and each process's libraries and
        # weights, unless they are sharded.
        own = 0 if fully else weights / MIB
        assert needs.mem_mb >= (3 * weights) / MIB + needs.gpu * (CUDA_MIB + own)
        # Weights and gradients whole or sharded, moments sharded.
        whole = 0 if fully else 2 * weights
        assert (
            whole + (4 * weights - whole) / needs.gpu
            <= needs.gpu_mem_mb * MIB
            <= 1e9 * training.gpu_memory_gb
        )
        assert needs.runtime <= 60 * training.hours_per_run
        assert needs.runtime >= min(
            60 * training.hours_per_run, run_seconds(run, experiment.costs) / needs.gpu / 60
        )
        assert (needs.cpus_per_task, needs.nodes) == (CORES_PER_GPU * needs.gpu, 1)
        assert run.batch_size % needs.gpu == 0
        # The profiles try again twice.
        assert attempts(run, alone[run.run], experiment.costs) <= 3


def test_every_evaluation_of_the_paper_asks_for_its_largest_model_and_its_time(paper):
    experiment, runs = paper
    asked, cells = asked_by_cells(experiment, runs), runs_by_curve(runs)
    assert len(asked) == 126
    for (_, *cell), needs in asked.items():
        weights = max(4 * count_parameters(run.shape).total for run in cells[tuple(cell)])
        # The file's values and the model's, before it goes to the GPU.
        assert needs.mem_mb >= 2 * weights / MIB + CUDA_MIB
        assert weights < needs.gpu_mem_mb * MIB <= 0.9 * 80e9
        assert LEAST_SCORING_MINUTES <= needs.runtime <= 60 * experiment.training.hours_per_run
        assert (needs.gpu, needs.cpus_per_task, needs.nodes) == (1, CORES_PER_GPU, 1)
    largest = [needs for (_, _, budget), needs in asked.items() if budget == "1e20"]
    assert min(needs.mem_mb for needs in largest) > 2 * 47_000
    assert (
        asked["knowledge", "dclm", "1e20"].runtime > 4 * asked["validation", "dclm", "1e20"].runtime
    )


def test_runs_and_evaluations_of_the_small_experiments_ask_for_little():
    for overlay in ("experiments/tiny.yaml", "experiments/slurm.yaml", {}):
        experiment, runs = planned(overlay)
        for needs in suite_resources(runs, experiment.training, experiment.costs).values():
            assert (needs.gpu, needs.cpus_per_task) == (0, 1)
            assert needs.mem_mb < 1500
            assert is_short(needs, experiment.training)
        assert set(asked_by_cells(experiment, runs).values()) == {
            JobResources(gpu=0, mem_mb=LEAST_MIB, gpu_mem_mb=0, runtime=LEAST_SCORING_MINUTES)
        }
        for name in experiment.evaluate:
            tokens = experiment.families[name].tokens_to_score(
                experiment.suite.recipe.context_length
            )
            assert requests_resources(tokens).mem_mb < 1600
            assert requests_resources(tokens).runtime <= LEAST_MINUTES + 1


def test_the_sbatch_call_of_a_run_on_eight_gpus_has_its_cores_on_one_machine(paper):
    experiment, runs = paper
    needs = max(
        array_resources(
            suite_resources(runs, experiment.training, experiment.costs), experiment.training
        ).values(),
        key=lambda one: one.gpu,
    )
    call = submitted(needs)
    assert f" --cpus-per-task={8 * CORES_PER_GPU}" in call
    assert " --nodes=1" in call
    assert f" -t {60 * int(experiment.training.hours_per_run)} " in call
    assert " --ntasks" not in call
    on_cpu = submitted(JobResources(gpu=0, mem_mb=950, gpu_mem_mb=0, runtime=31))
    assert " --cpus-per-task=1" in on_cpu
    assert " --ntasks=1" in on_cpu


def submitted(needs):
    """Return the plugin's sbatch call for a job of one thread with these resources."""

    class Resources(dict):
        __getattr__ = dict.__getitem__

    job = SimpleNamespace(threads=1, resources=Resources(needs.resources()))
    params = {
        "run_uuid": "u",
        "slurm_logfile": "l",
        "comment_str": "c",
        "account": "",
        "partition": "",
        "workdir": ".",
    }
    try:
        return get_submit_command(job, params) + " "
    except WorkflowError as error:
        raise AssertionError(str(error)) from error


def test_every_run_of_the_paper_fits_eight_cards_of_80_gb_where_parameters_are_sharded():
    experiment, runs = planned("experiments/paper.yaml", {"training": {"gpu_memory_gb": 80}})
    asked = suite_resources(runs, experiment.training, experiment.costs)
    largest = max(runs, key=lambda run: run.training_flops * count_parameters(run.shape).total)
    assert count_parameters(largest.shape).total == 11_788_433_408
    needs = asked[largest.run]
    execution = _execution(largest, needs.gpu, 80)
    assert (needs.gpu, execution.fully_sharded, execution.sharded) == (8, True, False)
    # 16 bytes per parameter, divided; the rest are whole embedding, head and blocks, and
    # activations.
    assert 16 * 11_788_433_408 / 8 < needs.gpu_mem_mb * MIB < 0.9 * 80e9
    # Sharded parameters cost communication: sizes that fit without have none.
    for run in runs:
        if run.shape.width <= 2048:
            assert not _execution(run, asked[run.run].gpu, 80).fully_sharded


def test_gpus_that_do_not_hold_all_runs_end_planning_with_the_keys_to_change(paper):
    small = {"training": {"gpu_memory_gb": 40}}
    experiment, runs = planned("experiments/paper.yaml", small)
    with pytest.raises(
        ValueError,
        match=r"training.gpu_memory_gb = 40: 6 of 255 runs do not fit .*: 4096 \(43\)",
    ):
        suite_resources(runs, experiment.training, experiment.costs)
    with pytest.raises(
        ValueError,
        match=r"give the memory of larger GPUs, or leave out the widths above 3840 "
        r".*suite.recipe.max_width",
    ):
        gpu_jobs_report(runs, experiment.training, experiment.costs)
    experiment, runs = planned(
        "experiments/paper.yaml", small, {"suite": {"recipe": {"max_width": 3840}}}
    )
    assert len(suite_resources(runs, experiment.training, experiment.costs)) == 246
    one = experiment.training.model_copy(update={"gpus_per_run": 1})
    with pytest.raises(
        ValueError, match=r"allow more GPUs per run \(training.gpus_per_run, up to 8\)"
    ):
        suite_resources(runs, one, experiment.costs)
    with pytest.raises(
        ValueError, match=r"training.gpu_memory_gb = 40: \S+-d4096-\S+ does not fit"
    ):
        training_resources(
            next(run for run in paper[1] if not fitting_counts(run, experiment.training)),
            experiment.training,
            experiment.costs,
        )


def test_an_optimiser_whose_parameters_cannot_be_sharded_is_named_with_those_that_can():
    muon = {"suite": {"recipe": {"optimiser": "muon"}}, "training": {"gpu_memory_gb": 80}}
    experiment, runs = planned("experiments/paper.yaml", muon)
    with pytest.raises(
        ValueError,
        match=r"take an optimiser whose parameters can be sharded \(adamw, adamc, cautious_adamw, "
        r"cautious_adamc\), which muon cannot \(suite.recipe.optimiser\)",
    ):
        suite_resources(runs, experiment.training, experiment.costs)
    # Every process of Muon keeps the whole state.
    held = [run for run in runs if run.shape.width <= 1024]
    for run in held:
        assert not _execution(run, 8, 80).sharded


@pytest.mark.parametrize("optimiser", ["adamw", "adamc", "cautious_adamw"])
def test_the_paper_fits_cards_of_80_gb_with_each_optimiser_that_shards_parameters(optimiser):
    changes = {"suite": {"recipe": {"optimiser": optimiser}}, "training": {"gpu_memory_gb": 80}}
    experiment, runs = planned("experiments/paper.yaml", changes)
    assert len(suite_resources(runs, experiment.training, experiment.costs)) == 255


def test_short_runs_do_not_ask_for_the_hours_of_long_ones(paper):
    experiment, runs = paper
    alone = suite_resources(runs, experiment.training, experiment.costs)
    asked = array_resources(alone, experiment.training)
    shortest = min(runs, key=lambda run: alone[run.run].runtime).run
    assert alone[shortest].runtime < 60 * 5
    assert asked[shortest].runtime <= 60 * experiment.training.hours_per_run * SHORT_SHARE
    groups = defaultdict(set)
    for run in runs:
        groups[alone[run.run].gpu, is_short(alone[run.run], experiment.training)].add(
            asked[run.run]
        )
    assert all(len(group) == 1 for group in groups.values())


def test_a_run_that_outlasts_a_job_is_named_with_the_retries_it_takes(paper):
    experiment, runs = paper
    one = experiment.training.model_copy(update={"gpus_per_run": 1})
    held = [run for run in runs if run.shape.width <= 1024]
    longest = max(held, key=lambda run: run_seconds(run, experiment.costs))
    needs = training_resources(longest, one, experiment.costs)
    assert needs.runtime == 60 * one.hours_per_run
    hours = run_seconds(longest, experiment.costs) / 3600
    assert attempts(longest, needs, experiment.costs) == -(-SLACK * hours // one.hours_per_run)
    text = gpu_jobs_report(held, one, experiment.costs)
    over = [run for run in held if run_seconds(run, experiment.costs) > 3600 * 48]
    assert (
        f"{len(over)} runs take 63.2 to {hours:.1f} h on all GPUs that they may use, and "
        f"a job has 48" in text
    )
    assert f"--retries {attempts(longest, needs, experiment.costs) - 1} or more" in text
    assert "on all GPUs" not in gpu_jobs_report(runs, experiment.training, experiment.costs)


def test_the_bill_of_jobs_counts_every_run_and_a_suite_on_the_cpu_has_none(paper):
    experiment, runs = paper
    rows = [
        line.split()
        for line in gpu_jobs_report(runs, experiment.training, experiment.costs).splitlines()[2:]
        if line[5].isdigit()
    ]
    assert sum(int(row[1]) for row in rows) == 255
    assert {int(row[3]) for row in rows} == {CORES_PER_GPU * count for count in (1, 2, 4, 8)}
    default, on_cpu = planned({})
    assert gpu_jobs_report(on_cpu, default.training, default.costs) == ""


def test_the_bill_counts_evaluations_and_names_those_that_no_job_is_long_enough_for(paper):
    experiment, runs = paper
    text = gpu_jobs_report(runs, experiment.training, experiment.costs, tokens_of(experiment))
    assert re.search(
        r"evaluation: 126 jobs with one GPU, \d+ GPU-hours expected .*; up to 22.9 h, 102 "
        r"GB of memory and 63 GB",
        text,
    )
    assert "evaluations are expected to take longer" not in text
    hurried = experiment.training.model_copy(update={"hours_per_run": 10.0})
    text = gpu_jobs_report(runs, hurried, experiment.costs, tokens_of(experiment))
    assert re.search(
        r"27 evaluations are expected to take longer than training.hours_per_run = 10 "
        r"\(\w+ of \w+, \w+: 11\.\d h\)",
        text,
    )


def test_tokens_to_score_follow_the_caps(paper):
    families = planned({})[0].families
    assert families["validation"].tokens_to_score(128) == 50_000
    assert families["topics"].tokens_to_score(128) == 11 * 12_000
    assert families["knowledge"].tokens_to_score(128) == 57 * 1050
    assert families["continuation"].tokens_to_score(128) == 2 * 800 * 4 * 112
    assert families["continuation"].tokens_to_score(64) == 2 * 800 * 4 * 64
    uncapped = paper[0].families
    # MMLU has 14,042 questions of four options, with five shots some 700 tokens each: the bound is
    # above, and not far.
    assert 1 < uncapped["knowledge"].tokens_to_score(4096) / (14_042 * 4 * 700) < 2
    assert uncapped["risk"].tokens_to_score(4096) == 31 * 1000 * 2 * 250
    few = uncapped["knowledge"].model_copy(update={"questions_per_subject": 10})
    assert few.tokens_to_score(4096) == 57 * 10 * 4 * 1080


def test_a_wide_model_on_the_cpu_asks_for_its_logits(paper):
    run = next(run for run in paper[1] if run.shape.width == 512)
    on_cpu = evaluation_resources(
        [SimpleNamespace(shape=run.shape, device="cpu")], 1000, paper[0].costs, paper[0].training
    )
    assert on_cpu.gpu == 0
    assert on_cpu.mem_mb > (8 * count_parameters(run.shape).total + 12 * 4096 * 128_256) / MIB


def test_a_shard_asks_for_the_time_of_its_tokens(paper):
    experiment = paper[0]
    dclm = experiment.corpora.sharded["dclm"].components["dclm_baseline"]
    hours = 450e9 / 64 / 500_000 / 3600
    assert shard_minutes(dclm, experiment.costs) == pytest.approx(
        LEAST_MINUTES + SLACK * 60 * hours, abs=1
    )
    unknown = experiment.corpora.sharded["commonpile"].components["cccc"]
    assert shard_minutes(unknown, experiment.costs) == UNKNOWN_MINUTES
    files = [
        LocalFile(path=f"a/b{ending}", num_bytes=1000, mtime_ns=0)
        for ending in (".jsonl", ".jsonl.gz")
    ]
    slow = experiment.costs.model_copy(update={"tokens_per_core_s": 0.1})
    seconds = 1000 * (1 + BYTES_PER_COMPRESSED_BYTE) / BYTES_PER_TOKEN / unknown.shards / 0.1
    assert shard_minutes(unknown, slow, files) == LEAST_MINUTES + -(-SLACK * seconds // 60)
    assert shard_minutes(dclm, slow) == UNKNOWN_MINUTES
