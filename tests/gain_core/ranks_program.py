"""What torchrun starts in the tests: `python -m tests.gain_core.ranks_program TASK FOLDER` in each process.

FOLDER holds samples.pickle; each process writes what it saw into TASK-RANK.json.
"""

import gc
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import torch
import torch.distributed as dist

from gain_core.dataset.reading import pixels_of
from gain_core.dataset.sample import Sample
from gain_core.distributed import Ranks, current_ranks, joined
from gain_core.errors import CheckpointError, GainError
from gain_core.events import Step, Validation
from gain_core.explain import dataset_maps
from gain_core.explain.gradcam import explain
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.methods import composed, method
from tests.gain_core.toy import toy_model

FULL = TrainConfig(
    mode="full", steps=4, learning_rate=1e-2, batch_size=4, guided_batch_size=2, validate_every=2, threads=1
)
EVERYTHING = "train, explain and die"  # one after another: each start of two processes takes seconds
CONFIGS = {
    "gainext": replace(FULL, objective=method("gainext", "full")),
    "guided": replace(FULL, objective=method("guided", "full")),
    # Six composites a step: one process has more of those that show a class than the other.
    "composites": replace(FULL, objective=composed("full", batch_size=4)),
    "signed": replace(FULL, objective=method("signed", "full"), optimizer="sgd"),
    # Guided images come as they come: one process may have most of a step's, the other none.
    "epochs": replace(FULL, objective=method("gainext", "full"), sampling="epochs"),
}


def torchrun(task: str, folder: Path, processes: int = 2, **environment: str) -> CompletedProcess[str]:
    """Start this program as so many processes, and wait for all of them."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run(
        [*command, "-m", "tests.gain_core.ranks_program", task, str(folder)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def trained(samples: list[Sample], folder: Path, device: torch.device) -> dict[str, Any]:
    """For each form: the losses of each step, the figures, and the weights afterwards."""
    told: dict[str, Any] = {}
    for name, config in CONFIGS.items():
        model = toy_model(norm=True)
        events = list(train(model, samples, config, device=device, checkpoint=folder / f"{name}.checkpoint"))
        told[name] = {
            "losses": [dict(event.losses) for event in events if isinstance(event, Step)],
            "figures": [
                [event.accuracy, event.loss, event.n] for event in events if isinstance(event, Validation)
            ],
            "weights": [value.flatten().tolist() for value in model.state_dict().values()],
        }
    return told


def apart(samples: list[Sample], folder: Path, ranks: Ranks, device: torch.device) -> str:
    """What is said when one process finds a checkpoint and the other does not."""
    checkpoint = folder / f"{'gainext' if ranks.first else 'nothing'}.checkpoint"
    try:
        list(train(toy_model(norm=True), samples, CONFIGS["gainext"], device=device, checkpoint=checkpoint))
    except CheckpointError as error:
        return str(error)
    return "nothing"


def explained(samples: list[Sample], folder: Path, ranks: Ranks) -> dict[str, Any]:
    """Evidence maps of all samples, each computed by one of the processes; and all files to stored maps."""
    model = toy_model()
    mine = [explain(model, pixels_of([sample], model.spec)).evidence for sample in ranks.share(samples)]
    dataset_maps._SHELF = 4  # else these few images would be one process's work
    done: list[int] = []
    result = dataset_maps.explain_files(
        model,
        [sample.path for sample in samples],
        folder / f"maps-by-{ranks.count}",
        on_progress=lambda phase: done.append(phase.total),
    )
    return {
        "mine": len(mine),
        "evidence": [one.flatten().tolist() for one in ranks.gather(mine)],
        "files of mine": done[0],
        "files": [image.file for image in result.images],
        "highest": [image.highest for image in result.images],
    }


def dying(samples: list[Sample], ranks: Ranks, device: torch.device) -> str:
    """The second process ends without a word after two steps; what the first one is told, if anything."""
    try:
        for event in train(toy_model(), samples, replace(CONFIGS["gainext"], steps=500), device=device):
            if isinstance(event, Step) and event.step == 2 and not ranks.first:
                os._exit(7)
    except GainError as error:
        return str(error)
    return ""


@contextmanager
def sharing_one_gpu() -> Iterator[tuple[Ranks, torch.device]]:
    """A group that the caller made: gloo carries what lies on a GPU too, and lets processes share it."""
    dist.init_process_group("gloo")
    try:
        yield current_ranks(), torch.device("cuda", 0)
    finally:
        gc.collect()
        dist.destroy_process_group()


def main(task: str, folder: Path) -> None:
    samples = pickle.loads((folder / "samples.pickle").read_bytes())
    with (
        sharing_one_gpu() if task == "train on one GPU" else joined(timedelta(seconds=60)) as (ranks, device)
    ):
        told = trained(samples, folder, device)
        if ranks.count > 1:
            told["apart"] = apart(samples, folder, ranks, device)
        if task == EVERYTHING:
            told["explained"] = explained(samples, folder, ranks)
        (folder / f"{task}-{ranks.rank}.json").write_text(json.dumps(told))
        if task == EVERYTHING and (error := dying(samples, ranks, device)):
            sys.exit(error)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
