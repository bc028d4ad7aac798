"""The words that the front page explains: those that it uses, and no others."""

import pandas as pd

from relscale.contract.metrics import METRICS
from relscale.pages.sentences import in_errors, levels
from relscale.pages.spec import FindingsSpec


def glossary(shown: pd.DataFrame, spec: FindingsSpec, *, tested: bool) -> dict[str, str]:
    """Return explanations by word, in the order of the page.

    Verdicts explain themselves (`relscale.contract.verdict_words.Verdict`).

    Args:
        shown: rows of relative.csv, one per comparison.
        spec: settings of the laws; the margin is explained by them.
        tested: whether the page shows tests of whole families.
    """
    errors = in_errors(shown)
    found = {
        "corpus": "the text that models are trained on",
        "domain": "the text or the questions that models are tested on",
        "family": "domains that are compared with each other",
        "baseline": "the domain that the others of its family are compared with",
        "treatment": "any other domain of the family",
        "training compute": "the arithmetic of a training, in FLOPs (floating-point operations)",
    }
    if errors.any():
        found |= {
            "loss": "how badly a model predicts a text; lower is better",
            "gap": "the ratio of two losses, G = L(treatment) / L(baseline); above 1 the treatment "
            "is the harder domain",
        }
    found |= _of_higher_is_better(shown[~errors])
    found["slope dβ"] = (
        "how fast log G changes with the natural log of training compute"
        + ("; below 0 the treatment's loss falls faster" if errors.any() else "")
        + (
            "; in an accuracy or a probability, above 0 the treatment gains"
            if not errors.all()
            else ""
        )
    )
    level = levels(shown)
    if level:
        found["interval"] = f"the slopes that are compatible with the data, at a level of {level}"
    if tested:
        found["p"] = "how probable data like these or more extreme ones are if all slopes are equal"
    found["margin"] = _margin(spec)
    return found


def _of_higher_is_better(rows: pd.DataFrame) -> dict[str, str]:
    """Return words for accuracies, probabilities and other metrics where higher is better."""
    if not len(rows):
        return {}
    names = set(rows["metric"].astype(str))
    found = {}
    if any("accuracy" in name for name in names):
        found["accuracy"] = "the share of questions that a model answers correctly"
    if any("probability" in name for name in names):
        found["probability"] = (
            "the probability that a model gives to the wanted answer among the offered ones"
        )
    if not names <= set(METRICS):
        found["value"] = "the number by which a domain is measured, in the metric of its table"
    found["comparison"] = (
        "where higher is better, G = value of the treatment / value of the baseline; it rises if "
        "the treatment gains on the baseline, and such a comparison is not called a gap"
    )
    return found


def _margin(spec: FindingsSpec) -> str:
    """Explain the margin, with the numbers if they are known."""
    small = "the largest change of log G over the observed compute that counts as small"
    if spec.margin_share is None or spec.margin_floor is None:
        return f"{small}: a share of log G itself, with a smallest margin for gaps near 1"
    return (
        f"{small}: {100 * spec.margin_share:g} % of log G in the middle of the range, and at least "
        f"{spec.margin_floor:g}"
    )
