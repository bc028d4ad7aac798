"""The style that all figures share: sizes, colours, markers, words, and how files are written.

The bytes of a file depend on the tables alone.
"""

import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from glob import escape
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.colors import hsv_to_rgb, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextToPath

from relscale.files import replacing

COLUMN_WIDTH_IN = 3.35
PAGE_WIDTH_IN = 7.0
FONT_PT = 7.0
SMALL_PT = 6.2
TITLE_PT = 7.8

BASELINE_COLOUR = "#2b2b2b"
PALETTE = (
    "#d55e00",
    "#0072b2",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#882255",
    "#999933",
    "#332288",
    "#a05a2c",
    "#44aa99",
    "#777777",
)
"""Colours of Okabe and Ito without black and yellow, then muted colours of Tol: they can be
distinguished with the common colour blindnesses."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "*", "p")
INK, FAINT = "#222222", "#8a8a8a"
EXTRAPOLATION_ALPHA, BAND_ALPHA = 0.45, 0.15

COMPUTE_LABELS = {
    "training_flops": "Training compute (FLOPs)",
    "forward_flops": "Forward compute (FLOPs)",
}

SETTINGS: dict[str, object] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": FONT_PT,
    "text.parse_math": False,
    "axes.labelsize": FONT_PT,
    "axes.titlesize": TITLE_PT,
    "xtick.labelsize": SMALL_PT + 0.3,
    "ytick.labelsize": SMALL_PT + 0.3,
    "legend.fontsize": SMALL_PT + 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.8,
    "ytick.major.size": 2.8,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "axes.labelpad": 2.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.4,
    "legend.frameon": False,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "svg.hashsalt": "relscale",
    "pdf.fonttype": 42,
    "path.simplify": False,
}

_TO_PATH = TextToPath()
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that break a line or a file: an SVG cannot hold most of them."""


MarkStyle = dict[str, Any]
"""Arguments of `Axes.plot` and `Line2D` for a mark."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw with the defaults of matplotlib and `SETTINGS`; ignore and then restore the user's."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)  # type: ignore[arg-type]
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure as .svg, .pdf or .png (by the ending), atomically and without a date.

    Raises:
        ValueError: if the ending is another.
    """
    kind = path.suffix.removeprefix(".")
    metadata: dict[str, dict[str, None]] = {
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
        "png": {"Software": None},
    }
    if kind not in metadata:
        raise ValueError(f"{path}: a figure must end in .svg, .pdf or .png")
    for left_over in path.parent.glob(f".{escape(path.name)}.*.tmp"):  # of a job that was killed
        left_over.unlink(missing_ok=True)
    with replacing(path) as temporary:
        with warnings.catch_warnings():
            # `missing_letters` are stated once, at the foot of the figure.
            warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
            figure.savefig(temporary, format=kind, metadata=metadata[kind])
        if kind == "svg":
            temporary.write_text(
                rounded(temporary.read_text(encoding="utf-8")), encoding="utf-8", newline="\n"
            )


def rounded(svg: str) -> str:
    """Truncate the numbers inside the tags of an SVG to a hundredth of a point.

    No screen shows the difference. The text between tags is unchanged.
    """
    return re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), svg)


def compute_label(compute: str) -> str:
    """Return the axis label of a compute column, with its unit."""
    return COMPUTE_LABELS.get(compute, compute.replace("_", " "))


def words(name: object, labels: Mapping[str, str] | None = None, width: int = 0) -> str:
    """Return the words to draw for a key of a table.

    Args:
        name: the key.
        labels: words for keys; other keys are drawn with spaces for underscores.
        width: characters at most; an ellipsis replaces the middle of longer texts. 0: any number.
    """
    text = str((labels or {}).get(str(name), str(name).replace("_", " ")))
    text = _CONTROL.sub(" ", text)
    if not width or len(text) <= width:
        return text
    tail = max(width // 3, 1)
    return f"{text[: width - 1 - tail].rstrip()}…{text[-tail:].lstrip()}"


def name_lines(
    name: object, labels: Mapping[str, str] | None = None, width: int = 18, most: int = 3
) -> str:
    """Return the words to draw for a key, broken into lines of at most `width` characters.

    A text that needs more than `most` lines loses its middle.
    """
    text = words(name, labels, width * most)
    if len(text) <= width:
        return text
    lines = textwrap.wrap(text, width)
    if len(lines) > most:
        lines = textwrap.wrap(words(name, labels, width * most - width // 2), width)[:most]
    return "\n".join(lines)


def capital(text: str) -> str:
    """Return a text with a capital at its start and the rest unchanged."""
    return text[:1].upper() + text[1:]


def wrapped(text: str, width_in: float, size_pt: float) -> str:
    """Break a text into lines of about `width_in` inches, by the mean width of a letter."""
    letters = max(12, int(width_in * 72 / (0.53 * size_pt)))
    return "\n".join(textwrap.wrap(text, letters, break_long_words=True))


def colours(domains: Sequence[str], baseline: str | None) -> dict[str, str]:
    """Return the colour of each domain, by its place among the treatments of its family.

    Appending a domain changes no other colour. The baseline is nearly black. Beyond the palette,
    the golden ratio spreads the hues, so that the order alone decides.
    """
    chosen: dict[str, str] = {}
    place = 0
    for domain in domains:
        if domain == baseline:
            chosen[domain] = BASELINE_COLOUR
        elif domain not in chosen:
            chosen[domain] = _colour_at(place)
            place += 1
    return chosen


def _colour_at(place: int) -> str:
    if place < len(PALETTE):
        return PALETTE[place]
    extra = place - len(PALETTE)
    return to_hex(
        _rgb(
            hsv_to_rgb(
                (
                    (0.07 + 0.618034 * extra) % 1.0,
                    0.45 + 0.2 * (extra % 3),
                    0.55 + 0.1 * (extra % 4),
                )
            )
        )
    )


def ink(colour: str) -> str:
    """Darken a colour until text in it is readable on white: contrast 4.5 to 1 (WCAG 2.1)."""
    rgb = to_rgb(colour)
    while _luminance(rgb) > 1.05 / 4.5 - 0.05:
        rgb = _rgb([0.93 * channel for channel in rgb])
    return to_hex(rgb)


def _rgb(channels: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = (float(channel) for channel in channels)
    return red, green, blue


def _luminance(rgb: tuple[float, ...]) -> float:
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in rgb
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def shade(place: int, count: int) -> str:
    """Return the colour of one of `count` ordered things, such as budgets: light to dark blue."""
    share = place / max(count - 1, 1)
    light, dark = to_rgb("#8fc1e3"), to_rgb("#0b2545")
    return to_hex(_rgb(a + share * (b - a) for a, b in zip(light, dark, strict=True)))


def markers(corpora: Sequence[str]) -> dict[str, str]:
    """Return the marker of each corpus, by its place in the list."""
    return {corpus: MARKERS[place % len(MARKERS)] for place, corpus in enumerate(corpora)}


def missing_letters(text: str) -> str:
    """Return the letters that the font of the figures does not have, each once and in order."""
    return "".join(
        letter for letter in dict.fromkeys(text) if letter != "\n" and ord(letter) not in _letters()
    )


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def text_width_in(text: str, size_pt: float) -> float:
    """Return the width in inches of the widest line of a text in the font of the figures.

    A letter that the font does not have counts as a square, as letters of East Asia are.
    """
    face = FontProperties(size=size_pt)
    missing = set(missing_letters(text))

    def width(line: str) -> float:
        known = "".join(letter for letter in line if letter not in missing)
        measured = _TO_PATH.get_text_width_height_descent(known, face, False)[0] if known else 0.0
        return (measured + size_pt * (len(line) - len(known))) / 72

    return max(map(width, text.split("\n")), default=0.0)
