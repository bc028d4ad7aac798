"""Buckets: the slope of each kind of byte and of each frequency of words, for one family."""

from relscale.figures.context import Context, bucket_family, law_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


class BucketsSettings(FamilySettings):
    """Settings of the figure of buckets."""

    corpus: str = ""
    """Corpus that is shown; empty for the first of the tables."""


def _settings_of(context: Context) -> BucketsSettings:
    common = settings_of_family(BucketsSettings, context, bucket_family(context))
    return common.model_copy(update={"corpus": context.corpus})


FIGURE = Figure(
    name="buckets",
    category=Category.DIAGNOSTICS,
    caption=(
        "Slopes dbeta of the gaps of one family on one corpus, for whole texts and for each bucket "
        "of bytes, with 95 % intervals: by kind of byte (top) and by the frequency of words in the "
        "training corpus (bottom). Filled marks differ from 0 after Holm's adjustment over all "
        "corpora, treatments and buckets of a partition. Source: laws/buckets.csv."
    ),
    tables=law_tables(lambda context: [bucket_family(context)], "buckets"),
    settings=BucketsSettings,
    settings_of=_settings_of,
    family=bucket_family,
)
