"""Tables as one self-contained HTML page: sorted by a click or by keyboard, without a network.

The rows lie compressed in the page, a tenth of their size, and its script writes them.
"""

import html
import math
from collections.abc import Mapping

import pandas as pd

from relscale.pages.frame import compressed

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #222; margin: 1.5rem; }
h1 { font-size: 1.2rem; } p { max-width: 60em; }
div.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .7em; border-bottom: 1px solid #ddd; text-align: left; white-space: nowrap; }
th { position: sticky; top: 0; background: #f4f4f4; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid #0072b2; }
th[aria-sort=ascending] button::after { content: " ▲"; } th[aria-sort=descending] button::after { content: " ▼"; }
td.number { text-align: right; } td.empty { color: #999; }
tbody tr:hover { background: #f8f8ee; }
"""
_SCRIPT = """
const fill = async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("rows").textContent), (letter) => letter.charCodeAt(0));
  const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  document.querySelector("tbody").innerHTML = text;
};
fill();
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => {
  const head = button.closest("th"), body = head.closest("table").tBodies[0];
  const column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const parse = (text) => (text === "" ? null : isNaN(text) ? text : Number(text));
  const value = (row) => parse(row.cells[column].dataset.value ?? "");
  const rows = [...body.rows].map((row, place) => ({ row, place, key: value(row) }));
  rows.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
    const order = typeof a.key === "number" && typeof b.key === "number" ? a.key - b.key : String(a.key).localeCompare(String(b.key));
    return (up ? order : -order) || a.place - b.place;
  });
  body.append(...rows.map((item) => item.row));
});
"""


def cell_text(value: object) -> str:
    """Return a cell as text: numbers to five significant digits, an empty cell as an empty text."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) or (
        hasattr(value, "dtype") and getattr(value.dtype, "kind", "") == "f"
    ):
        number = float(value)  # type: ignore[arg-type]
        return f"{number:.0f}" if number == round(number) and abs(number) < 1e7 else f"{number:.5g}"
    return str(value)


def table_page(
    frame: pd.DataFrame, title: str, remark: str = "", headings: Mapping[str, str] | None = None
) -> str:
    """Return a page with a table whose columns sort by a click; its rows come in the frame's order.

    Args:
        frame: The table, as it is in its file.
        title: Of the page.
        remark: A sentence above the table.
        headings: Names to show instead of the columns' own.

    Returns:
        HTML, with its style and script inside.
    """
    heads = "".join(
        f'<th scope="col"><button>{html.escape((headings or {}).get(name, str(name)))}</button></th>'
        for name in frame.columns
    )
    body = "\n".join(
        f"<tr>{''.join(_cell(value) for value in row)}</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    said = f"<p>{html.escape(remark)}</p>\n" if remark else ""
    nothing = "<p>The table has no rows.</p>\n" if not len(frame) else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{html.escape(title)}</h1>\n{said}{nothing}"
        f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody></tbody>\n</table></div>\n'
        "<noscript><p>The rows need this page's script; the CSV file of the same name has them, too.</p></noscript>\n"
        f'<script type="application/gzip" id="rows">{compressed(body)}</script>\n'
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _cell(value: object) -> str:
    text = cell_text(value)
    if not text:
        return '<td class="empty" data-value="">–</td>'
    if not isinstance(value, (str, bool)) and _is_number(value):
        return f'<td class="number" data-value="{float(value)!r}">{html.escape(text)}</td>'  # type: ignore[arg-type]
    return f'<td data-value="{html.escape(text)}">{html.escape(text)}</td>'


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
