"""A damaged file is read, or is an error that names its place, and never a traceback."""

import json
import random
from pathlib import Path

import pytest
from imported_files import (
    LLM_LINE_HEADER,
    LLM_LINE_KINDS,
    ladder_header,
    ladder_row,
    lm_eval_results,
    scalar_event,
    trainer_state,
    version_event,
    wandb_chart,
    write_csv,
    write_json,
)

from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

FACTS = ["a", "Llama", 10**9, "C4", "", "", "gpt2-HF", "", 2 * 10**10]
MODEL = [*FACTS, 3.0, 0.75, 3.5, 0.875, 0.5, 5.0, 1.25, "", "", "True", "False", "True", ""]
NANOCHAT = ["flops_budget", "depth", "params_total", "tokens_trained", "val_bpb"]


def sample(name, folder):
    """Write a faithful file of a format and return its path."""
    if name == "wandb":
        return wandb_chart(folder / "c.csv", ["a", "b"], "eval/c4_loss", {1: [4.0, 3], 2: [3, 2]})
    if name == "tensorboard":
        events = [scalar_event("eval/c4_loss", step, 3.0) for step in (1, 2)]
        path = folder / "a" / "events.out.tfevents.1"
        path.parent.mkdir()
        path.write_bytes(version_event() + b"".join(events))
        return path
    if name == "trainer_state":
        return write_json(folder / "a" / "trainer_state.json", trainer_state(10, {"c4": 3.0}))
    if name == "lm_eval":
        return write_json(folder / "results.json", lm_eval_results("a", 0.5))
    rows = {
        "nanochat": [NANOCHAT, ["1.2e18", 10, 10**8, 2 * 10**9, 0.9]],
        "olmo_ladder": [ladder_header(), ladder_row(900, 4.0, 3.8e9, 7e9)],
        "llm_line": [LLM_LINE_HEADER, LLM_LINE_KINDS, MODEL],
    }
    files = {"nanochat": "results.csv", "olmo_ladder": "190M-1xC.csv", "llm_line": "models.csv"}
    return write_csv(folder / files[name], rows[name])


def read(name, path):
    """Import a file; return whether that worked, and check the error if it did not."""
    options = ImportOptions(corpus="c", six_nd=True, leave_out_incomplete=True)
    try:
        import_losses(name, [path], options)
    except ValueError as error:
        assert str(path.parent) in str(error), error
        return False
    return True


FORMATS = (
    "llm_line",
    "lm_eval",
    "nanochat",
    "olmo_ladder",
    "tensorboard",
    "trainer_state",
    "wandb",
)


@pytest.mark.parametrize("name", FORMATS)
def test_cut_and_changed_bytes_never_give_a_traceback(tmp_path, name):
    path = sample(name, tmp_path)
    whole = path.read_bytes()
    draw = random.Random(0)
    for _ in range(60):
        data = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.3 else whole)
        for _ in range(draw.randrange(4)):
            if data:
                data[draw.randrange(len(data))] = draw.choice(b'",;\n\t{}[]-0e%\x00\xff')
        path.write_bytes(bytes(data))
        read(name, path)


VALUES = (None, True, -1, 0, 1e400, "", "NaN", "x", [], {}, [[]], {"a": {}}, 10**400)


def places(value, path=()):
    """Yield the path of every value inside a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("name", ["lm_eval", "trainer_state"])
def test_a_value_of_another_type_never_gives_a_traceback(tmp_path, name):
    path = sample(name, tmp_path)
    text = path.read_text()
    for where in list(places(json.loads(text)))[1:]:
        for new in VALUES:
            value = json.loads(text)
            inner = value
            for key in where[:-1]:
                inner = inner[key]
            inner[where[-1]] = new
            Path(path).write_text(json.dumps(value))
            read(name, path)
