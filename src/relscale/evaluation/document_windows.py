"""Windows of documents: the part of a text that is scored.

The context of tiny models is short, and a few whole documents would use up the tokens of a domain.
So a family of documents scores one window of each of many documents, and the document is the item.
The window begins at a sentence drawn by the hash of the document: windows at the beginning would be
datelines and definitions. The validation text of a corpus is cut into windows from beginning to
end, since its purpose is the loss over all bytes of the corpus.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from relscale.config.families import DocumentFamily
from relscale.evaluation.requests import Item, in_random_order, rank, take_tokens, text_id
from relscale.evaluation.tokens import TextEncoder

# After a mark that ends a sentence (and closing quotes or brackets), or after a line's end.
_SENTENCE_START = re.compile(r"(?:[.!?][\"')\]\u2019\u201d]*\s+|\n\s*)(?=\S)")


def document_window(text: str, length: int, encoder: TextEncoder, draw: float) -> tuple[int, ...]:
    """Return at most `length` tokens of a text.

    A text that fits is taken whole. Otherwise the window begins at the text's beginning, or at a
    sentence after whose first character `length` tokens remain: at the one that `draw`, from [0,
    1), picks among them.
    """
    encoding = encoder.tokenizer.encode(text, add_special_tokens=False)
    if len(encoding.ids) <= length:
        return tuple(encoding.ids)
    last = encoding.offsets[len(encoding.ids) - length][0]
    starts = [0, *(match.end() for match in _SENTENCE_START.finditer(text) if match.end() <= last)]
    start = starts[int(draw * len(starts))]
    return encoder.encode(text[start:])[:length]


def document_items(
    texts: Iterable[tuple[str, str]],
    *,
    domain: str,
    family: DocumentFamily,
    length: int,
    encoder: TextEncoder,
) -> tuple[list[Item], Counter[str]]:
    """Return one window of each document of a sample, and the documents left out by cause.

    Args:
        texts: (stratum, text) of each document; none is empty.
        domain: the domain's name, which seeds the sample together with the family's seed.
        family: the settings: seed, caps and masked tokens. A document that has only masked tokens
            is left out.
        length: tokens of a window.
        encoder: the tokenizer.
    """
    seed, masked = family.sample_seed, family.masked_tokens
    max_tokens, max_items = family.token_cap(), family.item_cap()
    unique: dict[str, tuple[str, str]] = {}
    left_out = Counter[str](copies=0, over_cap=0)
    for stratum, text in texts:
        name = text_id(text)
        left_out["copies"] += name in unique
        unique.setdefault(name, (stratum, text))
    items: list[Item] = []
    left = math.inf if max_tokens is None else max_tokens
    for name in in_random_order(unique, seed=seed, name=domain, key=str):
        stratum, text = unique[name]
        draw = int(rank(seed, f"{domain} window", name)[:12], 16) / 16**12
        tokens = document_window(text, length, encoder, draw)
        if len(tokens) <= masked:
            left_out["masked"] += 1
            continue
        window = encoder.window(tokens, masked)
        left -= window.num_tokens
        if items and (left < 0 or len(items) == max_items):
            break
        cut = encoder.num_bytes(tokens) < len(text.encode())
        shown = encoder.tokenizer.decode(tokens) if cut else text
        items.append(
            Item(
                domain=domain,
                stratum=stratum,
                item=name,
                options=(window,),
                truncated=cut,
                text=shown,
            )
        )
    left_out["over_cap"] = len(unique) - len(items) - left_out["masked"]
    return items, left_out


def validation_items(
    documents: Sequence[tuple[str, str, str]],
    *,
    domain: str,
    seed: int,
    length: int,
    max_tokens: int,
    encoder: TextEncoder,
) -> tuple[list[Item], int]:
    """Return a sample of the windows of whole documents, and the number of all windows.

    Args:
        documents: (stratum, name, text) of each.
        domain: the domain's name, which seeds the sample with `seed`.
        seed: seed of the family's samples.
        length: tokens of a window; the last one of a document may be shorter.
        max_tokens: cap on the tokens of all windows.
        encoder: the tokenizer.
    """
    items: list[Item] = []
    encoded = encoder.encode_all([text for _, _, text in documents])
    for (stratum, name, _), tokens in zip(documents, encoded, strict=True):
        for number, start in enumerate(range(0, len(tokens), length)):
            window = encoder.window(tokens[start : start + length])
            cut = len(tokens) > length
            items.append(
                Item(
                    domain=domain,
                    stratum=stratum,
                    item=f"{name}:{number}",
                    options=(window,),
                    truncated=cut,
                    text="",
                )
            )
    return take_tokens(
        in_random_order(items, seed=seed, name=domain, key=lambda item: item.item), max_tokens
    ), len(items)
