"""Compile functions where the compiler works, and run them as they are where it does not.

Read `Compiled` first. A compiler may be missing, too old, or fail on one function; a run must not
end for that.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, Generic, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Compiled(Generic[Arguments, Result]):
    """A function that is compiled at its first call.

    If compiling fails, a warning names the failure once and the function runs as it is. Errors of
    the function itself are raised as without a compiler.
    """

    def __init__(self, function: Callable[Arguments, Result], name: str, **options: Any) -> None:
        """Wrap a function; nothing is compiled yet.

        Args:
            function: to compile; an argument that it changes in place is changed once, since
                compiling ends before the first operation runs.
            name: in the warning.
            options: of `torch.compile`.
        """
        self._function, self._name = function, name
        self._compiled: Callable[Arguments, Result] | None = torch.compile(function, **options)

    @property
    def is_compiled(self) -> bool:
        """Whether no compilation has failed so far."""
        return self._compiled is not None

    def __call__(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        """Call the function, compiled if possible."""
        if self._compiled is None:
            return self._function(*arguments, **named)
        from torch._dynamo.exc import TorchDynamoException  # slow to import

        try:
            return self._compiled(*arguments, **named)
        except TorchDynamoException as error:
            failure = error
        result = self._function(*arguments, **named)  # raises what is not the compiler's fault
        self._compiled = None
        _warn(self._name, failure)
        return result


def compile_blocks(blocks: list[nn.Module]) -> None:
    """Compile the forward pass of each block.

    All blocks share the compiled code of one, since they have the same code: compiling a whole deep
    model takes minutes.
    """
    for block in blocks:
        block.forward = Compiled(block.forward, "the blocks", dynamic=False)


@cache
def compile_failure(device: str) -> str | None:
    """Return why nothing can be compiled for a device, or None; compiles one tiny function.

    Args:
        device: `cpu` or `cuda`.
    """
    from torch._dynamo.exc import TorchDynamoException  # slow to import

    probe = torch.compile(_doubled, dynamic=False)
    try:
        probe(torch.ones(8, device=device))
    except TorchDynamoException as error:
        return _summary(error)
    return None


def _doubled(values: Tensor) -> Tensor:
    return (values * 2).sum()


_warned: set[str] = set()


def _warn(name: str, error: Exception) -> None:
    """Log a failed compilation once per function."""
    if name not in _warned:
        _warned.add(name)
        logger.warning(
            "%s cannot be compiled and run uncompiled, slower and with more memory: %s",
            name,
            _summary(error),
        )


def _summary(error: Exception) -> str:
    """Return the first two lines of a compiler's message, which may have hundreds, as one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:2])}"
