// The views of slopes by kind of byte and word, and of suites against suites.

const bucketKey = (row) => `${row.partition}/${row.bucket}`;
const bucketLabel = (row) =>
  DATA.buckets.find((bucket) => bucket.name === bucketKey(row))?.label ?? words(row.bucket);
const namedPair = (row) => ({ ...row, pair: `${row.treatment}/${row.baseline}` });
const isClear = (row) => isNumber(row.p_difference_adjusted) &&
  row.p_difference_adjusted < DATA.alpha;
const levelOf = (rows) => {
  const level = rows.find((row) => isNumber(row.ci_level))?.ci_level;
  return isNumber(level) ? `${short(100 * level)} % ` : "";
};

// The order of names in a list of choices, for sorting.
function orderOf(named) {
  const places = new Map(named.map((one, place) => [one.name, place]));
  return (name) => places.get(name) ?? places.size;
}

function slopeLabel(row, where) {
  const ends = interval(row.ci_low, row.ci_high);
  return `${labelOf(row.domain)}; ${where}; dβ ${signed(row.dbeta)} ${ends}`.trim();
}

// Slopes of the chosen family and corpus for the ticked treatments, in the order of the chart.
function drawBuckets() {
  const ticked = domainsShown().filter((domain) => domain.name !== choice.baseline);
  const names = orderOf(ticked);
  const buckets = orderOf(DATA.buckets);
  const isMine = (row) => row.family === choice.family && row.corpus === choice.corpus &&
    names(row.treatment) < ticked.length;
  const byPlace = (a, b) => buckets(bucketKey(a)) - buckets(bucketKey(b)) ||
    names(a.treatment) - names(b.treatment);
  shown.buckets = TABLES.buckets.filter(isMine).sort(byPlace);
  shown.documents = TABLES.documents.filter(isMine).sort((a, b) =>
    names(a.treatment) - names(b.treatment));
  fillTable("buckets", shown.buckets, "No slope for these choices.");
  fillTable("documents", shown.documents, "No document for these choices.");
  byId("words").replaceChildren();
  explainStatuses(shown.buckets);
  const rows = shown.buckets.map((row) => ({
    ...row, domain: row.treatment, place: bucketLabel(row), isClear: isClear(row),
  }));
  const places = [...new Set(rows.map((row) => row.place))];
  const drawn = labelledSlopes(rows, "bucket", (row) => row.place);
  describeBuckets(rows);
  show(forest(drawn, places, ticked, "bucket", false), `${choice.family}-${choice.corpus}-buckets`);
}

function describeBuckets(rows) {
  const parts = rows.filter((row) => row.partition !== "all");
  const known = parts.filter((row) => isNumber(row.dbeta));
  const clear = parts.filter((row) => row.isClear).length;
  byId("said").textContent =
    `${familyOf().label}, trained on ${corpusOf().label}, ${words(choice.metric)} by kind of ` +
    `byte and word, compared with ${labelOf(choice.baseline)}: ` +
    `${clear} of ${plural(known.length, "slope")} ${clear === 1 ? "is" : "are"} shown to differ ` +
    `from 0 (adjusted p < ${DATA.alpha}).`;
  const lost = parts.length - known.length;
  byId("missing").textContent = !rows.length
    ? "Nothing to draw: no treatment is ticked."
    : lost ? `${plural(lost, "slope")} cannot be fitted; the table says why.` : "";
  byId("reading").textContent = rows.length ? readForest(rows) +
    " The same law, a straight line in log compute, is fitted to every part and to the whole text."
    : "";
}

function readForest(rows) {
  const ends = slopeLimits(rows);
  const cut = rows.filter((row) => isCut(row, ends)).length;
  return `Points are slopes with ${levelOf(rows)}intervals, which are not adjusted. Filled ` +
    `points differ from 0 after adjustment (p < ${DATA.alpha}); open ones are not shown to ` +
    "differ." +
    (cut ? ` Beyond the chart: ${plural(cut, "interval")}; the table has all ends.` : "");
}

// One pair of suites on the domains of a family, and all pairs in a table.
function drawSuites() {
  const ticked = domainsShown();
  const names = orderOf(ticked);
  const byDomain = (a, b) => names(a.domain) - names(b.domain);
  const mine = TABLES.suites.map(namedPair).filter((row) =>
    row.family === choice.family && row.metric === choice.metric && row.scale === choice.scale &&
    names(row.domain) < ticked.length).sort(byDomain);
  shown.suites = mine.filter((row) => row.pair === choice.pair);
  fillTable("suites", shown.suites, "No law for these choices.");
  const pairs = DATA.pairs.filter((pair) => mine.some((row) => row.pair === pair.name));
  fillAll("pairs", "domain", pairs, mine, (row, pair) => row.pair === pair.name);
  byId("pairs-part").hidden = pairs.length < 2;
  explainVerdicts(mine);
  explainStatuses(mine);
  const rows = shown.suites.map((row) => {
    const verdict = DATA.verdicts.find((one) => one.word === row.verdict);
    const note = verdict ? `${verdict.sign} ${verdict.word}` : FORMS.verdict(row);
    return {
      ...row, place: labelOf(row.domain), isClear: isClear(row), note: hasLabels() ? note : "",
      noteInk: verdict?.ink ?? "#666",
    };
  });
  const drawn = labelledSlopes(rows, "suite", (row) => row.verdict || words(row.status));
  describeSuites(rows);
  const places = [...new Set(rows.map((row) => row.place))];
  show(forest(drawn, places, ticked, "suite", true), `${choice.family}-suites`);
}

function describeSuites(rows) {
  const pair = DATA.pairs.find((one) => one.name === choice.pair);
  const scale = DATA.scales.find((one) => one.name === choice.scale);
  byId("said").textContent =
    `${familyOf().label}, ${pair?.label ?? "no pair of suites"}, ${words(choice.metric)}` +
    `${scale ? `, ${scale.phrase}` : ""}: ${plural(rows.length, "domain")}` +
    `${rows.length ? `: ${countVerdicts(rows)}` : ""}.`;
  byId("missing").textContent = rows.length ? "" : "Nothing to draw: no domain is ticked.";
  byId("reading").textContent = rows.length ? `${readForest(rows)} ` +
    "A verdict is about the gap between the two suites on one domain." : "";
}

// Adds the texts of labels and tooltips.
function labelledSlopes(rows, kind, where) {
  return rows.map((row) => {
    const lines = DATA.tips[kind].map((column, k) => [`tip${k}`, cellText(row, column)]);
    return { ...row, aria: slopeLabel(row, where(row)), ...Object.fromEntries(lines) };
  });
}
