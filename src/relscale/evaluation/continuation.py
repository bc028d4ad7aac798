"""Which of several texts continues a passage: a choice that tiny models can learn.

A passage is the beginning of a document: so many tokens that are shown, and the tokens that follow.
The wrong options are what follows in passages of other documents: of the same topic, or (easier)
each of another topic. Both variants use the same passages, and all options have the same number of
tokens.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from relscale.config.families import ContinuationFamily, DocumentFamily
from relscale.evaluation.families import documents_by_domain
from relscale.evaluation.requests import Item, Option, in_random_order, text_id
from relscale.evaluation.samples import Sample
from relscale.evaluation.tokens import TextEncoder


@dataclass(frozen=True, kw_only=True)
class Passage:
    """The beginning of a document, cut in two."""

    name: str
    """Stable name made from the document's text."""
    topic: str
    """The document's domain."""
    shown: tuple[int, ...]
    """Tokens that are shown."""
    following: tuple[int, ...]
    """Tokens that follow."""


def sample_continuation(
    name: str,
    family: ContinuationFamily,
    documents: DocumentFamily,
    files: Path,
    length: int,
    encoder: TextEncoder,
) -> Sample:
    """Return the same passages as two domains, `same_topic` and `other_topics`.

    Raises:
        ValueError: naming the key, where a passage does not fit the window, or a topic or the whole
            has too few passages.
    """
    wanted = family.context_tokens + family.continuation_tokens
    if wanted > length:
        raise ValueError(
            f"families.{name}: context_tokens + continuation_tokens = {wanted} does not fit a window of {length} tokens; lower one of them"
        )
    texts, account = documents_by_domain(family.documents, documents, files)
    sample = Sample(left_out=account.left_out, outside=account.outside)
    passages = {
        topic: _passages(topic, (text for _, text in rows), family, encoder)
        for topic, rows in texts.items()
    }
    others = family.num_options - 1
    for topic, rows in passages.items():
        sample.left_out["same_topic"]["too_short"] += len(texts[topic]) - len(rows)
        sample.left_out["other_topics"]["too_short"] += len(texts[topic]) - len(rows)
        if rows and len(rows) <= others:
            raise ValueError(
                f"families.{name}: topic {topic!r} has {len(rows)} passage(s) of {wanted} tokens; it needs more than {others}"
            )
    if sum(bool(rows) for rows in passages.values()) <= others:
        raise ValueError(
            f"families.{name}: num_options = {family.num_options} needs passages of as many topics"
        )
    everything = [passage for rows in passages.values() for passage in rows.values()]
    if len(everything) < family.num_items:
        raise ValueError(
            f"families.{name}.num_items = {family.num_items}: there are only {len(everything)} passages of {wanted} tokens"
        )
    chosen = in_random_order(
        everything, seed=family.sample_seed, name="passages", key=lambda passage: passage.name
    )[: family.num_items]
    for variant in ("same_topic", "other_topics"):
        for passage in chosen:
            draw = random.Random(f"{family.sample_seed} {variant} {passage.name}")
            sample.items.append(
                _item(
                    variant,
                    passage,
                    _distractors(variant, passage, passages, others, draw),
                    draw,
                    encoder,
                )
            )
        sample.left_out[variant]["over_cap"] = len(everything) - len(chosen)
    return sample


def _passages(
    topic: str, texts: Iterable[str], family: ContinuationFamily, encoder: TextEncoder
) -> dict[str, Passage]:
    shown, wanted = family.context_tokens, family.context_tokens + family.continuation_tokens
    unique = {text_id(text): text for text in texts}
    encoded = encoder.encode_all(list(unique.values()))
    return {
        name: Passage(name=name, topic=topic, shown=tokens[:shown], following=tokens[shown:wanted])
        for name, tokens in sorted(zip(unique, encoded, strict=True))
        if len(tokens) >= wanted
    }


def _distractors(
    variant: str,
    passage: Passage,
    passages: Mapping[str, Mapping[str, Passage]],
    count: int,
    draw: random.Random,
) -> list[Passage]:
    """Draw other passages, of the same topic or of as many other topics; no two options are the
    same text.

    Raises:
        ValueError: naming the topic, where it has too few passages that go on differently.
    """
    if variant == "same_topic":
        topics = [passage.topic] * count
    else:
        topics = draw.sample(
            [topic for topic in sorted(passages) if topic != passage.topic and passages[topic]],
            count,
        )
    drawn = [passage]
    for topic in topics:
        taken = {other.following for other in drawn}
        names = [name for name, other in passages[topic].items() if other.following not in taken]
        if not names:
            raise ValueError(
                f"topic {topic!r}: too few of its {len(passages[topic])} passages go on differently to make wrong options of them"
            )
        drawn.append(passages[topic][draw.choice(names)])
    return drawn[1:]


def _item(
    variant: str, passage: Passage, others: list[Passage], draw: random.Random, encoder: TextEncoder
) -> Item:
    # The right option's place is drawn, so that a model which finds all options equal is right by
    # chance only.
    gold = draw.randrange(len(others) + 1)
    order = [*others[:gold], passage, *others[gold:]]
    context = (encoder.prefix, *passage.shown)
    options = tuple(
        Option(
            context=context,
            continuation=other.following,
            num_bytes=encoder.num_bytes(other.following),
        )
        for other in order
    )
    text = encoder.tokenizer.decode([*passage.shown, *passage.following])
    return Item(
        domain=variant,
        stratum=passage.topic,
        item=passage.name,
        options=options,
        gold=gold,
        truncated=False,
        text=text,
    )
