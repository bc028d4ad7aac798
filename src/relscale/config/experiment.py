"""The configuration as a whole: one field per section."""

from typing import Annotated

from pydantic import AfterValidator, Field

from relscale.config.analysis import Laws
from relscale.config.base import Model, Name, Unique
from relscale.config.controls import Control, Ngram
from relscale.config.corpora import Corpora, Tokenizer
from relscale.config.corpus_statistics import CorpusStatistics
from relscale.config.costs import Costs
from relscale.config.families import AnyFamily
from relscale.config.figures import Figures
from relscale.config.losses import LossesTable
from relscale.config.released import ReleasedModels
from relscale.config.sources import Source
from relscale.config.suite import Suite
from relscale.config.training import Training
from relscale.config.tuning import Frontier

RESERVED = ("shared",)
"""Folders of results, logs and records that belong to no experiment."""


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError("is the folder of results that all experiments share: take another name")
    return name


ExperimentName = Annotated[Name, AfterValidator(_not_reserved)]
"""The name of an experiment, and of its folders."""


class Experiment(Model):
    """A whole experiment."""

    experiment: ExperimentName
    """Name of the experiment's folder in `results/`."""
    downloads: str | None = None
    """Folder of packages downloaded before, used instead of the network. Not part of any
    result."""
    sources: dict[Name, Source]
    """Where text comes from."""
    corpora: Corpora
    """Which texts models are trained on."""
    tokenizer: Tokenizer
    """How text becomes tokens."""
    suite: Suite
    """Which models are trained."""
    released: ReleasedModels | None = None
    """Released models to evaluate instead of trained runs; `corpora`, `tokenizer` and `suite` are
    then not used."""
    losses: LossesTable | None = None
    """A table of losses to make laws from, instead of trained runs; `corpora`, `tokenizer`,
    `suite` and `training` are then not used, and families are of kind `table`. Defaults of
    `evaluate`, `laws.optimum_by` and `figures` fit the table (docs/user/losses-table.md)."""
    training: Training = Training()
    """How often training saves its state, and which resources it asks for."""
    evaluate: Annotated[Unique[Name], Field(min_length=1)]
    """Families on which every run is evaluated (keys of `families`)."""
    families: dict[Name, AnyFamily]
    """Domains that are compared with each other."""
    controls: Unique[Control] = []
    """Simple models that are trained on the same corpora and scored on the same items as the runs,
    in families with `bits_per_byte`. Experiments that train nothing have none."""
    ngram: Ngram = Ngram()
    """Settings of the control `ngram`; not used without it."""
    corpus_statistics: CorpusStatistics | None = None
    """Statistics of the corpora and of the text of the domains, next to the exponents; none if left
    out. Experiments that train nothing have none."""
    tuning: dict[Name, Frontier] = {}
    """Tuned frontiers, by the name that stands for each in tables: verdicts at the settings with
    the lowest validation loss at every size, next to those of the first member's settings."""
    laws: Laws
    """How laws are fitted and judged."""
    figures: Figures
    """Which figures are drawn."""
    costs: Costs
    """Assumptions of the plan's cost estimate."""

    def __repr__(self) -> str:
        """Return one line; `model_dump()` has all settings."""
        return (
            f"<Experiment {self.experiment!r}: families {', '.join(self.evaluate)}; "
            "see model_dump()>"
        )
