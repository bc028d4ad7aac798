"""Scoring with the native library. Light imports.

Each request is run on its own, without padding, and only its continuation goes through the head.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relscale.evaluation.language_model import Scores, Tokens, distinct_requests
from relscale.plan.architecture import Choices, Shape
from relscale.training.folder import read_config, read_values
from relscale.training.native_library import NativeDecoder, flat_values


class NativeModel:
    """A decoder of a trained run as a `LanguageModel`.

    Create one only if `native_build.supports` allows it.
    """

    def __init__(
        self,
        shape: Shape,
        choices: Choices,
        values: Mapping[str, npt.NDArray[np.float32]],
        level: str | None = None,
    ) -> None:
        """Store a decoder's parameters by name, as `training.folder.read_values` gives them.

        Raises:
            UnavailableError: if the library cannot be used.
        """
        self.shape = shape
        self.decoder = NativeDecoder(shape, choices, for_training=False, level=level)
        self.values = flat_values(shape, values)

    def score(
        self,
        contexts: Sequence[Tokens],
        continuations: Sequence[Tokens],
        *,
        by_token: bool = False,
    ) -> Scores:
        """Score each continuation after its context.

        Equal requests are run once. Probabilities are taken in float32 and summed in float64.

        Args:
            contexts: token ids that are given.
            continuations: token ids that are scored.
            by_token: whether to return the score of each token as well; it changes no sum.

        Raises:
            ValueError: naming the request, if its context or continuation is empty, it is longer
                than the model allows, or a token is not in the vocabulary.
        """
        requests = distinct_requests(
            contexts,
            continuations,
            vocab_size=self.shape.vocab_size,
            context_length=self.shape.context_length,
        )
        tokens = np.empty(int(requests.scored.sum())) if by_token else None
        sums, greedy = self.decoder.score(self.values, requests.rows, requests.given, tokens)
        return requests.in_given_order(sums, greedy, tokens)


def read_native_model(folder: Path) -> NativeModel:
    """Return the model of a trained run from its folder.

    Raises:
        ValueError: naming the file, if the folder has no such model.
    """
    shape, choices = read_config(folder)
    return NativeModel(shape, choices, read_values(folder, shape))
