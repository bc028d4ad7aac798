"""Start the processes that train one run together. Light imports: no torch.

`torchrun -m relscale.stages.train --processes N ...` also works, with the same variables, but it
hides the exit code of a run that was asked to stop, and kills processes that take more than 30
seconds to save.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

logger = logging.getLogger(__name__)
TRY_AGAIN = 75
"""Exit code of a run that was asked to stop and is saved (EX_TEMPFAIL in sysexits.h)."""


def is_launched() -> bool:
    """Return whether `launch` or torchrun started this process as one of a group."""
    return "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ


def launch(processes: int, module: str, arguments: Sequence[str]) -> int:
    """Run a module in several processes on this machine and return their common exit code.

    A SIGTERM is forwarded to all of them, and they end together with `TRY_AGAIN`. If one fails, the
    others are killed, since they would wait for it without end; the last checkpoint is intact, and
    an error names the process that was lost.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {
        **os.environ,
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    children: list[subprocess.Popen[bytes]] = []
    forwarded: list[int] = []

    def forward(number: int, frame: object) -> None:
        forwarded.append(number)
        for child in children:
            child.send_signal(number)

    before = signal.signal(signal.SIGTERM, forward)
    try:
        for rank in range(processes):
            own = common | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            children.append(subprocess.Popen([sys.executable, "-m", module, *arguments], env=own))
        while True:
            codes = [child.poll() for child in children]
            if failed := [code for code in codes if code not in (None, 0, TRY_AGAIN)]:
                # A process that is stopped while Python starts has nothing to save.
                if forwarded and failed == [-signal.SIGTERM] * len(failed):
                    return TRY_AGAIN
                code = min(failed)  # the loss of a killed process makes the others fail
                logger.error("%s", _lost(codes.index(code), code))
                return code if code > 0 else 128 - code
            if None not in codes:
                return max(code for code in codes if code is not None)
            time.sleep(0.1)
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
            child.wait()
        signal.signal(signal.SIGTERM, before)


def _lost(rank: int, code: int) -> str:
    """Return the error message for a process that failed or was killed."""
    ended = (
        f"was killed by {signal.Signals(-code).name}" if code < 0 else f"failed with code {code}"
    )
    return (
        f"process {rank} {ended}; the other processes of the run were ended. Called again, the job "
        "resumes from the last checkpoint"
    )
