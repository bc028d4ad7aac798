"""A proposed mapping as YAML to edit, with its guesses as comments."""

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from relscale.losses_table.proposal.guess import PLAIN
from relscale.losses_table.proposal.propose import Proposal

WIDTH = 100
_SECTION = {
    "path": "The file. `relscale laws --losses FILE` takes the place of it.",
    "shape": "long: one row per run, domain and metric. wide: one column per domain.",
    "columns": "Our column: the file's. A list joins several columns to a name.",
    "constants": "Our column: its value in all rows.",
    "ignore": "Columns of the file that are not read.",
    "domains": "Domain: its column, or its columns by metric. Rename domains on the left.",
    "units": "Units of the file: ones, thousands, millions, billions, trillions, percent, log10, "
    "petaflops, exaflops, petaflop_days, perplexity, or a factor.",
    "derive": "Columns that follow from others.",
    "steps": "Evaluations along a run: last, decayed or all.",
}
"""Comments above the keys."""


def mapping_text(proposal: Proposal) -> str:
    """Return a mapping as YAML with comments."""
    lines = [
        f"# Mapping of {proposal.path.name} to the losses table, proposed by `relscale table "
        "inspect`.",
        "# Every line is a guess: check it, then run",
        f"#   relscale laws --losses {proposal.path} --mapping THIS_FILE --out FOLDER ...",
    ]
    for sentence in proposal.lacking:
        lines += _comment(f"MISSING {sentence}", "")
    lines.append("losses:")
    for key, value in proposal.content.items():
        if key in _SECTION:
            lines += _comment(_SECTION[key], "  ")
        lines += _entry(key, value, proposal)
    if proposal.unused:
        lines += _comment(f"Columns that are not used: {', '.join(proposal.unused)}", "  ")
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, proposal: Proposal) -> Iterator[str]:
    if not isinstance(value, dict):
        yield from _reasons(key, proposal, "  ")
        yield f"  {key}: {scalar(value)}"
        return
    yield f"  {key}:"
    if key == "columns":
        for sentence in proposal.lacking:
            ours, _, how = sentence.partition(": ")
            if ours in ("num_params_total", "tokens", "run", "value"):
                yield from _comment(f"MISSING: {how}", "    ")
                yield f"    # {ours}: COLUMN"
    if key == "constants":
        yield from _comment("The file has no such columns; rename these.", "    ")
    for name, inner in value.items():
        yield from _reasons(f"{key}.{name}", proposal, "    ")
        yield f"    {scalar(name)}: {scalar(inner)}"


def _reasons(key: str, proposal: Proposal, indent: str) -> Iterator[str]:
    for guess in proposal.guesses:
        if guess.key == key and guess.evidence not in PLAIN:
            yield from _comment(guess.evidence, indent)


def _comment(text: str, indent: str) -> list[str]:
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def scalar(value: Any) -> str:
    """Return a value as YAML on one line; text that YAML reads as something else is quoted."""
    text: str = yaml.safe_dump(
        value,
        default_flow_style=True,
        allow_unicode=True,
        width=10**9,
        sort_keys=False,
    )
    return text.removesuffix("...\n").removesuffix("\n")
