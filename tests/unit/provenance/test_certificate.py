"""Certificates: written and read again, compared, and the cause of a difference that was planted.

The results are those of a small workflow in which the content of each file is a digest of the job's
params and of its inputs, so that a planted change spreads as it does in the real one.
"""

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.provenance.certificate import PUBLISHED, cited_rows, read, write
from relscale.provenance.certified import CERTIFIED, STAGES, VALUE_TABLES
from relscale.provenance.certify import certify, rule_of
from relscale.provenance.checksums import Checksums, note
from relscale.provenance.dag import Job
from relscale.provenance.published import compare, equal_numbers

ROOT = Path(__file__).parents[3]
SHARED, OWN = "results/shared", "results/x"
DIGEST = "0123456789abcdef"
CHECKSUMS = Path("benchmarks/results/x/checksums.json")
TREATMENTS = ("CN", "DE", "GB")
UNCERTIFIED = {
    "sources_table": "licences and citations",
    "corpora_table": "counts of the documents and tokens, whose checksums are certified",
    "implementations": "read for the step of each run",
    "curves": "shows the training of runs, whose weights are certified",
    "enough_tokens": "a check",
    "preflight": "a check",
    "figures": "names the figures",
    "table_page": "a page",
    "control_page": "a page",
    "explorer": "a page",
    "findings": "a page",
    "front": "a page",
    "provenance": "a page",
    "all": "names the results",
    "plan": "names two results",
}


class Workflow:
    """A checkout with results, made by jobs with these properties."""

    def __init__(self, folder, *, text="text", seed=0, step="native avx2", **changed):
        """Run all jobs.

        Args:
            folder: the checkout.
            text: the text of the source.
            seed: seed of the runs.
            step: the program that trains them.
            changed: params by rule, such as `laws={"lock": "scipy 2"}`.
        """
        self.folder, self.changed, self.jobs = folder, changed, []
        corpus = f"{SHARED}/corpora/web-{DIGEST}"
        tokenizer = f"{SHARED}/tokenizers/{DIGEST}/tokenizer.json"
        source = f"{SHARED}/sources/books-{DIGEST}/manifest.json"
        tokens = f"{corpus}/tokens-{DIGEST}/manifest.json"
        requests = f"{SHARED}/families/language-{DIGEST}/manifest.json"
        runs = [f"web-1e9-d{width}-s{seed}" for width in (8, 16)]
        self.write(source, json.dumps({"files": {"a.txt": text}, "stamps": [str(folder)]}))
        self.job("source", [], [source], made=True)
        documents = [f"{corpus}/train.parquet", f"{corpus}/validation.parquet"]
        self.job("documents", [source], documents)
        self.job("tokenizer", documents, [tokenizer])
        self.job("shards", [*documents, tokenizer], [tokens], key="sha256")
        self.job("family", [tokenizer, source], [requests], key="sha256")
        self.job("suite", [], [f"{OWN}/tables/suite.csv"], spec={"suite": {"seeds": [seed]}})
        for run in runs:
            spec = {"seed": seed, "implementation": step.partition(" ")[0], "run": run}
            place = f"{OWN}/runs/{run}"
            digest = self.digest("train", [tokens, tokenizer], {"spec": spec, "step": step})
            self.write(f"{place}/model/model.safetensors", digest)
            self.write(f"{place}/record.json", json.dumps({"spec": spec, "implementation": step}))
            outputs = [f"{place}/record.json", f"{place}/model"]
            self.job("train", [tokens, tokenizer], outputs, made=True, spec=spec, run=run)
        table = "".join(f"{run},trained,{step},\n" for run in runs)
        self.write(
            f"{OWN}/tables/implementations.csv", f"run,status,implementation,remarks\n{table}"
        )
        weights = [f"{OWN}/runs/{run}/model" for run in runs]
        losses, own = f"{OWN}/evaluations/language/losses.parquet", f"{OWN}/laws/language"
        self.job("evaluate", [requests, *weights], [losses])
        self.job("losses", [losses], [f"{OWN}/tables/losses.csv"])
        for each in VALUE_TABLES:
            self.laws(each, self.digest("laws", [losses]), f"{own}/{each.file}")
            self.laws(each, self.digest("laws", [losses]), f"{OWN}/laws/{each.file}")
        self.job("laws", [losses], [f"{own}/{each.file}" for each in VALUE_TABLES], made=True)
        for each in VALUE_TABLES:
            self.job("law_table", [f"{own}/{each.file}"], [f"{OWN}/laws/{each.file}"], made=True)
        note(self.jobs, self.checksums())

    def checksums(self):
        return Checksums.read(self.folder, CHECKSUMS)

    def certificate(self):
        return certify("x", self.jobs, self.checksums())

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, path):
        """Return the part of an input that decides a result: not the stamps of a source."""
        path = path / "model.safetensors" if path.is_dir() else path
        text = path.read_text()
        return json.loads(text)["files"] if "/sources/" in str(path) else text

    def params(self, rule, spec=None):
        usual = {"code": "c0", "command": "d0", "lock": "numpy 2.4.6, torch 2.13.0"}
        usual["spec"] = json.dumps(spec or {"level": 0.95})
        return {**usual, **self.changed.get(rule, {})}

    def digest(self, rule, inputs, more=None):
        read = [self.read(self.folder / path) for path in inputs]
        text = json.dumps([rule, self.params(rule), read, more], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def job(self, rule, inputs, outputs, *, made=False, key=None, spec=None, run=None):
        """Add a job with its record, and make its outputs."""
        number = sum(job.rule == rule for job in self.jobs)
        record, params = f"benchmarks/{rule}-{number}.jsonl", self.params(rule, spec)
        for output in [] if made else outputs:
            digest = self.digest(rule, inputs, spec)
            self.write(output, json.dumps({key: digest}) if key else digest)
        self.write(record, json.dumps({"params": params}) + "\n")
        wildcards = {"run": run} if run else {"number": str(number)}
        self.jobs.append(
            Job(
                rule=rule,
                wildcards=wildcards,
                params=params,
                inputs=tuple(inputs),
                outputs=tuple(outputs),
                record=record,
            )
        )

    def laws(self, each, digest, name):
        """Write a table of laws whose numbers follow from a digest."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, each.table.names, restval="1")
            writer.writeheader()
            for place, treatment in enumerate(TREATMENTS):
                number = f"{int(digest[place : place + 12], 16) / 16**13:.10g}"
                row = dict.fromkeys(each.numbers, number) | {"status": "ok", "verdict": "widens"}
                name = "treatment" if "treatment" in each.table.key else "domain"
                row |= {"corpus": "web", "family": "language", name: treatment}
                writer.writerow({key: row[key] for key in row if key in each.table.names})


@pytest.fixture
def published(tmp_path):
    """The certificate of a first run, read from its files."""
    folder = tmp_path / "published"
    write(Workflow(tmp_path / "first").certificate(), folder)
    return read(folder)


def again(tmp_path, **changed):
    return Workflow(tmp_path / "again", **changed)


def test_the_same_results_are_equal_wherever_they_were_made(tmp_path, published):
    found = compare(published, again(tmp_path).certificate())
    assert found.equal and not found.causes
    assert found.text("there") == (
        "equal to the published results: all 3 verdicts, 3 slopes to 6 digits (there)\n"
    )


SEED = "other configuration: suite suite.seeds: [0] -> [1] (plan)"
NUMPY = {"lock": "numpy 2.5.0, torch 2.13.0"}


@pytest.mark.parametrize(
    ("changed", "causes"),
    [
        (
            {"text": "other"},
            ["other text by checksum: sources/books/manifest.json (text)"],
        ),
        (
            {"shards": NUMPY},
            ["other library versions: numpy 2.4.6 -> 2.5.0 (tokens)"],
        ),
        ({"train": NUMPY}, ["other library versions: numpy 2.4.6 -> 2.5.0 (weights)"]),
        ({"laws": NUMPY}, ["other library versions: numpy 2.4.6 -> 2.5.0 (laws)"]),
        ({"evaluate": {"code": "c1"}}, ["other code: evaluate code: c0 -> c1 (losses)"]),
        ({"laws": {"command": "d1"}}, ["other code: laws command: d0 -> d1 (laws)"]),
        (
            {"tokenizer": {"spec": '{"level":0.9}'}},
            ["other configuration: tokenizer level: 0.95 -> 0.9 (tokenizer)"],
        ),
        (
            {"step": "torch"},
            [
                "other step in 2 of 2 runs: native avx2 -> torch; `make env` builds the native "
                "step where it finds a C compiler (weights)"
            ],
        ),
        (
            {"step": "native avx512"},
            ["other level of the machine in 2 of 2 runs: native avx2 -> native avx512 (weights)"],
        ),
    ],
)
def test_a_planted_change_is_the_only_cause(tmp_path, published, changed, causes):
    found = compare(published, again(tmp_path, **changed).certificate())
    assert not found.equal and found.causes == causes
    text = found.text("there")
    assert text.startswith("different from the published results (there); published -> here:\n")
    assert "  slopes: 3 of 3 differ: web language 1 CN" in text
    assert f"  likely cause: {causes[0]}\n" in text


def test_another_seed_is_a_cause_in_the_plan_although_the_runs_have_other_names(
    tmp_path, published
):
    found = compare(published, again(tmp_path, seed=1).certificate())
    assert not found.equal and found.causes[0] == SEED
    assert "web-1e9-d16-s0" in found.differing["weights"]
    assert all(cause.startswith("also, ") for cause in found.causes[1:])


def test_of_two_changes_the_upstream_one_comes_first(tmp_path, published):
    found = compare(published, again(tmp_path, step="torch", laws={"code": "c1"}).certificate())
    first, second = found.causes
    assert first.startswith("other step in 2 of 2 runs")
    assert second == "also, other code: laws code: c0 -> c1 (laws)"


def test_a_change_without_effect_is_no_cause(tmp_path, published):
    """Documents in another container format, and code that gives the same tables."""
    other = again(tmp_path)
    for path in other.folder.rglob("train.parquet"):
        path.write_text("written by another version")
    other.jobs = [job for job in other.jobs if job.rule != "documents"] + [
        job for job in other.jobs if job.rule == "documents"
    ]
    (other.folder / CHECKSUMS).unlink()
    note(other.jobs, other.checksums())
    found = compare(published, other.certificate())
    assert found.equal
    assert "documents: corpora/web/train.parquet" in found.text("there")
    changed = again(tmp_path, laws={"code": "c1"})
    for path in (tmp_path / "first" / OWN / "laws").rglob("*.csv"):
        target = changed.folder / path.relative_to(tmp_path / "first")
        target.write_bytes(path.read_bytes())
    (changed.folder / CHECKSUMS).unlink()
    note(changed.jobs, changed.checksums())
    found = compare(published, changed.certificate())
    assert found.equal and not found.causes


@pytest.mark.parametrize("name", ["relative.csv", "language/relative.csv", "absolute.csv"])
def test_an_edited_table_is_found_even_if_no_cited_value_changed(tmp_path, published, name):
    other = again(tmp_path)
    path = other.folder / OWN / "laws" / name
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:-1], lines[-1].replace(",1,", ",7,", 1)]))
    found = compare(published, other.certificate())
    assert not found.equal
    assert found.causes == [
        f"edited: {OWN}/laws/{name}: differs from the job's output (another checksum)"
    ]


def test_an_edited_verdict_is_named_with_its_row(tmp_path, published):
    other = again(tmp_path)
    path = other.folder / OWN / "laws/relative.csv"
    path.write_text(path.read_text().replace("widens", "narrows", 1))
    found = compare(published, other.certificate())
    (line,) = found.values
    assert line.startswith("verdicts: 1 of 3 differ: web language 1 CN")
    assert line.endswith(": widens -> narrows")
    assert found.causes[0].startswith(f"edited: {OWN}/laws/relative.csv: differs from the job's")


def test_what_no_record_explains_is_called_unknown_or_another_machine(tmp_path, published):
    """The tables differ, and no checksum shows an edit."""
    other = again(tmp_path)
    path = other.folder / OWN / "laws/relative.csv"
    path.write_text(path.read_text().replace("widens", "narrows", 1))
    (other.folder / CHECKSUMS).unlink()
    note(other.jobs, other.checksums())
    here = other.certificate()
    (cause,) = compare(published, here).causes
    assert cause.startswith("unknown: step, settings, libraries and code are the same")
    here.facts.platform["machine"] = "vax"
    (cause,) = compare(published, here).causes
    assert cause.startswith("another machine: ") and " -> vax " in cause


def test_rows_that_are_missing_or_new_are_counted(tmp_path, published):
    other = again(tmp_path)
    path = other.folder / OWN / "laws/relative.csv"
    path.write_text(path.read_text().replace("DE", "FR"))
    found = compare(published, other.certificate())
    missing, new = found.values
    assert missing.startswith("relative.csv: 1 row(s) missing here: web language 1 DE")
    assert new.startswith("relative.csv: 1 row(s) not published: web language 1 FR")


def test_results_of_which_large_files_were_removed_are_still_compared(tmp_path, published):
    """A reader of an archive has neither weights nor documents."""
    other = again(tmp_path)
    for path in other.folder.rglob("*.parquet"):
        path.unlink()
    for path in [*other.folder.rglob("model")]:
        shutil.rmtree(path)
    assert compare(published, other.certificate()).equal
    torch = Workflow(tmp_path / "torch", step="torch")
    for path in [*torch.folder.rglob("model")]:
        shutil.rmtree(path)
    found = compare(published, torch.certificate())
    assert not found.equal and found.differing["losses"] and not found.differing["weights"]
    assert found.causes[0].startswith("other step in 2 of 2 runs: native avx2 -> torch")


@pytest.mark.parametrize(
    ("published", "here", "equal"),
    [
        ("0.123457", "0.12345678", True),
        ("0.123457", "0.1234564999", True),
        ("0.123457", "0.123458", False),
        ("-0.00280009", "-0.0028000931", True),
        ("-0.00280009", "0.00280009", False),
        ("0", "1e-17", True),
        ("0", "1e-9", False),
        ("", "", True),
        ("", "0.1", False),
        ("nan", "nan", True),
        ("inf", "1", False),
    ],
)
def test_numbers_are_equal_if_they_round_to_the_published_digits(published, here, equal):
    assert equal_numbers(published, here) is equal


def test_a_certificate_is_rounded_sorted_and_only_written_if_it_changed(tmp_path):
    workflow, folder = Workflow(tmp_path / "x"), tmp_path / "out"
    paths = write(workflow.certificate(), folder)
    times = [path.stat().st_mtime_ns for path in paths]
    assert [path.name for path in paths] == [
        "certificate.json",
        "absolute.csv",
        "relative.csv",
        "runs.csv",
    ]
    assert write(workflow.certificate(), folder) == paths
    assert [path.stat().st_mtime_ns for path in paths] == times
    for each in VALUE_TABLES:
        rows = cited_rows(each, folder)
        assert list(rows) == sorted(rows)
        full = cited_rows(each, workflow.folder / OWN / "laws")
        for key, row in rows.items():
            for name in each.numbers:
                assert row[name] == f"{float(full[key][name]):.6g}"


def test_the_certificate_says_nothing_of_this_machines_folders(tmp_path):
    folder = tmp_path / "out"
    paths = write(Workflow(tmp_path / "x").certificate(), folder)
    assert not [path for path in paths if str(tmp_path) in path.read_text()]
    assert DIGEST not in "".join(path.read_text() for path in paths)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("certificate.json", "{", "certificate.json: not valid JSON"),
        ("certificate.json", '{"experiment": "x"}', r"is not a certificate \(platform: Field"),
        ("relative.csv", "corpus\n", r"relative.csv: lacks the column\(s\) baseline, dbeta"),
        ("relative.csv", None, r"relative.csv: does not exist"),
    ],
)
def test_a_damaged_certificate_is_named(tmp_path, name, text, message):
    folder = tmp_path / "out"
    write(Workflow(tmp_path / "x").certificate(), folder)
    (folder / name).unlink() if text is None else (folder / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read(folder)


def test_a_folder_without_a_certificate_and_another_file_are_none(tmp_path):
    folder = tmp_path / "out"
    write(Workflow(tmp_path / "x").certificate(), folder)
    assert read(folder / "certificate.json").runs == read(folder).runs
    for path in (tmp_path, tmp_path / "nothing", folder / "runs.csv"):
        with pytest.raises(ValueError, match=r"is not a certificate; it must be a folder with"):
            read(path)


def test_a_slope_that_is_no_number_is_named_with_its_row(tmp_path):
    workflow = Workflow(tmp_path / "x")
    path = workflow.folder / OWN / "laws/relative.csv"
    path.write_text(re.sub(r"0\.\d{8,}", "steep", path.read_text(), count=1))
    with pytest.raises(ValueError, match=r"relative.csv: web .*: dbeta = 'steep': must be a num"):
        workflow.certificate()


def test_every_rule_is_certified_or_known_to_decide_nothing():
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    text += (ROOT / "workflow/Snakefile").read_text()
    names = re.findall(r"^ *(?:rule|checkpoint) (\w+):", text, re.MULTILINE)
    names += re.findall(r"^use rule \w+ as (\w+) ", text, re.MULTILINE)
    jobs = [
        Job(rule=name, wildcards={}, params={}, inputs=(), outputs=(), record=None)
        for name in names
    ]
    assert {rule_of(job) for job in jobs} == {*CERTIFIED, *UNCERTIFIED}
    assert not {*CERTIFIED} & {*UNCERTIFIED}


def test_stages_are_in_the_order_of_the_flow():
    names = [stage.name for stage in STAGES]
    for place, stage in enumerate(STAGES):
        assert {*stage.after} <= {*names[:place]}


def test_an_experiment_without_published_results_is_no_error():
    """Nothing is planned for it, so this is fast."""
    done = CliRunner().invoke(
        app, ["certify", str(ROOT / "experiments/slurm.yaml"), "--folder", str(ROOT)]
    )
    assert done.exit_code == 0, done.output
    (line,) = done.output.splitlines()
    assert line.endswith("experiments/certified/slurm has no published results to compare with")


def test_published_certificates_are_small_and_belong_to_an_experiment():
    overlays = {path.stem for path in (ROOT / "experiments").glob("*.yaml")}
    for folder in (path for path in (ROOT / PUBLISHED).glob("*") if path.is_dir()):
        assert folder.name in {"default", *overlays}
        assert read(folder).facts.experiment == folder.name
        assert sum(path.stat().st_size for path in folder.iterdir()) < 400e3
