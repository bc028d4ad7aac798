import subprocess
import sys

import pytest
from staleness import forget_code

from relscale.provenance import code as provenance
from relscale.provenance.code import code_digest, import_closure, is_recorded, lock_digest
from relscale.provenance.digests import canonical_json, spec_digest

FILES = {
    "package/__init__.py": "",
    "package/stage.py": "from package.maths import double\nfrom . import words\n\n\ndef "
    "main():\n    return double(2)\n",
    "package/maths.py": '"""Sums."""\n\n\ndef double(x):\n    """Twice."""\n    return (x * 2,)\n',
    "package/words.py": "import json\nfrom typing import TYPE_CHECKING\nfrom .deeper import leaf\n"
    "if TYPE_CHECKING:\n    from package import other\n",
    "package/deeper/__init__.py": "",
    "package/deeper/leaf.py": "from package import stage\nVALUE = 'a'\n",
    "package/other.py": "VALUE = 1\n",
}


MODEL = (
    "training.architectures",
    "training.architectures.causal_decoder",
    "training.architectures.qwen3",
    "training.model",
)
IMPORTED_LATE = {
    "train": (
        *MODEL,
        "training.loss",
        "training.optimisers",
        "training.optimisers.cautious_adamc",
        "training.optimisers.flat_adam",
        "training.optimisers.protocol",
        "training.prefetch",
        "training.tensorboard",
        "training.torch_process_group",
        "training.torch_trainer",
    ),
    "evaluate": (*MODEL, "evaluation.batches", "evaluation.torch_model"),
}
"""By stage: modules that functions import, since they are slow to import and not always needed."""


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "SOURCE_ROOT", tmp_path)

    def digest():
        forget_code()
        return code_digest("package.stage")

    yield tmp_path / "package", digest
    digest()


def test_closure_follows_absolute_relative_and_circular_imports(package):
    expected = (
        "package",
        "package.deeper",
        "package.deeper.leaf",
        "package.maths",
        "package.stage",
        "package.words",
    )
    assert import_closure("package.stage") == expected


@pytest.mark.parametrize(
    "edited",
    [
        '"""Other words."""\n\n\ndef double(x):\n    # a comment\n    return (x * 2,)\n',
        "def double(x):\n    '''Twice.'''\n    return (\n        (x * 2),\n    )\n",
        "def double(\n    x,\n): return (x*2,)\n",
    ],
)
def test_comments_docstrings_and_layout_leave_the_digest_alone(package, edited):
    folder, digest = package
    before = digest()
    (folder / "maths.py").write_text(edited)
    assert digest() == before


@pytest.mark.parametrize(
    ("name", "edited"),
    [
        ("maths.py", "def double(x):\n    return (x * 3,)\n"),
        ("maths.py", "def double(x):\n    return (x * 2)\n"),
        ("maths.py", "def double(x):\n    return (x * 2.0,)\n"),
        ("deeper/leaf.py", "from package import stage\nVALUE = 'b'\n"),
        ("__init__.py", "import os\n"),
        ("words.py", "import json\n"),
    ],
)
def test_real_edits_anywhere_in_the_closure_change_the_digest(package, name, edited):
    folder, digest = package
    before = digest()
    (folder / name).write_text(edited)
    assert digest() != before


def test_modules_outside_the_closure_do_not_count(package):
    folder, digest = package
    before = digest()
    (folder / "other.py").write_text("VALUE = 2\n")
    assert digest() == before


def test_an_unknown_module_is_an_error():
    with pytest.raises(ValueError, match=r"relscale.nothing: no such module"):
        code_digest("relscale.nothing")


@pytest.mark.parametrize("stage", ["train", "evaluate", "laws", "documents", "suite"])
def test_the_closure_is_what_is_really_imported(stage):
    module = f"relscale.stages.{stage}"
    script = (
        f"import sys, {module}; "
        "print(*sorted(name for name in sys.modules if name.split('.')[0] == 'relscale'))"
    )
    imported = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(imported) <= set(import_closure(module))
    not_at_once = set(import_closure(module)) - set(imported)
    assert not_at_once == {f"relscale.{name}" for name in IMPORTED_LATE.get(stage, ())}


@pytest.mark.parametrize("stage", ["train", "evaluate", "laws", "documents", "family"])
def test_no_stage_depends_on_the_plan_or_the_whole_configuration(stage):
    assert not {"relscale.plan.suite", "relscale.config.load", "relscale.cli"} & set(
        import_closure(f"relscale.stages.{stage}")
    )


def test_training_depends_on_nothing_downstream():
    closure = {name for name in import_closure("relscale.stages.train") if "." in name}
    heads = {name.split(".")[1] for name in closure}
    upstream = {"config", "contract", "files", "plan", "provenance", "runtime", "text"}
    assert heads <= upstream | {"stages", "training"}
    assert {name for name in closure if ".text." in name} == {
        "relscale.text.end_of_text",
        "relscale.text.mixture",
    }


def test_canonical_json():
    assert canonical_json({"b": 1, "a": [1.5, "ü"]}) == '{"a":[1.5,"ü"],"b":1}'
    assert (
        spec_digest({"a": 1, "b": 2})
        == spec_digest({"b": 2, "a": 1})
        != spec_digest({"a": 1, "b": 3})
    )
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": float("nan")})


def test_lock_digest_leaves_local_builds_out():
    text = lock_digest(["torch", "numpy"])
    assert text.startswith("numpy ")
    assert "+" not in text


def test_a_record_is_one_of_the_present_spec_and_digests_or_it_is_none(tmp_path):
    path = tmp_path / "record.json"
    spec, digests = {"steps": 3, "rate": 0.1}, ["code", "lock"]
    assert not is_recorded(path, spec, digests)
    path.write_text(
        '{"spec": {"rate": 0.1, "steps": 3}, "defined_by": ["code", "lock"], "more": 1}'
    )
    assert is_recorded(path, spec, digests)
    assert not is_recorded(path, spec | {"steps": 4}, digests)
    assert not is_recorded(path, spec, ["code", "another"])
    for damaged in (b"", b"[]", b"3", b"{", b"\xff\xfe", b'{"spec": {"rate": 0.1, "steps": 3}}'):
        path.write_bytes(damaged)
        assert not is_recorded(path, spec, digests)
