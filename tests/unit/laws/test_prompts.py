import math

import numpy as np
import pandas as pd
import pytest

from relscale.contract.losses import LOSSES_COLUMNS
from relscale.contract.tables.prompts import PROMPTS
from relscale.laws.prompts import prompt_table
from relscale.laws.spec import PromptsSpec
from relscale.stages import prompts as stage

FAMILIES = {"letters": "traditional", "texts": "continuation"}


def losses(noise=0.0, runs=8, chance=0.0):
    """Losses that fall as a power law with compute; one domain of texts has noise; accuracies of
    texts are 10 points lower in domain b."""
    generator = np.random.default_rng(5)
    rows = []
    for run in range(runs):
        flops = 10.0 ** (15 + run / 3)
        for family in FAMILIES:
            for domain, items in (("a", 100), ("b", 300)):
                spread = noise * generator.normal() if (family, domain) == ("texts", "b") else 0.0
                values = {
                    "choice_loss_nats": (2.0 if domain == "a" else 3.0)
                    * (flops / 1e15) ** -0.1
                    * math.exp(spread),
                    "accuracy": 0.3
                    + 0.02 * run
                    - (0.1 if (family, domain) == ("texts", "b") else 0.0),
                }
                for metric, value in values.items():
                    rows.append(
                        dict.fromkeys(LOSSES_COLUMNS, None)
                        | {
                            "corpus": "s",
                            "run": f"r{run}",
                            "budget": str(run),
                            "training_flops": flops,
                            "forward_flops": flops / 3,
                            "tokens": 10,
                        }
                        | {
                            "num_params_total": 10 + run,
                            "family": family,
                            "domain": domain,
                            "metric": metric,
                            "value": value,
                        }
                        | {
                            "num_items": items,
                            "num_truncated": items // 50,
                            "num_bytes": 9,
                            "at_chance": run < chance * runs,
                        }
                        | {"excluded_reason": None, "seed": 0}
                    )
    return pd.DataFrame(rows)


def table(frame, window=2048, prompts=FAMILIES):
    made = prompt_table(frame, prompts, compute="training_flops", window=window, level=0.95)
    assert tuple(made.columns) == PROMPTS.names
    return made.set_index(["prompt", "domain"])


def test_a_power_law_is_explained_whole_and_a_noisy_one_less():
    made = table(losses(noise=0.3))
    assert made.loc[("traditional", "a"), "r2"] == pytest.approx(1)
    frame = losses(noise=0.3)
    mine = frame[
        (frame.family == "texts") & (frame.domain == "b") & (frame.metric == "choice_loss_nats")
    ]
    expected = np.corrcoef(np.log(mine.training_flops), np.log(mine.value))[0, 1] ** 2
    row = made.loc[("continuation", "b")]
    assert row.r2 == pytest.approx(expected)
    assert row.ci_low < row.r2 < row.ci_high < 1
    assert row.exponent_ci_low < 0.1 < row.exponent_ci_high
    assert row.exponent_ci_low < row.exponent < row.exponent_ci_high
    assert row.num_runs == 8
    assert row.truncated_share == pytest.approx(0.02)
    assert row.status == "ok"
    assert made.loc[("continuation", "a"), "r2"] > made.loc[("continuation", "all"), "r2"] > row.r2


def test_accuracies_are_paired_by_run_and_weighted_by_items():
    made = table(losses())
    assert made.loc[("traditional", "a"), "accuracy_minus_traditional"] == 0
    whole = made.loc[("continuation", "all")]
    assert whole.accuracy_minus_traditional == pytest.approx(-7.5)
    assert whole.accuracy_minus_traditional_low == pytest.approx(
        whole.accuracy_minus_traditional_high
    )
    assert whole.accuracy == pytest.approx(0.37 - 0.075)


def test_an_accuracy_of_nothing_counts():
    frame = losses()
    frame.loc[(frame.metric == "accuracy") & (frame.family == "texts"), "value"] = 0.0
    assert table(frame).loc[("continuation", "all"), "accuracy"] == 0


def test_what_a_short_window_and_chance_cannot_show_is_said():
    short = table(losses(), window=128)
    assert short.status.unique().tolist() == ["short_window"]
    assert short.remarks.unique().tolist() == ["window 128: prompts with shots need 2048"]
    assert table(losses(), window=0).status.unique().tolist() == ["ok"]
    made = table(losses(chance=0.5))
    assert made.loc[("traditional", "a"), ["status", "remarks"]].tolist() == [
        "at_chance",
        "4 run(s) at chance",
    ]
    assert made.loc[("traditional", "a"), "runs_at_chance"] == 4


def test_too_little_to_explain():
    made = table(losses(runs=2))
    assert made.status.unique().tolist() == ["too_few_runs"]
    assert made.r2.isna().all()
    frame = losses()
    frame["training_flops"], frame["forward_flops"], frame["budget"] = 1e15, 1e15 / 3, "1e15"
    assert set(table(frame).status) == {"no_variation"}
    three = table(losses(runs=3))
    assert three.r2.notna().all()
    assert three.ci_low.isna().all()


def test_without_the_traditional_prompt_there_is_no_difference():
    frame = losses()
    made = table(frame[frame.family == "texts"], prompts={"texts": "continuation"})
    assert made.accuracy.notna().all()
    assert made.accuracy_minus_traditional.isna().all()


def test_excluded_runs_are_left_out():
    frame = losses()
    frame.loc[frame.run == "r7", ["value", "excluded_reason"]] = [math.nan, "diverged"]
    assert table(frame).num_runs.unique().tolist() == [7]


def test_tables_that_cannot_be_made():
    frame = losses()
    with pytest.raises(ValueError, match="family 'other': has no usable row of choice_loss_nats"):
        table(frame, prompts={**FAMILIES, "other": "modified"})
    with pytest.raises(
        ValueError, match="prompt 'traditional': asked of several families, letters, texts"
    ):
        table(frame, prompts=dict.fromkeys(FAMILIES, "traditional"))


def test_the_stage_reads_families_and_writes_the_table(tmp_path):
    frame = losses()
    for family in FAMILIES:
        frame[frame.family == family].to_parquet(tmp_path / f"{family}.parquet")
    spec = PromptsSpec(prompts=FAMILIES, compute="training_flops", window=0, level=0.95)
    paths = [tmp_path / f"{family}.parquet" for family in FAMILIES]
    stage.main(spec=spec, losses=paths, out=tmp_path / "prompts.csv")
    written = pd.read_csv(tmp_path / "prompts.csv")
    assert len(written) == 6
    assert written.r2.tolist() == pytest.approx([1] * 6)
