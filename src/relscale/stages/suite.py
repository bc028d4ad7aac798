"""Write the planned runs as a table, and what they cost."""

import argparse
import json
from pathlib import Path
from typing import Any

from relscale.config.costs import Costs
from relscale.config.suite import Suite
from relscale.config.training import Training
from relscale.files import write_text
from relscale.plan.cost import bill
from relscale.plan.suite import Run, plan_suite, suite_csv
from relscale.resources.report import gpu_jobs_report
from relscale.runtime import run


def _jobs(spec: dict[str, Any], runs: list[Run], costs: Costs) -> str:
    """Return what jobs on GPUs ask for; a suite on the CPU has no `training` in its spec."""
    return (
        gpu_jobs_report(runs, Training.model_validate(spec["training"]), costs, spec["tokens_to_score"])
        if "training" in spec
        else ""
    )


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--out-bill", required=True, type=Path)
    args = parser.parse_args(argv)
    runs = plan_suite(Suite.model_validate(args.spec["suite"]), args.spec["vocab_size"])
    write_text(args.out, suite_csv(runs))
    costs = Costs.model_validate(args.spec["costs"])
    write_text(args.out_bill, bill(runs, costs) + _jobs(args.spec, runs, costs))


if __name__ == "__main__":
    run(main)
