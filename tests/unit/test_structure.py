"""The structure of the package: directions of imports, light imports, and unique names."""

import ast
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/relscale"

FLOW = (
    "files",
    "runtime",
    "contract",
    "config",
    "losses_table",
    "plan",
    "provenance",
    "text",
    "training",
    "evaluation",
    "resources",
    "released",
    "importers",
    "laws",
    "controls",
    "corpus_statistics",
    "planner",
    "figures",
    "compare",
    "pages",
    "workflow",
    "start",
    "doctor",
    "hub",
    "runner",
    "cli",
)
"""Packages and modules at the root; each may import those before it."""
AFTER_THE_LOSSES = {"laws", "figures", "compare", "pages"}
"""Packages that a table of losses is enough for."""
BEFORE_THE_LOSSES = {
    "plan",
    "provenance",
    "text",
    "training",
    "evaluation",
    "resources",
    "released",
}
AGAINST_THE_FLOW = {
    # The check of a configuration also plans the suite, to report all problems at once.
    ("relscale.config.checks.suite", "relscale.plan.arms"),
    ("relscale.config.checks.suite", "relscale.plan.suite"),
    # A recipe is one class with its settings and its formulas.
    ("relscale.config.suite", "relscale.plan.recipes"),
    # The result of `fit_laws` draws itself. No stage imports this module.
    ("relscale.laws.run", "relscale.figures.of_laws"),
}
HEAVY = {"torch", "pandas", "scipy", "pyarrow", "matplotlib", "transformers", "datasets"}
"""Libraries that planning must not import."""


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name):
    """Return the modules of the package that a module imports anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: imports are absolute"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {one for one in found if one in MODULES} - {name, "relscale"}


IMPORTS = {name: imports_of(name) for name in MODULES}


def head(name):
    """Return the package below relscale, or the module at its root."""
    return name.split(".")[1] if "." in name else ""


def test_the_root_has_at_most_six_modules():
    assert {path.stem for path in PACKAGE.glob("*.py")} <= {
        "__init__",
        "__main__",
        "files",
        "hub",
        "runtime",
    }


def test_every_package_has_a_place_in_the_flow():
    heads = {head(name) for name in MODULES} - {"", "__main__", "stages"}
    assert heads == set(FLOW) and len(set(FLOW)) == len(FLOW)


def test_no_import_goes_against_the_flow():
    place = {name: index for index, name in enumerate(FLOW)}
    against = {
        (name, imported)
        for name, found in IMPORTS.items()
        for imported in found
        if head(name) in place and head(imported) in place
        if place[head(imported)] > place[head(name)]
    }
    assert against - AGAINST_THE_FLOW == set()


def test_nothing_imports_stages():
    assert {
        (name, imported)
        for name, found in IMPORTS.items()
        for imported in found
        if head(imported) == "stages"
    } == set()


def test_laws_figures_and_pages_need_only_a_table_of_losses():
    assert {
        (name, imported)
        for name, found in IMPORTS.items()
        for imported in found
        if head(name) in AFTER_THE_LOSSES and head(imported) in BEFORE_THE_LOSSES
    } == set()


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: found for name, found in IMPORTS.items() if name != "relscale"}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def planned_modules():
    """Return the modules that the Snakefile loads, and all modules of specs."""
    rules = (ROOT / "workflow/rules/common.smk").read_text()
    python = rules.partition("\nwildcard_constraints:")[0]
    found = set()
    for node in ast.walk(ast.parse(python)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("relscale"):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    specs = {name for name in MODULES if name.endswith(".spec") or head(name) == "workflow"}
    return sorted((found & set(MODULES)) | specs)


def test_planning_imports_no_heavy_library():
    modules = planned_modules()
    assert len(modules) > 10
    script = f"import sys, {', '.join(modules)}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(PACKAGE.parent)},
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & HEAVY == set()


def test_no_two_public_classes_have_one_name():
    places = defaultdict(list)
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert shared == {}
