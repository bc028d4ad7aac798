import pytest

from relscale.contract.units import looks_like_perplexity, loss_notes, unit_error, unit_notes


@pytest.mark.parametrize(
    ("compute", "params", "tokens"),
    [
        (6e18, 1e9, 1e3),  # tokens in millions
        (6e18, 1e3, 1e9),  # parameters in millions
        (6e12, 1e9, 1e9),  # compute in millions
        (6e18, 1e9, 1e18),  # tokens times a billion
        (6e18, 1.0, 1e9),  # parameters in billions
    ],
)
def test_units_that_are_off_by_a_million_are_errors(compute, params, tokens):
    found = unit_error("t.csv: run 'a'", "training_flops", compute, params, tokens)
    assert found is not None and found.startswith("t.csv: run 'a': training_flops ")
    assert "num_params_total" in found and "tokens" in found and "about 6 is right" in found
    assert "about 2 is right" in str(unit_error("t", "forward_flops", compute, params, tokens))


@pytest.mark.parametrize("ratio", [6, 2, 20, 90, 0.6, 0.1])
def test_embeddings_experts_and_attention_are_not_errors(ratio):
    """From a sixtieth of the usual cost (experts) to fifteen times (attention)."""
    assert unit_error("t", "training_flops", ratio * 1e18, 1e9, 1e9) is None


def test_notes_on_usual_and_unusual_ratios():
    assert unit_notes("training_flops", [4.1, 6.0, 9.0]) == []
    assert unit_notes("forward_flops", [1.4, 2.0, 3.0]) == []
    assert unit_notes("training_flops", []) == []
    (note,) = unit_notes("training_flops", [0.2, 6.0, 6.0])
    assert "unusual in 1 run(s)" in note
    (note,) = unit_notes("training_flops", [1.5, 2.0, 2.4])
    assert "2 (median) as for forward_flops" in note and "about 6 is usual" in note
    (note,) = unit_notes("forward_flops", [5.9, 6.0])
    assert "as for training_flops" in note and "about 2 is usual" in note


def test_a_gap_between_two_groups_of_runs_is_noted():
    (note,) = unit_notes("training_flops", [2.1, 2.2, 6.1, 6.2])
    assert "up to 2.2 in 2 run(s) and from 6.1 in the others" in note
    assert unit_notes("training_flops", [2.1, 3.0, 4.1, 6.2]) == []


def test_losses_above_a_uniform_guess_look_like_perplexities():
    assert looks_like_perplexity([24.0, 31.5, float("nan")])
    # A uniform guess over a million tokens has 13.8 nats.
    assert not looks_like_perplexity([13.8, 13.8, 3.1])
    # No perplexity is below 1.
    assert not looks_like_perplexity([24.0, 31.5, 0.9])
    assert not looks_like_perplexity([]) and not looks_like_perplexity([float("inf")])


def test_a_loss_that_looks_like_perplexity_is_noted_by_its_name():
    values = [24.0, 31.5, float("nan")]
    (note,) = loss_notes("Val Loss", values)
    assert note.startswith("Val Loss is 27.75 (median), above the loss of a uniform guess")
    assert loss_notes("loss", [2.5, 3.5]) == []
    # These may be larger: a perplexity, a score, a sum over a document.
    assert [loss_notes(name, values) for name in ("ppl", "wer", "nll")] == [[], [], []]
