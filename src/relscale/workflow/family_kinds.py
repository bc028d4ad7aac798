"""Facts about a family that depend on other families, on a corpus or on the laws."""

from collections.abc import Mapping

from relscale.config.analysis import TwoStage
from relscale.config.families import AnyFamily


def text_sources(families: Mapping[str, AnyFamily], name: str) -> list[str]:
    """Return the sources that a family's text is read from, in the order of `Family.sources`.

    A family whose text is part of a corpus has none.
    """
    of_text = families[name].text_family(name)
    return [] if of_text is None else families[of_text].sources()


def corpus_of_text(family: AnyFamily, corpus: str) -> str | None:
    """Return the corpus that the family's text for the runs of a corpus is part of, else None."""
    return family.text_corpus(corpus)


def text_option(family: AnyFamily) -> str:
    """Return the command-line option under which a stage takes the family's text."""
    return "--validation" if family.of_corpus else "--source"


def two_stage_options(family: AnyFamily, axes: TwoStage) -> int | None:
    """Return the number of options of a family to which the two-stage law applies, else None.

    The law needs a choice among a fixed number of options and both of its metrics.
    """
    needed = {axes.loss_metric, axes.accuracy_metric}
    return family.fixed_options() if needed <= set(family.reported_metrics()) else None
