"""Jobs that an edit must make stale, found independently of the package.

Imports are read from bytecode, and what follows from the graph of files.
"""

import ast
import json
import modulefinder
import re
import subprocess
import sys
from pathlib import Path
from types import CodeType

from relscale.provenance import code as provenance

PLANNER = Path(__file__).with_name("planner.py")


class Planner:
    """A process in a copy of the checkout that tells which jobs Snakemake would run."""

    def __init__(self, checkout):
        """Start it."""
        self.folder = checkout.folder
        self._process = subprocess.Popen(
            [
                sys.executable,
                PLANNER,
                f"experiments/{checkout.experiment}.yaml",
                json.dumps({"downloads": checkout.downloads}),
            ],
            cwd=checkout.folder,
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "PYTHONPATH": str(checkout.folder / "src"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def jobs(self, overlay=None, versions=None):
        """Return the jobs of the workflow that make files; `versions` pretends that libraries have
        these."""
        self._process.stdin.write(
            json.dumps({"overlay": overlay, "versions": versions or {}}) + "\n"
        )
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return [job for job in answer["jobs"] if job["outputs"]]

    def close(self):
        """End it."""
        self._process.stdin.close()
        self._process.wait()


def forget_code():
    """Drop what was remembered of the package's files, which a test may have edited since."""
    for thing in vars(provenance).values():
        if hasattr(thing, "cache_clear"):
            thing.cache_clear()


def named(job):
    """Return the name of a job: its rule and wildcards."""
    return " ".join(
        [job["rule"], *(f"{key}={value}" for key, value in sorted(job["wildcards"].items()))]
    )


def needed(jobs):
    """Return the names of the jobs that Snakemake would run."""
    return sorted(named(job) for job in jobs if job["needed"])


def with_all_that_follows(jobs, is_root):
    """Return the names of the root jobs and of all that are made from their results."""
    stale, names = set(), set()
    while True:
        more = [
            job
            for job in jobs
            if named(job) not in names and (is_root(job) or stale & set(job["inputs"]))
        ]
        if not more:
            return sorted(names)
        for job in more:
            names.add(named(job))
            stale |= set(job["outputs"])


def stage_of(job):
    """Return the module that a job runs."""
    module = re.search(r"python -m (\S+)", job["shell"]).group(1)
    return job["params"]["module"] if module == "{params.module}" else module


def modules_in(source):
    """Return {name of a module: its file} of a package's folder."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


class WithoutTypes(ast.NodeTransformer):
    """Removes imports that only a type checker reads."""

    def visit_If(self, node):
        """Keep the `else` of `if TYPE_CHECKING:`."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse or ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)


def users_of(modules):
    """Return {module: modules that import it, at last, itself among them}, read from the compiled
    code of each."""
    finder = modulefinder.ModuleFinder(path=[])
    direct = {}
    for name, path in modules.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        named_there = {name.rsplit(".", depth)[0] for depth in range(name.count(".") + 1)}
        text = path.read_text()
        if "iter_modules(__path__)" in text:  # a package that imports all its modules
            named_there |= {one for one in modules if one.rpartition(".")[0] == name}
        tree = WithoutTypes().visit(ast.parse(text))
        for code in _codes(compile(tree, str(path), "exec")):
            for kind, what in finder.scan_opcodes(code):
                if kind == "absolute_import":
                    names, base = what
                elif kind == "relative_import":
                    level, names, base = what
                    above = package.split(".")[: package.count(".") + 2 - level]
                    base = ".".join([*above, base] if base else above)
                else:
                    continue
                named_there |= {base, *(f"{base}.{one}" for one in names or ())}
        direct[name] = {
            one.rsplit(".", depth)[0] for one in named_there for depth in range(one.count(".") + 1)
        } & set(modules)
    users = {name: {name} for name in modules}
    for name in modules:
        todo, seen = [name], set()
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += direct[one]
        for one in seen:
            users[one].add(name)
    return users


def _codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
