// Fills the table with its rows, and sorts them when a heading is clicked.
inflate("rows").then((rows) => {
  document.querySelector("tbody").innerHTML = rows;
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
  const body = head.closest("table").tBodies[0];
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const column = head.cellIndex;
  const rows = [...body.rows].map((row, place) => ({ row, place, key: sortKey(row, column) }));
  rows.sort((a, b) => compare(a, b, ascending));
  body.append(...rows.map((item) => item.row));
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}
