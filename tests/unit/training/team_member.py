"""One of several processes of a test: trains one small run with the others and, as the leader,
writes what it saw."""

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from relscale.files import read_json, write_json
from relscale.plan.architecture import Choices, Shape
from relscale.training.checkpoint import Checkpoints
from relscale.training.execution import Execution
from relscale.training.torch_process_group import TorchTeam
from relscale.training.torch_trainer import TorchStep
from relscale.training.trainer import InterruptedRunError, train


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    jobs = read_json(folder / "jobs.json")
    tokens = np.fromfile(folder / "tokens.bin", dtype=np.uint16)
    team = TorchTeam(on_gpu=False)
    outcomes = []
    for job in jobs:
        spec, stop_after = job["spec"], job["stop_after"]
        execution = Execution(
            processes=team.size, micro_batch=job["micro_batch"], sharded=job["sharded"]
        )
        model = TorchStep(
            Shape(**spec["shape"]), Choices(), spec["optimiser"], spec["seed"], execution, team
        )
        steps = iter([False] * (stop_after - 1 if stop_after else 10**6))
        # Only the last process is told to stop: all of them must.
        stop = (
            (lambda steps=steps: next(steps, True))
            if team.rank == team.size - 1
            else (lambda: False)
        )
        checkpoints = Checkpoints(folder / job["checkpoints"]) if job["checkpoints"] else None
        try:
            outcome = train(spec, tokens, model, checkpoints=checkpoints, stop=stop, team=team)
            outcomes.append(
                {"curve": [asdict(row) for row in outcome.curve], "reason": outcome.excluded_reason}
            )
        except InterruptedRunError as error:
            outcomes.append({"stopped": str(error)})
        moments = sum(value.numel() for group in held(model) for value in group)
        outcomes[-1] |= {"moments": moments}
        if team.leads and "curve" in outcomes[-1]:
            model.save(folder / job["name"])
    write_json(folder / f"outcomes-{team.rank}.json", outcomes)
    team.close()


def held(model: TorchStep) -> list[list[torch.Tensor]]:
    """The moments that this process keeps."""
    optimiser = model.optimiser
    if hasattr(optimiser, "moments"):
        return [list(moments.values()) for moments in optimiser.moments.values()]
    return [
        [value for key, value in state.items() if key != "step"]
        for state in optimiser.adam.state.values()
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
