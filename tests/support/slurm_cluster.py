"""A private SLURM of one node, as plain processes: nothing of it outlives its folder, and nothing
outside the folder is changed.

By hand: `python tests/support/slurm_cluster.py start FOLDER`, then `source FOLDER/environment.sh`;
`... stop FOLDER` ends it.
"""

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = (
    "munged",
    "slurmctld",
    "slurmd",
    "sbatch",
    "squeue",
    "scontrol",
    "scancel",
    "sinfo",
    "srun",
)
DAEMONS = ("slurmd", "slurmctld", "munged")
ADMINISTRATORS = "/usr/local/sbin:/usr/sbin:/sbin"
START_S = 60

CONFIGURATION = """\
ClusterName=relscale
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1,defer
KillWait=2
MinJobAge=300
OverTimeLimit=0
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory_mb} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE DefMemPerCPU=512 State=UP
"""


def found(program):
    """Return the path of a program, or None; administrators' folders are searched, too."""
    return shutil.which(program, path=os.pathsep.join([os.environ["PATH"], ADMINISTRATORS]))


def missing_programs():
    """Return the programs of SLURM that are not installed."""
    return [program for program in PROGRAMS if found(program) is None]


def free_port():
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    """A cluster with its configuration, state and logs in one folder."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.host = socket.gethostname().partition(".")[0]

    @property
    def environment(self):
        """The variables with which its commands are called."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"], ADMINISTRATORS])
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def call(self, *command, check=True):
        """Call one of SLURM's programs and return its output."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        if check and done.returncode:
            raise RuntimeError(
                f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}\n{self.logs()}"
            )
        return done.stdout

    def jobs(self, *states):
        """Return {job: name of its state} of the jobs that SLURM knows, tasks of an array one by
        one."""
        lines = self.call(
            "squeue",
            "--noheader",
            "--array",
            "--states",
            ",".join(states) or "all",
            "--format",
            "%i %T",
        ).split("\n")
        return dict(line.split() for line in lines if line.strip())

    def start(self):
        """Start the daemons and wait until the node takes jobs."""
        if missing := missing_programs():
            raise RuntimeError(f"not installed: {', '.join(missing)}")
        for name, mode in (
            ("munge", 0o700),
            ("controller", 0o755),
            ("node", 0o755),
            ("bin", 0o755),
        ):
            (self.folder / name).mkdir(parents=True, mode=mode)
        # Munge wants its key private and its socket reachable.
        (self.folder / "munge").chmod(0o711)
        (self.folder / "munge/socket").mkdir(mode=0o755)
        (self.folder / "munge/private").mkdir(mode=0o700)
        key = self.folder / "munge/private/key"
        key.touch(mode=0o400)
        key.chmod(0o600)
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        memory_mb = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20 * 0.9)
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=self.host,
                user=getpass.getuser(),
                folder=self.folder,
                # Jobs of these tests mostly wait for Snakemake to read its files: more of them than
                # there are cores can run.
                cores=max(4, os.cpu_count() or 1),
                memory_mb=memory_mb,
                controller_port=free_port(),
                node_port=free_port(),
            )
        )
        # Inside a job the plugin drops all variables SLURM_*, with them the place of this
        # configuration: srun gets it back.
        shim = self.folder / "bin/srun"
        shim.write_text(
            f'#!/bin/sh\nexport SLURM_CONF="{self.folder}/slurm.conf"\nexec {found("srun")} "$@"\n'
        )
        shim.chmod(0o755)
        (self.folder / "environment.sh").write_text(
            f'export SLURM_CONF="{self.folder}/slurm.conf"\nexport '
            f'PATH="{self.folder}/bin:$PATH:{ADMINISTRATORS}"\n'
        )
        private = self.folder / "munge/private"
        self._run(
            found("munged"),
            f"--key-file={key}",
            f"--socket={self.folder}/munge/socket/munge.socket",
            f"--seed-file={private}/seed",
            f"--pid-file={self.folder}/munge/socket/munged.pid",
            f"--log-file={private}/munged.log",
        )
        self._run(found("slurmctld"), "-f", str(self.folder / "slurm.conf"), "-c")
        self._run(found("slurmd"), "-f", str(self.folder / "slurm.conf"), "-c")
        self._wait_for_the_node()
        return self

    def _run(self, *command):
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            self.stop()
            raise RuntimeError(
                f"{' '.join(command)}: exit code {done.returncode}: "
                f"{done.stderr}{done.stdout}\n{self.logs()}"
            )

    def _wait_for_the_node(self):
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            state = self.call("sinfo", "--noheader", "--format", "%T", check=False).strip()
            if state == "idle":
                return
            if state.startswith(("down", "drain")):
                self.call(
                    "scontrol", "update", f"NodeName={self.host}", "State=RESUME", check=False
                )
            time.sleep(0.2)
        logs = self.logs()
        self.stop()
        raise RuntimeError(f"the node takes no jobs after {START_S} s:\n{logs}")

    def logs(self):
        """Return the last lines of the daemons' logs."""
        return "\n".join(
            f"{log.name}:\n" + "\n".join(log.read_text().splitlines()[-15:])
            for log in sorted(self.folder.glob("*.log"))
        )

    def stop(self):
        """End its jobs and its daemons, each by the process that it wrote down."""
        if (self.folder / "slurmctld.pid").is_file():
            self.call("scancel", "--user", getpass.getuser(), check=False)
        for name in DAEMONS:
            self._end(
                self.folder / ("munge/socket/munged.pid" if name == "munged" else f"{name}.pid"),
                name,
            )

    def _end(self, pid_file, name):
        try:
            process = int(pid_file.read_text())
            # A number that another program has by now is left alone.
            if name not in Path(f"/proc/{process}/cmdline").read_text():
                return
        except (FileNotFoundError, ValueError):
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            for _ in range(50):
                try:
                    os.kill(process, number if _ == 0 else 0)
                except ProcessLookupError:
                    return
                time.sleep(0.1)


def main():
    """Start or stop a cluster by hand."""
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(f"usage: {sys.argv[0]} start|stop FOLDER")
    cluster = Cluster(sys.argv[2])
    if sys.argv[1] == "start":
        cluster.start()
        print(f"source {cluster.folder}/environment.sh")
    else:
        cluster.stop()


if __name__ == "__main__":
    main()
