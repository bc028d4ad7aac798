"""Released models, from their folders to laws through Snakemake, without training or corpus.

Each of the twelve models knows how often letters come, and no more; size and budget decide how
sharply it believes so. Its losses can be worked out by hand, and how the gap between two
domains moves is planted.
"""

import json
import math
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from staleness import Planner
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from relscale.config.load import merged
from relscale.config.released import ReleasedModels
from relscale.contract.losses import ITEMS_COLUMNS, LOSSES_COLUMNS
from relscale.contract.scales import on_scale
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.evaluation.tokens import byte_alphabet
from relscale.plan.architecture import Choices, Shape
from relscale.text.tokenizer import END_OF_TEXT
from relscale.training.folder import save_folder
from relscale.training.initial import initial_values

pytestmark = pytest.mark.workflow

WIDTHS = (16, 24, 32, 48)
BUDGETS = ("1e15", "1e16", "1e17")
TEXTS = {
    "plain": "the cat sat on the mat and the rat ran. ",
    "odd": "quick zebras jinx vexed gymkhana foxes; ",
}
LETTERS = Counter("".join(f"{text * 9}" for text in TEXTS.values()) + TEXTS["plain"] * 60)


def tokenizer() -> Tokenizer:
    """Bytes are tokens 1 to 256 in the order of their values."""
    vocabulary = {END_OF_TEXT: 0} | {
        character: 1 + byte for byte, character in enumerate(byte_alphabet())
    }
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([END_OF_TEXT])
    return made


def logits(sharpness: float) -> np.ndarray:
    """The logarithm of each letter's frequency, times the sharpness: at 0 all are alike, at 1 it is
    the frequency."""
    counts = np.array([LETTERS[chr(token - 1)] if token else 0 for token in range(257)])
    return sharpness * np.log((counts + 0.1) / (counts + 0.1).sum())


def bits_per_byte(text: str, sharpness: float) -> float:
    scores = logits(sharpness)
    scores = scores - np.log(np.exp(scores).sum())
    return float(-scores[[1 + ord(character) for character in text]].mean() / math.log(2))


def sharpness(width: int, budget: str) -> float:
    """Best at the third width; more compute is sharper."""
    distance = math.log(width / 28)
    return 0.25 + 0.2 * (math.log10(float(budget)) - 15) - 0.1 * distance**2


def save_model(folder, width: int, sharp: float) -> None:
    shape = Shape(
        width=width,
        layers=1,
        heads=1,
        kv_heads=1,
        head_dim=16,
        intermediate=16,
        vocab_size=257,
        context_length=64,
    )
    values = dict(initial_values(shape, Choices(), seed=0))
    for name, value in values.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            value[:] = 0
    values["model.embed_tokens.weight"][:] = 1
    values["lm_head.weight"][:] = logits(sharp)[:, None] / width
    save_folder(folder, shape, Choices(), values)
    tokenizer().save(str(folder / "tokenizer.json"))
    special = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END_OF_TEXT,
        "bos_token": END_OF_TEXT,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(special))


@pytest.fixture(scope="module")
def place(checkout):
    """Twelve checkpoints in folders whose names end in a hash, their table, two domains of text,
    and the overlay."""
    root = checkout.folder / "mine"
    rows = ["corpus,run,budget,model,tokens,forward_flops"]
    for budget in BUDGETS:
        for width in WIDTHS:
            name = f"b{budget}-d{width}"
            save_model(root / f"models/{name}-0abc", width, sharpness(width, budget))
            rows.append(
                f"ours,{name},{budget},{name}-*,{round(float(budget) / width / 1e3)},{budget}"
            )
    (root / "table.csv").write_text("\n".join(rows) + "\n")
    for domain, text in TEXTS.items():
        (root / "text" / domain).mkdir(parents=True)
        lines = (json.dumps({"text": f"{text * (3 + number)}{number}"}) for number in range(12))
        (root / f"text/{domain}/documents.jsonl").write_text("\n".join(lines) + "\n")
    return root


OVERLAY = {
    "experiment": "released",
    "released": {"table": "mine/table.csv", "folder": "mine/models"},
    "sources": {
        "mine": {"kind": "local", "path": "mine/text", "licence": "none", "citation": "none"}
    },
    "families": {
        "letters": {
            "kind": "documents",
            "source": "mine",
            "reader": {"kind": "domain_folders", "files": "**/*.jsonl"},
            "baseline": "plain",
            "metrics": ["bits_per_byte"],
            "min_bytes": 100,
            "domains": {"plain": ["plain"], "odd": ["odd"]},
        }
    },
    "evaluate": ["letters"],
    "laws": {
        "compute": "forward_flops",
        "optimum_by": "letters",
        "estimators": ["joint", "best_run"],
        "draws": 100,
    },
    "figures": {
        "names": ["isoflop_curves"],
        "corpus": "ours",
        "teaser": ["letters"],
        "size_or_data": "letters",
    },
}
GOALS = [
    "results/released/tables/losses.csv",
    "results/released/laws/relative.csv",
    "results/released/tables/suite.csv",
]


@pytest.fixture(scope="module")
def scored(checkout, place):
    checkout.snakemake("--", *GOALS, overlay=OVERLAY)
    return checkout.folder / "results/released"


def test_a_table_of_released_models_goes_from_evaluation_to_laws(scored):
    losses = pd.read_csv(scored / "tables/losses.csv", dtype={"budget": str})
    assert tuple(losses.columns) == LOSSES_COLUMNS and len(losses) == 24
    for row in losses.itertuples():
        width = int(row.run.rsplit("d", 1)[1])
        numbers = "".join(f"{TEXTS[row.domain] * (3 + number)}{number}" for number in range(12))
        assert row.value == pytest.approx(
            bits_per_byte(numbers, sharpness(width, row.budget)), rel=1e-5
        )
        assert (row.num_items, row.num_bytes, row.num_truncated) == (12, len(numbers), 0)
        assert row.training_flops == 3 * row.forward_flops == 3 * float(row.budget)
        assert row.num_params_embedding == row.num_params_head == 257 * width
        assert row.num_params_total > 2 * 257 * width
    relative = pd.read_csv(scored / "laws/relative.csv", dtype={"budget": str})
    joint = on_scale(relative).query("estimator == 'joint'").iloc[0]
    assert (joint["treatment"], joint["baseline"], joint["num_runs"], joint["num_budgets"]) == (
        "odd",
        "plain",
        12,
        3,
    )
    # Sharper belief in the plain letters makes the odd text worse: the planted gap at the best size
    # of the first and the last budget.
    first, last = (
        math.log(bits_per_byte(TEXTS["odd"], sharp) / bits_per_byte(TEXTS["plain"], sharp))
        for sharp in (sharpness(28, budget) for budget in (BUDGETS[0], BUDGETS[-1]))
    )
    assert joint["dbeta"] == pytest.approx((last - first) / math.log(100), rel=0.1)
    assert joint["verdict"] == "widens"


def test_items_and_the_record_say_how_each_was_scored(scored):
    items = pd.read_parquet(scored / "evaluations/letters/ours-1e16-items.parquet")
    assert tuple(items.columns) == ITEMS_COLUMNS and len(items) == 4 * 24
    assert not items["overlaps"].any()
    record = json.loads((scored / "evaluations/letters/ours-1e16-record.json").read_text())
    assert [run["run"] for run in record["runs"]] == [f"b1e16-d{width}" for width in WIDTHS]
    assert all(
        run["items"] == 24 and run["truncated"] == 0 and run["context_length"] == 64
        for run in record["runs"]
    )
    suite = pd.read_csv(scored / "tables/suite.csv", dtype={"budget": str})
    assert tuple(suite.columns) == SUITE_COLUMNS
    assert suite["width"].tolist() == list(WIDTHS) * 3 and suite["learning_rate"].isna().all()


def test_nothing_is_trained_and_only_what_is_edited_is_scored_again(checkout, scored, place):
    stale = checkout.stale(OVERLAY, *GOALS)
    assert stale == {}
    whole = checkout.stale(OVERLAY)
    assert not {
        "train",
        "documents",
        "tokenizer",
        "shards",
        "corpora_table",
        "curves",
        "evaluate",
    } & set(whole)
    assert {"isoflop_curves", "findings", "explorer", "provenance"} <= set(whole)
    (place / "models/b1e15-d16-0abc/generation_config.json").write_text("{}")
    stale = checkout.stale(OVERLAY, *GOALS)
    assert (stale["evaluate_released"], stale["laws"]) == (1, 1) and "texts" not in stale
    (place / "models/b1e15-d16-0abc/generation_config.json").unlink()
    table = (place / "table.csv").read_text()
    (place / "table.csv").write_text(
        table.replace("b1e15-d16-*,62500000000", "b1e15-d16-*,62500000001")
    )
    stale = checkout.stale(OVERLAY, *GOALS)
    (place / "table.csv").write_text(table)
    assert (stale["released_models"], stale["evaluate_released"], stale["laws"]) == (
        1,
        1,
        1,
    ) and "texts" not in stale


# Each key of the section, with another value, and whether what was scored is scored again.
STEERS = {
    "table": ("mine/other.csv", True),  # the same checkpoints but one, whose tokens are others
    "folder": ("mine/moved", True),
    "max_length": (48, True),
    "stride": (16, True),
    "dtype": ("float16", True),
    "gpu": (True, False),
    "mem_mb": (9000, False),
    "runtime_minutes": (99, False),
}


def test_each_key_of_the_released_models_scores_again_what_it_decides(checkout, scored, place):
    assert set(STEERS) == set(ReleasedModels.model_fields)
    table = (place / "table.csv").read_text()
    (place / "other.csv").write_text(
        table.replace("b1e15-d16-*,62500000000", "b1e15-d16-*,62500000001")
    )
    shutil.copytree(place / "models", place / "moved")
    planner = Planner(checkout)
    try:
        for key, (value, again) in STEERS.items():
            jobs = planner.jobs(merged([OVERLAY, {"released": {key: value}}]))
            stale = [job for job in jobs if job["rule"] == "evaluate_released" and job["needed"]]
            assert len(stale) == (0 if not again else 1 if key == "table" else 3), key
    finally:
        planner.close()


def test_all_bad_models_are_named_before_any_scoring(checkout, place):
    (place / "models/b1e15-d16-0abc").rename(place / "models/b1e15-d16-hidden")
    (place / "models/b1e15-d24-0abc/config.json").rename(place / "config.json")
    done = checkout.snakemake(overlay={**OVERLAY, "experiment": "wrong_models"}, check=False)
    (place / "models/b1e15-d16-hidden").rename(place / "models/b1e15-d16-0abc")
    (place / "config.json").rename(place / "models/b1e15-d24-0abc/config.json")
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text
    assert "run b1e15-d24: model mine/models/b1e15-d24-0abc: has no config.json" in text
    assert not list((checkout.folder / "results/wrong_models").glob("evaluations/**/*.parquet"))


def test_figures_of_a_corpus_that_is_not_there(checkout, place):
    done = checkout.snakemake(
        "--dry-run",
        overlay={**OVERLAY, "figures": {**OVERLAY["figures"], "corpus": "web"}},
        check=False,
    )
    assert done.returncode != 0
    assert "figures.corpus = 'web': not a corpus of mine/table.csv" in done.stdout + done.stderr
