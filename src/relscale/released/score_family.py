"""Score a family's texts with released models: losses rows, items, and a record of the scoring."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from relscale.config.families import Family
from relscale.contract.losses import LossesRow, RunColumns
from relscale.evaluation.aggregate import ITEMS_SCHEMA, ScoredFamily, items_table, losses_rows
from relscale.evaluation.bucket_sums import BUCKETS_SCHEMA, POSITIONS_SCHEMA
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.document_parts import part_tables
from relscale.released.lost_texts import NoTextLeftError, warn_of_lost, with_reasons
from relscale.released.models_table import find_model
from relscale.released.opened_model import (
    ModelDescription,
    ReleasedModel,
    TextScores,
    open_released,
)
from relscale.released.spec import EvaluateReleasedSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts of a family: questions or documents."""

    family: str
    """Name of the family."""
    settings: Family
    """Its settings."""
    items: Sequence[TextItem] = field(default=(), repr=False)
    """Questions."""
    documents: Sequence[TextDocument] = field(default=(), repr=False)
    """Documents."""


@dataclass(frozen=True, kw_only=True)
class FamilyScores:
    """The tables of one or several models on a family."""

    losses: list[LossesRow]
    """Losses rows."""
    items: pa.Table
    """Items."""
    buckets: pa.Table
    """Sums by bucket; empty unless asked for."""
    positions: pa.Table
    """Sums by position; empty unless asked for."""
    records: list["ScoringRecord"]
    """The record of each model's scoring."""


@dataclass(frozen=True, kw_only=True)
class ScoringRecord:
    """The record of how a model was scored."""

    run: str
    """Name of the model's run."""
    description: ModelDescription
    """The model, and how it was run."""
    account: dict[str, int | dict[str, int]]
    """Items cut or left out, tokens requested and run."""

    def as_json(self) -> dict[str, object]:
        """Return the record as one flat mapping."""
        return {"run": self.run, **asdict(self.description), **self.account}


def score_family(
    model: ReleasedModel,
    columns: RunColumns,
    texts: Texts,
    stride: int | None = None,
    buckets: bool = False,
) -> FamilyScores:
    """Return the losses rows, items and sums of a model, and the record of its scoring.

    A domain of which too many texts do not come back from the tokenizer's tokens has rows with the
    reason and without values, and no items.

    Args:
        model: the model with its tokenizer.
        columns: columns that describe its run; parameters that are None are counted in the model.
        texts: the texts of a family.
        stride: new tokens of each window of a document after the first.
        buckets: whether to sum the nats of documents also by bucket and by position.

    Raises:
        ValueError: naming the model, the domain or the item that cannot be scored.
    """
    description = model.description()
    run = _with_parameters(columns, description)
    scores: TextScores | None = None
    masked = getattr(texts.settings, "masked_tokens", 0)
    try:
        if texts.documents:
            scores = model.score_documents(
                texts.documents, stride=stride, masked_tokens=masked, by_token=buckets
            )
        else:
            scores = model.score_items(texts.items)
        domains = scores.requests.domains
    except NoTextLeftError as error:
        # The work on other models is not lost: this one has rows with the reason.
        domains = error.domains
    warn_of_lost(model.folder.name, texts.family, domains)
    scored: list[LossesRow] = []
    items = ITEMS_SCHEMA.empty_table()
    sums = BUCKETS_SCHEMA.empty_table(), POSITIONS_SCHEMA.empty_table()
    lost = {domain: found.lost for domain, found in domains.items() if found.lost}
    account: dict[str, int | dict[str, int]] = {
        "items": 0,
        "left_out": {"lost": sum(lost.values())},
    }
    if scores is not None:
        scored, items = _tables(scores, run, texts)
        account = dict(scores.account)
        if buckets:
            sums = part_tables(model, scores, run, texts.family, texts.documents, masked)
    if lost:
        account["lost_by_domain"] = lost
    rows = with_reasons(scored, domains, run, texts.family, texts.settings.reported_metrics())
    excluded = [domain for domain, found in domains.items() if found.reason is not None]
    return FamilyScores(
        losses=rows,
        items=_without(items, excluded),
        buckets=_without(sums[0], excluded),
        positions=_without(sums[1], excluded),
        records=[ScoringRecord(run=run["run"], description=description, account=account)],
    )


def _without(table: pa.Table, domains: Sequence[str]) -> pa.Table:
    """Return the rows of other domains."""
    named = pc.is_in(table["domain"].cast(pa.string()), pa.array(domains, pa.string()))
    return table.filter(pc.invert(named))


def _tables(scores: TextScores, run: RunColumns, texts: Texts) -> tuple[list[LossesRow], pa.Table]:
    """Return the losses rows and the items of scored texts."""
    table = scores.requests.table
    family = ScoredFamily(
        name=texts.family,
        settings=texts.settings,
        requests=table,
        # The corpora of released models are not available, so no overlap is known.
        overlaps=np.zeros(len(table.items), dtype=bool),
    )
    log_likelihood = scores.log_likelihood
    return losses_rows(run, family, log_likelihood), items_table(run, family, log_likelihood)


def score_models(spec: EvaluateReleasedSpec, texts: Texts) -> FamilyScores:
    """Score all models of one IsoFLOP curve, one after another.

    Returns:
        The tables of all models, and the record of each model's scoring.

    Raises:
        ValueError: naming the model that cannot be read or cannot score the texts.
    """
    found: list[FamilyScores] = []
    for number, row in enumerate(spec.models, start=1):
        log.info("%d/%d %s", number, len(spec.models), row.run)
        model = open_released(
            find_model(row.model, spec.folder),
            row.revision,
            max_length=spec.max_length,
            dtype=spec.dtype,
        )
        found.append(score_family(model, row.columns(), texts, spec.stride, spec.buckets))
    return FamilyScores(
        losses=[row for each in found for row in each.losses],
        items=pa.concat_tables([each.items for each in found]).unify_dictionaries(),
        buckets=pa.concat_tables([each.buckets for each in found]).unify_dictionaries(),
        positions=pa.concat_tables([each.positions for each in found]),
        records=[record for each in found for record in each.records],
    )


def _with_parameters(columns: RunColumns, counted: ModelDescription) -> RunColumns:
    """Return columns with the model's parameters where the table has none."""
    run: RunColumns = {**columns}
    if run["num_params_embedding"] is None:
        run["num_params_embedding"] = counted.num_params_embedding
    if run["num_params_head"] is None:
        run["num_params_head"] = counted.num_params_head
    if run["num_params_transformer"] is None:
        run["num_params_transformer"] = counted.num_params_transformer
    if run["num_params_total"] is None:
        run["num_params_total"] = counted.num_params_total
    return run
