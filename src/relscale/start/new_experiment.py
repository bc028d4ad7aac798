"""An experiment on somebody's texts, models or table of losses, for `relscale init`.

Read `new_experiment` first. Folder names, or a field of the records, become the domains of a family
whose metric is bits per byte. Licence and citation are the only facts that files cannot tell.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from relscale.config.experiment import Experiment
from relscale.config.load import load_config, merged, read_yaml
from relscale.config.schema import schema_line
from relscale.config.table_defaults import merged_files
from relscale.files import write_text
from relscale.losses_table.proposal.inspection import inspect_table
from relscale.losses_table.proposal.mapping_text import mapping_text
from relscale.plan.suite import plan_suite
from relscale.released.models_table import NEEDED, read_released
from relscale.text.inspection.proposal import TextProposal, as_yaml, key_of
from relscale.text.inspection.report import TextInspection, megabytes

FOLDER = Path("experiments")
TOKENS_PER_DOMAIN, DOCUMENTS_PER_DOMAIN = 20_000, 200
"""Caps of a new family, so that evaluation takes minutes: for trained runs, whose tokenizer counts
tokens, and for released models, which have their own tokenizers."""
BYTES_PER_TOKEN = 2.1
"""Of the default corpora with the default vocabulary of 512 entries."""
FIGURES = ("family_laws", "isoflop_curves", "loss_to_loss", "forecast")
MODELS_HEADER = (*NEEDED, "training_flops")
_MODEL = "config.json"
"""File that a folder of a released model has."""


@dataclass(frozen=True, kw_only=True)
class StartingPoint:
    """Files that a new experiment starts from; all None is the default experiment alone."""

    texts: Path | None = None
    """Texts whose domains are compared: a folder per domain, or records with a field."""
    corpus: Path | None = None
    """Texts that models are trained on, instead of the default corpora."""
    models: Path | None = None
    """A folder of released models, or the table of them."""
    table: Path | None = None
    """A table of losses."""
    name: str | None = None
    """Name of the experiment; the default is that of the first file or folder."""
    baseline: str | None = None
    """Domain that the others are compared with; the default is the largest, or the first."""
    licence: str | None = None
    """Licence of the texts, or of the table."""
    citation: str | None = None
    """How to cite them."""

    @property
    def paths(self) -> list[Path]:
        """Return the files and folders that are given."""
        given = (self.texts, self.models, self.table, self.corpus)
        return [path for path in given if path is not None]

    def check(self) -> None:
        """Check that the options fit together.

        Raises:
            ValueError: naming the options that are missing or exclude each other.
        """
        if self.table is not None and len(self.paths) > 1:
            raise ValueError("--table: an experiment with a table of losses takes no other files")
        if self.models is not None and self.corpus is not None:
            raise ValueError("--corpus: released models are not trained; leave it out")
        if self.texts is None and self.corpus is None:
            return
        needed = {"--licence": self.licence, "--citation": self.citation}
        if missing := [option for option, value in needed.items() if not value]:
            raise ValueError(
                f"{' and '.join(missing)}: must be given for texts, because no file states it"
            )


@dataclass(frozen=True, kw_only=True)
class NewExperiment:
    """The files of a new experiment."""

    name: str
    overlay: str
    """Its configuration as YAML."""
    files: Mapping[Path, str] = field(default_factory=dict)
    """Further files by path, relative to the project."""
    remarks: list[str] = field(default_factory=list)
    """Decisions, and things to fill in."""

    @property
    def path(self) -> Path:
        """Place of the configuration, relative to the project."""
        return FOLDER / f"{self.name}.yaml"

    def write(self, folder: Path) -> None:
        """Write the configuration and the further files into a project."""
        for path, text in {self.path: self.overlay, **self.files}.items():
            write_text(folder / path, text)


def new_experiment(start: StartingPoint, project: Path) -> NewExperiment:
    """Return the experiment that starts from some files; nothing is written.

    Args:
        start: the files.
        project: the project's files, whose `config.yaml` the new configuration is checked with.

    Raises:
        ValueError: if the options do not fit together, a file cannot be used, or its name is taken.
    """
    start.check()
    name = key_of(Path(start.name)) if start.name else key_of(start.paths[0])
    if (project / FOLDER / f"{name}.yaml").exists() or name == "default":
        raise ValueError(f"--name: the experiment {name!r} is there already; give another name")
    if start.table is not None:
        return _of_table(start, name, project)
    return _of_texts(start, name, project)


def _of_texts(start: StartingPoint, name: str, project: Path) -> NewExperiment:
    """Return an experiment on texts, on released models, or on both."""
    content: dict[str, Any] = {"experiment": name}
    files: dict[Path, str] = {}
    remarks: list[str] = []
    families = ["topics"]
    trained_on: TextInspection | None = None
    if start.texts is not None:
        found = _inspected(start.texts)
        proposal = found.proposal
        remarks += [f"cannot be read, and will be an error: {one}" for one in _unread(found)]
        sections = _family_sections(proposal, start)
        families = list(sections["families"])
        content |= sections
        (family,) = sections["families"].values()
        remarks.append(
            f"family {families[0]}: domains {', '.join(family['domains'])}; baseline "
            f"{family['baseline']} (--baseline names another one); metric bits per byte"
        )
    if start.corpus is not None:
        trained_on = _inspected(start.corpus)
        _add_corpus(content, trained_on.proposal, start)
        remarks.append(f"models are trained on {content['suite']['corpora'][0]}")
    if start.models is not None:
        files, more = _models_table(start.models, name)
        folder = start.models if start.models.is_dir() else start.models.parent
        content["released"] = {
            "table": str(FOLDER / f"{name}.csv"),
            "folder": str(folder.resolve()),
        }
        remarks += more
    is_released = start.models is not None
    if start.texts is not None or is_released:
        content["evaluate"] = families if is_released else ["validation", *families]
        content["laws"] = {"two_stage": None}
        if is_released:
            content["laws"]["optimum_by"] = families[0]
        figures = [one for one in FIGURES if not is_released or one != "isoflop_curves"]
        content["figures"] = {
            "names": figures,
            "family_laws": families[0],
            "size_or_data": families[0],
            "teaser": families,
            **content.get("figures", {}),
        }
    whole = merged([read_yaml(project / "config.yaml"), content])
    experiment = load_config(whole, [(f"{name}.yaml", content)])
    if trained_on is not None:
        remarks += _too_little_text(experiment, trained_on)
    ordered = {key: content[key] for key in Experiment.model_fields if key in content}
    text = f"{schema_line(FOLDER)}\n# {_title(start)}\n{as_yaml(ordered)}"
    return NewExperiment(name=name, overlay=text, files=files, remarks=remarks)


def _title(start: StartingPoint) -> str:
    words = [
        *(["the texts of " + str(start.texts)] if start.texts else []),
        *(["models of " + str(start.models)] if start.models else []),
        *(["models trained on " + str(start.corpus)] if start.corpus else []),
    ]
    return f"Written by `relscale init`: {' and '.join(words)}."


def _inspected(path: Path) -> TextInspection:
    """Inspect texts, with a path that works in any folder.

    Raises:
        ValueError: if no reader fits the files.
    """
    found = TextInspection.of(path.resolve())
    if not found.proposal.readers:
        raise ValueError(f"{path}: no reader fits; see `relscale corpus inspect {path}`")
    return found


def _unread(found: TextInspection) -> list[str]:
    """Return the problems with files that the proposed readers read."""
    left_out = (found.proposal.family_reader or {}).get("exclude", [])
    return [
        problem
        for problem in found.sample.problems
        if not any(fnmatch(problem.partition(":")[0], pattern) for pattern in left_out)
    ]


def _family_sections(proposal: TextProposal, start: StartingPoint) -> dict[str, Any]:
    """Return the sections `sources` and `families` for texts with domains.

    Raises:
        ValueError: if nothing names domains, or the baseline is none of them.
    """
    if proposal.family_reader is None:
        raise ValueError(
            f"--texts {start.texts}: nothing names domains: put the texts of each domain into a "
            "folder of its own, or give records a field with few values"
        )
    sections = proposal.sections(start.licence, start.citation)
    (family,) = sections["families"].values()
    if start.baseline is not None:
        if start.baseline not in family["domains"]:
            raise ValueError(
                f"--baseline {start.baseline}: is not a domain; the choices are "
                f"{', '.join(family['domains'])}"
            )
        family["baseline"] = start.baseline
    cap = (
        {"tokens_per_domain": TOKENS_PER_DOMAIN}
        if start.models is None
        else {"documents_per_domain": DOCUMENTS_PER_DOMAIN}
    )
    family |= cap
    return {name: sections[name] for name in ("sources", "families")}


def _add_corpus(content: dict[str, Any], proposal: TextProposal, start: StartingPoint) -> None:
    """Add a corpus that all models are trained on, and that the tokenizer is made from."""
    sections = proposal.sections(start.licence, start.citation)
    (name,) = sections["sources"]
    key = f"{name}_corpus" if name in content.get("sources", {}) else name
    (source,), (mixture,) = sections["sources"].values(), sections["corpora"]["mixtures"].values()
    for component in mixture["components"]:
        component["source"] = key
    content.setdefault("sources", {})[key] = source
    content["corpora"] = {"mixtures": {key: mixture}}
    if "families" in content:  # test text must not be trained on
        content["corpora"]["decontaminate_against"] = list(content["families"])
    content["tokenizer"] = {"trained_on": [key]}
    content["suite"] = {"corpora": [key]}
    content["figures"] = {"corpus": key}


def _too_little_text(experiment: Experiment, corpus: TextInspection) -> list[str]:
    """Return a remark if the longest run needs more text than a corpus seems to have."""
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    tokens = max(run.tokens for run in runs) / experiment.suite.max_epochs
    needed, present = tokens * BYTES_PER_TOKEN, corpus.listing.num_bytes
    if present >= needed or not corpus.listing.is_complete:
        return []
    return [
        f"the longest run needs {tokens:,.0f} tokens, about {megabytes(needed)} of text at "
        f"{BYTES_PER_TOKEN:g} bytes per token, and {corpus.path.name} has {megabytes(present)}: "
        "add text, leave out the largest budgets, or raise suite.max_epochs"
    ]


def _models_table(path: Path, name: str) -> tuple[dict[Path, str], list[str]]:
    """Return the table of released models, and remarks on it.

    Raises:
        ValueError: if there is no model, or the table cannot be used.
    """
    place = FOLDER / f"{name}.csv"
    if path.is_file():
        rows = read_released(path)
        text = path.read_text(encoding="utf-8-sig")
        return {place: text}, [f"{place}: {len(rows)} models, a copy of {path}"]
    models = sorted(each.parent.name for each in path.glob(f"*/{_MODEL}"))
    if not models:
        raise ValueError(
            f"--models {path}: must be a table of models, or a folder with a folder per model "
            f"(with {_MODEL})"
        )
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(MODELS_HEADER)
    table.writerows([["models", model, "", model, "", ""] for model in models])
    return {place: lines.getvalue()}, [
        f"{place}: {len(models)} models; fill in budget, tokens and training_flops of each, which "
        "no file of a model states"
    ]


def _of_table(start: StartingPoint, name: str, project: Path) -> NewExperiment:
    """Return an experiment on a table of losses.

    Raises:
        ValueError: if the table cannot be read with the proposed mapping, or has no gap.
    """
    assert start.table is not None
    found = inspect_table(start.table.resolve())
    if found.found is None:
        raise ValueError(
            f"--table {start.table}: its layout cannot be guessed: {found.problem}; run `relscale "
            f"table inspect {start.table} --mapping mapping.yaml` and complete the mapping"
        )
    if start.licence and start.citation:
        source = {"citation": start.citation, "licence": start.licence}
        found.proposal.content["source"] = source
    families: dict[str, Any] = {}
    remarks = ["every line of `losses` is a guess about the table's columns"]
    for family, rows in found.found.frame.groupby("family", sort=False):
        domains = [str(domain) for domain in rows["domain"].unique()]
        if len(domains) < 2:
            continue
        baseline = start.baseline if start.baseline in domains else domains[0]
        metrics = [str(metric) for metric in rows["metric"].unique()]
        families[str(family)] = {"kind": "table", "baseline": baseline, "metrics": metrics}
        remarks.append(f"family {family}: {len(domains)} domains, baseline {baseline}")
    if not families:
        raise ValueError(f"--table {start.table}: no family has two domains, so there is no gap")
    if start.baseline is not None and all(
        family["baseline"] != start.baseline for family in families.values()
    ):
        raise ValueError(f"--baseline {start.baseline}: is not a domain of {start.table}")
    content = {"experiment": name, "losses": found.proposal.content, "families": families}
    mapping = mapping_text(found.proposal)
    text = (
        f"{schema_line(FOLDER)}\n# Written by `relscale init`: laws of {start.table.name}.\n"
        f"experiment: {name}\n\n{mapping}\n{as_yaml({'families': families})}"
    )
    _check_table(project, name, content)
    return NewExperiment(name=name, overlay=text, remarks=remarks)


def _check_table(project: Path, name: str, content: Mapping[str, Any]) -> None:
    """Check a configuration with a table, whose defaults are merged in between."""
    files = [("config.yaml", read_yaml(project / "config.yaml")), (f"{name}.yaml", dict(content))]
    load_config(merged_files(files), files)
