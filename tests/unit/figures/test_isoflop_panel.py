"""IsoFLOP panels show every optimum, or say how many are beyond the panel."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from relscale.figures.kit.isoflop import isoflop_panel


def losses():
    return pd.DataFrame(
        {
            "run": ["a", "b", "c"],
            "budget": "1e11",
            "tokens": [1e6, 2e6, 4e6],
            "value": [3.0, 2.8, 3.0],
            "excluded_reason": "",
        }
    )


def panel(tokens, value):
    """Draw three runs and one optimum of the surface; return limits and texts of the panel."""
    optima = pd.DataFrame(
        {
            "budget": ["1e11"],
            "estimator": "surface",
            "optimum_tokens": [tokens],
            "value": [value],
            "curvature": [float("nan")],
        }
    )
    figure, axes = plt.subplots()
    isoflop_panel(axes, losses(), optima, colour={"1e11": "#336699"}, marker="o")
    found = axes.get_xlim(), axes.get_ylim(), " ".join(text.get_text() for text in axes.texts)
    plt.close(figure)
    return found


@pytest.mark.parametrize(("tokens", "value"), [(7e6, 2.9), (6e5, 2.9), (2e6, 2.2), (2e6, 4.0)])
def test_an_optimum_next_to_the_runs_is_inside_the_panel(tokens, value):
    (left, right), (bottom, top), texts = panel(tokens, value)
    assert left < tokens < right and bottom < value < top
    assert "beyond" not in texts


@pytest.mark.parametrize(("tokens", "value"), [(1e12, 2.9), (1e3, 2.9), (2e6, 900.0)])
def test_an_optimum_far_from_the_runs_is_counted(tokens, value):
    (left, right), (_, top), texts = panel(tokens, value)
    assert "1 optimum beyond the panel" in texts
    assert right < 1e7 and left > 5e5 and top < 4


@pytest.mark.parametrize(("tokens", "value"), [(float("nan"), 2.9), (2e6, float("nan")), (0, 2.9)])
def test_an_optimum_that_does_not_exist_is_not_counted(tokens, value):
    assert "beyond" not in panel(tokens, value)[2]
