"""Format `lm_eval`: result files of lm-evaluation-harness."""

import pandas as pd
import pytest
from imported_files import lm_eval_results, run_facts, write_json

from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

MODELS = ("org/small", "org/large")


def results(folder):
    for model, accuracy in zip(MODELS, (0.25, 0.5), strict=True):
        name = model.replace("/", "__")
        write_json(
            folder / name / "results_2026-01-01T00-00-00.json", lm_eval_results(model, accuracy)
        )
    return folder


def options(tmp_path, *runs, **others):
    return ImportOptions(runs=run_facts(tmp_path / "runs.csv", runs), six_nd=True, **others)


def test_each_file_is_a_run_with_tasks_as_domains(tmp_path):
    found = import_losses("lm_eval", [results(tmp_path / "out")], options(tmp_path, *MODELS))
    frame = found.frame.set_index(["run", "domain", "metric"])
    row = frame.loc[("org/large", "mmlu", "acc")]
    assert (row["value"], row["standard_error"], row["unit"]) == (0.5, 0.004, "1")
    assert pd.isna(frame.loc[("org/small", "mmlu_stem", "acc"), "standard_error"])
    assert frame.loc[("org/small", "mmlu_stem", "acc"), "num_items"] == 3018
    assert frame.loc[("org/small", "wikitext", "bits_per_byte"), "value"] == 0.875
    assert frame.loc[("org/small", "gsm8k", "exact_match,flexible-extract"), "value"] == 0.25
    assert len(frame) == 2 * 6
    assert "domains that are groups of other domains: 'mmlu'" in found.decisions


def test_domains_and_metrics_can_be_chosen(tmp_path):
    wanted = options(tmp_path, *MODELS, domains=("mmlu*",), metrics=("acc",), family="exams")
    found = import_losses("lm_eval", [results(tmp_path / "out")], wanted)
    assert set(found.frame["domain"]) == {"mmlu", "mmlu_stem"}
    assert set(found.frame["family"]) == {"exams"}
    assert any("metric names that --metric does not choose" in line for line in found.left_out)
    with pytest.raises(ValueError, match=r"--domain 'arc\*' is not among the domain names"):
        import_losses("lm_eval", [tmp_path / "out"], options(tmp_path, *MODELS, domains=("arc*",)))


def test_a_revision_is_part_of_the_name_of_the_run(tmp_path):
    value = lm_eval_results("org/m", 0.5)
    value["config"]["model_args"] = "pretrained=org/m,revision=step1000,dtype=float16"
    path = write_json(tmp_path / "results.json", value)
    frame = import_losses("lm_eval", [path], options(tmp_path, "org/m@step1000")).frame
    assert set(frame["run"]) == {"org/m@step1000"}
    value["config"]["model_args"] = {"pretrained": "org/m", "revision": "step1000"}
    path = write_json(tmp_path / "results.json", value)
    assert set(
        import_losses("lm_eval", [path], options(tmp_path, "org/m@step1000")).frame["run"]
    ) == {"org/m@step1000"}


def test_a_file_of_version_3_is_read(tmp_path):
    value = {
        "results": {"piqa": {"acc": 0.75, "acc_stderr": 0.01, "acc_norm": 0.5}},
        "versions": {"piqa": 0},
        "config": {"model": "hf-causal", "model_args": "pretrained=org/m", "limit": 100},
    }
    path = write_json(tmp_path / "results.json", value)
    found = import_losses("lm_eval", [path], options(tmp_path, "org/m"))
    rows = found.frame[["domain", "metric", "value"]].to_numpy().tolist()
    assert rows == [["piqa", "acc", 0.75], ["piqa", "acc_norm", 0.5]]
    assert found.frame["standard_error"].iloc[0] == 0.01
    assert any("only 100 items of each task" in line for line in found.decisions)


def test_models_that_nothing_describes_are_named(tmp_path):
    message = r"'org/large' lacks corpus, num_params_total, tokens, training_flops; 'org/small' lac"
    with pytest.raises(ValueError, match=message):
        import_losses("lm_eval", [results(tmp_path / "out")])
    with pytest.raises(ValueError, match=r"has none of the imported runs; they are 'org/large', "):
        import_losses("lm_eval", [tmp_path / "out"], options(tmp_path, "other"))


def changed(**values):
    value = lm_eval_results("org/m", 0.5)
    value.update(values)
    return value


BAD = {
    "no results": ({"config": {}}, r"key\(s\) results are missing; it has config"),
    "no model": (changed(model_name=None, config={}), r"has no model_name"),
    "results": (changed(results=[1]), r"results is '\[1\]', not an object"),
    "task": (changed(results={"piqa": 0.5}), r"piqa is '0.5', not an object"),
    "empty": (changed(results={}), r"results: no task has a metric"),
    "text": (changed(results={"piqa": {"acc,none": "high"}}), r"acc,none is 'high', not a number"),
    "percent": (changed(results={"piqa": {"acc,none": 75.0}}), r"is 75: a share from 0 to 1"),
    "true": (changed(results={"piqa": {"acc,none": True}}), r"acc,none is True, not a number"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_is_named_with_its_place(tmp_path, case):
    value, message = BAD[case]
    path = write_json(tmp_path / "results.json", value)
    with pytest.raises(ValueError, match=rf"results\.json: .*{message}|results\.json: {message}"):
        import_losses("lm_eval", [path], options(tmp_path, "org/m"))


def test_a_task_has_the_same_shots_in_all_files(tmp_path):
    write_json(tmp_path / "out/results_1.json", lm_eval_results("org/a", 0.5))
    other = lm_eval_results("org/b", 0.5)
    other["n-shot"]["gsm8k"] = 8
    write_json(tmp_path / "out/results_2.json", other)
    with pytest.raises(ValueError, match=r"task 'gsm8k' has 8 shots, and 5 in .*results_1"):
        import_losses("lm_eval", [tmp_path / "out"], options(tmp_path, "org/a", "org/b"))


def test_two_files_with_one_task_of_one_model_are_an_error(tmp_path):
    for name in ("results_1.json", "results_2.json"):
        write_json(tmp_path / "out" / name, lm_eval_results("org/a", 0.5))
    with pytest.raises(ValueError, match=r"run 'org/a' has 2 values of .*results_1.* and .*_2"):
        import_losses("lm_eval", [tmp_path / "out"], options(tmp_path, "org/a"))
