"""The run to add: V-optimal by the surfaces' Jacobians."""

import numpy as np
import pandas as pd
import pytest
from planner_tables import planted_surfaces, surface_loss
from typer.testing import CliRunner

from relscale.cli import app
from relscale.laws.surface_fit.projection import Plane, fit_surfaces
from relscale.planner.added_run import AddRequest, FittedDomain, Target, add_runs
from relscale.planner.candidate_runs import CandidateRun, read_candidates

SETTINGS = {"family": "topics", "baseline": "a", "draws": 200}
NOISE = 0.003
POOL = (
    CandidateRun(name="large", params=8e9, tokens=4e11),
    CandidateRun(name="long", params=1e9, tokens=3e12),
    CandidateRun(name="wide", params=2e10, tokens=1e11),
    CandidateRun(name="tiny", params=1e8, tokens=2e9),
    CandidateRun(name="middle", params=6e8, tokens=4e10),
)
REQUEST = AddRequest(flops=2e22, budget=4e22)


@pytest.fixture(scope="module", name="table")
def table_fixture():
    return planted_surfaces(noise=NOISE, seed=5)


@pytest.fixture(scope="module", name="found")
def found_fixture(table):
    return add_runs(table, POOL, REQUEST, **SETTINGS)


def planted_target(params, tokens, at):
    """Return the target of one domain on its planted surface, at runs, with noise of NOISE."""
    plane = Plane.of(params, tokens)
    loss = surface_loss("a", params, tokens)
    surface = fit_surfaces(plane, loss, np.array([0.34, 0.28]))
    rng = np.random.default_rng(0)
    residual = rng.normal(0, 1, len(params))
    residual *= NOISE * np.sqrt((len(params) - 5) / np.sum(residual**2))
    domain = FittedDomain(surface=surface, jacobian=surface.jacobian()[0], residual=residual)
    return Target(
        domains=(domain,),
        contrasts=np.eye(1),
        weights=np.ones(len(params)),
        log_params=np.log(at[0]),
        log_tokens=np.log(at[1]),
        names=("a",),
    )


def test_the_variance_is_that_of_refits_with_and_without_the_added_run():
    """4,000 refits to drawn noise: their standard deviation has a relative error of 1.1 %, and the
    linearisation is good to a few percent at noise of .3 %."""
    params, tokens = (
        each.ravel() for each in np.meshgrid(np.geomspace(1e8, 3e9, 6), np.geomspace(2e9, 6e11, 6))
    )
    at, added = (7e9, 4.8e11), (8e9, 4e11)
    target = planted_target(params, tokens, at)
    for more in ((), (added,)):
        extra = np.array(more).reshape(-1, 2)
        n, d = np.concatenate([params, extra[:, 0]]), np.concatenate([tokens, extra[:, 1]])
        rng = np.random.default_rng(1)
        drawn = surface_loss("a", n, d) * np.exp(rng.normal(0, NOISE, (4000, len(n))))
        refits = fit_surfaces(Plane.of(n, d), drawn, np.array([0.34, 0.28]))
        log_loss = np.log(refits.predict(np.log(at[0]), np.log(at[1])))
        expected = target.variance(np.log(extra[:, 0]), np.log(extra[:, 1]))
        assert np.std(log_loss) == pytest.approx(np.sqrt(expected), rel=0.08)


def test_every_added_run_lowers_the_variance_and_a_copy_halves_that_of_its_noise():
    params, tokens = (
        each.ravel() for each in np.meshgrid(np.geomspace(1e8, 3e9, 6), np.geomspace(2e9, 6e11, 6))
    )
    target = planted_target(params, tokens, (7e9, 4.8e11))
    none = target.variance(np.zeros(0), np.zeros(0))
    all_again = target.variance(np.log(params), np.log(tokens))
    assert all_again == pytest.approx(none / 2, rel=1e-9)
    for n, d in ((1e8, 2e9), (8e9, 4e11), (3e9, 2e9)):
        assert target.variance(np.log([n]), np.log([d])) < none


def test_the_first_run_is_the_best_per_flop_among_all_and_the_budget_is_kept(found, table):
    rows = found.table
    assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
    assert (rows["cumulative_flops"] <= REQUEST.budget).all()
    assert (rows["standard_error"] < rows["standard_error_before"]).all()
    assert rows["standard_error_before"].iloc[0] == pytest.approx(found.start)
    gains = {}
    for one in POOL:
        alone = add_runs(table, [one], AddRequest(flops=2e22, budget=1e24), **SETTINGS).table.iloc[
            0
        ]
        gains[one.name] = (found.start**2 - alone["standard_error"] ** 2) / alone["training_flops"]
        assert alone["training_flops"] == pytest.approx(6 * one.params * one.tokens)
    assert rows["name"].iloc[0] == max(gains, key=gains.get)


def test_a_stated_cost_counts(table):
    """A run that is said to be cheap is taken first."""
    cheap = [*POOL[:3], CandidateRun(name="gift", params=8e9, tokens=4e11, training_flops=1e12)]
    assert add_runs(table, cheap, REQUEST, **SETTINGS).table["name"].iloc[0] == "gift"


def test_without_a_baseline_losses_are_predicted(table):
    found = add_runs(table, POOL, REQUEST, family="topics", draws=200)
    assert found.predictions == ("a", "b")


@pytest.mark.parametrize(
    ("pool", "request_", "message"),
    [
        (POOL, {"flops": 1e25, "budget": 1e22}, "--target 1e[+]25 is .* times the largest"),
        (POOL, {"flops": 2e22, "budget": 1e12}, "the cheapest candidate, 'tiny', costs 1.2e[+]18"),
        (POOL, {"flops": 2e22, "budget": -1.0}, "--budget -1.0: a positive number"),
        ((), {"flops": 2e22, "budget": 1e22}, "the pool is empty"),
    ],
)
def test_a_mistake_is_one_sentence(table, pool, request_, message):
    with pytest.raises(ValueError, match=message):
        add_runs(table, pool, AddRequest(**request_), **SETTINGS)


def test_runs_that_identify_no_surface_say_what_to_add():
    with pytest.raises(ValueError, match=r"do not identify the surface .* add several sizes"):
        add_runs(
            planted_surfaces(ratio=20.0), POOL, AddRequest(flops=1e19, budget=1e22), **SETTINGS
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,params\nx,1e9\n", "tokens"),
        ("name,params,tokens\nx,1e9,-1\n", "tokens is -1.* for 'x'"),
        ("name,params,tokens\nx,1e9,1e9\nx,1e9,1e9\n", "'x' is listed twice"),
        ("name,params,tokens\n", "no candidates"),
    ],
)
def test_a_wrong_pool_is_refused(text, message, tmp_path):
    path = tmp_path / "pool.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_candidates(path)


def test_the_command_prints_and_writes_the_runs(table, tmp_path):
    losses, pool, out = (tmp_path / name for name in ("l.csv", "pool.csv", "added.csv"))
    table.to_csv(losses, index=False)
    pool.write_text("name,params,tokens\nlarge,8e9,4e11\ntiny,1e8,2e9\n")
    words = ["plan", "add", "--losses", losses, "--family", "topics", "--baseline", "a"]
    words += ["--target", "F=2e22", "--candidates", pool, "--budget", "4e22", "--out", out]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.exception
    assert "Next run: " in done.output and "b / a" in done.output
    assert set(pd.read_csv(out)["name"]) == {"large", "tiny"}
    words[words.index("F=2e22")] = "G=1"
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert "must be F=FLOPS" in str(done.exception)
