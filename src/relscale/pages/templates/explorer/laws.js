// The fitted laws as curves. Slopes, intervals and verdicts are cells of the tables.

// A gap in percent, as it is drawn: the reduction 100 (1 - G) of an error, else the change
// 100 (G - 1).
const change = (gap, lowerIsBetter) => (lowerIsBetter ? 100 * (1 - gap) : 100 * (gap - 1));

// The relative law G = gamma (F / reference)^dbeta with its pointwise interval: [G, low, high].
// The half-widths of log gamma and of dbeta log(F / reference) add in squares.
function lawGap(row, flops) {
  const x = Math.log(flops / row.reference_compute);
  const middle = Math.log(row.gamma) + row.dbeta * x;
  const halfWidth = (end) => (isNumber(end) ? Math.log(row.gamma / end) : NaN);
  const below = halfWidth(row.gamma_ci_low);
  const above = halfWidth(row.gamma_ci_high);
  const down = (x > 0 ? row.dbeta - row.ci_low : row.ci_high - row.dbeta) * x;
  const up = (x > 0 ? row.ci_high - row.dbeta : row.dbeta - row.ci_low) * x;
  return [middle, middle - Math.hypot(below, down), middle + Math.hypot(above, up)].map(Math.exp);
}

// The law on the difference scale, h = gamma + dbeta log(F / reference): [h, low, high].
function lawDifference(row, flops) {
  const x = Math.log(flops / row.reference_compute);
  const middle = row.gamma + row.dbeta * x;
  const down = (x > 0 ? row.dbeta - row.ci_low : row.ci_high - row.dbeta) * x;
  const up = (x > 0 ? row.ci_high - row.dbeta : row.dbeta - row.ci_low) * x;
  const bound = (end) => (isNumber(end) ? end - row.gamma : NaN);
  return [
    middle,
    middle - Math.hypot(bound(row.gamma_ci_low), down),
    middle + Math.hypot(bound(row.gamma_ci_high), up),
  ];
}

// The chosen scale: the gap of two values, its law, and the height at which it is drawn.
const isRatio = () => choice.scale === "ratio" || !choice.scale;
const isDifference = () => choice.scale === "difference";
const hasPoints = () => isRatio() || isDifference();
const gapBetween = (value, base) => (isDifference() ? value - base : value / base);
const gapLaw = (row, flops) => (isDifference() ? lawDifference : lawGap)(row, flops);
const drawnGap = (gap) => (isRatio() ? change(gap, metricOf().lower_is_better) : gap);
const noGap = () => (hasPoints() ? 0 : 1);

// The absolute law E = coefficient F^-exponent + offset.
function lawValue(row, flops) {
  return Math.exp(Math.log(row.coefficient) - row.exponent * Math.log(flops)) + (row.offset || 0);
}

// The range of compute: the first and last observed value, and the end of the curves.
function spanOf(values, fitted) {
  const flops = values.filter((value) => isNumber(value) && value > 0);
  if (!flops.length) return { first: 1, last: 10, end: 10 };
  const [first, last] = [Math.min(...flops), Math.max(...flops)];
  return { first, last, end: fitted && last > first ? last * 10 ** DATA.decades : last };
}

function steps(low, high) {
  if (!(high > low)) return [];
  return Array.from({ length: 25 }, (_, k) => low * (high / low) ** (k / 24));
}

const partsOf = (span) => [["observed", span.first, span.last], ["beyond", span.last, span.end]];

// Points of the curves of absolute laws.
function absoluteCurves(names, laws, span) {
  const lines = [];
  for (const row of laws) {
    if (!names.has(row.domain) || !isNumber(row.exponent) || !(row.coefficient > 0)) continue;
    for (const [part, low, high] of partsOf(span)) {
      for (const compute of steps(low, high)) {
        lines.push({ domain: row.domain, part, compute, y: lawValue(row, compute) });
      }
    }
  }
  return { lines, band: [] };
}

// Points of the curves of relative laws, and of their intervals over the data. Beyond the data the
// interval of a straight line is too narrow to be shown.
function relativeCurves(names, laws, span) {
  const lines = [];
  const band = [];
  for (const row of laws) {
    if (!names.has(row.treatment)) continue;
    if (![row.gamma, row.dbeta, row.reference_compute].every(isNumber)) continue;
    for (const [part, start, end] of partsOf(span)) {
      for (const compute of steps(start, end)) {
        const [y, low, high] = gapLaw(row, compute).map(drawnGap);
        lines.push({ domain: row.treatment, part, compute, y });
        if (part === "observed" && isNumber(low) && isNumber(high)) {
          band.push({ domain: row.treatment, part, compute, low, high });
        }
      }
    }
  }
  return { lines, band };
}
