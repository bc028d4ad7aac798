"""Relative scaling laws: how gaps between test domains change with training compute.

The public API is imported on first use, so that `import relscale` is fast: `fit_laws` fits laws to
any table of losses and returns `FittedLaws`, which predicts the models of a `Request`;
`load_experiment` reads and checks a configuration, `plan_suite` lists the runs that it plans, and
`evaluate` scores one model on one family of domains.

Before training, `design` compares suites, `next_model` finds the model to train for a budget,
`add_runs` the run to add to a suite, and `register_predictions` writes down predictions that
`score_predictions` scores later.

Examples:
    >>> import relscale
    >>> experiment = relscale.load_experiment("config.yaml", "experiments/tiny.yaml")
    >>> runs = relscale.plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    >>> len(runs), runs[0].corpus
    (18, 'curated')
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relscale.config.load import load_experiment
    from relscale.laws.predict import Request
    from relscale.laws.run import FittedLaws, fit_laws
    from relscale.plan.suite import plan_suite
    from relscale.planner.added_run import AddRequest, add_runs
    from relscale.planner.candidate_runs import CandidateRun
    from relscale.planner.components import NoiseComponents, noise_components
    from relscale.planner.menu import DesignGoal, DesignMenu, design
    from relscale.planner.named_model import NamedModel
    from relscale.planner.next_answer import NextRequest
    from relscale.planner.next_model import next_model
    from relscale.planner.registered import Register
    from relscale.planner.registered import register as register_predictions
    from relscale.planner.scored import score as score_predictions
    from relscale.released.standalone import evaluate_by_hand as evaluate

    __version__: str

__all__ = [
    "AddRequest",
    "CandidateRun",
    "DesignGoal",
    "DesignMenu",
    "FittedLaws",
    "NamedModel",
    "NextRequest",
    "NoiseComponents",
    "Register",
    "Request",
    "__version__",
    "add_runs",
    "design",
    "evaluate",
    "fit_laws",
    "load_experiment",
    "next_model",
    "noise_components",
    "plan_suite",
    "register_predictions",
    "score_predictions",
]

_PLACES = {
    "AddRequest": ("relscale.planner.added_run", "AddRequest"),
    "CandidateRun": ("relscale.planner.candidate_runs", "CandidateRun"),
    "DesignGoal": ("relscale.planner.menu", "DesignGoal"),
    "DesignMenu": ("relscale.planner.menu", "DesignMenu"),
    "NamedModel": ("relscale.planner.named_model", "NamedModel"),
    "NextRequest": ("relscale.planner.next_answer", "NextRequest"),
    "NoiseComponents": ("relscale.planner.components", "NoiseComponents"),
    "add_runs": ("relscale.planner.added_run", "add_runs"),
    "design": ("relscale.planner.menu", "design"),
    "next_model": ("relscale.planner.next_model", "next_model"),
    "noise_components": ("relscale.planner.components", "noise_components"),
    "FittedLaws": ("relscale.laws.run", "FittedLaws"),
    "Register": ("relscale.planner.registered", "Register"),
    "Request": ("relscale.laws.predict", "Request"),
    "evaluate": ("relscale.released.standalone", "evaluate_by_hand"),
    "fit_laws": ("relscale.laws.run", "fit_laws"),
    "load_experiment": ("relscale.config.load", "load_experiment"),
    "plan_suite": ("relscale.plan.suite", "plan_suite"),
    "register_predictions": ("relscale.planner.registered", "register"),
    "score_predictions": ("relscale.planner.scored", "score"),
}


def __getattr__(name: str) -> object:
    """Import a part of the public API on first use (PEP 562)."""
    if name == "__version__":
        return _version()
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    """Return the names of the public API."""
    return sorted(__all__)


def _version() -> str:
    """Return the version in pyproject.toml: of this checkout, or of the installed package.

    The metadata of an editable installation may be older than the checkout that is imported.
    """
    from importlib.metadata import version
    from pathlib import Path

    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file():
        import tomllib

        content = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        if content["name"] == "relscale":
            return str(content["version"])
    return version("relscale")
