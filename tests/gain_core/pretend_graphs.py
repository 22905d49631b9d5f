"""CUDA graphs that are not there: what they do, on the CPU, to memory and to who waits for whom.

A recording notes every operation of torch with the very tensors that went in and came out. Replaying runs
them anew on what these tensors hold by then, into the same memory. So a result that nobody copied changes
with the next replay, and what was not written before the replay is not seen, as on a GPU.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Graph(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None) -> Any:
        result = operation(*args, **(kwargs or {}))
        self.noted.append((operation, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        for operation, args, kwargs, result in self.noted:
            again = operation(*args, **kwargs)
            if isinstance(result, Tensor) and again.data_ptr() != result.data_ptr():  # no view, not in place
                result.copy_(again)


class Stream:
    def __init__(self, device: torch.device | None = None, priority: int = 0) -> None:
        self.waited_for: list[object] = []

    def wait_stream(self, other: "Stream") -> None:
        self.waited_for.append(other)

    def wait_event(self, event: "Event") -> None:
        self.waited_for.append(event)


class Event:
    def __init__(self) -> None:
        self.recorded_on: Stream | None = None

    def record(self, stream: Stream) -> None:
        self.recorded_on = stream


@contextmanager
def graph(recording: Graph, stream: Stream, capture_error_mode: str) -> Iterator[None]:
    with recording:
        yield


def pretend_graphs(monkeypatch: pytest.MonkeyPatch) -> Stream:
    """torch.cuda as far as a recording needs it; the stream that all work goes to."""
    current = Stream()
    for name, value in {
        "CUDAGraph": Graph,
        "Event": Event,
        "Stream": Stream,
        "current_stream": lambda: current,
        "device": nullcontext,
        "graph": graph,
        "is_current_stream_capturing": lambda: False,
        "stream": nullcontext,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(Tensor, "is_cuda", True)
    monkeypatch.setattr(Tensor, "record_stream", lambda tensor, stream: None)
    return current
