"""How many epochs over its corpus the longest run takes, from the manifests of tokens."""

from collections.abc import Mapping
from typing import Any

from relscale.plan.spec import ArmTokens

Manifest = Mapping[str, Any]
"""The manifest of a corpus's tokens, as JSON."""


def most_epochs(manifest: Manifest, needed: int) -> dict[str, float]:
    """Return the epochs over each component of a corpus for a run of `needed` tokens.

    A corpus that is one file has one component, named as the corpus.
    """
    if "components" not in manifest:
        return {manifest["corpus"]: needed / manifest["tokens"]}
    whole = sum(part["weight"] for part in manifest["components"])
    tokens = {
        part["name"]: sum(shard["tokens"] for shard in part["shards"])
        for part in manifest["components"]
    }
    return {
        part["name"]: part["weight"] / whole * needed / tokens[part["name"]]
        for part in manifest["components"]
    }


def check_tokens(
    manifests: Mapping[str, Manifest], most_tokens: Mapping[str, int], max_epochs: float
) -> list[str]:
    """Return one line for each corpus, or component of a sharded corpus, that is too small.

    Args:
        manifests: by corpus.
        most_tokens: tokens of the longest run of each corpus.
        max_epochs: most epochs of a run over a corpus that is one file.
    """
    problems = []
    for corpus, needed in most_tokens.items():
        manifest = manifests[corpus]
        if "components" in manifest:
            problems += _check_components(manifest, needed)
            continue
        tokens = manifest["tokens"]
        if needed > max_epochs * tokens:
            problems.append(
                f"corpora.mixtures.{corpus}: {tokens:,} tokens, and its longest run needs "
                f"{needed:,}, {needed / tokens:.2f} epochs; suite.max_epochs = {max_epochs:g}: "
                "add text, raise suite.max_epochs, or drop the smallest shapes of the largest "
                "budget"
            )
    return problems


def arm_epochs(manifest: Manifest, arm: ArmTokens) -> float:
    """Return the most epochs of an arm's runs over the tokens that it reads."""
    if arm.unique_tokens is not None:
        return arm.most_tokens / arm.unique_tokens
    return max(most_epochs(manifest, arm.most_tokens).values())


def check_arms(manifests: Mapping[str, Manifest], arms: Mapping[str, ArmTokens]) -> list[str]:
    """Return one line for each arm whose corpus is too small.

    Args:
        manifests: by corpus.
        arms: by name.
    """
    problems = []
    for name, arm in arms.items():
        manifest, key = manifests[arm.corpus], f"suite.arms.{name}"
        tokens, unique = manifest["tokens"], arm.unique_tokens
        if unique is not None and unique > tokens:
            problems.append(
                f"{key}.unique_tokens = {unique}: the corpus {arm.corpus} has {tokens:,} tokens: "
                "take fewer, or add text"
            )
        elif unique is None and "components" in manifest:
            problems += _check_components(manifest, arm.most_tokens)
        elif (epochs := arm_epochs(manifest, arm)) > arm.max_epochs:
            problems.append(
                f"{key}: {unique or tokens:,} tokens, and its longest run needs "
                f"{arm.most_tokens:,}, {epochs:.2f} epochs; max_epochs = {arm.max_epochs:g}: raise "
                f"{key}.max_epochs, or add text"
            )
    return problems


def _check_components(manifest: Manifest, needed: int) -> list[str]:
    allowed = {part["name"]: part["max_epochs"] for part in manifest["components"]}
    key = f"corpora.sharded.{manifest['corpus']}"
    return [
        f"{key}.components.{part}: the longest run, of {needed:,} tokens, takes {epochs:.2f} "
        f"epochs; {key}.max_epochs = {allowed[part]:g}: add text (or raise `max_tokens`), raise "
        "max_epochs, or lower its weight"
        for part, epochs in most_epochs(manifest, needed).items()
        if epochs > allowed[part]
    ]
