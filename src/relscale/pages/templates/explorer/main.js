// Draws the chart, the tables and the sentences for the choices, now and after every change.

const shown = {
  verdicts: [], corpora: [], contrasts: [], absolute: [], drawn: [], buckets: [], documents: [],
  suites: [],
};
let latest = 0; // number of the latest drawing

function draw() {
  if (!DATA.families.length || !DATA.corpora.length) {
    byId("said").textContent = "The tables are empty: there is nothing to show.";
    return;
  }
  if (choice.view === "buckets") drawBuckets();
  else if (choice.view === "suites") drawSuites();
  else drawLaws();
  sayScrolls();
  writeAddress();
}

function drawLaws() {
  const names = new Set(domainsShown().map((domain) => domain.name));
  shown.corpora = TABLES.relative.filter((row) =>
    row.family === choice.family && row.metric === choice.metric &&
    row.baseline === choice.baseline && row.estimator === choice.estimator &&
    row.scale === choice.scale && row.path === choice.path);
  shown.verdicts = shown.corpora.filter((row) => row.corpus === choice.corpus);
  shown.contrasts = chosenRows(TABLES.contrasts).filter((row) =>
    row.kind === choice.contrast && row.estimator === choice.estimator);
  shown.absolute = oneEstimator(chosenRows(TABLES.absolute));
  const { points: runs, lost } = runPoints(names);
  const optima = optimumPoints(names);
  shown.drawn = [...optima, ...runs];
  fillTable("verdicts", shown.verdicts, "No relative law for these choices.");
  fillCorpora();
  explainVerdicts(shown.verdicts);
  byId("contrast-part").hidden = choice.contrast === AGAINST_BASELINE;
  fillTable("contrasts", shown.contrasts, "No contrast for these choices.");
  fillTable("laws", shown.absolute, "No absolute law for these choices.");
  explainStatuses([...shown.verdicts, ...shown.absolute]);
  fillTable("drawn", shown.drawn, "No point for these choices.");
  describe(runs, optima, lost);
  drawChart(names, runs, optima);
}

function drawChart(names, runs, optima) {
  const fitted = isRelative()
    ? shown.verdicts.some((row) => isNumber(row.dbeta))
    : shown.absolute.some((row) => isNumber(row.exponent));
  const seen = optima.length ? optima : runs;
  const span = spanOf(seen.length ? seen.map((row) => row.compute) : budgetsCompute(), fitted);
  const curves = isRelative()
    ? relativeCurves(names, shown.verdicts, span)
    : absoluteCurves(names, shown.absolute, span);
  show(chart(runs, optima, curves, span), `${choice.family}-${choice.corpus}`);
}

// Draws a specification; `name` is that of the downloaded picture.
function show(specification, name) {
  const mine = ++latest;
  const options = {
    renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: name,
  };
  byId("vis").removeAttribute("data-drawn");
  byId("vis").classList.toggle("low", choice.view === "buckets" || choice.view === "suites");
  vegaEmbed("#vis", specification, options).then(() => {
    if (mine === latest) byId("vis").dataset.drawn = String(mine);
  });
}

function countVerdicts(rows) {
  const counts = {};
  for (const row of rows) {
    const verdict = row.verdict || "without a verdict";
    counts[verdict] = (counts[verdict] || 0) + 1;
  }
  const ordered = [...DATA.verdicts.map((verdict) => verdict.word), "without a verdict"];
  const present = ordered.filter((word) => counts[word]);
  return present.map((word) => `${counts[word]} ${word}`).join(", ");
}

function describe(runs, optima, lost) {
  const count = shown.verdicts.length;
  const noun = metricOf().lower_is_better ? "gap" : "comparison";
  const scale = DATA.scales.find((one) => one.name === choice.scale);
  const laws = count
    ? `${plural(count, noun)} with ${labelOf(choice.baseline)}: ${countVerdicts(shown.verdicts)}`
    : "no relative law";
  byId("said").textContent =
    `${familyOf().label}, trained on ${corpusOf().label}, ${words(choice.metric)}, ` +
    `estimator ${words(choice.estimator)}${scale ? `, ${scale.phrase}` : ""}: ${laws}.`;
  byId("missing").textContent = missingSentences(runs, optima, lost).join(" ");
  byId("reading").textContent = readingSentence(optima);
}

function missingSentences(runs, optima, lost) {
  const missing = [];
  if (!shown.verdicts.length && familyOf().domains.length < 2) {
    missing.push("The family has one domain, so there is no gap to show.");
  } else if (!shown.verdicts.length) {
    const baseline = labelOf(choice.baseline) || "a baseline";
    missing.push(
      `The tables hold no law against ${baseline} by this estimator; ` +
      "the chart shows points only.");
  }
  if (!runs.length && !optima.length && (hasPoints() || !isRelative())) {
    missing.push("Nothing to draw: the tables hold no value for these choices.");
  }
  if (lost) {
    missing.push(
      `${plural(lost, "value")} cannot be drawn: not positive, not finite, ` +
      "or without the baseline's value.");
  }
  return missing;
}

function readingSentence(optima) {
  const other = optima.length && optima[0].estimator !== choice.estimator
    ? ` (by the estimator ${words(optima[0].estimator)})` : "";
  const shades = isRelative() ? " Shades are their pointwise intervals over the data." : "";
  const bars = isRelative() && !isRatio() ? "" : ", with one standard error";
  if (isRelative() && !hasPoints()) {
    return "Lines are the fitted laws, dashed beyond the data, where no interval is drawn. " +
      `This scale has no points of single runs.${shades}`;
  }
  return "Small points are runs; the runs of a budget are side by side, " +
    "from fewest to most tokens. " +
    `Large points are the compute-optimal points of the budgets${other}${bars}. ` +
    `Lines are the fitted laws, dashed beyond the data, where no interval is drawn.${shades}`;
}

byId("choices").addEventListener("submit", (event) => event.preventDefault());
byId("choices").addEventListener("change", (event) => {
  const input = event.target;
  const name = input.name || input.id;
  choice[name] = asked[name] = input.value;
  if (name === "family") Object.assign(asked, { baseline: "", metric: "" });
  offerAll();
  draw();
});
window.addEventListener("resize", sayScrolls);
byId("explained").addEventListener("toggle", sayScrolls);
offerDownloads();
readAddress();
window.explorer = { choice, shown, lawGap, lawDifference, lawValue, change };
load().then(
  () => {
    offerAll();
    draw();
    document.body.dataset.ready = "yes";
  },
  (error) => {
    byId("said").textContent =
      `This browser cannot unpack the page (${error.message}); the tables hold the same numbers.`;
  },
);
