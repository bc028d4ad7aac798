// The points of the chart: runs, and compute-optimal points.

const isBaseline = (row) => row.domain === choice.baseline;
const isDrawn = (row, names) => names.has(row.domain) && !(isRelative() && isBaseline(row));

// Runs of the chosen corpus. A run's gap is its value over its own value on the baseline.
function runPoints(names) {
  if (isRelative() && !hasPoints()) return { points: [], lost: 0 };
  const lowerIsBetter = metricOf().lower_is_better;
  const rows = TABLES.losses
    .filter((row) => row.family === choice.family && row.metric === choice.metric)
    .map((row) => ({ ...TABLES.runs[row.at], ...row }))
    .filter((row) => row.corpus === choice.corpus);
  const base = new Map(rows.filter(isBaseline).map((row) => [row.run, row.value]));
  const points = [];
  let lost = 0;
  for (const row of rows) {
    if (!isDrawn(row, names)) continue;
    const gap = gapBetween(row.value, base.get(row.run));
    const y = isRelative() ? drawnGap(gap) : row.value;
    const onLogAxis = isRelative() || !lowerIsBetter || row.value > 0;
    if (isNumber(y) && isNumber(row.compute) && row.compute > 0 && onLogAxis) {
      points.push({ ...row, kind: "run", gap: isRelative() ? gap : null, y });
    } else {
      lost += 1;
    }
  }
  return { points, lost };
}

// Compute-optimal points. The table has gaps, with standard errors, to the default baseline only.
function optimumPoints(names) {
  if (isRelative() && !hasPoints()) return [];
  const rows = oneEstimator(chosenRows(TABLES.points));
  const base = new Map(rows.filter(isBaseline).map((row) => [row.budget, row.value]));
  const isDefault = choice.baseline === familyOf().baseline;
  const points = [];
  for (const row of rows) {
    if (!isDrawn(row, names)) continue;
    const gap = isDefault && isRatio() ? row.gap : gapBetween(row.value, base.get(row.budget));
    if (isRelative() && !isNumber(gap)) continue;
    const y = isRelative() ? drawnGap(gap) : row.value;
    if (!isNumber(y)) continue;
    const compute = row[DATA.compute.column];
    const shownGap = isRelative() ? gap : null;
    const point = { ...row, kind: "optimum", run: null, compute, gap: shownGap, y };
    const spread = isRelative() ? gapSpread(row, isDefault) : row.standard_error;
    points.push(isNumber(spread) ? { ...point, low: y - spread, high: y + spread } : point);
  }
  return points;
}

// The compute of the budgets, for the curves of scales without points.
function budgetsCompute() {
  return oneEstimator(chosenRows(TABLES.points)).map((row) => row[DATA.compute.column]);
}

function gapSpread(row, isDefault) {
  const isKnown = isDefault && isRatio() && isNumber(row.gap_standard_error);
  return isKnown ? 100 * row.gap_standard_error : null;
}

function ariaLabel(row) {
  const value = short(row.y, 6);
  const gap = isRatio() ? `change ${value} percent` : `${words(choice.scale)} ${value}`;
  const what = isRelative() ? gap : `${words(choice.metric)} ${value}`;
  const which = row.kind === "run" ? `run ${row.run}` : `optimum of budget ${row.budget}`;
  return `${labelOf(row.domain)}; ${which}; ${what}; compute ${short(row.compute)}`;
}

// The columns of a tooltip in the chosen view.
function tipColumns(kind) {
  return DATA.tips[kind].filter((column) => isRelative() || !column.relative_only);
}

// Adds the texts of labels and tooltips.
function labelled(rows, kind) {
  const columns = tipColumns(kind);
  return rows.map((row) => {
    const tips = columns.map((column, k) => [`tip${k}`, cellText(row, column)]);
    return { ...row, aria: ariaLabel(row), ...Object.fromEntries(tips) };
  });
}

// Runs of a budget have the same compute. They are drawn side by side, from fewest to most tokens,
// and a run has the same place in all domains.
function dodged(rows) {
  const room = window.innerWidth < 600 ? 16 : 36;
  const tokensOf = new Map();
  for (const row of rows) {
    if (!tokensOf.has(row.budget)) tokensOf.set(row.budget, new Map());
    tokensOf.get(row.budget).set(row.run, row.tokens);
  }
  const orderOf = new Map();
  for (const [budget, tokens] of tokensOf) {
    const byTokens = (a, b) => tokens.get(a) - tokens.get(b) || (a < b ? -1 : 1);
    orderOf.set(budget, [...tokens.keys()].sort(byTokens));
  }
  return rows.map((row) => {
    const runs = orderOf.get(row.budget);
    const last = runs.length - 1;
    const offset = last ? room * (runs.indexOf(row.run) / last - 0.5) : 0;
    return { ...row, dodge: Math.round(100 * offset) / 100 };
  });
}
