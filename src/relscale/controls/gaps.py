"""Losses and gaps of controls by size of text: table `controls`.

G = L(treatment) / L(baseline) of the same model; the interval is over items.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.controls import CONTROLS
from relscale.controls.items import SERIES, DomainNoise, domain_noise, gap_noise
from relscale.controls.spec import ControlledFamily, ControlsSpec

MODEL = ["corpus", "control"]
METRIC = "bits_per_byte"


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """The losses and items of all controls."""

    losses: pd.DataFrame
    """Rows of `relscale.contract.control_losses`."""
    items: pd.DataFrame
    """Their items."""
    spec: ControlsSpec

    @cached_property
    def best(self) -> dict[tuple[str, str, int], int]:
        """Return the order with the lowest loss on the family that locates optima.

        By corpus, control and bytes of text; the loss is the mean over the family's domains. A
        higher order needs more text, as a larger network does, so that this is the n-gram model of
        a size of text as the optimum is the network of a budget.
        """
        rows = self.losses[self.losses["family"] == self.spec.optimum_by].dropna(subset=["value"])
        mean = rows.groupby([*MODEL, *SERIES], observed=True)["value"].mean().reset_index()
        lowest = mean.loc[mean.groupby([*MODEL, "text_bytes"], observed=True)["value"].idxmin()]
        return {
            (row["corpus"], row["control"], row["text_bytes"]): row["order"]
            for row in lowest.to_dict("records")
        }

    def texts(self, corpus: str, control: str) -> list[int]:
        """Return the sizes of text of a control that have a best order, rising."""
        return sorted(size for (one, kind, size) in self.best if (one, kind) == (corpus, control))

    @cached_property
    def noise(self) -> dict[tuple[str, str, str, str], DomainNoise]:
        """Item noise by corpus, control, family and domain; not for domains without items."""
        strata = {family.family: family.over_strata for family in self.spec.families}
        keys = [*MODEL, "family", "domain"]
        found = {}
        for (corpus, control, family, domain), rows in self.items.groupby(keys, observed=True):
            names = (str(corpus), str(control), str(family), str(domain))
            found[names] = domain_noise(rows, names[-1], strata[names[2]], self.spec)
        return found


def control_table(controlled: Controlled) -> pd.DataFrame:
    """Return the table `controls`."""
    rows = [row for family in controlled.spec.families for row in _family_rows(controlled, family)]
    return pd.DataFrame(rows, columns=list(CONTROLS.names))


def _family_rows(controlled: Controlled, family: ControlledFamily) -> Iterator[dict[str, Any]]:
    losses = controlled.losses[controlled.losses["family"] == family.family]
    for loss in losses.to_dict("records"):
        corpus, control, domain = loss["corpus"], loss["control"], loss["domain"]
        model = (int(loss["order"]), int(loss["text_bytes"]))
        reason = loss["excluded_reason"]
        missing = not np.isfinite(loss["value"])
        yield {
            **{name: loss[name] for name in (*MODEL, "family", "metric", "domain")},
            "baseline": family.baseline or "",
            "order": model[0],
            "text_bytes": model[1],
            "best": controlled.best.get((corpus, control, model[1])) == model[0],
            **{name: loss[name] for name in ("value", "standard_error", "num_items", "num_bytes")},
            **_gap(controlled, family, (corpus, control, domain), model),
            **status_columns(
                Status.TEXT_TOO_SHORT if missing else Status.OK, [reason] if missing else []
            ),
        }


def _gap(
    controlled: Controlled,
    family: ControlledFamily,
    place: tuple[str, str, str],
    model: tuple[int, int],
) -> dict[str, float]:
    """Return the gap of a domain and its interval; NaN for the baseline and without values."""
    corpus, control, domain = place
    names = ("gap", "gap_ci_low", "gap_ci_high")
    found = [
        controlled.noise.get((corpus, control, family.family, name))
        for name in (domain, family.baseline or "")
    ]
    treatment, baseline = found
    if domain == family.baseline or treatment is None or baseline is None:
        return dict.fromkeys(names, np.nan)
    if -1 in (*treatment.places([model]), *baseline.places([model])):
        return dict.fromkeys(names, np.nan)
    logs = gap_noise(treatment, baseline, [model]).estimate(np.ones(1), controlled.spec.level)
    return dict(zip(names, np.exp(logs), strict=True))
