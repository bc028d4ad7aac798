"""The settings and tables of all figures in the experiments of this repository.

    python tests/golden/figure_specs.py    # rewrites the figures in figure_specs.json

The file was first written by the functions that the declarations replaced. For each experiment it
has the corpora and the families with a two-stage law, which the workflow knows, and for each figure
the settings and the paths of its tables.
A change of an experiment's configuration changes the file.
"""

import json
from pathlib import Path
from typing import Any

from relscale import figures
from relscale.config.figure_name import figure_names
from relscale.config.load import load_config, merged, read_yaml
from relscale.figures.experiment import context_of

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_suffix(".json")


def figure_specs(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return the settings (without defaults) and tables of the figures of an experiment."""
    files = [
        ROOT / "config.yaml",
        *([] if name == "default" else [ROOT / f"experiments/{name}.yaml"]),
    ]
    experiment = load_config(merged([read_yaml(file) for file in files]))
    context = context_of(
        experiment,
        corpora=known["corpora"],
        two_stage=known["two_stage"],
    )
    found = {}
    for figure in (figures.find(each) for each in figure_names()):
        if figure.family is None or figure.family(context) in experiment.evaluate:
            settings = figure.settings_of(context).model_dump(mode="json")
            found[figure.name] = {"spec": settings, "tables": figure.paths(context)}
    return found


def written(golden: dict[str, Any]) -> str:
    """Return the text of the file: one line per figure."""
    lines = []
    for name, known in golden.items():
        rows = [
            f"   {json.dumps(figure)}: {json.dumps(spec, sort_keys=True, ensure_ascii=False)}"
            for figure, spec in sorted(known["figures"].items())
        ]
        facts = [
            f"  {json.dumps(key)}: {json.dumps(known[key])}," for key in ("corpora", "two_stage")
        ]
        body = "\n".join([*facts, '  "figures": {', ",\n".join(rows), "  }"])
        lines.append(f" {json.dumps(name)}: {{\n{body}\n }}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for name, known in golden.items():
        known["figures"] = figure_specs(name, known)
    GOLDEN.write_text(written(golden), encoding="utf-8")
