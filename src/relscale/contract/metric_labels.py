"""Labels of the metrics for figures, pages and model cards.

Separate from `relscale.contract.metrics`, so that a reworded label makes only drawings stale. A
test compares the keys of both.
"""

METRIC_LABELS = {
    "bits_per_byte": "Error (bits per byte)",
    "choice_loss_nats": "Choice loss (nats)",
    "choice_probability": "Choice probability",
    "choice_probability_per_byte": "Choice probability per byte",
    "accuracy": "Accuracy",
    "accuracy_per_byte": "Accuracy per byte",
}
"""Axis label of each metric, with its unit."""


def metric_label(name: str) -> str:
    """Return the axis label of a metric; one from an outside table is spelled out."""
    words = metric_words(name)
    return METRIC_LABELS.get(name, words[:1].upper() + words[1:])


def metric_words(name: str) -> str:
    """Return the name of a metric as words within a sentence, such as "bits per byte"."""
    return name.replace("_", " ")
