"""How every speed is measured: rivals take turns within one run, and each is said by its median."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from torch.profiler import ProfilerActivity, profile


def alternating_medians(rivals: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median milliseconds of each rival: each runs once unmeasured, then all in turn, `repeats` times.

    Turns, so that what else the machine does meets all of them alike.
    """
    for run in rivals.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, run in rivals.items():
            _wait()
            started = time.perf_counter()
            run()
            _wait()
            taken[name].append(1000 * (time.perf_counter() - started))
    return {name: statistics.median(times) for name, times in taken.items()}


def _wait() -> None:
    """Work on a GPU is only begun when a call returns."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def print_profile(run: Callable[[], object], device: torch.device, rows: int) -> None:
    """What the third call of `run` spends its time on, on the device."""
    run()
    run()
    kinds = {"cpu": ProfilerActivity.CPU, "cuda": ProfilerActivity.CUDA}
    with profile(activities=list({ProfilerActivity.CPU, kinds[device.type]})) as recorded:
        run()
    told = recorded.key_averages()
    print(told.table(sort_by=f"self_{device.type}_time_total", row_limit=rows, max_name_column_width=45))
