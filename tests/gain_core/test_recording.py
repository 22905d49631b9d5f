"""Recorded layers say what the layers say. The recordings are pretended; test_cuda.py has real ones."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gain_core.models.cuda_graphs import RecordedLayers
from tests.gain_core.pretend_graphs import Graph, pretend_graphs


class Counted(nn.Module):
    """Layers that say how often they were gone through one by one."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 1))
        self.calls = 0

    def forward(self, maps: Tensor) -> Tensor:
        self.calls += 1
        result: Tensor = self.layers(maps)
        return result


@pytest.fixture(autouse=True)
def _graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_graphs(monkeypatch)


def maps(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_a_size_is_recorded_when_it_comes_again_and_each_result_stays_as_it_was() -> None:
    layers = Counted().eval()
    recorded = RecordedLayers(layers)
    inputs = [maps(2, seed) for seed in range(5)]
    results = [recorded(one) for one in inputs]
    assert layers.calls == 3  # the first one, before the recording, and for it
    for one, result in zip(inputs, results, strict=True):
        torch.testing.assert_close(result, layers.layers(one))


def test_what_was_recorded_in_one_mode_serves_in_another() -> None:
    layers = Counted().eval().requires_grad_(False)
    recorded = RecordedLayers(layers)
    for mode in (torch.inference_mode, torch.inference_mode, torch.no_grad, torch.enable_grad):
        with mode():
            result = recorded(maps(2, 7))
        torch.testing.assert_close(result.clone(), layers.layers(maps(2, 7)))
    assert layers.calls == 3


def test_gradients_and_autocast_go_layer_by_layer() -> None:
    layers = Counted().eval().requires_grad_(False)
    recorded = RecordedLayers(layers)
    for _ in range(3):
        recorded(maps(2))
    given = maps(2).requires_grad_()
    recorded(given).sum().backward()
    assert given.grad is not None
    before = layers.calls
    with torch.autocast("cuda", torch.bfloat16, enabled=False):
        recorded(maps(2))
    assert layers.calls == before
    torch.set_autocast_enabled("cuda", True)
    try:
        recorded(maps(2))
    finally:
        torch.set_autocast_enabled("cuda", False)
    assert layers.calls == before + 1


@torch.no_grad()
def test_four_sizes_are_kept_the_last_used_ones() -> None:
    layers = Counted().eval()
    recorded = RecordedLayers(layers)
    for count in (1, 1, 2, 2, 3, 3, 4, 4, 1, 5, 5):  # 5 takes the place of 2, as 1 was used since
        recorded(maps(count))
    before = layers.calls
    for count in (1, 3, 4, 5):
        recorded(maps(count))
    assert layers.calls == before
    recorded(maps(2))
    assert layers.calls == before + 1


@torch.no_grad()
def test_weights_that_move_are_recorded_anew() -> None:
    layers = Counted().eval()
    recorded = RecordedLayers(layers)
    for _ in range(3):
        recorded(maps(2))
    recorded.double().float()  # as before, in another place
    for seed in range(3):
        torch.testing.assert_close(recorded(maps(2, seed)), layers.layers(maps(2, seed)))
    assert layers.calls == 6


class Noted(TorchDispatchMode):
    """Says when something is written and when it is copied."""

    def __init__(self, order: list[str]) -> None:
        super().__init__()
        self.order = order

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None) -> object:
        name = operation.overloadpacket._qualified_op_name.removeprefix("aten::")
        if name in ("copy_", "clone"):
            self.order.append(name)
        return operation(*args, **(kwargs or {}))


@torch.no_grad()
def test_a_caller_waits_until_the_one_before_has_its_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    current = pretend_graphs(monkeypatch)
    recorded = RecordedLayers(Counted().eval())
    for _ in range(2):
        recorded(maps(2))
    (recording,) = recorded._sizes.values()
    assert recording._taken.recorded_on is current
    given, order = maps(2), []
    monkeypatch.setattr(current, "wait_event", lambda event: order.append("wait"))
    monkeypatch.setattr(Graph, "replay", lambda graph: order.append("replay"))
    monkeypatch.setattr(recording._taken, "record", lambda stream: order.append("taken"))
    with Noted(order):
        recorded(given)
    assert order == ["wait", "copy_", "replay", "clone", "taken"]


def test_threads_get_the_result_of_what_they_gave() -> None:
    layers = Counted().eval().requires_grad_(False)
    recorded = RecordedLayers(layers)

    def ask(seed: int) -> Tensor:
        with torch.no_grad():
            return recorded(maps(2, seed))

    with ThreadPoolExecutor(4) as threads:
        for seed, result in enumerate(threads.map(ask, range(40))):
            torch.testing.assert_close(result, layers.layers(maps(2, seed)))
