"""Whether the compiled library for native training and scoring can be used, and loading it.

`setup.py` compiles the library from `native/` when the package is installed, for several levels of
instructions; the best level of the machine is used. All levels give the same bytes. The library
holds the digest of the files that it was compiled from. Light imports: no numpy.
"""

import ctypes
import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import Optimiser

SOURCE_FILES = ("native/*.c", "native/*.h", "native/*.json")
"""The files that the library is compiled from; they are part of the code digest of every job that
imports this module, so that results become stale when one of them is edited."""

LEVELS = ("avx512", "avx2", "baseline")
"""Levels of instructions, best first; `baseline` is the compiler's default: NEON, or SSE2, which
emulates fused multiply-adds."""

WIDEST = 512
"""Largest width of the native trainer; above it, torch's matrix products are faster."""

_POINTER, _LONG, _DOUBLE = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double


@dataclass(frozen=True, kw_only=True)
class Support:
    """Whether the library supports something; usable as a condition."""

    reason: str | None = None
    """Why it does not; None if it does."""

    def __bool__(self) -> bool:
        """Return whether the library supports it."""
        return self.reason is None


class UnavailableError(RuntimeError):
    """Raised if the library, or a level of it, cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """The loaded library at one level."""

    functions: ctypes.CDLL
    """Its functions."""
    level: str
    """The level's name."""
    pointer: int
    """The level's table of functions."""

    @property
    def is_emulated(self) -> bool:
        """Whether the level emulates fused multiply-adds, which is slow."""
        return self.level == "baseline" and platform.machine().lower() in ("x86_64", "amd64")


def sources_digest(folder: Path) -> str | None:
    """Return the digest of `SOURCE_FILES` below a folder, or None if there are none.

    It is the start of the SHA-256 of their bytes in the order of their names, as in setup.py.
    """
    paths = sorted(path for pattern in SOURCE_FILES for path in folder.glob(pattern))
    content = b"".join(path.read_bytes() for path in paths)
    return hashlib.sha256(content).hexdigest()[:16] if paths else None


@cache
def load_library(level: str | None = None) -> Library:
    """Load the library.

    Args:
        level: of instructions; None takes the best one of this machine.

    Raises:
        UnavailableError: if it was not built, was built from other sources, or this machine lacks
            the level.
    """
    functions = _open(Path(__file__).parent)
    for name in LEVELS if level is None else (level,):
        if pointer := functions.relscale_level(name.encode()):
            return Library(functions=functions, level=name, pointer=pointer)
    raise UnavailableError(f"it has no level {level!r} for this machine")


def _open(folder: Path) -> ctypes.CDLL:
    """Open the library of a folder, which may also hold its sources.

    Raises:
        UnavailableError: if there is none, or it was built from other sources.
    """
    paths = [folder / f"_native{suffix}" for suffix in EXTENSION_SUFFIXES]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        raise UnavailableError(
            "it was not compiled when the package was installed (no C compiler, or none that "
            "supports vector extensions)"
        )
    try:
        functions = ctypes.CDLL(str(path))
        functions.relscale_sources.restype = ctypes.c_char_p
        built_from = functions.relscale_sources().decode()
    except (OSError, AttributeError) as error:
        raise UnavailableError(f"{path} cannot be loaded: {error}") from error
    present = sources_digest(folder)
    if present is not None and built_from != present:
        raise UnavailableError(
            f"{path} was compiled from other sources ({built_from}) than those next to it "
            f"({present}): run `make env`, or install the package again"
        )
    _declare(functions)
    return functions


def _declare(functions: ctypes.CDLL) -> None:
    functions.relscale_level.argtypes, functions.relscale_level.restype = (
        [ctypes.c_char_p],
        _POINTER,
    )
    functions.relscale_make.argtypes = [
        _POINTER,
        _POINTER,
        ctypes.c_float,
        _POINTER,
        _POINTER,
        ctypes.c_int,
    ]
    functions.relscale_make.restype = _POINTER
    functions.relscale_free.argtypes, functions.relscale_free.restype = [_POINTER], None
    functions.relscale_gradients.argtypes = [_POINTER] * 4 + [_LONG] + [_POINTER] * 2
    functions.relscale_update.argtypes = [_POINTER] * 7 + [
        _LONG,
        _POINTER,
        _DOUBLE,
        _LONG,
        _POINTER,
        _POINTER,
    ]
    functions.relscale_score.argtypes = [_POINTER] * 6 + [_LONG] + [_POINTER] * 3


@cache
def available() -> Support:
    """Return whether the library can be used on this machine."""
    try:
        load_library()
    except UnavailableError as error:
        return Support(reason=f"the native library cannot be used: {error}")
    return Support()


def covers(shape: Shape, choices: Choices, optimiser: Optimiser | None = None) -> Support:
    """Return whether the library, where there is one, can score a decoder.

    With an optimiser: whether it can train the decoder. The answer is the same on every machine.
    """
    if shape.architecture != "qwen3":
        return Support(reason=f"the native library has no architecture {shape.architecture!r}")
    if shape.head_dim % 2:
        return Support(reason=f"head width {shape.head_dim} is odd: rotary positions rotate pairs")
    if choices.rope_scaling is not None:
        return Support(reason="the native step has no scaled rotary positions")
    if shape.width > WIDEST:
        return Support(reason=f"width {shape.width} is above {WIDEST}, where torch is faster")
    if optimiser is not None and optimiser.kind != "adam":
        return Support(reason=f"the native step has no optimiser {optimiser.kind!r}, only 'adam'")
    return Support()


def supports(shape: Shape, choices: Choices, optimiser: Optimiser | None = None) -> Support:
    """Return whether `covers` is true and the library can be used on this machine."""
    covered = covers(shape, choices, optimiser)
    return available() if covered else covered
