"""Run tests on every kind of processor that this machine can act as (`make levels`).

Three things depend on the processor: the level of instructions of the native step, the number of
threads of torch, and the kernels of linear algebra of numpy and scipy. Each is set in turn, and the
tests that depend on it run. The last lines list the outcomes, and the cases that were not run, with
the reason. Only the standard library is imported.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass

NATIVE = (
    "tests/unit/training/test_native_trainer.py",
    "tests/unit/evaluation/test_native_model.py",
)
TRAINING = ("tests/unit/training",)
LAWS = ("tests/unit/laws",)
THREADS = (1, 2)
PROBE = (
    "import sys; sys.path.insert(0, 'tests/support')\n"
    "from native_levels import levels\n"
    "from processors import KERNELS\n"
    "from relscale.training.native_build import LEVELS\n"
    "for name in LEVELS: print('level', name, int(name in levels()))\n"
    "for name, has in KERNELS.items(): print('kernel', name, int(has))\n"
)
"""Prints what this machine has; run by the interpreter of the environment."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of processor, and the tests that depend on it."""

    name: str
    tests: tuple[str, ...]
    environment: dict[str, str]
    options: tuple[str, ...] = ()
    reason: str = ""
    """Why it is not run; empty if it is."""


def cases() -> list[Case]:
    """Return all cases, with those that this machine cannot run."""
    told = subprocess.run(
        [sys.executable, "-c", PROBE], check=True, capture_output=True, text=True
    ).stdout
    found = []
    for line in told.splitlines():
        kind, name, has = line.split()
        reason = "" if has == "1" else "this processor does not have it"
        if kind == "level":
            option = ("--level", name)
            found.append(
                Case(
                    name=f"native step, {name}",
                    tests=NATIVE,
                    environment={},
                    options=option,
                    reason=reason,
                )
            )
        else:
            kernel = {"OPENBLAS_CORETYPE": name}
            found.append(
                Case(name=f"OpenBLAS, {name}", tests=LAWS, environment=kernel, reason=reason)
            )
    for number in THREADS:
        few = (os.cpu_count() or 1) < number
        found.append(
            Case(
                name=f"torch, {number} thread(s)",
                tests=TRAINING,
                environment={"OMP_NUM_THREADS": str(number)},
                reason="this machine has fewer cores" if few else "",
            )
        )
    return found


def main() -> None:
    """Run all cases, and list the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run the cases whose names contain this text")
    only = parser.parse_args().only
    outcomes = []
    failed = False
    for case in cases():
        if only not in case.name:
            continue
        if case.reason:
            outcomes.append((case.name, f"not run: {case.reason}"))
            continue
        print(f"--- {case.name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *case.options, *case.tests],
            env={**os.environ, **case.environment},
            check=False,
        )
        failed = failed or done.returncode != 0
        outcomes.append((case.name, "failed" if done.returncode else "passed"))
    print()
    for name, outcome in outcomes:
        print(f"{name:<28}{outcome}")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
