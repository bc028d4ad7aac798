"""Checks of the machine: compiler, native training step, GPU, scheduler, hub, disk and memory."""

import os
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from relscale.doctor.check import Check, Presence

SECONDS = 2.0
"""Longest wait for another program."""
HUB, HUB_SECONDS = "huggingface.co", 3.0
"""Host of the hub, and the longest wait for it."""
GB = 1e9
LEAST_DISK_GB, LEAST_MEMORY_GB = 2.0, 2.0
"""Below these the default experiment may not fit: it keeps about 1 GB of packages, corpora and
results, and one process needs up to 1 GB."""
QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
CGROUP = Path("/sys/fs/cgroup/memory.max")


def output_of(command: Sequence[str]) -> tuple[str, str]:
    """Run a program; return its output and the problem with it, one of them empty."""
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return "", f"does not answer within {SECONDS:g} seconds"
    except OSError as error:
        return "", f"cannot be started: {error.strerror}"
    if done.returncode == 0 and done.stdout.strip():
        return done.stdout.strip(), ""
    words = (done.stderr.strip() or "no output").splitlines()[0]
    return "", f"ends with exit code {done.returncode}: {words}"


def compiler_check() -> Check:
    """Look for a C compiler: that of CC, that of this Python, cc, gcc, clang."""
    stated = os.environ.get("CC") or str(sysconfig.get_config_var("CC") or "")
    names = [*stated.split()[:1], "cc", "gcc", "clang"]
    place = next((found for name in names if (found := shutil.which(name))), None)
    if place is not None:
        text, problem = output_of([place, "--version"])
        words = problem or text.splitlines()[0]
        presence = Presence.MISSING if problem else Presence.FOUND
        detail = f"{place} ({words})"
    else:
        presence, detail = Presence.MISSING, f"none of {', '.join(names)} is in PATH"
    without = (
        "an installed package keeps its compiled training step; a new installation trains with "
        "torch"
    )
    return Check(
        name="C compiler",
        presence=presence,
        detail=detail,
        without="" if presence is Presence.FOUND else without,
    )


def native_check() -> Check:
    """Check whether the compiled training step can be used on this machine."""
    from relscale.training.native_build import UnavailableError, load_library

    name = "native training step"
    try:
        library = load_library()
    except UnavailableError as error:
        return Check(
            name=name,
            presence=Presence.MISSING,
            detail=str(error),
            without="small models train with torch, more slowly; everything else works",
        )
    slow = ", which emulates an instruction and is slow" if library.is_emulated else ""
    return Check(name=name, presence=Presence.FOUND, detail=f"level {library.level}{slow}")


def gpu_check() -> Check:
    """Look for GPUs with nvidia-smi, and compare them with the build of torch."""
    without = (
        "the default experiment and all laws need no GPU; released models (`released.gpu`) and "
        "large runs do"
    )
    program = shutil.which("nvidia-smi")
    listed, problem = ("", "is not in PATH") if program is None else output_of([program, *QUERY])
    if problem:
        return Check(
            name="GPU", presence=Presence.MISSING, detail=f"nvidia-smi {problem}", without=without
        )
    gpus = [line.strip() for line in listed.splitlines() if line.strip()]
    detail = f"{len(gpus)}: {gpus[0]}"
    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = ""
    if torch and not torch.endswith("+cpu"):
        return Check(name="GPU", presence=Presence.FOUND, detail=detail)
    return Check(
        name="GPU",
        presence=Presence.MISSING,
        detail=f"{detail}; torch {torch or 'is not installed'} cannot use it",
        without=f"{without}; install a CUDA build of torch (make env TORCH=...)",
    )


def slurm_check() -> Check:
    """Look for SLURM's sbatch."""
    place = shutil.which("sbatch")
    text, problem = ("", "is not in PATH") if place is None else output_of([place, "--version"])
    if not problem:
        return Check(name="SLURM", presence=Presence.FOUND, detail=f"{text}, {place}")
    return Check(
        name="SLURM",
        presence=Presence.MISSING,
        detail=f"{place or 'sbatch'} {problem}",
        without="the workflow runs on this machine; `--profile profiles/slurm` needs SLURM",
    )


def shell_check() -> Check:
    """Look for bash, which runs the workflow's rules, and make, which has the main commands."""
    absent = [name for name in ("bash", "make") if shutil.which(name) is None]
    if not absent:
        return Check(name="bash, make", presence=Presence.FOUND, detail="both in PATH")
    return Check(
        name="bash, make",
        presence=Presence.MISSING,
        detail=f"not in PATH: {', '.join(absent)}",
        without="commands of relscale work; the workflow needs bash, and make in a checkout",
    )


def hub_check(online: bool) -> Check:
    """Check the access to the hub: the packages of the extra, a token, and with `online` the host.

    Args:
        online: whether to open a connection, which is closed at once.
    """
    name, absent = "hub", []
    for package in ("huggingface_hub", "datasets"):
        try:
            version(package)
        except PackageNotFoundError:
            absent.append(package)
    without = "text of packages and of this machine works; sources, models and datasets of the hub "
    problem = reach(HUB, 443) if online else ""
    if absent:
        answer = f"cannot be reached: {problem}" if problem else "answers"
        return Check(
            name=name,
            presence=Presence.MISSING,
            detail=f"not installed: {', '.join(absent)}{f'; {HUB} {answer}' if online else ''}",
            without=f"{without}need `pip install relscale[hub]`",
        )
    token = "a token is in HF_TOKEN" if os.environ.get("HF_TOKEN") else "no token in HF_TOKEN"
    if not online:
        detail = f"installed, {token}; --online also tries the network"
        return Check(name=name, presence=Presence.NOT_TRIED, detail=detail)
    if problem:
        return Check(
            name=name,
            presence=Presence.MISSING,
            detail=f"{HUB} cannot be reached: {problem}",
            without=f"{without}do not",
        )
    return Check(name=name, presence=Presence.FOUND, detail=f"{HUB} answers, {token}")


def reach(host: str, port: int) -> str:
    """Open a connection and close it; return the problem, "" if there is none."""
    try:
        socket.create_connection((host, port), timeout=HUB_SECONDS).close()
    except OSError as error:
        return str(error) or type(error).__name__
    return ""


def disk_check(folder: Path) -> Check:
    """Check the free disk space of a folder."""
    free = shutil.disk_usage(folder).free / GB
    detail = f"{free:,.1f} GB free in {folder.resolve()}"
    if free >= LEAST_DISK_GB and os.access(folder, os.W_OK):
        return Check(name="disk", presence=Presence.FOUND, detail=detail)
    is_full = free < LEAST_DISK_GB
    return Check(
        name="disk",
        presence=Presence.MISSING,
        detail=detail if is_full else f"{folder.resolve()} cannot be written to",
        without=f"laws of a table need some MB; an experiment needs about {LEAST_DISK_GB:g} GB",
    )


def memory_check(limit: Path = CGROUP) -> Check:
    """Check memory and cores, and the limits of a container.

    Args:
        limit: file of the container's limit in bytes; "max" is none.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        allowed = int(limit.read_text())
    except (OSError, ValueError):
        allowed = total
    usable = min(total, allowed) / GB
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    detail = f"{usable:,.1f} GB, {cores} cores"
    if usable >= LEAST_MEMORY_GB:
        return Check(name="memory, cores", presence=Presence.FOUND, detail=detail)
    return Check(
        name="memory, cores",
        presence=Presence.MISSING,
        detail=detail,
        without=f"laws of a table work; use CORES=1 for an experiment (a process needs up to "
        f"{LEAST_MEMORY_GB / 2:g} GB)",
    )
