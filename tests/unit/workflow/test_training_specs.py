"""Which step trains the runs of an experiment, and that its runs never mix two."""

import pytest

from relscale.config.suite import Suite
from relscale.files import write_json
from relscale.plan.suite import plan_suite
from relscale.training.native_build import Support
from relscale.workflow.training_specs import AutomaticStep, automatic_step, training_spec

MISSING = Support(reason="the native library cannot be used: no compiler")
NATIVE, TORCH = AutomaticStep(implementation="native"), AutomaticStep(implementation="torch")


def planned(**recipe):
    raw = {
        "corpora": ["a"],
        "recipe": {"name": "cpu_small", "context_length": 16} | recipe,
        "budgets": [{"label": "1e8", "shapes": ["16x1"]}],
    }
    return plan_suite(Suite.model_validate(raw), 64)[0]


def records(folder, implementations):
    for number, implementation in enumerate(implementations):
        if implementation is not None:
            write_json(folder / f"{number}.json", {"implementation": implementation})
    return [folder / f"{number}.json" for number in range(len(implementations))]


def test_the_native_step_is_taken_where_it_can_be_used(tmp_path):
    places = records(tmp_path, ["torch", "torch"])
    assert automatic_step(places, Support()) == NATIVE


@pytest.mark.parametrize("done", [[], [None, None], ["torch", None]])
def test_without_the_library_torch_trains_all_runs_and_the_user_is_told(done, tmp_path):
    chosen = automatic_step(records(tmp_path, done), MISSING)
    assert chosen.implementation == "torch"
    assert "torch trains all runs" in chosen.warning and "no compiler" in chosen.warning


@pytest.mark.parametrize("native", ["native", "native avx2", "native avx512"])
def test_without_the_library_runs_next_to_native_ones_are_not_left_to_torch(native, tmp_path):
    chosen = automatic_step(records(tmp_path, [None, "torch", native]), MISSING)
    assert chosen.implementation == "native"
    assert f"1 runs of this experiment were trained by the native step ({tmp_path}/2.json)" in (
        chosen.warning
    )
    assert "no compiler" in chosen.warning and "implementation: torch" in chosen.warning


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"implementation": 3}'])
def test_a_damaged_record_is_no_native_run(content, tmp_path):
    (tmp_path / "0.json").write_text(content)
    assert automatic_step([tmp_path / "0.json"], MISSING).implementation == "torch"


def test_the_chosen_step_is_part_of_the_spec_and_so_of_the_key():
    run = planned()
    native, torch = (training_spec(run, step) for step in (NATIVE, TORCH))
    assert (native.implementation, torch.implementation) == ("native", "torch")
    assert native.model_copy(update={"implementation": "auto"}) == run.spec()


def test_a_configured_step_is_kept_and_torch_trains_what_the_native_step_has_not():
    for name in ("native", "torch"):
        for step in (NATIVE, TORCH):
            assert training_spec(planned(implementation=name), step).implementation == name
    other = planned(optimiser="cautious_adamc")
    assert training_spec(other, NATIVE).implementation == "torch"
