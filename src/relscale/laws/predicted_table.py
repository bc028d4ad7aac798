"""Losses, gaps and accuracies of named models: the table `predicted`.

Losses and gaps are read from the laws that `auto` chooses (`relscale.laws.predict`). The accuracy
of a task comes from its loss at the same model by both stages of the two-stage law
(`relscale.laws.two_stages`), one interval for both. `predicted` returns the table of a request.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from relscale.contract.status import status_columns
from relscale.contract.tables.predicted import PREDICTED, TWO_STAGES
from relscale.laws.fit_error import FitError
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.outside_models import notes_on
from relscale.laws.paths import Paths
from relscale.laws.predict import Request, Subject, nothing, predicted_rows
from relscale.laws.tables.predictions import stages_of
from relscale.laws.tables.two_stage import domains_of


def predicted(corpora: Sequence[CorpusFits], request: Request) -> pd.DataFrame:
    """Return the table `predicted` of a request.

    Args:
        corpora: the fits of a family (`relscale.laws.fit.FamilyLaws.corpora`).
        request: the models.

    Raises:
        ValueError: as `Request.places`.
    """
    rows: list[Row] = []
    for corpus in corpora:
        for fits in corpus.metrics:
            rows.extend(predicted_rows(fits, request))
        if corpus.spec.chance is not None:
            rows.extend(accuracy_rows(corpus, request))
    return pd.DataFrame(rows, columns=list(PREDICTED.names))


def accuracy_rows(corpus: CorpusFits, request: Request) -> Iterator[Row]:
    """Return the accuracies of a request by both stages, one row per task and model.

    Their interval is that of the curve, as for losses and gaps. Failures have a status.

    Raises:
        ValueError: as `Request.places`.
    """
    spec = corpus.spec
    paths = Paths(runs=corpus.runs, fits=corpus.isoflop)
    for domain in domains_of(corpus):
        label: Row = {
            "corpus": corpus.runs.corpus,
            "family": spec.family,
            "metric": spec.accuracy_metric,
            **Subject(domain=domain, baseline="").labels,
            "quantity": TWO_STAGES,
        }
        try:
            path, places = request.places(paths, paths.default)
            stages = stages_of(corpus, domain)
            found = stages.predict(places, stages.first.end, new_point=False)
        except FitError as error:
            yield {**label, **nothing(error)}
            continue
        inside = paths.inside(places)
        horizon = np.exp(np.maximum(places.log_compute - paths.compute_range[1], 0.0))
        factor = 1.0 if np.isnan(found.calibration) else found.calibration
        for place, within in enumerate(inside):
            read = found.columns(place)
            yield {
                **label,
                "path": path,
                "law": f"{read['step1']}, sigmoid",
                "compute": float(np.exp(places.log_compute[place])),
                "params": float(np.exp(places.log_params[place])),
                "tokens": float(np.exp(places.log_tokens[place])),
                "value": read["accuracy"],
                "ci_low": read["ci_low"],
                "ci_high": read["ci_high"],
                "ci_level": spec.level,
                "beyond": not within or horizon[place] > 1,
                "horizon": float(horizon[place]),
                "factor": factor,
                **status_columns(
                    found.sigmoid.status,
                    [*found.sigmoid.remarks, *stages.remarks, *notes_on(found, place)],
                ),
            }
