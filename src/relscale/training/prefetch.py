"""Prefetch batches to the GPU: a thread reads them, and copies overlap with computation."""

import queue
import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

DEPTH = 2
"""Most batches that wait in pinned memory."""


def prefetch(
    source: Iterator[npt.NDArray[np.int64]], device: torch.device | str, depth: int = DEPTH
) -> Iterator[torch.Tensor]:
    """Yield each batch on the device, in order.

    A thread takes batches from the source and pins them; the next batch is copied to the device
    while the last one is in use. An error of the source is raised here.
    """
    on_gpu = torch.device(device).type == "cuda"
    waiting: queue.Queue[torch.Tensor | BaseException | None] = queue.Queue(depth)
    left = threading.Event()

    def put(item: torch.Tensor | BaseException | None) -> bool:
        while not left.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def fetch() -> None:
        try:
            for batch in source:
                tensor = torch.from_numpy(np.ascontiguousarray(batch))
                if not put(tensor.pin_memory() if on_gpu else tensor):
                    return
            put(None)
        except BaseException as error:
            put(error)

    threading.Thread(target=fetch, daemon=True).start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item.to(device, non_blocking=True)
    finally:
        left.set()
