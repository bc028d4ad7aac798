"""Whether a smaller or a larger value of a metric is better, for tables from outside.

The experiment's own metrics are in `relscale.contract.metrics`. Here are common names of other
tools, above all of lm-evaluation-harness (`lm_eval/api/metrics.py` and its tasks). `ter` is not
among them: it is registered there as better when higher, although it is an error rate.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from relscale.contract.metrics import METRICS

HIGHER = frozenset(
    [
        "acc",
        "acc_all",
        "acc_bytes",
        "acc_mutual_info",
        "acc_norm",
        "acc_per_byte",
        "acc_per_char",
        "acc_per_token",
        "acc_raw",
        "acc_uncond",
        "auc",
        "auroc",
        "bertscore",
        "bleu",
        "bleu_acc",
        "bleu_max",
        "chrf",
        "contains",
        "em",
        "exact",
        "exact_match",
        "f1",
        "f1_macro",
        "f1_micro",
        "inst_level_loose_acc",
        "inst_level_strict_acc",
        "macro_f1",
        "matthews_corrcoef",
        "matthews_correlation",
        "mc1",
        "mc2",
        "mcc",
        "meteor",
        "micro_f1",
        "pass@1",
        "pass_at_1",
        "precision",
        "prompt_level_loose_acc",
        "prompt_level_strict_acc",
        "quasi_exact_match",
        "recall",
        "rouge",
        "rouge1",
        "rouge2",
        "rougel",
        "rougelsum",
        "rouge1_acc",
        "rouge2_acc",
        "rougel_acc",
        "rouge1_max",
        "rouge2_max",
        "rougel_max",
        "sacrebleu",
    ]
)
"""Names, as `plain_name` returns them, of metrics whose larger values are better."""

LOWER = frozenset(
    [
        "bpb",
        "bpc",
        "brier",
        "brier_score",
        "byte_perplexity",
        "ce_loss",
        "cer",
        "cross_entropy",
        "cross_entropy_loss",
        "crossentropyloss",
        "err",
        "error",
        "error_rate",
        "likelihood_diff",
        "log_loss",
        "loss",
        "mae",
        "mse",
        "nll",
        "perplexity",
        "ppl",
        "rmse",
        "test_loss",
        "train_loss",
        "val_loss",
        "validation_loss",
        "wer",
        "word_perplexity",
    ]
)
"""Names of metrics whose smaller values are better."""


def plain_name(metric: str) -> str:
    """Return a metric's name without the harness's filter, in lower case, with underscores.

    Examples:
        >>> plain_name("acc_norm,none"), plain_name("Exact Match"), plain_name("rouge-L")
        ('acc_norm', 'exact_match', 'rougel')
    """
    name = metric.split(",")[0].strip().lower()
    name = re.sub(r"^rouge[-_ ](?=[12l])", "rouge", name)
    return re.sub(r"[-\s]+", "_", name)


def known_direction(metric: str) -> bool | None:
    """Return whether a larger value of a metric is better; None where it is not known.

    Upper and lower case, and the filters of lm-evaluation-harness (`acc,none`), make no difference.
    """
    name = plain_name(metric)
    if name in METRICS:
        return not METRICS[name].lower_is_better
    if name in HIGHER:
        return True
    return False if name in LOWER else None


_STATED: ContextVar[Mapping[str, bool] | None] = ContextVar("stated", default=None)


@contextmanager
def stated_directions(higher: Iterable[str], lower: Iterable[str]) -> Iterator[None]:
    """Let `lower_is_better` know the directions that a losses table states, for a while.

    Args:
        higher: metrics whose larger values are better.
        lower: metrics whose smaller values are better.
    """
    token = _STATED.set({**dict.fromkeys(higher, True), **dict.fromkeys(lower, False)})
    try:
        yield
    finally:
        _STATED.reset(token)


def lower_is_better(metric: str) -> bool:
    """Return whether a smaller value of a metric is better: by its name, or as it is stated.

    Raises:
        ValueError: if neither is known.
    """
    direction = known_direction(metric)
    if direction is None:
        direction = (_STATED.get() or {}).get(metric)
    if direction is None:
        raise ValueError(
            f"metric {metric!r}: whether a larger or a smaller value is better is not known from "
            "its name, which figures and pages need: state it (higher_is_better, lower_is_better)"
        )
    return not direction
