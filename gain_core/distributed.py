"""Several processes that train or explain together, each on its own GPU or machine, started by `torchrun`.

    with joined() as (ranks, device):
        for event in train(model, samples, TrainConfig.full_default(), device=device):
            ...

Every process runs the same program. Without torchrun there is one process, and nothing here changes anything.
"""

import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gain_core.errors import ConfigError, ProcessEndedError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process's rank and the number of processes."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the files that are written once."""
        return self.rank == 0

    def part(self, number: int, name: str) -> range:
        """This process's consecutive part of range(number), as large as everybody's.

        So where all images count, the mean of the processes' means is the mean over all. ConfigError, by
        name, when it cannot be.
        """
        if number % self.count:
            raise ConfigError(f"{name}: expected a multiple of {self.count} processes, got {number}")
        size = number // self.count
        return range(self.rank * size, (self.rank + 1) * size)

    def share(self, items: Sequence[Item]) -> list[Item]:
        """This process's items: every count-th from the rank on."""
        return list(items[self.rank :: self.count])

    def gather(self, mine: Sequence[Item]) -> list[Item]:
        """The results of all processes, in the original order; every process gets all of them.

        Items travel pickled, on the CPU. All processes must call it. ProcessEndedError when another one has
        ended.
        """
        if self.count == 1:
            return list(mine)
        shares: list[list[Item]] = [[] for _ in range(self.count)]
        with self.together():
            dist.all_gather_object(shares, list(mine))
        whole = sum(map(len, shares))
        return [shares[place % self.count][place // self.count] for place in range(whole)]

    def mean(self, values: Mapping[str, float], device: torch.device) -> dict[str, float]:
        """Each value's mean over the processes. All must call it, with the same names in the same order."""
        if self.count == 1:
            return dict(values)
        sums = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
        with self.together():
            dist.all_reduce(sums)
        return dict(zip(values, (sums / self.count).tolist(), strict=True))

    def part_of_mean(self, mean: Tensor, images: Tensor) -> Tensor:
        """This process's part of a mean over the images of all: mean, a scalar, over so many of its own
        `images` (a scalar, as the losses count them). The mean of all parts is that mean; of its part each
        process takes its gradients. All must call it.
        """
        if self.count == 1:
            return mean
        everybodys = images.to(mean, copy=True)
        with self.together():
            dist.all_reduce(everybodys)
        return mean * (images * self.count / everybodys.clamp_min(1))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Context of collective calls: ProcessEndedError when another process has ended."""
        try:
            yield
        except RuntimeError as error:
            # NCCL and the store raise DistError; gloo raises a bare RuntimeError that names itself.
            if self.count == 1 or not (isinstance(error, dist.DistError) or "gloo" in str(error).lower()):
                raise
            raise ProcessEndedError(
                f"process {self.rank} of {self.count}: another process has ended or does not answer, so that "
                f"the work cannot go on; its own message says why ({str(error).splitlines()[0]})"
            ) from error


ALONE = Ranks()


def current_ranks() -> Ranks:
    """The process group that `joined` (or the caller's own init_process_group) has made."""
    if not (dist.is_available() and dist.is_initialized()):
        return Ranks()
    return Ranks(dist.get_rank(), dist.get_world_size())


def under_torchrun() -> bool:
    """Whether torchrun has started this process as one of several."""
    return "RANK" in os.environ


@contextmanager
def joined(timeout: timedelta = timedelta(minutes=10)) -> Iterator[tuple[Ranks, torch.device]]:
    """Join the process group of torchrun and leave it at the end; yields the ranks and the device.

    NCCL with one GPU for each process where there are GPUs, else gloo on the CPU. timeout: after this time
    a silent process counts as dead. ConfigError when there are fewer GPUs than processes.
    """
    if not under_torchrun():
        yield Ranks(), torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return
    device = torch.device("cpu")
    if torch.cuda.is_available():
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise ConfigError(f"expected a GPU for each process, got {torch.cuda.device_count()}")
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=timeout)
    try:
        yield current_ranks(), device
    finally:
        gc.collect()  # what wraps a model refers to the group; a group that outlives this aborts the process
        dist.destroy_process_group()


class _AllStreams(nn.Module):
    """A whole step as one forward, which is what DistributedDataParallel averages gradients after.

    With the network itself wrapped, each of a step's three forwards would start that bookkeeping anew.
    """

    def __init__(
        self, model: nn.Module, losses: Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]]
    ) -> None:
        super().__init__()
        self.model = model  # whose parameters `losses` uses
        self._losses = losses

    def forward(self, images: Tensor, masks: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return self._losses(images, masks, labels)


def synchronised(
    model: nn.Module,
    losses: Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]],
    ranks: Ranks,
) -> Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]]:
    """`losses`, such that its backward leaves every process with the mean of the gradients of all.

    Norm layers that are being trained keep the first process's statistics.
    """
    if ranks.count == 1:
        return losses
    return DistributedDataParallel(_AllStreams(model, losses))
