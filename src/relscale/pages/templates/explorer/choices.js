// The reader's choices: the state of the form, the form's options, and the address that keeps them.

const choice = {
  family: "", corpus: "", baseline: "", metric: "", estimator: "", scale: "", path: "",
  contrast: "", view: "relative",
};
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

// Offers names in a select; keeps the choice if it is offered, else takes the preferred name.
function offer(id, names, label, preferred) {
  const select = byId(id);
  select.replaceChildren(...names.map((name) => new Option(label(name), name)));
  const wanted = [choice[id], preferred, names[0]];
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
  offerNamed("family", DATA.families, firstWithGaps().name);
  const family = familyOf();
  offerNamed("corpus", DATA.corpora);
  offer("metric", family.metrics, (name) => DATA.metrics[name].words);
  const baselines = family.domains.map((domain) => domain.name);
  const marked = (name) => labelOf(name) + (name === family.baseline ? " (default)" : "");
  offer("baseline", baselines, marked, family.baseline);
  offer("estimator", DATA.estimators, words, DATA.default_estimator);
  offerScales();
  if (isRelative()) choice.view = "relative";
  document.querySelector(`input[name=view][value=${choice.view}]`).checked = true;
  offerDomains(family);
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
  legend.textContent = "Domains";
  const boxes = family.domains.map((domain) => {
    const key = domainKey(family.name, domain.name);
    const input = document.createElement("input");
    Object.assign(input, { type: "checkbox", value: domain.name, checked: !hidden.has(key) });
    input.addEventListener("change", () => {
      if (input.checked) hidden.delete(key);
      else hidden.add(key);
      draw();
    });
    const label = document.createElement("label");
    const mark = domain.name === choice.baseline ? " (baseline)" : "";
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
    if (name in choice) choice[name] = value;
  }
}

function writeAddress() {
  try {
    history.replaceState(null, "", "#" + new URLSearchParams(choice));
  } catch (error) {
    // A frame of a report has no address to keep.
  }
}
