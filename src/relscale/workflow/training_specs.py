"""The spec of a training job, with the step that trains its run.

`implementation: auto` becomes `native` or `torch` here, once for the whole experiment. The choice
is then part of each run's spec, so that no experiment mixes both because a library appeared or
disappeared between its runs.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from relscale.plan.planned_run import Run
from relscale.plan.run_spec import RunSpec
from relscale.training.native_build import Support, available, covers


@dataclass(frozen=True, kw_only=True)
class AutomaticStep:
    """The step of all runs with `implementation: auto` that the native step can train."""

    implementation: Literal["native", "torch"]
    warning: str | None = None
    """A warning for the user, if it is not the native step of this machine."""


def automatic_step(records: Iterable[Path], native: Support | None = None) -> AutomaticStep:
    """Choose the step: native where the library can be used, else that of the finished runs.

    Args:
        records: places of the records of the experiment's runs; some may not exist. They are read
            only if the library cannot be used.
        native: whether the library can be used; None asks.
    """
    native = available() if native is None else native
    if native:
        return AutomaticStep(implementation="native")
    done = [path for path in records if _is_native(path)]
    if done:
        warning = (
            f"{len(done)} runs of this experiment were trained by the native step ({done[0]}), so "
            f"its other runs must be, too, but {native.reason}. Until it is built, no run can be "
            "trained. `suite.recipe.implementation: torch` trains all runs again with torch."
        )
        return AutomaticStep(implementation="native", warning=warning)
    warning = (
        f"torch trains all runs of this experiment, several times more slowly: {native.reason}. "
        "Once the library is built, these runs are stale and trained again with it; "
        "`suite.recipe.implementation: torch` keeps torch."
    )
    return AutomaticStep(implementation="torch", warning=warning)


def training_spec(run: Run, automatic: AutomaticStep) -> RunSpec:
    """Return the spec of a run's training job; its implementation is native or torch."""
    spec = run.spec()
    if spec.implementation != "auto":
        return spec
    covered = covers(spec.shape, spec.choices, spec.optimiser)
    implementation = automatic.implementation if covered else "torch"
    return spec.model_copy(update={"implementation": implementation})


def _is_native(record: Path) -> bool:
    """Return whether a record says that the native step trained the run."""
    try:
        content = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return False
    implementation = content.get("implementation") if isinstance(content, dict) else None
    return isinstance(implementation, str) and implementation.startswith("native")
