// The chart, as a specification for Vega-Lite.

const LOG_TICKS = [
  [1], [1, 3], [1, 2, 5], [1, 2, 3, 4, 5, 6, 8],
  [1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9],
];

// Ticks of a log axis: the sparsest of these multiples of powers of ten that gives three ticks, and
// at most six of them.
function logTicks([low, high]) {
  const first = Math.floor(Math.log10(low)) - 1;
  const count = Math.ceil(Math.log10(high)) - first + 1;
  const powers = Array.from({ length: count }, (_, k) => first + k);
  for (const multiples of LOG_TICKS) {
    const ticks = powers
      .flatMap((power) => multiples.map((multiple) => Number(`${multiple}e${power}`)))
      .filter((tick) => tick >= low && tick <= high);
    if (ticks.length >= 3) return ticks.filter((_, k) => k % Math.ceil(ticks.length / 6) === 0);
  }
  return [];
}

function logAxis(ends) {
  const values = logTicks(ends);
  return values.length ? { values } : { tickCount: 4 };
}

// The ends of an axis: the values with some room.
function limits(values, logarithmic) {
  const kept = values
    .filter((value) => isNumber(value) && (!logarithmic || value > 0))
    .map((value) => (logarithmic ? Math.log(value) : value));
  if (!kept.length) return logarithmic ? [1, 10] : [-1, 1];
  const [low, high] = [Math.min(...kept), Math.max(...kept)];
  const alone = logarithmic ? 0.1 : Math.max(Math.abs(high) * 0.1, 0.5);
  const room = high > low ? 0.06 * (high - low) : alone;
  return [low - room, high + room].map((end) => (logarithmic ? Math.exp(end) : end));
}

function xEncoding(span) {
  const end = span.end > span.last ? span.end * 1.2 : span.last * 1.6;
  const across = [span.first / 1.6, end];
  const number = "replace(replace(format(datum.value, '.1e'), '.0e', 'e'), '+', '')";
  return {
    field: "compute", type: "quantitative", title: DATA.compute.label,
    scale: { type: "log", domain: across, nice: false },
    axis: { labelExpr: number, grid: false, ...logAxis(across) },
  };
}

function yTitle() {
  if (!isRelative()) return metricOf().label;
  if (!isRatio()) {
    const scale = DATA.scales.find((one) => one.name === choice.scale);
    return isDifference() ? `${scale.formula} (${metricOf().words})` : scale.formula;
  }
  return metricOf().lower_is_better
    ? "Error below the baseline's, 100 (1 − G) (%)"
    : "Value above the baseline's, 100 (G − 1) (%)";
}

function yEncoding(heights) {
  const logarithmic = isRelative() ? !hasPoints() : metricOf().lower_is_better;
  const ends = limits(isRelative() ? [...heights, noGap()] : heights, logarithmic);
  const ticks = logarithmic ? logAxis(ends) : { tickCount: 6 };
  const scale = logarithmic ? { type: "log" } : { type: "linear", zero: false };
  return {
    field: "y", type: "quantitative", title: yTitle(),
    axis: { grid: true, gridColor: "#eee", format: "~r", ...ticks },
    scale: { ...scale, nice: false, domain: ends },
  };
}

function colourEncoding() {
  const domains = familyOf().domains;
  const scale = { domain: domains.map((d) => d.name), range: domains.map((d) => d.colour) };
  return { field: "domain", type: "nominal", legend: null, scale };
}

const DASH = {
  field: "part", type: "nominal", legend: null,
  scale: { domain: ["observed", "beyond"], range: [[1, 0], [5, 4]] },
};

function tips(kind) {
  return tipColumns(kind).map((column, k) =>
    ({ field: `tip${k}`, title: column.title, type: "nominal" }));
}

const MOST_LABELS = 16;
const LABEL_LETTERS = 24;
const LABEL_HEIGHT = 14; // pixels

const hasLabels = () => window.innerWidth >= 600 && familyOf().domains.length <= MOST_LABELS;

// The names of the lines at the right edge, from top to bottom, each as near to the end of its line
// as its neighbours allow. `ends` are those of the y axis, `height` is that of the panel.
function lineLabels(lines, y, height) {
  if (!hasLabels()) return [];
  const [low, high] = y.scale.domain;
  const scaled = y.scale.type === "log" ? Math.log : (value) => value;
  const share = (value) => (scaled(high) - scaled(value)) / (scaled(high) - scaled(low));
  const last = new Map(lines.map((row) => [row.domain, row]));
  const labels = [...last.values()]
    .filter((row) => isNumber(row.y) && isNumber(share(row.y)))
    .map((row) => ({ domain: row.domain, at: height * Math.min(1, Math.max(0, share(row.y))) }))
    .sort((a, b) => a.at - b.at);
  labels.forEach((label, k) => {
    label.at = Math.max(label.at, k ? labels[k - 1].at + LABEL_HEIGHT : 0);
  });
  let floor = height;
  for (const label of [...labels].reverse()) {
    label.at = Math.min(label.at, floor);
    floor = label.at - LABEL_HEIGHT;
  }
  return labels.map((label) => ({
    ...label, ink: domainOf(label.domain)?.ink ?? "#444", text: shortName(labelOf(label.domain)),
  }));
}

function shortName(name) {
  return name.length > LABEL_LETTERS ? `${name.slice(0, LABEL_LETTERS - 1)}…` : name;
}

function chart(runs, optima, curves, span) {
  const observed = curves.band.filter((row) => row.part === "observed");
  const drawn = [...runs, ...optima, ...curves.lines].map((row) => row.y);
  const heights = drawn.concat(observed.flatMap((row) => [row.low, row.high]));
  const [x, y, color] = [xEncoding(span), yEncoding(heights), colourEncoding()];
  const description = { field: "aria" };
  const point = { type: "point", filled: true, stroke: "white", clip: true };
  const lowToHigh = { x, y: { ...y, field: "low" }, y2: { field: "high" }, color };
  const bandOpacity = Math.min(0.13, 0.8 / familyOf().domains.length);
  const bars = optima.filter((row) => isNumber(row.low));
  const zero = {
    data: { values: isRelative() ? [{ y: noGap() }] : [] },
    mark: { type: "rule", color: "#2b2b2b", aria: false }, encoding: { y },
  };
  const band = {
    data: { values: curves.band }, encoding: { ...lowToHigh, detail: { field: "part" } },
    mark: { type: "area", opacity: bandOpacity, clip: true, aria: false },
  };
  const lines = {
    data: { values: curves.lines },
    mark: { type: "line", strokeWidth: 1.8, clip: true, aria: false },
    encoding: { x, y, color, strokeDash: DASH, detail: { field: "part" } },
  };
  const errorBars = {
    data: { values: bars }, mark: { type: "rule", clip: true, aria: false }, encoding: lowToHigh,
  };
  const optimumMarks = {
    data: { values: labelled(optima, "optimum") },
    mark: { ...point, shape: corpusOf().shape, size: 85, opacity: 1, strokeWidth: 0.8 },
    encoding: { x, y, color, description, tooltip: tips("optimum") },
  };
  const runMarks = {
    data: { values: dodged(labelled(runs, "run")) },
    mark: {
      ...point, shape: "circle", size: 24, opacity: 0.55, strokeWidth: 0.4,
      xOffset: { expr: "datum.dodge" },
    },
    encoding: { x, y, color, description, tooltip: tips("run") },
  };
  const height = window.innerWidth < 600 ? 320 : 430;
  const labels = lineLabels(curves.lines, y, height);
  const widest = Math.max(0, ...labels.map((label) => label.text.length));
  const names = {
    data: { values: labels },
    mark: {
      type: "text", align: "left", baseline: "middle", dx: 6, fontSize: 12, clip: false,
      aria: false,
    },
    encoding: {
      x: { value: "width" }, y: { field: "at", type: "quantitative", scale: null, axis: null },
      text: { field: "text" }, color: { field: "ink", type: "nominal", scale: null },
    },
  };
  return {
    width: "container", height,
    padding: { left: 5, top: 5, bottom: 5, right: 5 + 6.6 * widest },
    autosize: { type: "fit-x", contains: "padding" }, background: "white",
    layer: [
      ...(isRelative() ? [zero] : []), band, lines, errorBars, optimumMarks, runMarks,
      ...(labels.length ? [names] : []),
    ],
    config: {
      font: "system-ui, sans-serif", view: { stroke: null },
      axis: { labelFontSize: 12, titleFontSize: 13, titleFontWeight: "normal" },
    },
  };
}
