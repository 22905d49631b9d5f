"""On a GPU: all layers of a network in one call.

Small networks and batches are computed sooner than a program can name their layers one after another. A CUDA
graph is a recording of those calls, which the GPU goes through by itself (docs/decisions/0023).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

_MOST = 4  # sizes of batches whose recordings are kept: each has memory of its own


class RecordedLayers(nn.Module):
    """The layers, recorded when a size of batch comes for the second time: (B, …) -> (B, …), CUDA.

    For layers whose weights stand still. Any number of threads may call it, each on its own stream. Layer by
    layer as before goes what asks for gradients or autocast, and a size that cannot be recorded: it may not
    fit the memory twice.
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self._layers = layers
        self._sizes: OrderedDict[object, _Recording | Literal["seen", "never"]] = OrderedDict()
        self._lock = threading.Lock()

    def forward(self, maps: Tensor) -> Tensor:
        differs = torch.is_autocast_enabled("cuda") or (torch.is_grad_enabled() and maps.requires_grad)
        if not differs and not torch.cuda.is_current_stream_capturing():
            with self._lock, torch.cuda.device(maps.device):
                recording = self._recording_for(maps)
                if recording is not None:
                    return recording.replay(maps)
        result: Tensor = self._layers(maps)
        return result

    def _recording_for(self, maps: Tensor) -> "_Recording | None":
        size = (maps.device, maps.dtype, maps.shape)
        found = self._sizes.pop(size, None)
        if found is None:
            found = "seen"
        elif found == "seen":
            try:
                found = _Recording(self._layers, maps)
            except RuntimeError:
                found = "never"
        self._sizes[size] = found  # the one used last is the last to go
        if len(self._sizes) > _MOST:
            self._sizes.popitem(last=False)
        return found if isinstance(found, _Recording) else None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        self._sizes.clear()  # weights that move leave their recordings behind
        return super()._apply(fn, recurse)


class _Recording:
    """Of the layers at work on maps of one size, in memory that is its own."""

    def __init__(self, layers: nn.Module, maps: Tensor) -> None:
        self._graph = torch.cuda.CUDAGraph()
        self._taken = torch.cuda.Event()  # when the last caller had its copy, perhaps on another stream
        stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
        # Tensors born in inference mode could not be written to outside of it.
        with torch.inference_mode(False), torch.no_grad():
            self._given = torch.empty_like(maps).copy_(maps)
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                layers(self._given)  # what layers do at their first call is not for the recording
            # "thread_local": other threads may go on with what they do.
            with torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"):
                self._made: Tensor = layers(self._given)
        current.wait_stream(stream)

    def replay(self, maps: Tensor) -> Tensor:
        stream = torch.cuda.current_stream()
        stream.wait_event(self._taken)
        self._given.copy_(maps)
        self._graph.replay()
        result = self._made.clone()
        self._taken.record(stream)
        return result
