"""A GPU that is not there: its tensors keep their values on the CPU, and may not meet the CPU's own.

So a machine without a GPU can run what is meant for one, finds a mask or a mean that was made in the wrong
place, and can hold the results against the CPU's. The device is called `lazy`, as `cuda` would make torch
ask for a driver. So nothing is said of speed, bfloat16, CUDA's kernels and its generators.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map_only

DEVICE = torch.device("lazy", 0)
_aten = torch.ops.aten
_COPIES = {_aten._to_copy, _aten.copy_}
_INDEXING = {_aten.index, _aten.index_put, _aten.index_put_}


class GpuTensor(Tensor):
    """Says that it lies on DEVICE; `held`, on the CPU, has the values."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "GpuTensor":
        new: GpuTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        new.held = held
        return new

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _run(operation, args, kwargs or {})

    def tolist(self) -> Any:  # torch refuses it to every subclass
        return self.held.tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:  # a stored tensor of a real GPU is a plain one, too
        return self.held.__reduce_ex__(protocol)

    def __repr__(self) -> str:  # type: ignore[override]
        return f"GpuTensor({self.held!r})"


class _PretendGpu(TorchDispatchMode):
    """Also sees what makes tensors out of nothing, `torch.zeros(…, device=…)`."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None) -> Any:
        with self:  # inference mode hands over whole operations that autograd would have taken apart
            parts = operation.decompose(*args, **(kwargs or {}))
        return _run(operation, args, kwargs or {}) if parts is NotImplemented else parts


def _run(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    packet = operation.overloadpacket
    # What a real one takes from either place: indices into its own tensors, and scalars.
    checked = (
        (args[0], args[2:]) if packet in _INDEXING and isinstance(args[0], GpuTensor) else (args, kwargs)
    )
    tensors = [item for item in tree_flatten(checked)[0] if isinstance(item, Tensor)]
    on_gpu = any(isinstance(tensor, GpuTensor) for tensor in tensors)
    strays = [t for t in tensors if not isinstance(t, GpuTensor) and t.device.type == "cpu" and t.dim() > 0]
    if on_gpu and strays and packet not in _COPIES:
        raise RuntimeError(
            f"expected all tensors to be on the same device, found {DEVICE} and cpu ({operation})"
        )
    place = kwargs.get("device")
    if place is not None:
        place = torch.device(place)
        on_gpu = place.type == DEVICE.type
        kwargs = kwargs | {"device": torch.device("cpu") if on_gpu else place}
    elif packet in _COPIES:
        on_gpu = isinstance(args[0], GpuTensor)
    plain = tree_map_only(GpuTensor, lambda tensor: tensor.held, (args, kwargs))
    result = operation(*plain[0], **plain[1])
    if not on_gpu:
        return result
    wrapped = tree_map_only(Tensor, GpuTensor, result)
    return return_and_correct_aliasing(operation, args, kwargs, wrapped)


@contextmanager
def pretend_gpu() -> Iterator[torch.device]:
    """Within, a GPU exists. Its random numbers are those that the CPU would have drawn."""
    torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor(…, device=…)` would pass the mode by
    try:
        with _PretendGpu():
            yield DEVICE
    finally:
        torch._C._set_only_lift_cpu_tensors(False)
