"""On a GPU: all layers of a network in one call.

Small networks and batches are computed sooner than a program can name their layers one after another. A CUDA
graph is a recording of those calls, which the GPU goes through by itself (docs/decisions/0023).
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_MOST = 4  # sizes of batches whose recordings are kept: each has memory of its own
_RECORDING = threading.Lock()  # CUDA lets a process make one at a time


class RecordedLayers(nn.Module):
    """The layers, recorded when a size of batch comes for the second time: (B, …) -> (B, …), CUDA.

    For layers whose weights stand still, and with torch's settings (TF32, determinism) as they were then. Any
    number of threads may call it, each on its own stream; while a size is being recorded, no other thread may
    wait for the whole GPU (torch.cuda.synchronize, empty_cache), draw random numbers on it or compile. What
    asks for gradients or autocast is computed layer by layer.
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self._layers = layers
        self._sizes: OrderedDict[object, _Recording | None] = OrderedDict()  # None: seen once
        self._lock = threading.Lock()

    def forward(self, maps: Tensor) -> Tensor:
        differs = torch.is_autocast_enabled("cuda") or (torch.is_grad_enabled() and maps.requires_grad)
        if maps.is_cuda and not differs and not torch.cuda.is_current_stream_capturing():
            with self._lock, torch.cuda.device(maps.device):
                recording = self._recording_for(maps)
                if recording is not None:
                    return recording.replay(maps)
        result: Tensor = self._layers(maps)
        return result

    def _recording_for(self, maps: Tensor) -> "_Recording | None":
        size = (maps.device, maps.dtype, maps.shape)
        seen = size in self._sizes
        recording = self._sizes.pop(size, None)
        if seen and recording is None:
            with _RECORDING:
                recording = _Recording(self._layers, maps)
        self._sizes[size] = recording  # the one used last is the last to go
        if len(self._sizes) > _MOST:
            self._sizes.popitem(last=False)
        return recording

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        self._sizes.clear()  # weights that move leave their recordings behind
        return super()._apply(fn, recurse)


class _Recording:
    """Of the layers at work on maps of one size, in memory that is its own."""

    def __init__(self, layers: nn.Module, maps: Tensor) -> None:
        self._graph = torch.cuda.CUDAGraph()
        self._taken = torch.cuda.Event()  # when the last caller had its copy, perhaps on another stream
        stream, current = _stream(maps.device), torch.cuda.current_stream()
        # Tensors born in inference mode could not be written to outside of it.
        with torch.inference_mode(False), torch.no_grad():
            self._given = torch.empty_like(maps).copy_(maps)
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                layers(self._given)  # what layers do at their first call is not for the recording
                with torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"):
                    self._made: Tensor = layers(self._given)
        current.wait_stream(stream)

    def replay(self, maps: Tensor) -> Tensor:
        stream = torch.cuda.current_stream()
        stream.wait_event(self._taken)
        try:
            self._given.copy_(maps)
            self._given.record_stream(stream)  # also when the recording is dropped meanwhile
            self._graph.replay()
            return self._made.clone()
        finally:
            self._taken.record(stream)


@functools.cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """On which recordings are made: of high priority, as torch deals out the others to anybody."""
    return torch.cuda.Stream(device, priority=-1)
