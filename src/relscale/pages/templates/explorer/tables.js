// The tables under the chart. DATA.columns names their columns.

function fillTable(id, rows, nothing) {
  const table = byId(id);
  const columns = DATA.columns[id];
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = column.title;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const column of columns) line.append(tableCell(row, column, column === columns[0]));
  }
  if (!rows.length) {
    const cell = body.insertRow().insertCell();
    cell.colSpan = columns.length;
    cell.textContent = nothing;
  }
}

function tableCell(row, column, isHead) {
  const cell = document.createElement(isHead ? "th" : "td");
  if (isHead) cell.scope = "row";
  cell.dataset.key = column.key;
  cell.dataset.value = row[column.key] ?? "";
  if (isNumber(row[column.key])) cell.className = "number";
  if (column.form === "remarks") {
    cell.className = "remarks";
    cell.append(...remarkList(decodeRemarks(row[column.key])));
    return cell;
  }
  const verdict = DATA.verdicts.find((one) => one.word === row[column.key]);
  if (column.form === "verdict" && verdict) {
    cell.style.color = verdict.ink;
    cell.title = verdict.meaning;
  }
  if (column.form === "domain" && domainOf(row[column.key])) {
    cell.append(swatch(colourOf(row[column.key])));
  }
  cell.append(cellText(row, column));
  return cell;
}

// The verdicts and slopes of all corpora, a column per corpus, for the other choices.
function fillCorpora() {
  byId("corpora-part").hidden = DATA.corpora.length < 2 || !shown.corpora.length;
  const isOf = (row, corpus) => row.corpus === corpus.name;
  fillAll("corpora", "treatment", DATA.corpora, shown.corpora, isOf);
}

// A row per domain and a column per corpus or pair of suites. `key` is the domains' column, and
// `isOf` says whether a row belongs to a column.
function fillAll(id, key, columns, rows, isOf) {
  const table = byId(id);
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  for (const title of [key, ...columns.map((column) => column.label)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = title;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const domain of new Set(rows.map((row) => row[key]))) {
    const line = body.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.append(swatch(colourOf(domain)), labelOf(domain));
    line.append(name);
    for (const column of columns) {
      line.append(lawCell(rows.find((row) => row[key] === domain && isOf(row, column))));
    }
  }
}

// A verdict with its sign, and the slope with its interval below.
function lawCell(row) {
  const cell = document.createElement("td");
  if (!row) return cell;
  const verdict = DATA.verdicts.find((one) => one.word === row.verdict);
  const word = document.createElement("span");
  word.textContent = verdict ? `${verdict.sign} ${verdict.word}` : FORMS.verdict(row);
  if (verdict) word.style.color = verdict.ink;
  const slope = document.createElement("small");
  slope.textContent = `${signed(row.dbeta)} ${interval(row.ci_low, row.ci_high)}`;
  cell.append(word, document.createElement("br"), slope);
  return cell;
}

// Says above a table that it is wider than the window, which a phone does not show.
function sayScrolls() {
  for (const region of document.querySelectorAll(".scroll")) {
    let note = region.previousElementSibling;
    if (!note?.classList.contains("scrolls")) {
      note = document.createElement("p");
      note.className = "scrolls";
      note.textContent = "More columns to the right →";
      region.before(note);
    }
    note.hidden = region.scrollWidth <= region.clientWidth;
  }
}

// Explains the words of the shown verdicts.
function explainVerdicts(rows) {
  const present = new Set(rows.map((row) => row.verdict));
  const lines = DATA.verdicts.filter((verdict) => present.has(verdict.word)).flatMap((verdict) => {
    const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = `${verdict.sign} ${verdict.word}`;
    term.style.color = verdict.ink;
    meaning.textContent = verdict.meaning;
    return [term, meaning];
  });
  byId("words").replaceChildren(...lines);
}

// Explains the statuses of the shown laws, except `ok`.
function explainStatuses(rows) {
  const present = [...new Set(rows.map((row) => row.status))];
  const explained = present.filter((status) => status !== "ok" && status in DATA.statuses).sort();
  const lines = explained.flatMap((status) => {
    const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = words(status);
    meaning.textContent = DATA.statuses[status];
    return [term, meaning];
  });
  byId("statuses").replaceChildren(...lines);
}

// One remark as text; several as a list that opens, so that rows stay low.
function remarkList(remarks) {
  if (remarks.length < 2) return remarks;
  const [details, summary] = ["details", "summary"].map((name) => document.createElement(name));
  summary.textContent = `${remarks.length} remarks`;
  const list = document.createElement("ul");
  for (const remark of remarks) {
    const item = document.createElement("li");
    item.textContent = remark;
    list.append(item);
  }
  details.append(summary, list);
  return [details];
}
