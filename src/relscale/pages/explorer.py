"""The explorer: one self-contained page over the losses and laws, drawn by Vega with its script
inside."""

import html
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import vl_convert

from relscale.figures.kit.choose import compute_of, included, ordered, pick
from relscale.figures.kit.command import Tables, settings, table
from relscale.figures.kit.style import (
    MARKERS,
    colours,
    compute_label,
    ink,
    is_error,
    metric_label,
    words,
)
from relscale.pages.frame import compressed

DEFAULTS: dict[str, Any] = {
    "experiment": "",
    "families": [],
    "corpora": [],
    "labels": {},
    "compute": "training_flops",
    "extrapolate_decades": 1.0,
}
"""Keys of the spec: `families` lists {family, metrics, baseline, domains}; a family that only the
tables have is shown after these. Estimators, metrics and columns come from the tables."""
RUN_COLUMNS = ("run", "corpus", "budget", "seed", "num_params_total", "tokens")
SHAPES = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
}
"""Vega's names of the figures' markers; those that it lacks are drawn as circles."""
SIGNIFICANT = 7
"""Significant digits of numbers in the page; the tables beside it have all."""


def explorer_page(tables: Tables, spec: Mapping[str, Any], template: str, script: str) -> str:
    """Return the page.

    Args:
        tables: losses, points, absolute, relative; and `baselines`: relative laws against other
            baselines.
        spec: `DEFAULTS`.
        template: the page's HTML, with `@TITLE@` where the experiment's name goes, and `@DATA@`,
            `@VEGA@` and `@SCRIPT@` once.
        script: the page's own script.

    Raises:
        ValueError: for an unknown key of the spec, or a template that has not each place once.
    """
    chosen = settings(spec, DEFAULTS)
    data = json.dumps(
        payload(tables, chosen), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    places = {
        "@DATA@": compressed(data),
        "@VEGA@": compressed(vl_convert.javascript_bundle()),  # type: ignore[call-arg] # its stub lacks the default
        "@SCRIPT@": script,
    }
    lacking = [place for place in places if template.count(place) != 1]
    if lacking:
        raise ValueError(f"the explorer's template must have {', '.join(lacking)} once")
    parts, rest = (
        [],
        template.replace("@TITLE@", html.escape(str(chosen["experiment"]) or "results")),
    )
    for place in sorted(places, key=template.index):
        before, _, rest = rest.partition(place)
        parts += [before, places[place]]
    return "".join([*parts, rest])


def payload(tables: Tables, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that the page knows, as plain values.

    Args:
        tables: as for `explorer_page`; one that is not there is empty.
        chosen: a filled-up spec.
    """
    losses, relative = table(tables, "losses"), table(tables, "relative")
    relative = relative.assign(own=True)
    if len(tables.get("baselines", ())):
        relative = pd.concat([relative, tables["baselines"].assign(own=False)], ignore_index=True)
    corpora = ordered(chosen["corpora"], losses["corpus"], relative["corpus"])
    runs, values = _split(losses, chosen["compute"])
    return {
        "compute": {"column": chosen["compute"], "label": compute_label(chosen["compute"])},
        "decades": chosen["extrapolate_decades"],
        "corpora": [
            {
                "name": name,
                "label": words(name, chosen["labels"]),
                "shape": SHAPES.get(MARKERS[k % len(MARKERS)], "circle"),
            }
            for k, name in enumerate(corpora)
        ],
        "metrics": {
            name: {"label": metric_label(name), "words": words(name), "error": is_error(name)}
            for name in ordered([], losses["metric"], relative["metric"])
        },
        "families": [family for family in _families(losses, relative, chosen) if family["metrics"]],
        "estimators": ordered(
            [], table(tables, "relative")["estimator"], table(tables, "absolute")["estimator"]
        ),
        "runs": pack(runs),
        "losses": pack(values),
        "points": pack(table(tables, "points")),
        "absolute": pack(table(tables, "absolute")),
        "relative": pack(relative),
    }


def pack(frame: pd.DataFrame) -> dict[str, Any]:
    """Turn a table into columns: numbers as they are (to `SIGNIFICANT` digits), text as places in a
    list of its values.

    An empty cell is null. Numbers that are not finite are null, too, since JSON has no name for
    them.
    """
    packed: dict[str, Any] = {}
    for name in map(str, frame.columns):
        column = frame[name]
        if column.dtype == bool or (
            pd.api.types.is_numeric_dtype(column) and name not in ("budget", "held_out_budget")
        ):
            packed[name] = [_plain(value) for value in column.tolist()]
            continue
        texts = [None if pd.isna(value) or value == "" else str(value) for value in column.tolist()]
        known = list(dict.fromkeys(text for text in texts if text is not None))
        place = {text: k for k, text in enumerate(known)}
        packed[name] = {
            "texts": known,
            "places": [None if text is None else place[text] for text in texts],
        }
    return packed


def _plain(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        return None
    return (
        int(number)
        if number.is_integer() and abs(number) < 2**53
        else float(f"{number:.{SIGNIFICANT}g}")
    )


def _split(losses: pd.DataFrame, compute: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split losses into one row a run and one row a value; an excluded run has no values."""
    columns = [name for name in RUN_COLUMNS if name in losses.columns]
    runs = losses.assign(compute=compute_of(losses, compute)).drop_duplicates(["corpus", "run"])[
        [*columns, "compute"]
    ]
    place = {key: k for k, key in enumerate(zip(runs["corpus"], runs["run"], strict=True))}
    kept = losses[included(losses)]
    values = kept[["family", "domain", "metric", "value"]].assign(
        at=[place[key] for key in zip(kept["corpus"], kept["run"], strict=True)],
        standard_error=kept["standard_error"] if "standard_error" in kept.columns else math.nan,
    )
    return runs.reset_index(drop=True), values


def _families(
    losses: pd.DataFrame, relative: pd.DataFrame, chosen: Mapping[str, Any]
) -> list[dict[str, Any]]:
    told = {str(family["family"]): family for family in chosen["families"]}
    found = []
    for name in ordered(list(told), losses["family"], relative["family"]):
        rows, laws, family = (
            pick(losses, family=name),
            pick(relative, family=name),
            told.get(name, {}),
        )
        own = laws[laws["own"].astype(bool)] if len(laws) else laws
        baseline = family.get("baseline") or (str(own["baseline"].iloc[0]) if len(own) else "")
        metrics = set(map(str, rows["metric"])) | set(map(str, laws["metric"]))
        domains = [
            domain
            for domain in ordered(family.get("domains", []), rows["domain"])
            if domain in set(rows["domain"]) or not len(rows)
        ]
        tint = colours(domains, baseline)
        found.append(
            {
                "name": name,
                "label": words(name, chosen["labels"]),
                "baseline": baseline,
                "metrics": [
                    metric
                    for metric in ordered(_known(family, metrics), metrics)
                    if metric in metrics
                ],
                "domains": [
                    {
                        "name": domain,
                        "label": words(domain, chosen["labels"]),
                        "colour": tint[domain],
                        "ink": ink(tint[domain]),
                    }
                    for domain in domains
                ],
            }
        )
    return found


def _known(family: Mapping[str, Any], metrics: set[str]) -> Sequence[str]:
    return [str(metric) for metric in family.get("metrics", []) if str(metric) in metrics]
