// Downloads of the shown rows as CSV files. DATA.downloads names their columns.

function csvCell(value) {
  const text = String(value ?? "");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(columns, rows) {
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return lines.map((line) => line.map(csvCell).join(",")).join("\n") + "\n";
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

function fileStem() {
  const names = ["family", "corpus", "metric", "estimator", "baseline", "scale"];
  return names.map((id) => choice[id]).join("-");
}

function lossesOfFamily() {
  const rows = TABLES.losses.filter((row) => row.family === choice.family);
  return rows.map((row) => ({ ...TABLES.runs[row.at], ...row }));
}

function offerDownloads() {
  byId("save-verdicts").addEventListener("click", () =>
    save(`relative-${fileStem()}`, DATA.downloads.verdicts, shown.verdicts));
  byId("save-drawn").addEventListener("click", () =>
    save(`points-${choice.view}-${fileStem()}`, DATA.downloads.drawn, shown.drawn));
  for (const id of ["suites", "buckets", "documents"]) {
    byId(`save-${id}`).addEventListener("click", () => {
      const of = id === "suites" ? choice.pair.replace("/", "-") : choice.corpus;
      save(`${id}-${choice.family}-${of}`, DATA.downloads[id], shown[id]);
    });
  }
  byId("save-losses").addEventListener("click", () =>
    save(`losses-${choice.family}`, DATA.downloads.losses, lossesOfFamily()));
}
