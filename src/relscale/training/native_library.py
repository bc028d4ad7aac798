"""The functions of the compiled library for native training and scoring.

Read `NativeDecoder` first; `native_build` says whether the library can be used. The same inputs
give the same bytes on every machine and at every level. Light imports: no torch.
"""

import ctypes
import weakref
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import OptimiserSettings
from relscale.training.exact import cosine_and_sine, power
from relscale.training.initial import parameter_shapes
from relscale.training.native_build import Library, load_library

ADAM_EPSILON = 1e-8
"""Added to the root of the second moment, as in torch's AdamW."""

_POINTER, _LONG, _DOUBLE = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
_SHAPE_FIELDS = (
    "width",
    "layers",
    "heads",
    "kv_heads",
    "head_dim",
    "intermediate",
    "vocab_size",
    "context_length",
)


class _Shape(ctypes.Structure):
    _fields_ = [(name, _LONG) for name in _SHAPE_FIELDS]


class _Adam(ctypes.Structure):
    _fields_ = [
        ("rates", _DOUBLE * 3),
        *((name, _DOUBLE) for name in ("beta1", "beta2", "epsilon", "weight_decay", "clip_norm")),
    ]


def flat_values(
    shape: Shape, values: Mapping[str, npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    """Concatenate a decoder's parameters in the order of `parameter_shapes`.

    The result has shape (num_params_total,).
    """
    return np.concatenate(
        [np.asarray(values[name], dtype=np.float32).ravel() for name, _ in parameter_shapes(shape)]
    )


def named_values(shape: Shape, flat: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
    """Return a view of each parameter by name; the inverse of `flat_values`."""
    named: dict[str, npt.NDArray[np.float32]] = {}
    start = 0
    for name, size in parameter_shapes(shape):
        stop = start + int(np.prod(size))
        named[name] = flat[start:stop].reshape(size)
        start = stop
    return named


def rotary_angles(
    length: int, head_dim: int, theta: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return cosines and sines (length, head_dim / 2) of the rotary angles.

    The angles are position * theta^(-2i / head_dim), rounded to float32 as in the torch decoder.
    """
    frequencies = [power(theta, Decimal(-2 * i) / head_dim) for i in range(head_dim // 2)]
    angles = np.outer(np.arange(length, dtype=np.float32), np.array(frequencies, dtype=np.float32))
    cosine, sine = cosine_and_sine(angles.astype(np.float64))
    return cosine.astype(np.float32), sine.astype(np.float32)


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class NativeDecoder:
    """The buffers of a decoder in the library.

    The caller keeps the parameters as one flat float32 array.
    """

    def __init__(
        self,
        shape: Shape,
        choices: Choices,
        *,
        for_training: bool,
        level: str | Library | None = None,
    ) -> None:
        """Allocate the buffers.

        Args:
            shape: a size that `supports` allows.
            choices: settings of the architecture.
            for_training: whether to allocate gradients; without them only `score` may be called.
            level: of instructions, or an opened library; None takes the best level.

        Raises:
            UnavailableError: if the library cannot be used.
            MemoryError: if there is not enough memory for the buffers.
        """
        self.library = level if isinstance(level, Library) else load_library(level)
        self.shape = shape
        self.for_training = for_training
        cosine, sine = rotary_angles(shape.context_length, shape.head_dim, choices.rope_theta)
        size = c_shape(shape)
        functions = self.library.functions
        pointer = functions.relscale_make(
            self.library.pointer,
            ctypes.byref(size),
            choices.norm_epsilon,
            _address(cosine),
            _address(sine),
            int(for_training),
        )
        if not pointer:
            raise MemoryError(f"no memory for the activations of {shape}")
        self._pointer = pointer
        weakref.finalize(self, functions.relscale_free, pointer)
        self._loss, self._norm = ctypes.c_double(), ctypes.c_double()

    def gradients(
        self, values: npt.NDArray[np.float32], batch: npt.NDArray[np.int64]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """Return the mean loss of (sequences, context length + 1) tokens and its gradient.

        The gradient has shape (num_params_total,).

        Raises:
            ValueError: if a token is not in the vocabulary or the batch has another shape.
        """
        batch = self._checked(batch)
        gradients = np.empty_like(values)
        status = self.library.functions.relscale_gradients(
            self.library.pointer,
            self._pointer,
            _address(values),
            _address(batch),
            len(batch),
            _address(gradients),
            ctypes.byref(self._loss),
        )
        self._refuse(status)
        return self._loss.value, gradients

    def _checked(self, batch: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        assert self.for_training
        if batch.ndim != 2 or batch.shape[0] < 1 or batch.shape[1] != self.shape.context_length + 1:
            raise ValueError(
                f"a batch of shape {batch.shape} is not "
                f"(sequences, {self.shape.context_length + 1})"
            )
        return np.ascontiguousarray(batch, dtype=np.int64)

    def _refuse(self, status: int) -> None:
        if status:
            raise ValueError(f"a token is not in the vocabulary of {self.shape.vocab_size} entries")

    def update(
        self,
        values: npt.NDArray[np.float32],
        gradients: npt.NDArray[np.float32],
        first: npt.NDArray[np.float32],
        second: npt.NDArray[np.float32],
        batch: npt.NDArray[np.int64],
        settings: "_Adam",
        factor: float,
        updates: int,
    ) -> tuple[float, float]:
        """Take one step of Adam in place.

        Returns the mean loss before the step and the global gradient norm before clipping.

        Args:
            values: (num_params_total,) the parameters.
            gradients: (num_params_total,) scratch.
            first: (num_params_total,) Adam's first moments.
            second: (num_params_total,) Adam's second moments.
            batch: (sequences, context length + 1) tokens.
            settings: from `adam_settings`.
            factor: on the peak learning rates.
            updates: number of this update, from 1.

        Raises:
            ValueError: if a token is not in the vocabulary or the batch has another shape.
        """
        batch = self._checked(batch)
        status = self.library.functions.relscale_update(
            self.library.pointer,
            self._pointer,
            _address(values),
            _address(gradients),
            _address(first),
            _address(second),
            _address(batch),
            len(batch),
            ctypes.byref(settings),
            factor,
            updates,
            ctypes.byref(self._loss),
            ctypes.byref(self._norm),
        )
        self._refuse(status)
        return self._loss.value, self._norm.value

    def score(
        self,
        values: npt.NDArray[np.float32],
        rows: list[npt.NDArray[np.int64]],
        given: npt.NDArray[np.int64],
        by_token: npt.NDArray[np.float64] | None = None,
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Score token sequences after their first `given` tokens.

        Args:
            values: (num_params_total,) the parameters.
            rows: token ids, at most context length + 1 per row.
            given: (rows,) number of tokens that are not scored, at least 1.
            by_token: (scored tokens of all rows) set to the log-probability of each scored token in
                nats, one row after another; it does not change the sums.

        Returns:
            (rows,) sum of the log-probabilities of the scored tokens in nats, and (rows,) whether
            each of them is the most likely one.

        Raises:
            ValueError: if a token is not in the vocabulary.
        """
        first = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=first[1:])
        tokens = np.concatenate(rows).astype(np.int64)
        given = np.ascontiguousarray(given, dtype=np.int64)
        assert (
            np.diff(first).max() <= self.shape.context_length + 1
            and given.min() >= 1
            and (given < np.diff(first)).all()
        )
        if by_token is not None:
            assert by_token.dtype == np.float64 and by_token.flags.c_contiguous
            assert by_token.shape == (first[-1] - given.sum(),)
        log_likelihood, greedy = np.empty(len(rows)), np.empty(len(rows), dtype=np.uint8)
        status = self.library.functions.relscale_score(
            self.library.pointer,
            self._pointer,
            _address(values),
            _address(tokens),
            _address(first),
            _address(given),
            len(rows),
            _address(log_likelihood),
            _address(greedy),
            None if by_token is None else _address(by_token),
        )
        self._refuse(status)
        return log_likelihood, greedy.astype(bool)


def c_shape(shape: Shape) -> _Shape:
    """Return a size as the library's structure."""
    return _Shape(*(getattr(shape, name) for name in _SHAPE_FIELDS))


def adam_settings(optimiser: OptimiserSettings) -> _Adam:
    """Return the settings of Adam as the library's structure."""
    return _Adam(
        (_DOUBLE * 3)(
            optimiser.embedding_learning_rate,
            optimiser.learning_rate,
            optimiser.head_learning_rate,
        ),
        optimiser.beta1,
        optimiser.beta2,
        ADAM_EPSILON,
        optimiser.weight_decay,
        optimiser.clip_norm,
    )
