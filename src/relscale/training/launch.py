"""Starting the processes that train one run together. Light imports: no torch.

`torchrun -m relscale.stages.train --processes N ...` works as well, with the same variables. What
it does not do is why this is here: it hides the exit code of a run that was asked to stop, and
kills processes that take more than 30 seconds to save.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

TRY_AGAIN = 75
"""Exit code of a run that was asked to stop and is saved (EX_TEMPFAIL of sysexits)."""


def is_member() -> bool:
    """Tell whether this process was started as one of several, by `launch` or by torchrun."""
    return "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ


def launch(processes: int, module: str, arguments: Sequence[str]) -> int:
    """Run a module in several processes on this machine and return their common exit code.

    A SIGTERM goes on to all of them, and they end together with `TRY_AGAIN`. Where one fails, the
    others, which would wait for it for ever, are killed; the last checkpoint is intact.
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
    members: list[subprocess.Popen[bytes]] = []

    passed: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        passed.append(number)
        for member in members:
            member.send_signal(number)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        for rank in range(processes):
            own = common | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            members.append(subprocess.Popen([sys.executable, "-m", module, *arguments], env=own))
        while True:
            codes = [member.poll() for member in members]
            if failed := [code for code in codes if code not in (None, 0, TRY_AGAIN)]:
                # One that is stopped before it has begun, while Python starts, has nothing to save.
                if passed and failed == [-signal.SIGTERM] * len(failed):
                    return TRY_AGAIN
                return failed[0] if failed[0] > 0 else 128 - failed[0]
            if None not in codes:
                return max(code for code in codes if code is not None)
            time.sleep(0.1)
    finally:
        for member in members:
            if member.poll() is None:
                member.kill()
            member.wait()
        signal.signal(signal.SIGTERM, before)
