import numpy as np
import pandas as pd
import pytest

from relscale.contract.tables.predictions import PREDICTIONS
from relscale.laws.first_stage import FirstStage
from relscale.laws.fit import fit_family
from relscale.laws.outside_models import OutsideModel, outside_rows, read_outside_models
from relscale.laws.run import fit_laws
from relscale.laws.run_points import RunPoints
from relscale.laws.sigmoid import SigmoidForm
from relscale.laws.spec import LawSpec
from relscale.laws.two_stages import Pairs, TwoStages

LEVEL, EXPONENT, STEEPNESS, MIDPOINT = 2.0, 0.10, 3.0, 1.7
SETTINGS = {
    "family": "topics",
    "baseline": "base",
    "chance": 0.25,
    "draws": 200,
    "estimators": ("joint",),
}


def accuracy_of(loss):
    return 0.25 + 0.75 / (1 + np.exp(STEEPNESS * (loss - MIDPOINT)))


@pytest.fixture(name="losses")
def losses_fixture(plant):
    """Five budgets of planted bits per byte, and the accuracies that go with them, with noise in
    both."""
    frame = plant(run_sd=0.004, domain_sd=0.004, budgets=("2e10", "5e10", "1e11", "2e11", "5e11"))
    topics = frame[frame["family"] == "topics"]
    noise = np.random.default_rng(0).normal(0, 0.004, len(topics))
    accuracy = topics.assign(
        metric="accuracy", value=accuracy_of(topics["value"]) + noise, num_items=10_000
    )
    return pd.concat([frame, accuracy], ignore_index=True)


def write(path, *rows):
    pd.DataFrame(rows, columns=["name", "compute", "loss", "accuracy", "domain", "corpus"]).to_csv(
        path, index=False
    )
    return path


def test_models_stand_beside_what_is_predicted_for_them(losses, tmp_path):
    """One on the planted laws beyond the runs, one ten points of accuracy above, one of which only
    the compute is known."""
    loss = LEVEL * 10**-EXPONENT
    path = write(
        tmp_path / "models.csv",
        ("on", 1e12, loss, accuracy_of(loss), "base", ""),
        ("above", 1e12, loss, accuracy_of(loss) + 0.1, "base", "web"),
        ("unknown", 1e12, None, None, "base", None),
    )
    found = fit_laws(losses, outside_models=path, out=tmp_path / "out", **SETTINGS).laws.predictions
    assert tuple(found.columns) == PREDICTIONS.names
    outside = found[found["model"] != ""].set_index(["model", "kind"])
    assert list(outside.index) == [
        ("on", "outside_from_loss"), ("on", "outside_from_compute"),
        ("above", "outside_from_loss"), ("above", "outside_from_compute"),
        ("unknown", "outside_from_compute"),
    ]  # fmt: skip
    assert set(outside["domain"]) == {"base"}
    for kind in ("outside_from_loss", "outside_from_compute"):
        on, above = outside.loc[("on", kind)], outside.loc[("above", kind)]
        assert on["ci_low"] < on["observed"] < on["ci_high"] < above["observed"]
        assert on["accuracy"] == pytest.approx(accuracy_of(loss), abs=0.01)
        assert above["accuracy"] == on["accuracy"]
        assert "outside the losses that were fitted" in on["remarks"]
    assert outside.loc[("on", "outside_from_compute"), "loss"] == pytest.approx(loss, rel=0.01)
    assert np.isnan(outside.loc[("unknown", "outside_from_compute"), "observed"])
    assert (tmp_path / "out/predictions.csv").read_text().count("outside_from_compute") == 3


def test_models_move_no_fit(losses, tmp_path):
    path = write(tmp_path / "models.csv", ("far", 1e15, 0.5, 0.3, "", ""))
    models = read_outside_models(path)
    with_models = fit_family(losses, LawSpec(**SETTINGS), outside_models=models)
    without = fit_family(losses, LawSpec(**SETTINGS))
    pd.testing.assert_frame_equal(with_models.two_stage, without.two_stage)
    kept = with_models.predictions[with_models.predictions["model"] == ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, without.predictions)
    assert len(with_models.predictions) == len(without.predictions) + 2 * 2, (
        "two kinds for either domain"
    )


def test_intervals_of_outside_models_cover():
    """60 models about a curve, each compared with thirty runs of its own: its accuracy is inside
    in at least .866 (.95 less three errors)."""
    rng = np.random.default_rng(2)
    losses, loss = np.linspace(1.75, 2.3, 30), LEVEL * 5**-EXPONENT
    inside = []
    for _ in range(60):
        accuracy = accuracy_of(losses) + rng.normal(0, 0.004, 30)
        model = OutsideModel(
            name="one", compute=np.nan, loss=loss, accuracy=accuracy_of(loss) + rng.normal(0, 0.004)
        )
        (row,) = outside_rows([model], stages_about(losses, accuracy))
        inside.append(row["ci_low"] <= row["observed"] <= row["ci_high"])
    assert np.mean(inside) >= 0.866


def stages_about(losses, accuracy):
    """A two-stage law of thirty runs, of which outside models read only the second stage."""
    zeros = np.zeros(30)
    points = RunPoints(
        log_params=zeros,
        log_tokens=zeros,
        log_compute=zeros,
        budget=np.zeros(30, dtype=np.int64),
        cell=np.arange(30),
        values=np.log(losses)[None],
    )
    return TwoStages(
        first=FirstStage(points=points, runs=points, step1="auto", draws=200, seed=0),
        pairs=Pairs(loss=losses, accuracy=accuracy, budget=points.budget),
        observed=accuracy,
        form=SigmoidForm(chance=0.25),
        level=0.95,
    )


def test_a_model_of_known_size_is_predicted_by_the_surface(plant_surface, tmp_path):
    """Losses on planted surfaces: a model of 40 tokens per parameter, ten times beyond the runs, of
    which neither loss nor compute is known."""
    frame = plant_surface(run_sd=0.001, budgets=("1e18", "3e18", "1e19", "3e19", "1e20"))
    e, a, alpha, b, beta = 1.5, 350.0, 0.33, 500.0, 0.30
    topics = frame[frame["family"] == "topics"]
    noise = np.random.default_rng(0).normal(0, 0.004, len(topics))
    accuracy = topics.assign(metric="accuracy", value=steep(topics["value"]) + noise)
    params, tokens = 2e9, 8e10
    path = tmp_path / "models.csv"
    loss = e + a / params**alpha + b / tokens**beta
    path.write_text(
        f"name,compute,loss,accuracy,domain,params,tokens\nbig,,,{steep(loss)},base,{params},{tokens}\n"
    )
    losses = pd.concat([frame, accuracy], ignore_index=True)
    table = fit_laws(losses, outside_models=path, step1="surface", **SETTINGS).laws.predictions
    row = table[table["kind"] == "outside_from_size"].iloc[0]
    assert row["loss"] == pytest.approx(loss, rel=0.01)
    assert row["compute"] == pytest.approx(6 * params * tokens, rel=1e-6)
    assert row["horizon"] == pytest.approx(row["compute"] / 1e20, rel=1e-3)
    assert row["step1"] == "surface"
    assert row["ci_low"] < row["observed"] < row["ci_high"]


def steep(loss):
    return 0.25 + 0.75 / (1 + np.exp(3.0 * (loss - 2.6)))


@pytest.mark.parametrize(
    ("row", "match"),
    [
        (
            ("a", -1, 2.0, 0.5, "", ""),
            r"models.csv: row 1: compute is -1: a number above 0, or empty where unknown",
        ),
        (
            ("a", 1e12, "low", 0.5, "", ""),
            r"models.csv: line 2: loss is 'low': a number is needed",
        ),
        (("a", 1e12, 2.0, 65.6, "", ""), r"row 1: accuracy is 65.6: a share from 0 to 1"),
        (("a", None, None, 0.5, "", ""), r"row 1: neither compute nor loss"),
        (("", 1e12, 2.0, 0.5, "", ""), r"row 1: name is empty"),
    ],
)
def test_tables_that_cannot_be(tmp_path, row, match):
    with pytest.raises(ValueError, match=match):
        read_outside_models(write(tmp_path / "models.csv", row))


@pytest.mark.parametrize(
    ("size", "match"),
    [
        ("1e9,", "row 1: params and tokens are needed together, or neither of them"),
        ("-1,1e10", "row 1: params is -1: a number above 0, or empty where unknown"),
        (",", "row 1: neither compute nor loss: one of them, or params and tokens, is needed"),
    ],
)
def test_sizes_that_cannot_be(tmp_path, size, match):
    path = tmp_path / "models.csv"
    path.write_text(f"name,compute,loss,accuracy,params,tokens\na,,,0.5,{size}\n")
    with pytest.raises(ValueError, match=match):
        read_outside_models(path)


def test_tables_that_contradict(losses, tmp_path):
    row = ("a", 1e12, 2.0, 0.5, "", "")
    with pytest.raises(ValueError, match="a more than once: one row per model, domain and corpus"):
        read_outside_models(write(tmp_path / "models.csv", row, row))
    path = tmp_path / "short.csv"
    path.write_text("name,loss\na,2.0\n")
    with pytest.raises(ValueError, match=r"short.csv: missing column\(s\) compute, accuracy"):
        read_outside_models(path)
    elsewhere = write(tmp_path / "models.csv", ("a", 1e12, 2.0, 0.5, "basic", ""))
    with pytest.raises(
        ValueError, match="outside model 'a': domain is 'basic'; the choices are base, treat"
    ):
        fit_laws(losses, outside_models=elsewhere, **SETTINGS)
    with pytest.raises(ValueError, match="outside models: family 'topics' has no two-stage law"):
        fit_laws(losses, outside_models=elsewhere, **{**SETTINGS, "chance": None})
