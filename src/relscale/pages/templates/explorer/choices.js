// The reader's choices: the state of the form, the form's options, and the address that keeps them.

const choice = {
  family: "", corpus: "", baseline: "", metric: "", estimator: "", scale: "", path: "",
  contrast: "", pair: "", view: "relative",
};
// What the reader chose. It is kept where the present view or family does not offer it.
const asked = {};
const hidden = new Set(); // keys of unticked domains

const AGAINST_BASELINE = "baseline";
const isRelative = () => choice.view !== "absolute";
const familyOf = () => DATA.families.find((family) => family.name === choice.family);
const corpusOf = () => DATA.corpora.find((corpus) => corpus.name === choice.corpus);
const metricOf = () => DATA.metrics[choice.metric];
const domainOf = (domain) => DOMAINS.get(domainKey(choice.family, domain));
const labelOf = (domain) => domainOf(domain)?.label ?? words(domain);
const colourOf = (domain) => domainOf(domain)?.colour ?? "#777";
const domainsShown = () =>
  familyOf().domains.filter((domain) => !hidden.has(domainKey(choice.family, domain.name)));

function chosenRows(rows) {
  return rows.filter((row) =>
    row.family === choice.family && row.metric === choice.metric && row.corpus === choice.corpus);
}

// Offers names in a select: the reader's choice is kept if it is offered, else the preferred name.
function offer(id, names, label, preferred) {
  const select = byId(id);
  select.replaceChildren(...names.map((name) => new Option(label(name), name)));
  const wanted = [asked[id], preferred, names[0]];
  choice[id] = wanted.find((name) => names.includes(name)) ?? "";
  select.value = choice[id];
  select.title = choice[id] ? label(choice[id]) : "";
  select.disabled = names.length < 2;
}

function offerNamed(id, named, preferred) {
  const labels = new Map(named.map((one) => [one.name, one.label]));
  offer(id, [...labels.keys()], (name) => labels.get(name), preferred);
}

function offerAll() {
  if (!DATA.families.length || !DATA.corpora.length) return;
  if (!DATA.views.some((view) => view.name === choice.view)) choice.view = firstView();
  document.querySelector(`input[name=view][value=${choice.view}]`).checked = true;
  for (const part of document.querySelectorAll("[data-views]")) {
    part.hidden = !part.dataset.views.split(" ").includes(choice.view);
  }
  if (choice.view === "buckets") offerBuckets();
  else if (choice.view === "suites") offerSuites();
  else offerLaws();
  offerDomains(familyOf());
}

// The laws of pairs of suites where there are no gaps between domains, else those gaps.
function firstView() {
  const hasSuites = DATA.views.some((view) => view.name === "suites");
  return hasSuites && !TABLES.relative.length ? "suites" : "relative";
}

function offerLaws() {
  offerNamed("family", DATA.families, firstWithGaps().name);
  const family = familyOf();
  offerNamed("corpus", DATA.corpora);
  offer("metric", family.metrics, (name) => DATA.metrics[name].words);
  const baselines = family.domains.map((domain) => domain.name);
  const marked = (name) => labelOf(name) + (name === family.baseline ? " (default)" : "");
  offer("baseline", baselines, marked, family.baseline);
  offer("estimator", DATA.estimators, words, DATA.default_estimator);
  offerScales();
}

// The families and corpora that have slopes by bucket; the rest is the same for all of them.
function offerBuckets() {
  offerFamilies(TABLES.buckets);
  const mine = TABLES.buckets.filter((row) => row.family === choice.family);
  const corpora = new Set(mine.map((row) => row.corpus));
  offerNamed("corpus", DATA.corpora.filter((corpus) => corpora.has(corpus.name)));
  const first = mine.find((row) => row.corpus === choice.corpus);
  for (const id of ["metric", "baseline", "estimator"]) choice[id] = first[id];
}

// The families, metrics, scales and pairs of suites that are compared.
function offerSuites() {
  offerFamilies(TABLES.suites);
  const kept = (rows, key) => {
    const present = new Set(rows.map((row) => row[key]));
    return (name) => present.has(name);
  };
  const mine = TABLES.suites.filter((row) => row.family === choice.family);
  const metrics = familyOf().metrics.filter(kept(mine, "metric"));
  offer("metric", metrics, (name) => DATA.metrics[name].words);
  const ofMetric = mine.filter((row) => row.metric === choice.metric);
  const hasScale = kept(ofMetric, "scale");
  offerNamed("scale", DATA.scales.filter((scale) => hasScale(scale.name)), "ratio");
  const hasPair = kept(ofMetric.map(namedPair), "pair");
  offerNamed("pair", DATA.pairs.filter((pair) => hasPair(pair.name)));
}

function offerFamilies(rows) {
  const present = new Set(rows.map((row) => row.family));
  const families = DATA.families.filter((family) => present.has(family.name));
  const preferred = families.find((family) => family.name === firstWithGaps().name);
  offerNamed("family", families, preferred?.name);
}

// The scales, paths and contrasts that the tables have for the other choices.
function offerScales() {
  const laws = chosenRows(TABLES.relative).filter((row) => row.estimator === choice.estimator);
  const present = (key) => new Set(laws.map((row) => row[key]).filter(Boolean));
  const scales = present("scale");
  offerNamed("scale", DATA.scales.filter((scale) => scales.has(scale.name)), "ratio");
  const paths = present("path");
  offerNamed("path", DATA.paths.filter((path) => paths.has(path.name)), "optimal");
  const contrasts = new Set(chosenRows(TABLES.contrasts).map((row) => row.kind));
  const others = DATA.contrasts.filter((one) => contrasts.has(one.name));
  const first = { name: AGAINST_BASELINE, label: "the baseline" };
  offerNamed("contrast", [first, ...others], AGAINST_BASELINE);
}

function firstWithGaps() {
  const found = DATA.families.find((family) => family.baseline && family.domains.length > 1);
  return found ?? DATA.families[0];
}

function offerDomains(family) {
  const legend = document.createElement("legend");
  legend.textContent = choice.view === "buckets" ? "Treatments" : "Domains";
  const isShown = (domain) => choice.view !== "buckets" || domain.name !== choice.baseline;
  const boxes = family.domains.filter(isShown).map((domain) => {
    const key = domainKey(family.name, domain.name);
    const input = document.createElement("input");
    Object.assign(input, { type: "checkbox", value: domain.name, checked: !hidden.has(key) });
    input.addEventListener("change", () => {
      if (input.checked) hidden.delete(key);
      else hidden.add(key);
      draw();
    });
    const label = document.createElement("label");
    const isBase = choice.view !== "suites" && domain.name === choice.baseline;
    const mark = isBase ? " (baseline)" : "";
    label.append(input, " ", swatch(domain.colour), domain.label + mark);
    return label;
  });
  byId("domains").replaceChildren(legend, ...boxes);
}

function swatch(colour) {
  const spot = document.createElement("span");
  spot.className = "swatch";
  spot.style.background = colour;
  return spot;
}

function readAddress() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (name in choice) choice[name] = asked[name] = value;
  }
}

function writeAddress() {
  try {
    history.replaceState(null, "", "#" + new URLSearchParams(choice));
  } catch (error) {
    // A frame of a report has no address to keep.
  }
}
