"""Any change of a configuration loads and can be planned, or each mistake has a line."""

import datetime
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from signal import SIGALRM, alarm, signal

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relscale.config.errors import ConfigError
from relscale.config.load import load_config, load_experiment, merged, read_yaml
from relscale.plan.cost import bill
from relscale.resources.report import gpu_jobs_report
from relscale.workflow.experiment import plan_experiment
from relscale.workflow.suite_specs import enough_tokens_spec

ROOT = Path(__file__).parents[3]
BASE = read_yaml(ROOT / "config.yaml")
OVERLAYS = {
    name: read_yaml(ROOT / f"experiments/{name}.yaml")
    for name in ("tiny", "paper", "slurm", "released")
}
LIMIT_S = 20
"""A plan takes well under a second; this is for a busy machine."""
ODD = [
    *(None, True, False, 0, -1, 1, 2, 7, 2**31, 2**62, 2**63, 10**30, 10**400),
    *(0.0, -0.5, 1e-320, 1e-9, 0.5, 0.99999, 1e300, float("inf"), float("nan")),
    *("", " ", "x", "1e18", "1", "1e999", "1.0e11", "16x1", "1x1", "1048576x10000", "99999x99999"),
    *("é", "e\u0301", "日本", "\x00", "a" * 500, "../..", "-n", "{x}", "[", "*", "NA", "US", "web"),
    *("validation", "documents", "questions", "cpu_small", "gpu", "own", "shared", "default"),
    *([], {}, [[]], [None], ["a", "a"], [1, True, "1"], {"a": 1}, {"": None}),
    *({"name": "marin2025"}, {"name": "chinchilla", "device": "gpu"}, {"kind": "documents"}),
    *(datetime.date(2020, 1, 1), b"x"),
]
LENIENT = settings(
    derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@contextmanager
def time_limit(seconds):
    """Fail if a block takes longer."""

    def stop(*_):
        raise AssertionError(f"more than {seconds} s")

    before = signal(SIGALRM, stop)
    alarm(seconds)
    try:
        yield
    finally:
        alarm(0)
        signal(SIGALRM, before)


def places(value, place=()):
    """Yield the path of every key and item."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*place, key)
        if isinstance(part, dict | list):
            yield from places(part, (*place, key))


def changed(draw, raw):
    """Replace, remove, add, rename or nest the value of one key."""
    keys = list(places(raw))
    few = [key for key in keys if key[0] in ("suite", "laws", "training", "costs", "tokenizer")]
    *above, last = draw(st.sampled_from(few if few and draw(st.booleans()) else keys))
    parent = raw
    for key in above:
        parent = parent[key]
    value = deepcopy(draw(st.sampled_from(ODD)))
    change = draw(st.sampled_from(["replace", "replace", "remove", "add", "rename", "nest"]))
    if change == "remove":
        del parent[last]
    elif change == "add" and isinstance(parent, dict):
        parent[draw(st.sampled_from(["x", "", "kind", "seeds", "Ä", "max_epochs", 7, None]))] = (
            value
        )
    elif change == "add":
        parent.insert(last, value)
    elif change == "rename" and isinstance(parent, dict):
        parent[f"{last}_"] = parent.pop(last)
    elif change == "nest":
        parent[last] = [parent[last]]
    else:
        parent[last] = value


def load_and_plan(load):
    """Load and plan a configuration; return whether it is valid.

    Every error is one of the configuration or of its table, with a place in each line.
    """
    with time_limit(LIMIT_S):
        try:
            experiment = load()
        except ConfigError as error:
            head, *lines = str(error).splitlines()
            assert head == f"{head.split()[0]} problem(s) in the configuration:"
            assert lines and all(": " in line for line in lines)
            return False
        if experiment.released is not None:
            return True
        planned = plan_experiment(experiment)
        enough_tokens_spec(planned)
        bill(planned.runs, experiment.costs)
        window = experiment.suite.recipe.context_length
        tokens = {
            name: experiment.families[name].tokens_to_score(window) for name in ["validation"]
        }
        try:
            gpu_jobs_report(planned.runs, experiment.training, experiment.costs, tokens)
        except ValueError as error:
            assert str(error).startswith("training.gpu_memory_gb = ")
        return True


def check_any_change(data):
    overlay = data.draw(st.sampled_from([{}, *OVERLAYS.values()]))
    raw = deepcopy(merged([BASE, overlay]))
    for _ in range(data.draw(st.sampled_from([1, 1, 2, 4]))):
        changed(data.draw, raw)
    load_and_plan(lambda: load_config(raw, [("mine.yaml", raw)]))


@settings(LENIENT, max_examples=150)
@given(st.data())
def test_any_change_of_a_configuration_loads_or_is_explained(data):
    check_any_change(data)


@pytest.mark.soak
@settings(LENIENT, max_examples=10_000)
@given(st.data())
def test_any_change_of_a_configuration_loads_or_is_explained_in_the_long_list(data):
    check_any_change(data)


NUMBERS = st.sampled_from([1, 2, 3, 2**20, 2**31, 2**62, 1e-320, 1e-9, 0.5, 0.99999, 1e9, 1e300])
RECIPES = {
    "cpu_small": ["context_length", "head_dim", "batch_reference_tokens", "matrix_learning_rate"],
    "chinchilla": ["context_length", "batch_tokens_constant", "learning_rate_cap", "weight_decay"],
    "marin2025": [
        *("context_length", "head_dim", "mlp_ratio", "reference_steps", "min_batch_size"),
        *("learning_rate_constant", "learning_rate_cap", "min_width", "max_width"),
    ],
}


def check_any_number(data):
    """Numbers of the plan at the ends of their ranges; a tolerance of 1 plans what is far off."""
    recipe = data.draw(st.sampled_from(sorted(RECIPES)))
    chosen = data.draw(st.dictionaries(st.sampled_from(RECIPES[recipe]), NUMBERS, max_size=2))
    budget = {"label": data.draw(st.sampled_from(["1", "1e9", "1e12", "3e18", "1e20", "1e30"]))}
    if recipe != "marin2025":
        budget["shapes"] = [data.draw(st.sampled_from(["2x1", "64x2", "1048574x3", "1x1"]))]
    overlay = {
        "suite": {"budgets": [budget], "replicates": []},
        "costs": data.draw(
            st.dictionaries(
                st.sampled_from(["peak_flops_per_s", "start_s", "tokens_per_core_s"]), NUMBERS
            )
        ),
        "training": data.draw(
            st.dictionaries(
                st.sampled_from(["gpus_per_run", "gpu_memory_gb", "hours_per_run"]), NUMBERS
            )
        ),
    }
    raw = merged([BASE, overlay])
    raw["suite"]["recipe"] = {"name": recipe, "flop_tolerance": 0.9999, **chosen}
    raw["tokenizer"]["vocab_size"] = data.draw(st.sampled_from([512, 260, 2**31, 2**62]))
    load_and_plan(lambda: load_config(raw, [("mine.yaml", raw)]))


@settings(LENIENT, max_examples=150)
@given(st.data())
def test_any_number_of_the_plan_is_planned_or_explained(data):
    check_any_number(data)


@pytest.mark.soak
@settings(LENIENT, max_examples=10_000)
@given(st.data())
def test_any_number_of_the_plan_is_planned_or_explained_in_the_long_list(data):
    check_any_number(data)


@settings(LENIENT, max_examples=150)
@given(st.text(st.sampled_from("a: \n-[]{},'\"&*<>|#\t01x?!éN\x00"), max_size=60))
def test_any_text_is_a_mapping_or_one_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        content = read_yaml(path)
    except ValueError as error:
        assert all(line.startswith(str(path)) for line in str(error).splitlines())
    else:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert content == plain and all(isinstance(key, str) for key in content)


@settings(LENIENT, max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "NO", "1"]), st.integers(0, 9)),
        min_size=1,
        max_size=5,
    )
)
def test_no_key_of_a_file_is_dropped_without_a_word(tmp_path_factory, pairs):
    path = tmp_path_factory.getbasetemp() / "keys.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in pairs), encoding="utf-8")
    keys = [key for key, _ in pairs]
    expected = [
        line for line, key in enumerate(keys, 1) if key in ("NO", "1") or key in keys[: line - 1]
    ]
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    found = [
        int(line.split(":")[1])
        for line in str(caught.value).splitlines()
        if (line.strip().startswith(f"{path}:") and "YAML reads" in line) or "already given" in line
    ]
    assert found == expected
