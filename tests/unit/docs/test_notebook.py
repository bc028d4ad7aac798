"""The notebook runs from top to bottom, and is stored without outputs.

Its cells run in one fresh namespace, as a kernel would run them; a kernel itself would need
packages that nothing else uses. The value of a cell's last line is shown as a notebook shows it.
"""

import ast
from pathlib import Path

import nbformat
import pytest
from matplotlib.figure import Figure

NOTEBOOK = nbformat.read(Path(__file__).parents[3] / "docs/user/notebook.ipynb", as_version=4)
CODE = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]


def run(source, names):
    """Run a cell and return the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return (
        None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    )


@pytest.fixture(scope="module")
def shown():
    """The values that the cells show, and the names that they define."""
    names = {"__name__": "__main__"}
    return [run(cell.source, names) for cell in CODE], names


def test_the_notebook_is_valid_and_has_no_outputs():
    nbformat.validate(NOTEBOOK)
    assert [cell.outputs for cell in CODE] == [[]] * len(CODE)
    assert {cell.execution_count for cell in CODE} == {None}


def test_the_notebook_finds_the_slopes_that_it_planted(shown):
    _, names = shown
    ratio = names["ratio"]
    assert ratio["dbeta"].to_dict() == pytest.approx({"news": -0.015, "code": 0.010}, abs=0.001)
    assert (ratio["verdict"] != "").all()


def test_the_notebook_shows_laws_figures_and_predictions(shown):
    values, names = shown
    assert any("<table" in value._repr_html_() for value in values if value is names["found"])
    assert sum(isinstance(value, Figure) for value in values) == 2
    assert set(values[-1]["domain"]) <= {"web", "news", "code"} and len(values[-1])
