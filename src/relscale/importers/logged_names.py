"""Names of logged values, such as `eval/c4_loss`, as domain and metric.

A name is recognized if it ends in a metric whose direction is known
(`relscale.contract.directions`). Names that begin with `train` are of the training, not of an
evaluation. The user's patterns (`--key`) replace these rules.
"""

import re
from functools import lru_cache

from relscale.contract.directions import known_direction, plain_name
from relscale.contract.metrics import METRICS
from relscale.importers.importer import ImportOptions, listing

EVALUATIONS = ("eval", "evaluation", "val", "valid", "validation", "test", "dev")
"""First words of the names of evaluations."""
TRAINING = ("train", "training")
"""First words of names that are not of an evaluation."""
SAME_METRIC = {
    "bpb": "bits_per_byte",
    "crossentropyloss": "loss",
    "cross_entropy_loss": "loss",
    "cross_entropy": "loss",
    "test_loss": "loss",
    "val_loss": "loss",
    "validation_loss": "loss",
}
"""Our names of metrics that others call differently."""
LOSS_UNIT = "nats"
"""Unit of a loss, per token."""


@lru_cache
def metric_name(name: str) -> str:
    """Return our name of a metric.

    Examples:
        >>> metric_name("bpb"), metric_name("CrossEntropyLoss"), metric_name("acc_norm")
        ('bits_per_byte', 'loss', 'acc_norm')
    """
    return SAME_METRIC.get(plain_name(name), name)


@lru_cache
def unit_of(metric: str) -> str:
    """Return the unit of a metric; `unknown` if the name does not tell."""
    plain = plain_name(metric)
    if plain in METRICS:
        return METRICS[plain].unit
    if plain in ("loss", "ce_loss", "nll", "log_loss"):
        return LOSS_UNIT
    return "1" if is_share(metric) or plain.endswith(("perplexity", "ppl")) else "unknown"


@lru_cache
def is_share(metric: str) -> bool:
    """Return whether the values of a metric are shares, from 0 to 1."""
    plain = plain_name(metric)
    if plain in METRICS:
        return METRICS[plain].unit == "1" and not METRICS[plain].lower_is_better
    return plain.split("_")[0] in ("acc", "em", "exact", "f1") and bool(known_direction(plain))


class LoggedNames:
    """Splits logged names into domain and metric, and collects those that it cannot split."""

    def __init__(self, options: ImportOptions) -> None:
        """Compile the user's patterns.

        Raises:
            ValueError: naming a pattern without `{domain}`, or without `{metric}` if the metric is
                not given either.
        """
        self._patterns = [_pattern(key, options) for key in options.keys]
        self._metric = options.metrics[0] if len(options.metrics) == 1 else None
        self._found: dict[str, tuple[str, str] | None] = {}

    def split(self, name: str) -> tuple[str, str] | None:
        """Return domain and metric of a name, or None if it is not an evaluation."""
        if name not in self._found:
            self._found[name] = self._by_pattern(name) if self._patterns else split_name(name)
        return self._found[name]

    def _by_pattern(self, name: str) -> tuple[str, str] | None:
        for pattern in self._patterns:
            if match := pattern.fullmatch(name):
                parts = match.groupdict()
                return parts["domain"], metric_name(parts.get("metric") or self._metric or "")
        return None

    def _others(self) -> list[str]:
        return [name for name, found in self._found.items() if found is None]

    def left_out(self) -> list[str]:
        """Return notes on the names that are not evaluations."""
        names = self._others()
        if not names:
            return []
        return [f"{len(names)} logged name(s) that are not evaluations: {listing(names)}"]

    def problem(self) -> str:
        """Return why a file has no evaluation."""
        names = self._others()
        return (
            "no evaluation is recognized, such as 'eval/c4_loss'; "
            + (f"the names are {listing(names)}; " if names else "")
            + "say how they are built with --key, such as --key 'eval/{domain}/{metric}'"
        )


def _pattern(key: str, options: ImportOptions) -> re.Pattern[str]:
    if key.count("{domain}") != 1 or key.count("{metric}") > 1:
        raise ValueError(
            f"--key {key!r}: must have {{domain}} once, and {{metric}} at most once, such as "
            "'eval/{domain}/{metric}'"
        )
    if "{metric}" not in key and len(options.metrics) != 1:
        raise ValueError(f"--key {key!r}: has no {{metric}}: name it with --metric, once")
    text = re.escape(key).replace(r"\{domain\}", "(?P<domain>.+)")
    return re.compile(text.replace(r"\{metric\}", "(?P<metric>[^/]+)"))


def split_name(name: str) -> tuple[str, str] | None:
    """Return domain and metric of a logged name; None if it is not known to be an evaluation.

    The metric is the longest known one at the end of the last part. Without any other word, the
    first word is the domain.

    Examples:
        >>> split_name("eval/c4_loss"), split_name("eval_c4_en_bpb")
        (('c4', 'loss'), ('c4_en', 'bits_per_byte'))
        >>> split_name("eval/ice-validation/CrossEntropyLoss"), split_name("val/loss")
        (('ice-validation', 'loss'), ('val', 'loss'))
        >>> split_name("train/loss"), split_name("loss"), split_name("eval/runtime")
        (None, None, None)
    """
    first, rest = _first_word(name)
    if first.lower() in TRAINING:
        return None
    if first.lower() not in EVALUATIONS:
        first, rest = "", name
    before, _, last = rest.rpartition("/")
    words = last.split("_")
    for start in range(len(words)):
        metric = "_".join(words[start:])
        if known_direction(metric) is None:
            continue
        domain = "/".join(part for part in (before, "_".join(words[:start])) if part) or first
        return (domain, metric_name(metric)) if domain else None
    return None


def _first_word(name: str) -> tuple[str, str]:
    """Return the first word of a name and the rest."""
    match = re.match(r"([A-Za-z]+)[/_.](.+)", name, re.DOTALL)
    return (match[1], match[2]) if match else ("", name)
