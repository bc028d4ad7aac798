"""Templates: HTML is escaped, missing values are errors, and every edit of a template counts."""

import ast
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, TemplateNotFound, UndefinedError

from relscale.pages import render as module
from relscale.pages.render import (
    FOLDER,
    STAGE_TEMPLATES,
    TEMPLATES_OF_COMMANDS,
    escape_rst,
    render,
    template_closure,
    template_texts,
)
from relscale.provenance.code import import_closure


def rendered_by(stage: str) -> set[str]:
    """Return the names of templates that a stage's import closure passes to `render`."""
    found = set()
    for name in import_closure(f"relscale.stages.{stage}"):
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "render":
                first = node.args[0]
                if isinstance(first, ast.Constant) and str(first.value).endswith(".j2"):
                    found.add(str(first.value))
    return found


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the templates, which the package reads instead of its own."""
    shutil.copytree(FOLDER, tmp_path / "templates")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "templates")
    yield tmp_path / "templates"
    template_closure.cache_clear()


def texts() -> dict[str, dict[str, str]]:
    template_closure.cache_clear()
    return {stage: template_texts(stage) for stage in STAGE_TEMPLATES}


@pytest.mark.parametrize("stage", sorted(STAGE_TEMPLATES))
def test_a_stage_declares_the_templates_that_it_renders(stage: str) -> None:
    assert set(STAGE_TEMPLATES[stage]) == rendered_by(stage)


def test_every_file_of_the_folder_belongs_to_a_page() -> None:
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    named = {name for names in STAGE_TEMPLATES.values() for name in names}
    named |= set(TEMPLATES_OF_COMMANDS)
    assert files == {file for name in named for file in template_closure(name)}


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("page.css", {"findings", "front", "provenance"}),
        ("base.html.j2", {"findings", "front", "provenance"}),
        ("front.css", {"front"}),
        ("landing.rst.j2", {"findings", "front"}),
        ("inflate.js", {"explorer", "html_table"}),
        ("explorer/points.js", {"explorer"}),
        ("table_rows.html.j2", {"html_table"}),
    ],
)
def test_an_edit_of_a_file_counts_for_its_pages_alone(
    copied: Path, file: str, stale: set[str]
) -> None:
    before = texts()
    path = copied / file
    path.write_text(path.read_text() + "\n/* one more line */\n")
    after = texts()
    assert {stage for stage in before if before[stage] != after[stage]} == stale


def test_an_included_name_must_be_a_literal(copied: Path) -> None:
    (copied / "x.html.j2").write_text("{% include name %}")
    with pytest.raises(ValueError, match=r"x\.html\.j2: the name of an included file must be"):
        template_closure("x.html.j2")
    with pytest.raises(TemplateNotFound):
        template_closure("none.html.j2")


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="title"):
        render("table.html.j2", remark="", columns=[], num_rows=0, packed_rows="")


def test_html_is_escaped_and_scripts_stay_as_they_are() -> None:
    page = render(
        "table.html.j2",
        title="<b>&",
        remark="",
        columns=['"'],
        num_rows=1,
        order="",
        packed_rows="",
    )
    assert "<title>&lt;b&gt;&amp;</title>" in page and "<b>" not in page
    assert (FOLDER / "table.js").read_text() in page


def test_markup_of_restructured_text_is_escaped() -> None:
    escaped = escape_rst("a_b* `c` |d| {{ e }}\n\n{% f %} \\g")
    rendered = Environment().from_string(escaped).render()
    assert rendered == r"a\_b\* \`c\` \|d\| {{ e }} {% f %} \\g"
