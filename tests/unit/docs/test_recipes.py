"""The recipes of docs/developer name files that exist, and their code works."""

import importlib
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = {
    "a-family-kind": 5,
    "a-figure": 4,
    "a-law": 4,
    "a-metric": 4,
    "a-reader": 3,
    "a-recipe": 3,
    "an-architecture": 7,
    "an-estimator": 3,
    "an-importer": 3,
    "an-optimiser": 4,
}
"""Files to touch for each addition; a larger number means that a fact has more than one home."""
RECIPES = [ROOT / f"docs/developer/adding-{name}.md" for name in FILES]
OTHERS = [
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]
EXAMPLES = {"margins", "spread", "tsv_rows", "sgd", "llama", "constant", "simple_rows"}
"""Names that the recipes invent."""


def ids(path):
    return str(path.relative_to(ROOT))


def read(path):
    return path.read_text(encoding="utf-8")


def python_blocks(name):
    return re.findall(r"```python\n(.*?)```", read(ROOT / f"docs/developer/{name}.md"), re.DOTALL)


def test_every_recipe_is_tested_here():
    assert sorted((ROOT / "docs/developer").glob("adding-*.md")) == sorted(RECIPES)


@pytest.mark.parametrize("name", FILES)
def test_a_recipe_lists_its_files_and_says_how_to_check(name):
    text = read(ROOT / f"docs/developer/adding-{name}.md")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[:3] == ["Files", "Steps", "Check"]
    listed = text.partition("## Files")[2].partition("## Steps")[0]
    numbers = re.findall(r"^(\d+)\. `[\w./<>]+`", listed, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, FILES[name] + 1)]


@pytest.mark.parametrize("path", OTHERS, ids=ids)
def test_every_path_of_the_repository_exists(path):
    """A placeholder such as <name> stands for any file of the folder."""
    text = read(path)
    folders = "src|docs|tests|tools|workflow|benchmarks|experiments|profiles|envs"
    for place in re.findall(rf"`((?:{folders})/[\w./<>-]+)`", text):
        wanted = place.rstrip("/")
        if "docs/log" in str(path.parent) or "results/" in place or "..." in place:
            continue  # the log describes the past; results are not in the repository
        if any(word in wanted for word in EXAMPLES):
            continue
        assert list(ROOT.glob(re.sub(r"<\w+>", "*", wanted))), f"{path}: {place}"


@pytest.mark.parametrize("path", OTHERS, ids=ids)
def test_every_name_of_the_package_imports(path):
    if path.parent.name == "log":
        pytest.skip("the log describes the past")
    for name in set(re.findall(r"\brelscale(?:\.\w+)+", read(path))):
        if not any(word in name for word in EXAMPLES) and "<" not in name:
            assert resolves(name), f"{path}: {name}"


def resolves(name):
    """Return whether a dotted name is a module or an attribute of one."""
    module, rest = name, ""
    while module:
        try:
            found = importlib.import_module(module)
        except ImportError:
            module, _, last = module.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
            continue
        return not rest or all(
            (found := getattr(found, part, None)) is not None for part in rest.split(".")
        )
    return False


@pytest.fixture
def package(tmp_path):
    """A copy of the package that a recipe may change."""
    ignored = shutil.ignore_patterns("__pycache__", "native", "*.so")
    return Path(shutil.copytree(ROOT / "src/relscale", tmp_path / "relscale", ignore=ignored))


def replace(path, old, new):
    text = read(path)
    assert text.count(old) == 1, f"{path}: {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(package, program):
    """Run a program with the changed package and return the words that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_recipe_for_a_metric_gives_the_margin(package):
    metric, label, formula, entry = python_blocks("adding-a-metric")
    replace(package / "contract/metrics.py", "_ALL = (\n", f"_ALL = (\n{metric}")
    labels = "METRIC_LABELS = {\n"
    replace(package / "contract/metric_labels.py", labels, labels + label)
    formulas = "FORMULAS: dict[str, Callable[[OptionScores], ItemValues]] = {\n"
    replace(package / "evaluation/metrics.py", formulas, f"{formula}\n\n{formulas}{entry}")
    program = """
import numpy as np
from relscale.contract.metrics import METRICS
from relscale.evaluation.metrics import OptionScores, item_metrics
scores = OptionScores(
    log_likelihood=np.array([-3.0, -1.0, -2.0, -5.0, -1.5]), num_bytes=np.ones(5),
    first=np.array([0, 3, 5]), gold=np.array([1, 3]),
)
name = "choice_margin_nats"
print(*item_metrics([name], scores)[name][0], METRICS[name].unit, METRICS[name].lower_is_better)
"""
    # By hand: -1 - (-2) and -5 - (-1.5).
    assert run(package, program) == ["1.0", "-3.5", "nats", "False"]


def test_the_recipe_for_an_optimiser_gives_gradient_descent(package):
    settings, lists, implementation = python_blocks("adding-an-optimiser")
    place = package / "plan/optimiser.py"
    place.write_text(f"{read(place).partition('Optimiser = ')[0]}{settings}\n\n{lists}")
    folder = package / "training/optimisers"
    (folder / "sgd.py").write_text(implementation, encoding="utf-8")
    optimisers = "OPTIMISERS: dict[str, Callable[..., TorchOptimiser]] = {\n"
    new = f'from relscale.training.optimisers.sgd import Sgd\n\n{optimisers}    "sgd": Sgd,\n'
    replace(folder / "__init__.py", optimisers, new)
    program = """
import torch
from relscale.plan.suite import plan_suite
from relscale.config.suite import Suite
from relscale.training.model import build_decoder, initialise
from relscale.training.optimisers import build_optimiser
recipe = {"name": "chinchilla", "optimiser": "sgd"}
budgets = [{"label": "1e11", "shapes": ["32x1"]}]
suite = Suite.model_validate({"corpora": ["a"], "recipe": recipe, "budgets": budgets})
spec = plan_suite(suite, 64)[0].spec()
decoder = build_decoder(spec.shape, spec.choices)
initialise(decoder, 0)
optimiser = build_optimiser(decoder, spec.optimiser)
weight = decoder.lm_head.weight
before = weight.detach().clone()
for parameter in decoder.parameters():
    parameter.grad = torch.zeros_like(parameter)
weight.grad[0, 0] = 0.5
norm = optimiser.step(0.1)
moved = (before - weight.detach())[0, 0].item() / (0.1 * spec.optimiser.learning_rate)
print(spec.optimiser.kind, norm.item(), round(moved, 4), weight.grad.sum().item())
"""
    # The norm 0.5 is below the norm of clipping, so that the step is the rate times the gradient.
    assert run(package, program) == ["sgd", "0.5", "0.5", "0.0"]


def test_the_recipe_for_a_law_gives_a_table(package):
    table, law = python_blocks("adding-a-law")
    (package / "contract/tables/spread.py").write_text(table, encoding="utf-8")
    (package / "laws/tables/spread.py").write_text(law, encoding="utf-8")
    place = package / "contract/law_tables.py"
    replace(place, "FAMILY_TABLES = (\n", "FAMILY_TABLES = (\n    SPREAD,\n")
    first = "from relscale.contract.tables.surface import SURFACE\n"
    replace(place, first, f"from relscale.contract.tables.spread import SPREAD\n{first}")
    api = read(ROOT / "docs/reference/api.md")
    example = re.findall(r"```python\n(.*?)```", api, re.DOTALL)[0]
    lines = re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", example.partition(">>> joint")[0], re.MULTILINE)
    program = "\n".join(lines) + "\nprint(*found.laws.spread['spread'].round(4))\n"
    # Domains a and b differ by log(3 F^-0.02) - log(2 F^-0.01); the deviation is half of that.
    gaps = [math.log(1.5) - 0.01 * math.log(flops) for flops in (1e18, 1e19, 1e20)]
    assert [float(word) for word in run(package, program)] == pytest.approx(
        [abs(gap) / 2 for gap in gaps],
        abs=1e-4,  # four digits are printed
    )
