"""Items of families of kind `continuation`: which of several texts continues a passage.

Tiny models can learn this choice. A passage is the beginning of a document: a number of tokens that
are shown, and the tokens that follow. The wrong options are the tokens that follow in passages of
other documents: of the same topic, or (easier) each of another topic. Both variants use the same
passages, and all options have the same number of tokens.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relscale.config.families import ContinuationFamily, DocumentFamily
from relscale.evaluation.families.base import FamilyItems
from relscale.evaluation.families.documents import documents_by_domain
from relscale.evaluation.requests import Item, Option, in_random_order, text_id
from relscale.evaluation.samples import Sample
from relscale.evaluation.tokens import TextEncoder


@dataclass(frozen=True, kw_only=True)
class Passage:
    """The beginning of a document, in two parts."""

    name: str
    """Stable name made from the document's text."""
    topic: str
    """The document's domain."""
    shown: tuple[int, ...]
    """Tokens that are shown."""
    following: tuple[int, ...]
    """Tokens that follow."""


class ContinuationItems(FamilyItems[ContinuationFamily]):
    """The same passages in two domains, `same_topic` and `other_topics`."""

    def sample(self, length: int, encoder: TextEncoder) -> Sample:
        """Return a sample of the passages, with wrong options of both variants.

        Raises:
            ValueError: naming the key, if a passage does not fit the window, or a topic or the
                whole family has too few passages.
        """
        family, documents = self.settings, self._documents()
        wanted = family.context_tokens + family.continuation_tokens
        if wanted > length:
            raise ValueError(
                f"families.{self.name}: context_tokens + continuation_tokens = {wanted} does not "
                f"fit a window of {length} tokens; lower one of them"
            )
        texts, account = documents_by_domain(family.documents, documents, self.source)
        sample = Sample(left_out=account.left_out, outside=account.outside)
        passages = {
            topic: _passages(topic, (text for _, text in rows), family, encoder)
            for topic, rows in texts.items()
        }
        self._check_topics(passages)
        everything = [passage for rows in passages.values() for passage in rows.values()]
        if len(everything) < family.num_items:
            raise ValueError(
                f"families.{self.name}.num_items = {family.num_items}: there are only "
                f"{len(everything)} passages of {wanted} tokens"
            )
        chosen = in_random_order(
            everything, seed=family.sample_seed, name="passages", key=lambda passage: passage.name
        )[: family.num_items]
        for variant in family.domain_names():
            sample.left_out[variant]["too_short"] += sum(
                len(texts[topic]) - len(rows) for topic, rows in passages.items()
            )
            sample.items += [self._item(variant, passage, passages, encoder) for passage in chosen]
            sample.left_out[variant]["over_cap"] = len(everything) - len(chosen)
        return sample

    def _documents(self) -> DocumentFamily:
        if self.inputs.documents is None:
            raise ValueError(
                f"families.{self.name}: kind continuation needs the settings of its document family"
            )
        return self.inputs.documents

    def _check_topics(self, passages: Mapping[str, Mapping[str, Passage]]) -> None:
        """Check that wrong options can be drawn in both variants.

        Raises:
            ValueError: naming the topic or the key.
        """
        others = self.settings.num_options - 1
        wanted = self.settings.context_tokens + self.settings.continuation_tokens
        for topic, rows in passages.items():
            if rows and len(rows) <= others:
                raise ValueError(
                    f"families.{self.name}: topic {topic!r} has {len(rows)} passage(s) of {wanted} "
                    f"tokens; it needs more than {others}"
                )
        if sum(bool(rows) for rows in passages.values()) <= others:
            raise ValueError(
                f"families.{self.name}: num_options = {self.settings.num_options} needs passages "
                "of as many topics"
            )

    def _item(
        self,
        variant: str,
        passage: Passage,
        passages: Mapping[str, Mapping[str, Passage]],
        encoder: TextEncoder,
    ) -> Item:
        draw = random.Random(f"{self.settings.sample_seed} {variant} {passage.name}")
        count = self.settings.num_options - 1
        others = _distractors(variant, passage, passages, count, draw)
        return _item(variant, passage, others, draw, encoder)


def _passages(
    topic: str, texts: Iterable[str], family: ContinuationFamily, encoder: TextEncoder
) -> dict[str, Passage]:
    """Return the passages of a topic by name, without documents that are too short."""
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
    """Draw other passages, all of the same topic or each of another one.

    No two options are the same text.

    Raises:
        ValueError: naming the topic, if it has too few passages with different continuations.
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
                f"topic {topic!r}: too few of its {len(passages[topic])} passages have different "
                "continuations; wrong options cannot be drawn"
            )
        drawn.append(passages[topic][draw.choice(names)])
    return drawn[1:]


def _item(
    variant: str, passage: Passage, others: list[Passage], draw: random.Random, encoder: TextEncoder
) -> Item:
    # The place of the right option is drawn, so that a model that gives all options the same score
    # is right only by chance.
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
