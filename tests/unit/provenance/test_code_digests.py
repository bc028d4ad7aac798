import ast
import dis
import json
import subprocess
import sys
from functools import cache
from types import CodeType

import pytest
from staleness import WithoutTypes, forget_code

from relscale.config.figure_name import figure_names
from relscale.pages.spec import SHOWN_PACKAGES
from relscale.provenance import code as provenance
from relscale.provenance import module_source
from relscale.provenance.code import (
    DISTRIBUTIONS,
    NOT_COMPUTING,
    SOURCE_ROOT,
    code_digest,
    command_digest,
    import_closure,
    is_recorded,
    libraries,
    lock_digest,
    versions_of,
)
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
    "training.attention",
    "training.architectures",
    "training.architectures.causal_decoder",
    "training.architectures.lstm",
    "training.architectures.qwen3",
    "training.model",
)
IMPORTED_LATE = {
    "train": (
        *MODEL,
        "training.compilation",
        "training.loss",
        "training.optimisers",
        "training.optimisers.cautious_adamc",
        "training.optimisers.flat_adam",
        "training.optimisers.muon",
        "training.optimisers.protocol",
        "training.optimisers.sharded_adam",
        "training.optimisers.tensor_adam",
        "training.prefetch",
        "training.sharded_state",
        "training.sharding",
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


STAGES = sorted(
    f"relscale.stages.{path.stem}"
    for path in (SOURCE_ROOT / "relscale/stages").glob("*.py")
    if path.stem != "__init__"
)


def packages_of(stage):
    return [part.split()[0] for part in lock_digest(stage).split(", ") if part]


def test_versions_leave_local_builds_out():
    text = versions_of(["torch", "numpy"])
    assert text.startswith("numpy ")
    assert "+" not in text


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(ValueError, match=r"^the package no-such-package is not installed$"):
        versions_of(["no-such-package"])


def test_a_job_depends_on_the_libraries_that_its_modules_import_at_any_depth(package):
    folder, digest = package
    (folder / "deeper/leaf.py").write_text(
        "import os.path, scipy.stats\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import torch\n"
        "def late():\n    from transformers import AutoModel\n    import yaml\n"
        "    from . import x\n"
    )
    digest()
    assert libraries("package.stage") == ("scipy", "transformers", "yaml")
    assert packages_of("package.stage") == ["safetensors", "scipy", "tokenizers", "transformers"]
    (folder / "words.py").write_text("")
    digest()
    assert lock_digest("package.stage") == ""


def test_an_unknown_library_counts_and_must_be_installed(package):
    folder, digest = package
    (folder / "maths.py").write_text("import no_such_library\n")
    digest()
    with pytest.raises(ValueError, match="no_such_library is not installed"):
        lock_digest("package.stage")


def imported_in(code):
    """Return the first names of all absolute imports in compiled code."""
    steps = list(dis.get_instructions(code))
    found = {
        step.argval.split(".")[0]
        for level, _, step in zip(steps, steps[1:], steps[2:], strict=False)
        if step.opname == "IMPORT_NAME" and level.argval == 0
    }
    return found.union(*(imported_in(one) for one in code.co_consts if isinstance(one, CodeType)))


@cache
def imported_by(module):
    path = SOURCE_ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = WithoutTypes().visit(ast.parse(path.read_text()))
    return imported_in(compile(tree, str(path), "exec"))


def test_the_libraries_of_a_stage_are_those_in_the_bytecode_of_its_modules():
    for stage in STAGES:
        found = set().union(*(imported_by(name) for name in import_closure(stage)))
        assert found - {"relscale", *sys.stdlib_module_names} == set(libraries(stage)), stage


@pytest.mark.parametrize(
    ("stage", "package"),
    [
        ("laws", "scipy"),
        ("optima", "scipy"),
        ("documents", "datasketch"),
        ("train", "torch"),
        ("evaluate_released", "tokenizers"),
        ("tokenizer", "tokenizers"),
        ("explorer", "vl-convert-python"),
    ],
)
def test_a_stage_depends_on_the_library_that_decides_its_numbers(stage, package):
    assert package in packages_of(f"relscale.stages.{stage}")


def test_the_page_of_provenance_shows_every_library_that_a_job_depends_on():
    drawings = [f"relscale.figures.draw.{name}" for name in figure_names()]
    used = {package for stage in [*STAGES, *drawings] for package in packages_of(stage)}
    assert used | {"snakemake"} == set(SHOWN_PACKAGES)
    imported = {name for stage in [*STAGES, *drawings] for name in libraries(stage)}
    assert set(DISTRIBUTIONS) <= imported and {"pydantic", "tqdm", "datasets"} <= NOT_COMPUTING


def test_the_digest_of_a_command_follows_its_text_and_the_prefix():
    one = command_digest("python -m stage --spec x", "export A=1; ")
    assert one == command_digest("python -m stage --spec x", "export A=1; ")
    assert one != command_digest("python -m stage --spec x --fast", "export A=1; ")
    assert one != command_digest("python -m stage --spec x", "export A=2; ")


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


def test_what_was_read_of_modules_is_kept_for_the_next_call(package, monkeypatch, tmp_path):
    folder, digest = package
    monkeypatch.chdir(tmp_path)
    before = digest()
    provenance.keep_sources()
    kept = provenance.KEPT.read_text()
    monkeypatch.setattr(module_source, "read_source", None)  # nothing is parsed again
    assert digest() == before
    provenance.keep_sources()
    assert provenance.KEPT.read_text() == kept
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(provenance, "SOURCE_ROOT", tmp_path)
    (folder / "maths.py").write_text("def double(x):\n    return (x * 3,)\n")
    assert digest() != before
    provenance.keep_sources()
    sources = [json.loads(text)["sources"] for text in (provenance.KEPT.read_text(), kept)]
    assert len(sources[0]) == len(sources[1])
    assert sources[0] != sources[1]


@pytest.mark.parametrize(
    "damage", ["", "[1]", '{"a": {}}', '{"sources": 1, "checksum": 1}', "\xff", "[" * 100_000]
)
def test_a_damaged_file_of_what_was_read_counts_as_none(package, monkeypatch, tmp_path, damage):
    _, digest = package
    monkeypatch.chdir(tmp_path)
    before = digest()
    provenance.KEPT.parent.mkdir()
    provenance.KEPT.write_bytes(damage.encode("latin-1"))
    assert digest() == before
    provenance.keep_sources()
    assert digest() == before


@pytest.mark.parametrize("field", ["statements", "imported"])
def test_a_file_of_what_was_read_with_other_content_counts_as_none(
    package, monkeypatch, tmp_path, field
):
    _, digest = package
    monkeypatch.chdir(tmp_path)
    before = digest()
    provenance.keep_sources()
    kept = json.loads(provenance.KEPT.read_text())
    for source in kept["sources"].values():
        source[field] = "0" * 64 if field == "statements" else []
    provenance.KEPT.write_text(json.dumps(kept))
    assert digest() == before


def test_a_folder_that_cannot_be_written_is_no_error(package, monkeypatch, tmp_path):
    _, digest = package
    monkeypatch.setattr(provenance, "KEPT", tmp_path / "package/stage.py/modules.json")
    digest()
    provenance.keep_sources()
