"""The runs of the paper's experiment."""

from pathlib import Path

from relscale.config.load import load_config, merged, read_yaml
from relscale.plan.planned_run import Run
from relscale.plan.suite import plan_suite

ROOT = Path(__file__).parents[2]
GB = 10**9


def paper_runs() -> list[Run]:
    """Return the 85 runs of one corpus: 22 sizes at the paper's budgets."""
    contents = [read_yaml(ROOT / name) for name in ("config.yaml", "experiments/paper.yaml")]
    experiment = load_config(merged(contents), [("test", content) for content in contents])
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    found = [run for run in runs if run.corpus == runs[0].corpus]
    assert len(found) == 85
    return found
