"""Results that a certificate covers: rules by stage, and the columns of laws that readers cite."""

from collections.abc import Mapping
from dataclasses import dataclass

from relscale.contract.table import Table
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.relative import RELATIVE


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the workflow whose results are compared as a whole."""

    name: str
    after: tuple[str, ...]
    """Stages whose results it reads."""
    rules: Mapping[str, tuple[str, ...]]
    """Its rules, each with the names of the outputs that are certified. `FILE[KEY]` is the value of
    a key in a JSON file."""


STAGES = (
    Stage(name="text", after=(), rules={"source": ("manifest.json[files]",)}),
    Stage(
        name="documents",
        after=("text",),
        rules={"documents": ("train.parquet", "validation.parquet")},
    ),
    Stage(
        name="tokenizer",
        after=("documents",),
        rules={"tokenizer": ("tokenizer.json",), "given_tokenizer": ("tokenizer.json",)},
    ),
    Stage(
        name="tokens",
        after=("text", "documents", "tokenizer"),
        rules={
            "shard_plan": (),
            "shard": (),
            "sharded_corpus": ("manifest.json[sha256]",),
            "shards": ("manifest.json[sha256]",),
        },
    ),
    Stage(
        name="requests",
        after=("text", "documents", "tokenizer", "tokens"),
        rules={"family": ("manifest.json[sha256]",), "texts": ("texts.parquet",)},
    ),
    Stage(
        name="plan",
        after=(),
        rules={"suite": ("suite.csv",), "released_models": ("suite.csv",)},
    ),
    Stage(name="weights", after=("plan", "tokenizer", "tokens"), rules={"train": ()}),
    Stage(
        name="losses",
        after=("requests", "plan", "weights"),
        rules={
            "overlap": (),
            "word_counts": (),
            "token_bytes": (),
            "evaluate": (),
            "evaluate_released": (),
            "losses_table": ("suite.csv",),
            "family_losses": (),
            "ngram": (),
            "statistics_of_corpus": (),
            "statistics_of_domains": (),
            "statistics_table": (),
            "losses": ("losses.csv",),
        },
    ),
    Stage(
        name="laws",
        after=("losses",),
        rules={
            "optima": (".csv",),
            "laws": (".csv",),
            "law_table": (".csv",),
            "prompts": (".csv",),
            "correlation": (".csv",),
            "control_tables": (".csv",),
            "statistics_exponents": (".csv",),
            "tuned": (".csv",),
            "compare_suites": (".csv",),
            "conditions": (".csv",),
            "forecast_curves": (".csv",),
            "representation_law": (".csv",),
            "register": (),
            "scores": (".csv",),
            "other_baselines": (".csv",),
        },
    ),
)
"""From text to laws. Pages and figures show the tables of the last one; checks decide nothing."""
CERTIFIED = {rule: names for stage in STAGES for rule, names in stage.rules.items()}


@dataclass(frozen=True, kw_only=True)
class ValueTable:
    """The columns of a table of laws that readers cite."""

    table: Table
    numbers: tuple[str, ...]
    """Columns that are rounded."""
    words: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns other than the key."""
        return (*self.numbers, *self.words)

    @property
    def file(self) -> str:
        """Name of the file in a certificate's folder and in the folder of the laws."""
        return f"{self.table.name}.csv"


VALUE_TABLES = (
    ValueTable(table=RELATIVE, numbers=("dbeta",), words=("verdict", "status")),
    ValueTable(table=ABSOLUTE, numbers=("exponent", "r2"), words=("status",)),
)
