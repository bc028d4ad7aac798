// Fills the table with its rows, sorts them when a heading is clicked, and filters them.
const body = document.querySelector("tbody");
const find = document.querySelector("#find input");

inflate("rows").then((rows) => {
  body.innerHTML = rows;
  const order = JSON.parse(document.getElementById("order").textContent || "[]");
  const given = [...body.rows];
  body.append(...order.map((place) => given[place]));
  sayCount();
  sayWidth();
});

// The value of a cell: null, a number or a text.
function sortKey(row, column) {
  const text = row.cells[column].dataset.value ?? "";
  if (text === "") return null;
  return isNaN(text) ? text : Number(text);
}

// Empty cells come last in both directions; equal cells keep their order.
function compare(a, b, ascending) {
  if (a.key === null || b.key === null) {
    return (a.key === null) - (b.key === null) || a.place - b.place;
  }
  const numbers = typeof a.key === "number" && typeof b.key === "number";
  const order = numbers ? a.key - b.key : String(a.key).localeCompare(String(b.key));
  return (ascending ? order : -order) || a.place - b.place;
}

function sortBy(head) {
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const column = head.cellIndex;
  const rows = [...body.rows].map((row, place) => ({ row, place, key: sortKey(row, column) }));
  rows.sort((a, b) => compare(a, b, ascending));
  body.append(...rows.map((item) => item.row));
}

// Shows the rows that have every word of the filter in some cell.
function filter() {
  const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of body.rows) {
    const cells = [...row.cells].map((cell) => cell.textContent.toLowerCase());
    row.hidden = !wanted.every((word) => cells.some((cell) => cell.includes(word)));
  }
  sayCount();
}

function sayCount() {
  const shown = [...body.rows].filter((row) => !row.hidden).length;
  document.querySelector("#count").textContent = `${shown} of ${body.rows.length} rows`;
}

// Says that a table is wider than the window, which a phone does not show.
function sayWidth() {
  const region = document.querySelector("div.scroll");
  document.querySelector("#wide").hidden = region.scrollWidth <= region.clientWidth;
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}
find.addEventListener("input", filter);
window.addEventListener("resize", sayWidth);
