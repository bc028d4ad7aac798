"""One process of a group in a test: trains small runs with the others and writes results."""

import os
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from relscale.files import read_json, write_json
from relscale.plan.run_spec import RunSpec
from relscale.training.checkpoint import Checkpoints
from relscale.training.execution import Execution
from relscale.training.loop import Hooks, InterruptedRunError, train
from relscale.training.torch_process_group import TorchProcessGroup
from relscale.training.torch_trainer import TorchTrainer


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    jobs = read_json(folder / "jobs.json")
    tokens = np.fromfile(folder / "tokens.bin", dtype=np.uint16)
    group = TorchProcessGroup(on_gpu=False)
    outcomes = []
    for job in jobs:
        spec, stop_after = RunSpec.model_validate(job["spec"]), job["stop_after"]
        execution = Execution(
            processes=group.world_size,
            micro_batch=job["micro_batch"],
            sharded=job["sharded"],
            fully_sharded=job.get("fully_sharded", False),
            activation_checkpointing=job.get("activation_checkpointing", False),
        )
        trainer = TorchTrainer(
            spec.shape, spec.choices, spec.optimiser, spec.seed, execution, group
        )
        steps = iter([False] * (stop_after - 1 if stop_after else 10**6))
        is_last = group.rank == group.world_size - 1

        def stop(steps=steps, job=job, is_last=is_last):
            # Only the last process is asked to stop, or killed: all of them must end.
            asked = is_last and next(steps, True)
            if asked and job.get("kill", False):
                os.kill(os.getpid(), signal.SIGKILL)
            return asked

        checkpoints = (
            Checkpoints(folder / job["checkpoints"], every_steps=job.get("every_steps"))
            if job["checkpoints"]
            else None
        )
        if checkpoints is not None and group.is_main_process:
            checkpoints.folder.mkdir(exist_ok=True)
        limit = job.get("largest_file_of_the_last") if is_last else None
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            hooks = Hooks(checkpoints=checkpoints, stop=stop)
            outcome = train(spec, tokens, trainer, hooks, group)
            outcomes.append(
                {"curve": [asdict(row) for row in outcome.curve], "reason": outcome.excluded_reason}
            )
        except InterruptedRunError as error:
            outcomes.append({"stopped": str(error)})
        except ValueError as error:
            outcomes.append({"error": str(error)})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        moments = sum(value.numel() for values in kept_moments(trainer) for value in values)
        outcomes[-1] |= {"moments": moments}
        trainer.finish()
        if group.is_main_process and "curve" in outcomes[-1]:
            trainer.save(folder / job["name"])
        write_json(folder / f"outcomes-{group.rank}.json", outcomes)
    group.close()


def kept_moments(trainer: TorchTrainer) -> list[list[torch.Tensor]]:
    """The moments that this process keeps."""
    optimiser = trainer.optimiser
    if hasattr(optimiser, "moments"):
        return [list(moments.values()) for moments in optimiser.moments.values()]
    return [
        [value for key, value in state.items() if key != "step"]
        for state in optimiser.adam.state.values()
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
