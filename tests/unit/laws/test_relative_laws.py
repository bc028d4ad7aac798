import numpy as np
import pytest
from scipy import stats

from relscale.laws.estimators.joint_model import JointModel
from relscale.laws.fit import fit_family
from relscale.laws.fit_error import FitError
from relscale.laws.spec import LawSpec
from relscale.laws.tables.relative import reduction_slope

SETTINGS = LawSpec(
    family="topics", baseline="base", draws=500, estimators=("joint", "vertex", "best_run", "akima")
)


@pytest.mark.parametrize(
    ("level", "exponent", "verdict"),
    [
        (2.4, 0.13, "narrows"),  # above 1, closing
        (2.4, 0.07, "widens"),  # above 1, opening
        (1.6, 0.13, "widens"),  # below 1, opening
        (1.6, 0.07, "narrows"),  # below 1, closing
        (2.02, 0.13, "crosses"),  # through 1 inside the range
        (2.4, 0.10, "parallel"),
    ],
)
def test_planted_truth(plant, level, exponent, verdict):
    frame = plant(
        domains={"base": (2.0, 0.10, 0.0), "treat": (level, exponent, 0.05)},
        domain_sd=1e-4,
        run_sd=1e-4,
    )
    relative = fit_family(frame, SETTINGS).ratio.set_index("estimator")
    for estimator in ("joint", "vertex"):
        row = relative.loc[estimator]
        assert row["dbeta"] == pytest.approx(0.10 - exponent, abs=5e-4)
        reference = np.exp(np.mean(np.log([5e10, 1e11, 2e11, 5e11])))
        assert row["reference_compute"] == pytest.approx(reference)
        assert row["gamma"] == pytest.approx(
            level / 2 * (reference / 1e11) ** (0.10 - exponent), rel=1e-3
        )
        assert row["gap_first"] == pytest.approx(level / 2 * 0.5 ** (0.10 - exponent), rel=1e-3)
        assert row["gap_last"] == pytest.approx(level / 2 * 5 ** (0.10 - exponent), rel=1e-3)
        assert row["verdict"] == verdict
        assert row["ci_method"] == "runs"
    # The lowest run is off the optimum by up to half a step, which its interval has to hold.
    best = relative.loc["best_run"]
    assert best["ci_low"] < 0.10 - exponent < best["ci_high"]


def test_probabilities_rise(plant):
    frame = plant(domains={"base": (0.3, -0.05, 0.0), "treat": (0.3, -0.09, 0.0)}, domain_sd=1e-3)
    frame.loc[frame["family"] == "topics", "metric"] = "choice_probability"
    settings = LawSpec(
        family="topics",
        baseline="base",
        metrics=("choice_probability",),
        draws=500,
        estimators=("joint",),
    )
    row = fit_family(frame, settings).ratio.iloc[0]
    assert row["dbeta"] == pytest.approx(0.04, abs=0.002)
    assert (row["verdict"], row["faster"]) == ("rises", "treatment")


def test_reduction_slope_by_hand():
    # G = 1.10, 1.05, 1.00 over two decades: reduction -10, -5, 0 points, 5 a decade.
    assert reduction_slope(np.log([1e18, 1e19, 1e20]), np.log([1.10, 1.05, 1.00])) == pytest.approx(
        5.0
    )


def test_forward_axis_moves_the_reference_only(plant):
    frame = plant(run_sd=0.01, domain_sd=0.01)
    training = fit_family(frame, SETTINGS).ratio.iloc[0]
    forward = fit_family(
        frame,
        LawSpec(
            family="topics",
            baseline="base",
            draws=500,
            compute="forward_flops",
            estimators=("joint",),
        ),
    ).ratio.iloc[0]
    assert forward["dbeta"] == pytest.approx(training["dbeta"], rel=1e-9)
    assert forward["reference_compute"] == pytest.approx(training["reference_compute"] / 3)
    assert forward["compute"] == "forward_flops"


def joint(log_gap, seed=0, budget_sd=0.0, tilt=0.0):
    rng = np.random.default_rng(seed)
    budget = np.repeat(np.arange(4), 6)
    compute = np.log([5e10, 1e11, 2e11, 5e11])[budget]
    distance = np.tile(np.linspace(-0.6, 0.6, 6), 4)
    values = (
        log_gap + tilt * distance + rng.normal(0, 0.01, 24) + rng.normal(0, budget_sd, 4)[budget]
    )
    return model(compute, distance, budget).fit(values), values


def model(compute, distance, budget):
    flat = np.eye(len(compute))
    return JointModel.of(compute, distance, budget, flat, float(np.mean(compute)))


def test_a_gap_alone_has_the_scatter_of_its_budgets_whatever_it_is():
    """A balanced design: the standard error of the slope is that of a line through the budgets'
    means, and no test decides which noise is in it."""
    for budget_sd in (0.0, 0.05):
        fit, values = joint(0.1, seed=3, budget_sd=budget_sd, tilt=0.05)
        compute = np.log([5e10, 1e11, 2e11, 5e11])
        line = stats.linregress(compute, values.reshape(4, 6).mean(axis=1))
        assert fit.law[1] @ values == pytest.approx(line.slope)
        assert fit.noise.covariance[1, 1] == pytest.approx(line.stderr**2)
        assert fit.noise.dof == pytest.approx(2)


def test_lack_of_fit_is_still_tested():
    assert joint(0.1, seed=1, budget_sd=0.05)[0].moments.lack_of_fit_p < 0.001
    assert joint(0.1, seed=1)[0].moments.lack_of_fit_p > 0.05


def test_few_cells_leave_the_tilt_alone():
    """Seven cells: the model has one tilt for all budgets, and two budgets alone show no budget
    effect, so that there is no interval."""
    distance, budget = (
        np.array([-0.6, -0.2, 0.2, 0.6, -0.5, 0.0, 0.5]),
        np.array([0, 0, 0, 0, 1, 1, 1]),
    )
    compute = np.log([1e11, 3e11])[budget]
    few = model(compute, distance, budget).fit(0.2 + 0.05 * compute + 0.1 * distance)
    assert few.moments.run_dof == 7 - 4
    assert np.isnan(few.noise.covariance).all()
    assert few.law @ (0.05 * compute) == pytest.approx([0.05 * float(np.mean(compute)), 0.05])


def test_joint_failures():
    with pytest.raises(FitError, match="too_few_budgets: one budget has no slope"):
        model(np.zeros(6), np.linspace(-1, 1, 6), np.zeros(6, dtype=int))
    with pytest.raises(FitError, match="too_few_runs: 4 sizes over 2 budgets"):
        model(
            np.array([0.0, 0, 1, 1]),
            np.array([-1.0, 1, -1, 1]),
            np.array([0, 0, 1, 1]),
        )


def test_detectable_slope_is_larger_than_the_half_width(plant):
    row = fit_family(plant(run_sd=0.01, domain_sd=0.01), SETTINGS).ratio.iloc[0]
    half = (row["ci_high"] - row["ci_low"]) / 2
    # (t.975 + t.80) / t.975 at 2 degrees of freedom = (4.30265 + 1.06066) / 4.30265; tokens are
    # rounded to integers, so that the design is not quite balanced.
    assert row["dof"] == pytest.approx(2, rel=0.03)
    assert row["detectable_dbeta"] / half == pytest.approx(1.24651, rel=3e-3)
