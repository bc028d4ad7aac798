"""Write the planned runs as a table, and their cost as text."""

from pathlib import Path

from relscale.files import write_text
from relscale.plan.cost import bill
from relscale.plan.spec import SuiteSpec
from relscale.plan.suite import plan_suite, suite_csv
from relscale.resources.report import gpu_jobs_report
from relscale.runtime import run


def main(*, spec: SuiteSpec, out: Path, out_bill: Path) -> None:
    """Plan the suite and write suite.csv and the bill."""
    runs = plan_suite(spec.suite, spec.vocab_size)
    text = bill(runs, spec.costs)
    if spec.training is not None:
        text += gpu_jobs_report(runs, spec.training, spec.costs, spec.tokens_to_score)
    write_text(out, suite_csv(runs))
    write_text(out_bill, text)


if __name__ == "__main__":
    run(main)
