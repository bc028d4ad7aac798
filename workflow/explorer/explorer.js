"use strict";
// The explorer's own script: choices in, chart and tables out. It computes only what a chart needs (ratios of one run's errors, points of a
// fitted curve); every slope, interval and verdict is a cell of a table.

const byId = (id) => document.getElementById(id);
let DATA;
let TABLES;
const LABELS = {};
const choice = { family: "", corpus: "", baseline: "", metric: "", estimator: "", view: "relative" };
const hidden = new Set();
const shown = { verdicts: [], absolute: [], drawn: [] };
let latest = 0;

// Data and Vega's script are compressed, since a report shows pages in frames that some browsers limit to two megabytes.
async function inflated(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function load() {
  DATA = JSON.parse(await inflated("data"));
  TABLES = Object.fromEntries(["runs", "losses", "points", "absolute", "relative"].map((name) => [name, unpack(DATA[name])]));
  for (const family of DATA.families) for (const domain of family.domains) LABELS[`${family.name}\n${domain.name}`] = domain;
  const vega = document.createElement("script");
  vega.textContent = await inflated("vega");
  document.head.append(vega);
}

function unpack(columns) {
  const names = Object.keys(columns);
  const length = names.length ? (columns[names[0]].places || columns[names[0]]).length : 0;
  const cell = (column, k) => (column.texts ? (column.places[k] === null ? null : column.texts[column.places[k]]) : column[k]);
  return Array.from({ length }, (_, k) => Object.fromEntries(names.map((name) => [name, cell(columns[name], k)])));
}

const familyOf = () => DATA.families.find((family) => family.name === choice.family);
const metricOf = () => DATA.metrics[choice.metric];
const isNumber = (value) => typeof value === "number" && isFinite(value);
const words = (name) => String(name ?? "").replaceAll("_", " ");
const labelOf = (domain) => (LABELS[`${choice.family}\n${domain}`] || { label: words(domain) }).label;
const chosenRows = (rows, more) =>
  rows.filter((row) => row.family === choice.family && row.metric === choice.metric && row.corpus === choice.corpus && (!more || more(row)));

// One estimator's rows: the one chosen, else `vertex` (whose optimum `joint` uses), else the first by name.
function oneEstimator(rows) {
  const present = [...new Set(rows.map((row) => row.estimator))].sort();
  const name = [choice.estimator, "vertex", present[0]].find((one) => present.includes(one));
  return rows.filter((row) => row.estimator === name);
}

// What a gap is drawn as, in percent: the reduction 100 (1 - G) of an error, the change 100 (G - 1) of a probability.
const change = (gap, error) => (error ? 100 * (1 - gap) : 100 * (gap - 1));

// A relative law G = gamma (F / reference)^dbeta with its pointwise interval; the half-widths of log G add in squares.
function lawGap(row, flops) {
  const x = Math.log(flops / row.reference_compute);
  const middle = Math.log(row.gamma) + row.dbeta * x;
  const [below, above] = [row.gamma_ci_low, row.gamma_ci_high].map((end) => (isNumber(end) ? Math.log(row.gamma / end) : NaN));
  const down = (x > 0 ? row.dbeta - row.ci_low : row.ci_high - row.dbeta) * x;
  const up = (x > 0 ? row.ci_high - row.dbeta : row.dbeta - row.ci_low) * x;
  return [middle, middle - Math.hypot(below, down), middle + Math.hypot(above, up)].map(Math.exp);
}

const lawError = (row, flops) => Math.exp(Math.log(row.coefficient) - row.exponent * Math.log(flops)) + (row.offset || 0);

function spanOf(values, fitted) {
  const flops = values.filter((value) => isNumber(value) && value > 0);
  if (!flops.length) return { first: 1, last: 10, end: 10 };
  const [first, last] = [Math.min(...flops), Math.max(...flops)];
  return { first, last, end: fitted && last > first ? last * 10 ** DATA.decades : last };
}

function steps(low, high) {
  return high > low ? Array.from({ length: 25 }, (_, k) => low * (high / low) ** (k / 24)) : [];
}

const domainsShown = () => familyOf().domains.filter((domain) => !hidden.has(`${choice.family}\n${domain.name}`));

// ---- what is drawn ----------------------------------------------------------------------------------------------------------------------

function drawnRuns(names) {
  const error = metricOf().error;
  const rows = TABLES.losses.filter((row) => row.family === choice.family && row.metric === choice.metric);
  const here = rows.map((row) => ({ ...TABLES.runs[row.at], ...row })).filter((row) => row.corpus === choice.corpus);
  const base = new Map(here.filter((row) => row.domain === choice.baseline).map((row) => [row.run, row.value]));
  const made = [];
  let lost = 0;
  for (const row of here) {
    if (!names.has(row.domain) || (choice.view === "relative" && row.domain === choice.baseline)) continue;
    const gap = row.value / base.get(row.run);
    const y = choice.view === "absolute" ? row.value : change(gap, error);
    if (!isNumber(y) || !isNumber(row.compute) || !(row.compute > 0) || (choice.view === "absolute" && error && !(row.value > 0))) lost += 1;
    else made.push({ ...row, kind: "run", gap: choice.view === "relative" ? gap : null, y });
  }
  return { made, lost };
}

function drawnOptima(names) {
  const error = metricOf().error;
  const rows = oneEstimator(chosenRows(TABLES.points));
  const base = new Map(rows.filter((row) => row.domain === choice.baseline).map((row) => [row.budget, row.value]));
  const own = choice.baseline === familyOf().baseline;
  const made = [];
  for (const row of rows) {
    if (!names.has(row.domain) || (choice.view === "relative" && row.domain === choice.baseline)) continue;
    const gap = own ? row.gap : row.value / base.get(row.budget);
    const y = choice.view === "absolute" ? row.value : isNumber(gap) ? change(gap, error) : null;
    const spread = choice.view === "absolute" ? row.standard_error : own && isNumber(row.gap_standard_error) ? 100 * row.gap_standard_error : null;
    if (!isNumber(y)) continue;
    const ends = isNumber(spread) ? { low: y - spread, high: y + spread } : {};
    made.push({ ...row, kind: "optimum", run: null, compute: row[DATA.compute.column], gap: choice.view === "relative" ? gap : null, y, ...ends });
  }
  return made;
}

function drawnLaws(names, verdicts, absolute, span) {
  const error = metricOf().error;
  const lines = [];
  const band = [];
  const parts = [["observed", span.first, span.last], ["beyond", span.last, span.end]];
  for (const [part, low, high] of parts) {
    if (choice.view === "absolute") {
      for (const row of absolute) {
        if (!names.has(row.domain) || !isNumber(row.exponent) || !(row.coefficient > 0)) continue;
        for (const flops of steps(low, high)) lines.push({ domain: row.domain, part, compute: flops, y: lawError(row, flops) });
      }
      continue;
    }
    for (const row of verdicts) {
      if (!names.has(row.treatment) || ![row.gamma, row.dbeta, row.reference_compute].every(isNumber)) continue;
      for (const flops of steps(low, high)) {
        const [y, one, other] = lawGap(row, flops).map((gap) => change(gap, error));
        lines.push({ domain: row.treatment, part, compute: flops, y });
        if (isNumber(one) && isNumber(other)) band.push({ domain: row.treatment, part, compute: flops, low: one, high: other });
      }
    }
  }
  return { lines, band };
}

function limits(values, logarithmic) {
  const kept = values.filter((value) => isNumber(value) && (!logarithmic || value > 0)).map((value) => (logarithmic ? Math.log(value) : value));
  if (!kept.length) return logarithmic ? [1, 10] : [-1, 1];
  const [low, high] = [Math.min(...kept), Math.max(...kept)];
  const room = high > low ? 0.06 * (high - low) : logarithmic ? 0.1 : Math.max(Math.abs(high) * 0.1, 0.5);
  return [low - room, high + room].map((end) => (logarithmic ? Math.exp(end) : end));
}

function short(value, digits = 4) {
  if (!isNumber(value)) return "";
  const rounded = Number(value.toPrecision(digits));
  return Math.abs(rounded) >= 1e7 ? rounded.toExponential().replace("e+", "e") : String(rounded).replace("e+", "e");
}
const signed = (value) => (isNumber(value) ? (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4) : "");
const interval = (row, low, high) => (isNumber(row[low]) && isNumber(row[high]) ? `[${signed(row[low])}, ${signed(row[high])}]` : "");

// Ticks of a log axis: the sparsest of 1; 1, 3; 1, 2, 5 times powers of ten that gives three, and at most six of them.
function logTicks([low, high]) {
  for (const mantissas of [[1], [1, 3], [1, 2, 5], [1, 2, 3, 4, 5, 6, 8], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9]]) {
    const powers = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 2 }, (_, k) => Math.floor(Math.log10(low)) - 1 + k);
    const ticks = powers.flatMap((power) => mantissas.map((m) => Number(`${m}e${power}`))).filter((tick) => tick >= low && tick <= high);
    if (ticks.length >= 3) return ticks.filter((_, k) => k % Math.ceil(ticks.length / 6) === 0);
  }
  return [];
}

const axisOf = (ends) => { const values = logTicks(ends); return values.length ? { values } : { tickCount: 4 }; };

function aria(row) {
  const what = choice.view === "absolute" ? `${words(choice.metric)} ${short(row.y, 6)}` : `change ${short(row.y, 6)} percent`;
  const which = row.kind === "run" ? `run ${row.run}` : `optimum of budget ${row.budget}`;
  return `${labelOf(row.domain)}; ${which}; ${what}; compute ${short(row.compute)}`;
}

const TIPS = {
  run: [["run", "run"], ["name", "domain"], ["budget", "budget"], ["seed", "seed"], ["parameters", "parameters"], ["training tokens", "seen"],
    ["compute", "flops"], ["error", "value"], ["standard error", "noise"], ["G", "ratio"], ["drawn (%)", "percent"]],
  optimum: [["name", "domain"], ["budget", "budget"], ["estimator", "estimator"], ["compute", "flops"], ["error", "value"],
    ["standard error", "noise"], ["G", "ratio"], ["drawn (%)", "percent"], ["status", "status"]],
};

function marked(rows) {
  return rows.map((row) => ({
    ...row, name: labelOf(row.domain), aria: aria(row), parameters: short(row.num_params_total, 5), seen: short(row.tokens, 5),
    flops: short(row.compute), value: short(row.value, 5), noise: short(row.standard_error, 2), ratio: short(row.gap, 5),
    percent: choice.view === "relative" ? short(row.y, 4) : "",
  }));
}

// Runs of a budget have the same compute: they stand side by side, from fewest to most tokens, and share one place for all domains.
function dodged(rows) {
  const room = window.innerWidth < 600 ? 16 : 36;
  const order = new Map();
  for (const row of rows) order.set(row.budget, (order.get(row.budget) || new Map()).set(row.run, row.tokens));
  for (const [budget, runs] of order) order.set(budget, [...runs.keys()].sort((a, b) => runs.get(a) - runs.get(b) || (a < b ? -1 : 1)));
  return rows.map((row) => {
    const [place, last] = [order.get(row.budget).indexOf(row.run), order.get(row.budget).length - 1];
    return { ...row, dodge: last ? Math.round(100 * room * (place / last - 0.5)) / 100 : 0 };
  });
}

function tips(kind) {
  const asked = TIPS[kind].map(([title, field]) => (title === "name" ? { field: "name", title: "domain" } : { field, title }));
  return asked.filter((tip) => choice.view === "relative" || !["ratio", "percent"].includes(tip.field)).map((tip) => ({ ...tip, type: "nominal" }));
}

function chart(runs, optima, laws, span) {
  const logarithmic = choice.view === "absolute" && metricOf().error;
  const observed = laws.band.filter((row) => row.part === "observed");
  const heights = [...runs, ...optima, ...laws.lines].map((row) => row.y).concat(observed.flatMap((row) => [row.low, row.high]));
  const yTitle = choice.view === "absolute" ? metricOf().label : metricOf().error ? "Reduction 100 (1 − G) (%)" : "Relative change 100 (G − 1) (%)";
  const domains = familyOf().domains;
  const colour = { field: "domain", type: "nominal", legend: null, scale: { domain: domains.map((d) => d.name), range: domains.map((d) => d.colour) } };
  const number = "replace(replace(format(datum.value, '.1e'), '.0e', 'e'), '+', '')";
  const across = [span.first / 1.6, span.end > span.last ? span.end * 1.2 : span.last * 1.6];
  const x = { field: "compute", type: "quantitative", title: DATA.compute.label,
    scale: { type: "log", domain: across, nice: false }, axis: { labelExpr: number, grid: false, ...axisOf(across) } };
  const up = limits(choice.view === "relative" ? [...heights, 0] : heights, logarithmic);
  const y = { field: "y", type: "quantitative", title: yTitle, axis: { grid: true, gridColor: "#eee", format: "~r", ...(logarithmic ? axisOf(up) : { tickCount: 6 }) },
    scale: { type: logarithmic ? "log" : "linear", ...(logarithmic ? {} : { zero: false }), nice: false, domain: up } };
  const dash = { field: "part", type: "nominal", legend: null, scale: { domain: ["observed", "beyond"], range: [[1, 0], [5, 4]] } };
  const shape = DATA.corpora.find((corpus) => corpus.name === choice.corpus).shape;
  const layer = [];
  if (choice.view === "relative") layer.push({ data: { values: [{ y: 0 }] }, mark: { type: "rule", color: "#2b2b2b", aria: false }, encoding: { y } });
  layer.push(
    { data: { values: laws.band }, mark: { type: "area", opacity: Math.min(0.13, 0.8 / domains.length), clip: true, aria: false },
      encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: colour, detail: { field: "part" } } },
    { data: { values: laws.lines }, mark: { type: "line", strokeWidth: 1.8, clip: true, aria: false },
      encoding: { x, y, color: colour, strokeDash: dash, detail: { field: "part" } } },
    { data: { values: optima.filter((row) => isNumber(row.low)) }, mark: { type: "rule", clip: true, aria: false },
      encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: colour } },
    { data: { values: marked(optima) }, mark: { type: "point", shape, filled: true, size: 85, opacity: 1, stroke: "white", strokeWidth: 0.8, clip: true },
      encoding: { x, y, color: colour, description: { field: "aria" }, tooltip: tips("optimum") } },
    { data: { values: dodged(marked(runs)) }, mark: { type: "point", shape: "circle", filled: true, size: 24, opacity: 0.55, stroke: "white", strokeWidth: 0.4, clip: true, xOffset: { expr: "datum.dodge" } },
      encoding: { x, y, color: colour, description: { field: "aria" }, tooltip: tips("run") } },
  );
  return { width: "container", height: window.innerWidth < 600 ? 320 : 430, autosize: { type: "fit-x", contains: "padding" }, background: "white", layer,
    config: { font: "system-ui, sans-serif", axis: { labelFontSize: 12, titleFontSize: 13, titleFontWeight: "normal" }, view: { stroke: null } } };
}

// ---- tables -----------------------------------------------------------------------------------------------------------------------------

const VERDICTS = [
  ["treatment", "treatment", (row) => labelOf(row.treatment)], ["verdict", "verdict", (row) => row.verdict || String(row.status || "no law").split(";")[0]],
  ["dbeta", "dβ", (row) => signed(row.dbeta)], ["ci_low", "interval", (row) => interval(row, "ci_low", "ci_high")],
  ["faster", "faster", (row) => row.faster || ""], ["gap_first", "G first", (row) => short(row.gap_first)], ["gap_last", "G last", (row) => short(row.gap_last)],
  ["p_difference_adjusted", "p difference", (row) => short(row.p_difference_adjusted, 2)],
  ["p_equivalence_adjusted", "p equivalence", (row) => short(row.p_equivalence_adjusted, 2)],
  ["detectable_dbeta", "detectable dβ", (row) => short(row.detectable_dbeta, 3)], ["r2", "R²", (row) => short(row.r2, 3)],
  ["status", "status", (row) => row.status || ""],
];
const LAWS = [
  ["domain", "domain", (row) => labelOf(row.domain)], ["exponent", "exponent", (row) => short(row.exponent)],
  ["ci_low", "interval", (row) => interval(row, "ci_low", "ci_high")], ["coefficient", "coefficient", (row) => short(row.coefficient)],
  ["offset", "offset", (row) => short(row.offset)], ["r2", "R²", (row) => short(row.r2)], ["num_points", "points", (row) => short(row.num_points)],
  ["status", "status", (row) => row.status || ""],
];
const DRAWN = [
  ["kind", "what", (row) => row.kind], ["run", "run", (row) => row.run || ""], ["budget", "budget", (row) => row.budget],
  ["domain", "domain", (row) => labelOf(row.domain)], ["compute", "compute", (row) => short(row.compute)], ["error", "error", (row) => short(row.value, 6)],
  ["standard_error", "standard error", (row) => short(row.standard_error, 2)], ["gap", "G", (row) => short(row.gap, 6)], ["y", "drawn", (row) => short(row.y, 6)],
];

function fill(table, columns, rows, colourOf, nothing) {
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  for (const [, title] of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = title;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    columns.forEach(([key, , text], place) => {
      const cell = place ? line.insertCell() : document.createElement("th");
      if (!place) { cell.scope = "row"; line.append(cell); }
      cell.dataset.key = key;
      cell.dataset.value = row[key] ?? "";
      if (isNumber(row[key])) cell.className = "number";
      if (key === "status") cell.className = "status";
      if (!place && colourOf) cell.append(swatch(colourOf(row)));
      cell.append(text(row));
    });
  }
  if (!rows.length) {
    const cell = body.insertRow().insertCell();
    cell.colSpan = columns.length;
    cell.textContent = nothing;
  }
}

function swatch(colour) {
  const spot = document.createElement("span");
  spot.className = "swatch";
  spot.style.background = colour;
  return spot;
}

const tint = (domain) => (LABELS[`${choice.family}\n${domain}`] || { colour: "#777" }).colour;

// ---- choices ----------------------------------------------------------------------------------------------------------------------------

function offer(id, names, label, preferred) {
  const select = byId(id);
  select.replaceChildren(...names.map((name) => new Option(label(name), name)));
  choice[id] = names.includes(choice[id]) ? choice[id] : names.includes(preferred) ? preferred : names[0] ?? "";
  select.value = choice[id];
  select.disabled = names.length < 2;
}

function offerAll() {
  if (!DATA.families.length || !DATA.corpora.length) return;
  offer("family", DATA.families.map((family) => family.name), (name) => DATA.families.find((family) => family.name === name).label, firstWithGaps());
  const family = familyOf();
  offer("corpus", DATA.corpora.map((corpus) => corpus.name), (name) => DATA.corpora.find((corpus) => corpus.name === name).label);
  offer("metric", family.metrics, (name) => DATA.metrics[name].words);
  offer("baseline", family.domains.map((domain) => domain.name), (name) => labelOf(name) + (name === family.baseline ? " (default)" : ""), family.baseline);
  offer("estimator", DATA.estimators, words, "joint");
  const radio = document.querySelector(`input[name=view][value=${choice.view === "absolute" ? "absolute" : "relative"}]`);
  radio.checked = true;
  choice.view = radio.value;
  offerDomains(family);
}

function offerDomains(family) {
  const box = byId("domains");
  const legend = document.createElement("legend");
  legend.textContent = "Domains";
  const boxes = family.domains.map((domain) => {
    const key = `${family.name}\n${domain.name}`;
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "checkbox", value: domain.name, checked: !hidden.has(key) });
    input.addEventListener("change", () => { input.checked ? hidden.delete(key) : hidden.add(key); draw(); });
    label.append(input, " ", swatch(domain.colour), domain.label + (domain.name === choice.baseline ? " (baseline)" : ""));
    return label;
  });
  box.replaceChildren(legend, ...boxes);
}

function firstWithGaps() {
  const found = DATA.families.find((family) => family.baseline && family.domains.length > 1) || DATA.families[0];
  return found && found.name;
}

function counted(rows) {
  const counts = {};
  for (const row of rows) counts[row.verdict || "without a verdict"] = (counts[row.verdict || "without a verdict"] || 0) + 1;
  return Object.keys(counts).sort().map((word) => `${counts[word]} ${word}`).join(", ");
}

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function describe(runs, optima, lost) {
  const corpus = DATA.corpora.find((one) => one.name === choice.corpus).label;
  const laws = shown.verdicts.length ? `${plural(shown.verdicts.length, "gap")} to ${labelOf(choice.baseline)}: ${counted(shown.verdicts)}` : "no relative law";
  byId("said").textContent = `${familyOf().label}, trained on ${corpus}, ${words(choice.metric)}, estimator ${words(choice.estimator)}: ${laws}.`;
  const missing = [];
  if (!shown.verdicts.length && familyOf().domains.length < 2) missing.push("One domain: there is no gap to show.");
  else if (!shown.verdicts.length) missing.push(`The tables hold no law against ${labelOf(choice.baseline) || "a baseline"} by this estimator; points are drawn without it.`);
  if (!runs.length && !optima.length) missing.push("Nothing to draw: the tables hold no value for these choices.");
  if (lost) missing.push(`${plural(lost, "value")} not drawn: not positive, not finite, or without the baseline's value.`);
  const other = optima.length && optima[0].estimator !== choice.estimator ? ` (points of ${words(optima[0].estimator)})` : "";
  byId("missing").textContent = missing.join(" ");
  byId("reading").textContent = `Small: each run, those of a budget side by side from fewest to most tokens. Large: each budget's compute-optimal point with one standard error${other}. Line: the fitted law, dashed beyond the data` +
    `${choice.view === "relative" ? "; shade: its pointwise interval" : ""}.`;
}

function draw() {
  if (!DATA.families.length || !DATA.corpora.length) {
    byId("said").textContent = "The tables hold nothing to show.";
    return;
  }
  const names = new Set(domainsShown().map((domain) => domain.name));
  shown.verdicts = chosenRows(TABLES.relative, (row) => row.baseline === choice.baseline && row.estimator === choice.estimator);
  shown.absolute = oneEstimator(chosenRows(TABLES.absolute));
  const { made: runs, lost } = drawnRuns(names);
  const optima = drawnOptima(names);
  const fitted = choice.view === "absolute" ? shown.absolute.some((row) => isNumber(row.exponent)) : shown.verdicts.some((row) => isNumber(row.dbeta));
  const span = spanOf((optima.length ? optima : runs).map((row) => row.compute), fitted);
  const laws = drawnLaws(names, shown.verdicts, shown.absolute, span);
  shown.drawn = [...optima, ...runs];
  fill(byId("verdicts"), VERDICTS, shown.verdicts, (row) => tint(row.treatment), "No relative law for these choices.");
  fill(byId("laws"), LAWS, shown.absolute, (row) => tint(row.domain), "No absolute law for these choices.");
  fill(byId("drawn"), DRAWN, shown.drawn, null, "No point for these choices.");
  describe(runs, optima, lost);
  const mine = ++latest;
  const options = { renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false }, downloadFileName: `${choice.family}-${choice.corpus}` };
  byId("vis").removeAttribute("data-drawn");
  vegaEmbed("#vis", chart(runs, optima, laws, span), options).then(() => { if (mine === latest) byId("vis").dataset.drawn = String(mine); });
  try { history.replaceState(null, "", "#" + new URLSearchParams(choice)); } catch (error) { /* inside a report's frame there is no address to keep */ }
}

// ---- downloads --------------------------------------------------------------------------------------------------------------------------

function csv(columns, rows) {
  const cell = (value) => (value === null || value === undefined ? "" : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))].map((line) => line.map(cell).join(",")).join("\n") + "\n";
}

function save(name, columns, rows) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(columns, rows)], { type: "text/csv" }));
  link.download = `${name}.csv`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const stem = () => [choice.family, choice.corpus, choice.metric, choice.estimator, choice.baseline].join("-");
byId("save-verdicts").addEventListener("click", () =>
  save(`relative-${stem()}`, Object.keys(DATA.relative).filter((name) => name !== "own"), shown.verdicts));
byId("save-drawn").addEventListener("click", () => save(`points-${choice.view}-${stem()}`,
  ["corpus", "family", "metric", "kind", "run", "budget", "seed", "domain", "compute", "value", "standard_error", "gap", "y"], shown.drawn));
byId("save-losses").addEventListener("click", () => save(`losses-${choice.family}`,
  [...Object.keys(DATA.runs), "family", "domain", "metric", "value", "standard_error"],
  TABLES.losses.filter((row) => row.family === choice.family).map((row) => ({ ...TABLES.runs[row.at], ...row }))));

byId("choices").addEventListener("submit", (event) => event.preventDefault());
byId("choices").addEventListener("change", (event) => {
  const input = event.target;
  choice[input.name || input.id] = input.value;
  if (input.id === "family") Object.assign(choice, { baseline: "", metric: "" });
  offerAll();
  draw();
});
for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (name in choice) choice[name] = value;
window.explorer = { choice, shown, lawGap, lawError, change };
load().then(() => { offerAll(); draw(); document.body.dataset.ready = "yes"; },
  (error) => { byId("said").textContent = `This browser cannot unpack the page (${error.message}); the same numbers are in the tables.`; });
