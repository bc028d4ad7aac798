// Numbers and cells as text.

function short(value, digits = 4) {
  if (!isNumber(value)) return "";
  const rounded = Number(value.toPrecision(digits));
  const text = Math.abs(rounded) >= 1e7 ? rounded.toExponential() : String(rounded);
  return text.replace("e+", "e");
}

// A slope with its sign and four decimals, or one digit if these would all be 0.
function signed(value) {
  if (!isNumber(value)) return "";
  const size = Math.abs(value);
  const isPlain = size === 0 || (size >= 5e-5 && size < 1e4);
  const text = isPlain ? size.toFixed(4) : size.toExponential(0);
  return (value < 0 ? "−" : "+") + text.replace("e+", "e");
}

function interval(low, high) {
  return isNumber(low) && isNumber(high) ? `[${signed(low)}, ${signed(high)}]` : "";
}

const FLAGS = { true: "yes", false: "no" };

// The text of a cell, by the `form` of its column (explorer_columns.py).
const FORMS = {
  text: (row, column) => String(row[column.key] ?? ""),
  words: (row, column) => words(row[column.key]),
  domain: (row, column) => labelOf(row[column.key]),
  bucket: (row) => bucketLabel(row),
  number: (row, column) => short(row[column.key], column.digits),
  signed: (row, column) => signed(row[column.key]),
  interval: (row, column) => interval(row[column.key], row[column.upper]),
  flag: (row, column) => FLAGS[String(row[column.key]).toLowerCase()] ?? "",
  verdict: (row) => row.verdict || (row.status === "ok" ? "no verdict" : words(row.status)),
  remarks: (row, column) => decodeRemarks(row[column.key]).join("; "),
};

const cellText = (row, column) => FORMS[column.form](row, column);
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
