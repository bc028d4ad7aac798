"""An expectation that is written down before an experiment is run: `plan predict --config`.

`register_expectation` takes the expectation of `laws.representation` and everything in the
configuration that decides the runs and the result. The file has a digest of itself and is never
replaced, and the digest of the settings says whether the experiment that was run is the one that
was registered.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal

from relscale.config.base import Model
from relscale.config.experiment import Experiment
from relscale.config.load import load_experiment
from relscale.config.representation import Representation
from relscale.planner.registered_file import RegisteredFile
from relscale.provenance.digests import canonical_json


class RegisteredExpectation(RegisteredFile):
    """The file of a registered expectation."""

    words = "a registered expectation"

    kind: Literal["relscale expectation"] = "relscale expectation"
    """Marks the file."""
    experiment: str
    """Name of the experiment."""
    settings_sha256: str
    """SHA-256 of the settings that decide the runs and the result, as canonical JSON."""
    representation: Representation
    """The question, and what is expected."""

    def is_of(self, experiment: Experiment) -> bool:
        """Return whether an experiment is the one that was registered, expectation included."""
        return self.settings_sha256 == settings_digest(experiment)

    def summary(self) -> str:
        """Return the expectation in words."""
        expected = self.representation.expectation
        assert expected is not None
        first, second = self.representation.treatments
        leaning, other = self.representation.ends()
        return (
            f"experiment {self.experiment} (settings SHA-256 {self.settings_sha256[:12]}...),"
            f" expectation of {expected.written}: for {first} against {second}, corpus {leaning}"
            f" minus corpus {other}: level {expected.level}, dbeta of the ratio"
            f" {expected.slope_ratio}, dbeta of the ratio of reducible losses"
            f" {expected.slope_reducible}\n"
        )


def register_expectation(*configuration: Path | str) -> RegisteredExpectation:
    """Return the registered expectation of an experiment.

    Args:
        configuration: config.yaml, then overlays.

    Raises:
        ValueError: if the configuration has a mistake or no `laws.representation.expectation`.
    """
    from relscale import __version__

    experiment = load_experiment(*configuration)
    asked = experiment.laws.representation
    if asked is None or asked.expectation is None:
        raise ValueError(
            f"--config {', '.join(map(str, configuration))}: has no"
            " laws.representation.expectation to register"
        )
    return RegisteredExpectation(
        version=__version__,
        experiment=experiment.experiment,
        settings_sha256=settings_digest(experiment),
        representation=asked,
    ).sealed()


def settings_digest(experiment: Experiment) -> str:
    """Return the SHA-256 of the settings that decide the runs and the result."""
    return hashlib.sha256(canonical_json(_settings(experiment)).encode()).hexdigest()


def _settings(experiment: Experiment) -> dict[str, Any]:
    """Return text, tokenizer, runs, evaluated families and laws, without places or costs.

    Keys at their defaults are left out, so that a key that is added later changes no digest.
    """
    corpora = dict.fromkeys([*experiment.suite.read_corpora, *experiment.tokenizer.trained_on])
    mixtures, sharded = experiment.corpora.mixtures, experiment.corpora.sharded
    of_shards = {name: _given(sharded[name]) for name in corpora if name in sharded}
    return {
        "corpora": _given(experiment.corpora, leave_out={"mixtures", "sharded"}),
        "mixtures": {name: _given(mixtures[name]) for name in corpora if name in mixtures},
        **({"sharded": of_shards} if of_shards else {}),
        "tokenizer": _given(experiment.tokenizer),
        "suite": _given(experiment.suite),
        "families": {name: _given(experiment.families[name]) for name in experiment.evaluate},
        "laws": _given(experiment.laws),
    }


def _given(model: Model, leave_out: set[str] | None = None) -> dict[str, Any]:
    """Return the settings of a model that differ from their defaults."""
    return model.model_dump(mode="json", exclude_defaults=True, exclude=leave_out)
