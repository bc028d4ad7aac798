// The page's data, as `ExplorerData` in explorer.py describes it, and look-ups in it.

let DATA;
let TABLES;
const DOMAINS = new Map();

const byId = (id) => document.getElementById(id);
const isNumber = (value) => typeof value === "number" && isFinite(value);
const words = (name) => String(name ?? "").replaceAll("_", " ");
const domainKey = (family, domain) => `${family}\n${domain}`;

// Reads the data and adds Vega's script to the page.
async function load() {
  DATA = JSON.parse(await inflate("data"));
  const tables = Object.entries(DATA.tables).map(([name, table]) => [name, unpack(table)]);
  TABLES = Object.fromEntries(tables);
  for (const family of DATA.families) {
    for (const domain of family.domains) DOMAINS.set(domainKey(family.name, domain.name), domain);
  }
  const vega = document.createElement("script");
  vega.textContent = await inflate("vega");
  document.head.append(vega);
}

// Turns columns into rows. A column is a list of values, or a list of texts and places in it.
function unpack(columns) {
  const names = Object.keys(columns);
  const values = names.map((name) => {
    const column = columns[name];
    if (!column.texts) return column;
    return column.places.map((place) => (place === null ? null : column.texts[place]));
  });
  const length = names.length ? values[0].length : 0;
  return Array.from({ length }, (_, row) =>
    Object.fromEntries(names.map((name, column) => [name, values[column][row]])));
}

// The remarks of a row, as `encode_remarks` in contract/status.py writes them.
function decodeRemarks(cell) {
  return cell ? cell.split(DATA.remarks_separator) : [];
}

// The rows of one estimator: the chosen one, else the one whose optimum others use, else the first.
function oneEstimator(rows) {
  const present = [...new Set(rows.map((row) => row.estimator))].sort();
  const wanted = [choice.estimator, DATA.fallback_estimator, present[0]];
  const name = wanted.find((one) => present.includes(one));
  return rows.filter((row) => row.estimator === name);
}
