"""Model folders with model cards, in the layout of the Hugging Face Hub, and their upload.

`runs_to_publish` names the runs and refuses results that are stale, changed or missing. `publish`
writes one folder per run; nothing leaves this machine. `upload` needs a token.

A folder has the model of a run (weights, configuration, tokenizer), its loss curve and record, its
evaluations as a table, and a card: how the model was trained, on which texts under which licences,
and its scores. The card is written from the record of the training, not from the present
configuration. Files are copies, so an edit there changes no result. `speed.csv` is left out because
it describes the machine. Runs without weights (diverged), and runs of an architecture that
`transformers` does not have, get no folder and are listed.
"""

import csv
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from relscale.contract.metric_labels import metric_label
from relscale.files import read_json, replacing, write_text
from relscale.plan.architectures import ARCHITECTURES
from relscale.provenance.verify import Finding, refuse_stale
from relscale.released.models_table import published_folder

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
TABLES = ("tables/sources.csv", "tables/corpora.csv", "tables/losses.csv")
"""Tables that the cards are written from, in addition to the records."""
LOSS_COLUMNS = (
    "family",
    "domain",
    "metric",
    "unit",
    "value",
    "standard_error",
    "num_items",
    "at_chance",
    "excluded_reason",
)
SHOWN_RUNS = 6
"""Number of runs that an error lists."""


def check_licence(licence: str) -> None:
    """Check that a licence is written like the names on the Hub.

    Raises:
        ValueError: if it is not.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", licence):
        raise ValueError(
            f"licence {licence!r}: must be a name of the Hub such as apache-2.0, cc-by-nc-4.0, mit "
            "or other"
        )


def runs_to_publish(findings: Sequence[Finding], results: str) -> list[str]:
    """Return the names of all runs, after checking that they and the tables are up to date.

    Args:
        findings: the result of `verify` for every job of the workflow.
        results: the folder of the experiment, such as `results/default`.

    Raises:
        ValueError: naming the runs, or the table, that are stale, changed or missing; or if the
            experiment trains no runs.
    """
    trained = {
        finding.job.wildcards["run"]: finding
        for finding in findings
        if any(
            path.startswith(f"{results}/runs/") and path.endswith("/record.json")
            for path in finding.job.outputs
        )
    }
    if not trained:
        raise ValueError(f"{results}: the experiment trains no runs; there is nothing to publish")
    if others := sorted(run for run, finding in trained.items() if not finding.fresh):
        named = ", ".join(others[:SHOWN_RUNS]) + (
            f" and {len(others) - SHOWN_RUNS} more" if len(others) > SHOWN_RUNS else ""
        )
        first = trained[others[0]]
        why = [
            *first.problems(),
            *(f"made from results of {name}, which is stale" for name in first.follows),
        ][0]
        raise ValueError(
            f"{results}: {len(others)} of {len(trained)} runs differ from the present plan "
            f"({why}): {named}"
        )
    refuse_stale(
        [
            finding
            for finding in findings
            if {f"{results}/{table}" for table in TABLES} & set(finding.job.outputs)
        ],
        results,
    )
    return sorted(trained)


def publish(
    experiment: str, runs: Sequence[str], results: Path, out: Path, licence: str
) -> tuple[list[Path], list[str]]:
    """Write one folder for each run that has weights and that `transformers` can read.

    Args:
        experiment: name of the experiment.
        runs: names of its runs.
        results: folder of the results, `results/<experiment>`.
        out: folder for the model folders; existing files are replaced.
        licence: licence of the weights, as the Hub names it, such as "apache-2.0".

    Returns:
        The folders, and one line for each run that is left out, with the reason.

    Raises:
        ValueError: naming the first file that is missing or is not a record.
    """
    sources, corpora, losses = (_rows(results / table) for table in TABLES)
    by_run: dict[str, list[dict[str, str]]] = {}
    for row in losses:
        by_run.setdefault(row["run"], []).append(row)
    folders, without = [], []
    for run in runs:
        trained = results / "runs" / run
        record = _record(trained)
        if record["excluded_reason"] is not None:
            without.append(f"{run}: no weights: {record['excluded_reason']}")
            continue
        architecture = record["spec"]["shape"]["architecture"]
        if not ARCHITECTURES[architecture].in_transformers:
            without.append(
                f"{run}: not published: transformers has no architecture {architecture!r}; only "
                f"relscale reads the model, from {trained / 'model'}"
            )
            continue
        folder = out / published_folder(experiment, run)
        folder.mkdir(parents=True, exist_ok=True)
        for name in MODEL_FILES:
            _copy(trained / "model" / name, folder / name)
        for name in ("curve.csv", "record.json"):
            _copy(trained / name, folder / name)
        own = by_run.get(run, [])
        _write_losses(own, folder / "losses.csv")
        text = [row for row in corpora if row["corpus"] == record["columns"]["corpus"]]
        write_text(folder / "README.md", card(experiment, record, text, sources, own, licence))
        folders.append(folder)
    return folders, without


def _record(trained: Path) -> dict[str, Any]:
    path = trained / "record.json"
    if not path.is_file():
        raise ValueError(f"{path}: does not exist; the run is not trained yet")
    record = read_json(path)
    if not isinstance(record, dict) or not {
        "spec",
        "columns",
        "excluded_reason",
        "defined_by",
    } <= set(record):
        raise ValueError(f"{path}: is not the record of a run")
    return record


def _copy(source: Path, target: Path) -> None:
    """Copy a file; both share blocks on disks that support it."""
    if not source.is_file():
        raise ValueError(f"{source}: does not exist; the model cannot be published without it")
    with replacing(target) as temporary:
        try:
            with source.open("rb") as read, temporary.open("wb") as written:
                while os.copy_file_range(read.fileno(), written.fileno(), 2**30):
                    pass
        except (AttributeError, OSError):  # a system without it, or another disk
            shutil.copyfile(source, temporary)


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise ValueError(
            f"{path}: does not exist; the cards list the training texts and the scores from it"
        )
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _write_losses(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, LOSS_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def card(
    experiment: str,
    record: Mapping[str, Any],
    corpora: Sequence[Mapping[str, str]],
    sources: Sequence[Mapping[str, str]],
    losses: Sequence[Mapping[str, str]],
    licence: str,
) -> str:
    """Return the model card of a run.

    Args:
        experiment: name of the experiment.
        record: content of the run's `record.json`.
        corpora: rows of corpora.csv for its corpus.
        sources: rows of sources.csv.
        losses: rows of losses.csv for this run.
        licence: licence of the weights.
    """
    used = {row["source"] for row in corpora}
    described = {row["source"]: row for row in sources if row["source"] in used}
    hub = sorted({row["package"] for row in described.values() if "/" in row["package"]})
    front: dict[str, Any] = {
        "license": licence,
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "language": ["en"],
    }
    front |= {"tags": ["scaling-laws", "isoflop", "relscale"]} | ({"datasets": hub} if hub else {})
    text_head = ("Component", "Tokens", "Licence of the text", "Package or dataset", "Citation")
    losses_head = ("Family", "Domain", "Metric", "Value", "Standard error", "Items", "At chance")
    return "\n".join(
        [
            "---",
            yaml.safe_dump(front, sort_keys=False, allow_unicode=True).rstrip(),
            "---",
            f"# {record['columns']['run']}",
            "",
            _INTRODUCTION.format(experiment=experiment),
            "",
            *_table(("", ""), _facts(record)),
            "",
            "## Optimiser",
            "",
            *_table(
                ("Setting", "Value"),
                [(key, str(value)) for key, value in sorted(record["spec"]["optimiser"].items())],
            ),
            "",
            "## Text",
            "",
            *_table(
                text_head, [_component(row, described.get(row["source"], {})) for row in corpora]
            ),
            "",
            "## Evaluation",
            "",
            "By domain, with standard errors over items; `losses.csv` has every column. Ignore "
            "rows at chance.",
            "",
            *_table(losses_head, [_loss(row) for row in losses]),
            "",
        ]
    )


_INTRODUCTION = (
    "One run of the experiment `{experiment}`: a decoder of the Qwen3 type, trained with a fixed "
    "compute budget as one point of an IsoFLOP curve, to measure how gaps between test domains "
    "change with compute. It is a measuring instrument, not an assistant: it was not tuned to "
    "follow instructions or to avoid harmful text."
)


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    columns, shape = record["columns"], record["spec"]["shape"]
    parts = ("embedding", "transformer", "head")
    return [
        ("Corpus", columns["corpus"]),
        (
            "Budget",
            f"{columns['budget']} "
            + columns["budget_counts"].replace("_", " ").replace("flops", "FLOPs"),
        ),
        (
            "Forward FLOPs, counted",
            f"{columns['forward_flops']:.4g} ({columns['attention_flops']} attention)",
        ),
        ("Training FLOPs, counted", f"{columns['training_flops']:.4g}"),
        ("Parameters", f"{columns['num_params_total']:,}"),
        (
            f"of them {' / '.join(parts)}",
            " / ".join(f"{columns[f'num_params_{part}']:,}" for part in parts),
        ),
        ("Width x layers, heads", f"{columns['width']} x {columns['layers']}, {columns['heads']}"),
        ("Context", f"{shape['context_length']:,} tokens"),
        ("Tokens", f"{columns['tokens']:,} ({record['epochs']:.3g} epochs)"),
        ("Steps x sequences", f"{columns['steps']:,} x {columns['batch_size']}"),
        ("Recipe", columns["recipe"]),
        ("Seed", str(columns["seed"])),
        ("Training loss at the end", f"{record['final_loss_nats_per_token']:.4f} nats per token"),
        ("Trained by", ", ".join(["code " + record["defined_by"][0], *record["defined_by"][1:]])),
    ]


def _loss(row: Mapping[str, str]) -> tuple[str, ...]:
    return (
        row["family"],
        row["domain"],
        metric_label(row["metric"]),
        _number(row["value"]),
        _number(row["standard_error"]),
        row["num_items"],
        row["at_chance"],
    )


def _component(row: Mapping[str, str], source: Mapping[str, str]) -> tuple[str, ...]:
    where = (
        " ".join(part for part in (source.get("package", ""), source.get("version", "")) if part)
        or "local files"
    )
    return (
        row["source"],
        f"{int(row['tokens']):,}",
        source.get("licence", "not stated"),
        where,
        source.get("citation", "not stated"),
    )


def _number(text: str) -> str:
    return f"{float(text):.4f}" if text else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    cells = [head, ["---"] * len(head), *rows]
    return [
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
        for row in cells
    ]


def upload(folders: Sequence[Path], owner: str, *, public: bool = False) -> list[str]:
    """Upload folders to the Hub, one repository each; an existing repository gets a new commit.

    Args:
        folders: folders written by `publish`.
        owner: user or organisation.
        public: whether new repositories are public.

    Returns:
        The names of the repositories.

    Raises:
        ValueError: if the library or a token is missing, or the Hub refuses.
    """
    try:
        from huggingface_hub import HfApi, get_token  # comes with the `hub` extra
    except ImportError as error:
        raise ValueError(
            "uploading needs the package `huggingface_hub`; install relscale with its `hub` extra"
        ) from error
    if not get_token():
        raise ValueError(
            "uploading needs a token with write access in the variable HF_TOKEN; without --upload "
            "nothing is sent"
        )
    api = HfApi()
    names: list[str] = []
    for folder in folders:
        name = f"{owner}/{folder.name}"
        try:
            api.create_repo(name, private=not public, exist_ok=True)
            api.upload_folder(
                repo_id=name,
                folder_path=str(folder),
                commit_message="Weights, card, record and evaluations of one run",
            )
        except Exception as error:  # the library raises errors of many packages
            done = f"{len(names)} of {len(folders)} are uploaded" if names else "none is uploaded"
            raise ValueError(
                f"{name}: the Hub refused: {type(error).__name__}: {error}; {done}"
            ) from error
        names.append(name)
    return names
