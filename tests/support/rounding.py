"""How far two correct float32 computations of the same quantity may differ.

A float32 operation errs by at most u = 2^-24 of its result. The errors of n operations in a row add
up to at most lambda * sqrt(n) * u times the size of the terms, with a probability that approaches 1
quickly as lambda grows (Higham and Mary 2019, SIAM J. Sci. Comput. 41, A2815, theorem 2.4). The
order of a sum, the width of vectors and fused multiply-adds differ between processors; this bound
does not. Tests that compare float32 results take their tolerance from here instead of from the
difference that one processor showed.
"""

import math

from relscale.plan.architecture import Shape

UNIT_ROUNDOFF = 2.0**-24
"""Largest relative error of one float32 operation."""
CONFIDENCE = 4.0
"""lambda: an error above it has a probability of at most 2 exp(-8) per sum; measured errors are
about a tenth of the bound."""


def float32_error(size: float, roundings: int) -> float:
    """Return the largest plausible error of a float32 result.

    Args:
        size: of the terms that are added up (not of their sum, where terms cancel).
        roundings: operations in a row that each round.
    """
    return CONFIDENCE * math.sqrt(roundings) * UNIT_ROUNDOFF * size


def roundings_of_a_logit(shape: Shape) -> int:
    """Count the terms of all sums between the weights and a log-probability.

    Of each block: norm, projections, scores, weighted values, output; norm, up, down. Then the last
    norm, the head, and the sum over the vocabulary.
    """
    attention = 2 * shape.width + shape.head_dim + shape.context_length
    attention += shape.heads * shape.head_dim
    mlp = 2 * shape.width + shape.intermediate
    return shape.layers * (attention + mlp) + 2 * shape.width + shape.vocab_size


def roundings_of_a_gradient(shape: Shape, sequences: int) -> int:
    """Count the terms of all sums between the weights and a gradient.

    The forward pass, the same sums in the backward pass, and the sum over the batch's tokens.
    """
    return 2 * roundings_of_a_logit(shape) + sequences * shape.context_length


def score_error(shape: Shape, logit: float, tokens: int) -> float:
    """Return the largest plausible error of a sum of log-probabilities in nats.

    Args:
        shape: of the decoder.
        logit: size of its largest logits.
        tokens: scored ones, whose errors are independent.
    """
    return float32_error(logit * math.sqrt(tokens), roundings_of_a_logit(shape))
