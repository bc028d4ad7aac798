"""Checks of controls and tuned frontiers: one clear error before any job."""

from pathlib import Path
from typing import Any

import pytest

from relscale.config.errors import ConfigError
from relscale.config.load import load_config, merged, read_yaml
from relscale.workflow.control_specs import controlled_families, ngram_mebibytes, ngram_spec
from relscale.workflow.experiment import plan_experiment
from relscale.workflow.law_specs import frontiers, suite_tables, tuned_spec

ROOT = Path(__file__).parents[3]
ARMS = {
    "fast": {"corpus": "web", "learning_rate_factor": 2},
    "other": {"corpus": "curated", "learning_rate_factor": 2},
}


def load(overlay: dict[str, Any]) -> Any:
    """Return the default experiment with an overlay."""
    default = read_yaml(ROOT / "config.yaml")
    return load_config(
        merged([default, overlay]), [("config.yaml", default), ("overlay.yaml", overlay)]
    )


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"controls": []}, "'controls': shows controls, and `controls` names none"),
        ({"controls": ["bigram"]}, "ngram"),
        ({"ngram": {"order": 8}}, "ngram.order = 8"),
        ({"ngram": {"bytes": [100]}}, "ngram.bytes"),
        (
            {
                "laws": {"optimum_by": "behaviour"},
                "families": {"behaviour": {"metrics": ["accuracy"]}},
            },
            "controls are compared in bits_per_byte, which laws.optimum_by = 'behaviour'",
        ),
        (
            {"figures": {"names": ["tuned_frontier"]}},
            "'tuned_frontier': shows tuned frontiers, and `tuning` names none",
        ),
        ({"tuning": {"web_tuned": ["web"]}}, "tuning.web_tuned"),
        (
            {"tuning": {"web_tuned": ["web", "faster"]}},
            "tuning.web_tuned[1] = 'faster': is not in suite.corpora and suite.arms",
        ),
        (
            {"suite": {"arms": ARMS}, "tuning": {"web_tuned": ["web", "fast", "other"]}},
            "tuning.web_tuned[2] = 'other': is trained on curated, and web on web",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_the_choices(
    overlay: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overlay)
    assert message in str(caught.value), str(caught.value)


def test_controls_score_every_family_with_bits_per_byte() -> None:
    experiment = plan_experiment(load({}))
    assert experiment.controls == ["ngram"]
    assert controlled_families(experiment) == list(experiment.families)
    spec = ngram_spec(experiment, "web")
    assert spec.over_strata == ("knowledge",)
    assert spec.context_length == 128
    assert ngram_mebibytes(experiment) >= 771  # measured with 1e7 bytes
    assert {"controls", "control_slopes"} <= set(suite_tables(experiment))


def test_a_frontier_has_its_tables_and_the_laws_of_all_gaps() -> None:
    overlay = {"suite": {"arms": ARMS}, "tuning": {"web_tuned": ["web", "fast"]}}
    experiment = plan_experiment(load(overlay))
    assert frontiers(experiment) == {"web_tuned": ("web", "fast")}
    assert {"tuned", "tuned_sizes"} <= set(suite_tables(experiment))
    spec = tuned_spec(experiment)
    assert (spec.optimum_by, spec.metric) == ("validation", "bits_per_byte")
    assert [law.family for law in spec.laws] == [
        name for name in experiment.families if experiment.family(name).baseline
    ]
    assert frontiers(plan_experiment(load({}))) == {}
