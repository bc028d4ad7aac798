"""All checks of `relscale doctor`, in the order in which they are shown."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from relscale.doctor.check import Check, Presence
from relscale.doctor.machine import (
    compiler_check,
    disk_check,
    gpu_check,
    hub_check,
    memory_check,
    native_check,
    shell_check,
    slurm_check,
)
from relscale.doctor.packages import (
    environment_checks,
    package_checks,
    python_check,
    requirements,
)


def all_checks(folder: Path, *, online: bool = False) -> list[Check]:
    """Run every check; nothing is written, and no package is imported for it.

    Args:
        folder: folder whose disk is checked.
        online: whether to try the network.
    """
    # Other programs answer at their own pace, so that all wait at the same time.
    with ThreadPoolExecutor() as threads:
        environment = threads.submit(environment_checks)
        compiler, gpu = threads.submit(compiler_check), threads.submit(gpu_check)
        slurm, hub = threads.submit(slurm_check), threads.submit(hub_check, online)
        return [
            python_check(),
            *package_checks(requirements()),
            _workflow_check(),
            *environment.result(),
            compiler.result(),
            native_check(),
            gpu.result(),
            slurm.result(),
            shell_check(),
            hub.result(),
            disk_check(folder),
            memory_check(),
        ]


def _workflow_check() -> Check:
    """Look for the files of the workflow, which a wheel or a checkout has."""
    from relscale.workflow.project import project_folder

    try:
        place = project_folder()
    except ValueError as error:
        return Check(
            name="workflow files",
            presence=Presence.MISSING,
            detail=str(error),
            without="commands on your own tables work; the demo, `init` and experiments do not",
        )
    return Check(name="workflow files", presence=Presence.FOUND, detail=str(place))
