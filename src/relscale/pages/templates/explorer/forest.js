// A forest: slopes with their intervals, one row per name, as a specification for Vega-Lite.

const ROOM = 2; // median lengths of an interval that are shown on either side of the slopes
const LONG = 5; // median lengths from which on an interval does not decide the axis

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// The ends of the axis of slopes, as `slope_limits` of the figures chooses them: one wide interval
// does not make all others unreadable.
function slopeLimits(rows) {
  const known = rows.filter((row) => isNumber(row.dbeta));
  const lengths = known
    .filter((row) => isNumber(row.ci_low) && isNumber(row.ci_high))
    .map((row) => row.ci_high - row.ci_low);
  const middle = lengths.length ? median(lengths) : 0;
  const kept = known.filter((row) => !(middle > 0 && row.ci_high - row.ci_low > LONG * middle));
  const slopes = [0, ...kept.map((row) => row.dbeta)];
  const [low, high] = [Math.min(...slopes) - ROOM * middle, Math.max(...slopes) + ROOM * middle];
  const ends = kept.flatMap((row) => [row.ci_low, row.ci_high]).filter(isNumber);
  return limits([...slopes, ...ends.map((end) => Math.min(high, Math.max(low, end)))], false);
}

const isCut = (row, [low, high]) =>
  isNumber(row.dbeta) && (Math.min(row.dbeta, row.ci_low ?? row.dbeta) < low ||
    Math.max(row.dbeta, row.ci_high ?? row.dbeta) > high);

// `rows` have `place` (the name of their row of the chart), `domain`, the slope with its interval,
// `isClear`, `aria` and the lines of the tooltip; `places` are all names from top to bottom.
function forest(rows, places, domains, kind, note) {
  const isNarrow = window.innerWidth < 600;
  const ends = slopeLimits(rows);
  const names = domains.map((domain) => domain.name);
  const perPlace = Math.max(1, places.length === rows.length ? 1 : names.length);
  const height = Math.max(60, places.length * (perPlace > 1 ? 8 * perPlace + 8 : 24));
  const offset = perPlace > 1
    ? { yOffset: { field: "domain", type: "nominal", scale: { domain: names, paddingInner: 0.3 } } }
    : {};
  const y = {
    field: "place", type: "nominal", sort: null, title: null,
    scale: { domain: places, paddingInner: perPlace > 1 ? 0.15 : 0.4, paddingOuter: 0.1 },
    axis: { labelLimit: isNarrow ? 110 : 240, ticks: false, domain: false, grid: perPlace > 1,
      tickBand: "extent", gridColor: "#e4e4e4" },
  };
  const x = {
    field: "dbeta", type: "quantitative", title: "Slope dβ",
    scale: { domain: ends, nice: false, zero: false },
    axis: { grid: true, gridColor: "#eee", tickCount: isNarrow ? 4 : 7, format: "~r" },
  };
  const color = {
    field: "domain", type: "nominal", legend: null,
    scale: { domain: names, range: domains.map((domain) => domain.colour) },
  };
  const drawn = rows.filter((row) => isNumber(row.dbeta));
  const intervals = drawn
    .filter((row) => isNumber(row.ci_low) && isNumber(row.ci_high))
    .map((row) => ({
      ...row, low: Math.min(ends[1], Math.max(ends[0], row.ci_low)),
      high: Math.max(ends[0], Math.min(ends[1], row.ci_high)),
    }));
  const point = { type: "point", size: 46, strokeWidth: 1.6, opacity: 1, clip: true };
  const marks = (clear) => ({
    data: { values: drawn.filter((row) => row.isClear === clear) },
    mark: clear ? { ...point, filled: true } : { ...point, filled: false, fill: "white" },
    encoding: { y, ...offset, x, color, description: { field: "aria" }, tooltip: tips(kind) },
  });
  const notes = {
    data: { values: rows.filter((row) => row.note) },
    mark: { type: "text", align: "left", baseline: "middle", dx: 6, fontSize: 12, clip: false,
      aria: false },
    encoding: {
      y, x: { value: "width" }, text: { field: "note" },
      color: { field: "noteInk", type: "nominal", scale: null },
    },
  };
  const widest = note ? Math.max(0, ...rows.map((row) => (row.note ?? "").length)) : 0;
  return {
    width: "container", height, background: "white",
    padding: { left: 5, top: 5, bottom: 5, right: 5 + 6.6 * widest },
    autosize: { type: "fit-x", contains: "padding" },
    layer: [
      { data: { values: [{ dbeta: 0 }] }, mark: { type: "rule", color: "#2b2b2b", aria: false },
        encoding: { x } },
      { data: { values: intervals }, mark: { type: "rule", strokeWidth: 1.8, aria: false },
        encoding: { y, ...offset, x: { ...x, field: "low" }, x2: { field: "high" }, color } },
      marks(true), marks(false), ...(widest ? [notes] : []),
    ],
    config: {
      font: "system-ui, sans-serif", view: { stroke: null },
      axis: { labelFontSize: 12, titleFontSize: 13, titleFontWeight: "normal" },
    },
  };
}
