"""Stages `register` and `scores`: the largest budget is predicted from those below it."""

import numpy as np
import pandas as pd
import pytest
from planner_tables import planted_surfaces

from relscale.contract.io import read_table
from relscale.laws.spec import LawSpec
from relscale.planner.named_model import NamedModel, RegisterSpec
from relscale.planner.registered import Register
from relscale.stages import register, scores

SPEC = LawSpec(family="topics", baseline="a", draws=200)


def items_of(losses, overlapping, rng):
    """Return 30 items per run and domain whose mean is its value; some overlap the corpus."""
    rows = []
    for row in losses[losses["family"] == "topics"].to_dict("records"):
        spread = np.exp(0.3 * np.sin(np.arange(30.0) + len(row["domain"])))
        spread *= np.exp(rng.normal(0, 0.01, 30))
        values = row["value"] * spread / spread.mean()
        for item, value in enumerate(values):
            rows.append(
                {
                    **{key: row[key] for key in ("corpus", "run", "family", "domain", "metric")},
                    "stratum": "all",
                    "item": f"i{item}",
                    "numerator": value,
                    "denominator": 1.0,
                    "overlaps": item in overlapping,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module", name="results")
def results_fixture(tmp_path_factory):
    """Tables of two corpora below and at the largest compute, as evaluations write them."""
    folder = tmp_path_factory.mktemp("results")
    one = planted_surfaces(noise=0.004, seed=1)
    losses = pd.concat([one, one.assign(corpus="books", value=1.1 * one["value"])])
    top = losses["training_flops"] == losses["training_flops"].max()
    items = items_of(losses, {0, 1, 2}, np.random.default_rng(0))
    high = set(losses.loc[top, "run"])
    low = items[~items["run"].isin(high)]
    tables = {"low": losses[~top], "all": losses, "low_items": low, "items": items}
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder, losses[top]


@pytest.fixture(scope="module", name="written")
def written_fixture(results):
    """Registers of both corpora."""
    folder, top = results
    models = {
        corpus: tuple(
            NamedModel(name=row["run"], params=row["num_params_total"], tokens=row["tokens"])
            for row in rows.drop_duplicates("run").to_dict("records")
        )
        for corpus, rows in top.groupby("corpus")
    }
    out = [folder / f"registered/{corpus}.json" for corpus in ("books", "web")]
    low = folder / "low.parquet"
    register.main(
        spec=RegisterSpec(laws=SPEC, models=models),
        losses=[low],
        items=[folder / "low_items.parquet"],
        optimum_losses=[low],
        out=out,
    )
    return out


def test_each_corpus_has_a_register_of_its_own_runs(results, written):
    _, top = results
    for path in written:
        found = Register.read(path)
        assert found.corpus == path.stem
        assert {one.name for one in found.models} == set(top["run"])
        assert not set(found.runs) & set(top["run"]) and len(found.runs) == 35
        assert {one.status for one in found.predictions} == {"ok"}


def test_scores_have_every_prediction_next_to_the_value_without_overlapping_items(results, written):
    folder, _ = results
    out = folder / "scores.csv"
    scores.main(
        register=written,
        losses=folder / "all.parquet",
        items=folder / "items.parquet",
        out=out,
    )
    table = read_table(out)
    assert len(table) == 2 * len(Register.read(written[0]).predictions)
    assert set(table["corpus"]) == {"books", "web"} and set(table["family"]) == {"topics"}
    items = read_table(folder / "items.parquet")
    kept = items[~items["overlaps"]]
    means = kept.groupby(["corpus", "run", "domain"])["numerator"].mean()
    for row in table[table["baseline"].isna()].to_dict("records"):
        expected = means[row["corpus"], row["model"], row["domain"]]
        assert row["observed"] == pytest.approx(expected, rel=1e-6)
    assert table["error_percent"].abs().max() < 4


def test_noise_of_items_that_score_all_runs_does_not_widen_the_intervals(written):
    """The largest run is scored on the same items as the others, so their noise is in both."""
    found = Register.read(written[1])
    widths = [np.log(one.ci_high / one.ci_low) for one in found.predictions if one.baseline]
    # The spread of 30 items puts .03 of noise on a value; two runs differ by .004.
    assert max(widths) < 0.06


def test_a_register_that_was_changed_is_not_scored(results, written, tmp_path):
    folder, _ = results
    changed = tmp_path / "web.json"
    changed.write_text(written[1].read_text().replace('"level": 0.95', '"level": 0.9'))
    with pytest.raises(ValueError, match="was changed after it was written"):
        scores.main(
            register=[changed],
            losses=folder / "all.parquet",
            items=folder / "items.parquet",
            out=tmp_path / "scores.csv",
        )
