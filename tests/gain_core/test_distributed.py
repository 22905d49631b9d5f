"""Two processes over gloo do what one does, and the death of one ends the other."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

from gain_core.dataset.sample import Sample
from gain_core.distributed import Ranks, current_ranks, joined
from gain_core.errors import ConfigError, GainError
from gain_core.explain import dataset_maps
from tests.gain_core import ranks_program
from tests.gain_core.ranks_program import EVERYTHING
from tests.gain_core.toy import toy_samples

TOLERANCE: dict[str, Any] = {
    "rel": 1e-5,
    "abs": 1e-6,
}  # the processes add up the same numbers in another order


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the samples that every process reads."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "images").mkdir()
    samples = toy_samples(folder / "images", train=12, other=5, guided=6)
    (folder / "samples.pickle").write_bytes(pickle.dumps(samples))
    return folder


@pytest.fixture(scope="module")
def samples(folder: Path) -> list[Sample]:
    read: list[Sample] = pickle.loads((folder / "samples.pickle").read_bytes())
    return read


@pytest.fixture(scope="module")
def ended(folder: Path) -> CompletedProcess[str]:
    """Two processes that have trained and explained, until the second one died in another training."""
    done = ranks_program.torchrun(EVERYTHING, folder, CUDA_VISIBLE_DEVICES="")
    for checkpoint in folder.glob("*.checkpoint"):
        checkpoint.unlink()
    return done


@pytest.fixture(scope="module")
def told(folder: Path, ended: CompletedProcess[str]) -> list[dict[str, Any]]:
    """What each of the two processes has seen."""
    files = [folder / f"{EVERYTHING}-{rank}.json" for rank in range(2)]
    assert all(file.is_file() for file in files), ended.stderr
    return [json.loads(file.read_text()) for file in files]


@pytest.mark.processes
def test_two_processes_train_as_one(samples: list[Sample], folder: Path, told: list[dict[str, Any]]) -> None:
    for rank in told:
        assert "expected a place that all processes see, got [4, 0] steps done" in rank["apart"]
    first, second = ({name: rank[name] for name in ranks_program.CONFIGS} for rank in told)
    assert first == second  # every process knows the figures of all and has the same weights
    alone: dict[str, Any] = ranks_program.trained(samples, folder, torch.device("cpu"))
    for name in ranks_program.CONFIGS:
        losses = zip(first[name]["losses"], alone[name]["losses"], strict=True)
        assert all(mine == pytest.approx(theirs, **TOLERANCE) for mine, theirs in losses), name
        assert len(first[name]["losses"]) == 4
        for mine, theirs in zip(first[name]["figures"], alone[name]["figures"], strict=True):
            assert mine == pytest.approx(theirs, **TOLERANCE)
        for mine, theirs in zip(first[name]["weights"], alone[name]["weights"], strict=True):
            torch.testing.assert_close(torch.tensor(mine), torch.tensor(theirs), rtol=1e-4, atol=1e-6)


@pytest.fixture
def _shelves_as_before() -> Iterator[None]:
    before = dataset_maps._SHELF
    yield
    dataset_maps._SHELF = before


@pytest.mark.processes
@pytest.mark.usefixtures("_shelves_as_before")
def test_two_processes_share_the_images_to_explain_and_know_all_maps(
    samples: list[Sample], folder: Path, told: list[dict[str, Any]]
) -> None:
    first, second = (rank["explained"] for rank in told)
    assert first["mine"] + second["mine"] == len(samples) == 22
    assert first["evidence"] == second["evidence"]
    assert first["files of mine"] + second["files of mine"] == len(samples)
    alone = ranks_program.explained(samples, folder, Ranks())
    assert first["files"] == second["files"] == alone["files"] == [str(sample.path) for sample in samples]
    assert first["highest"] == second["highest"] == pytest.approx(alone["highest"], rel=1e-4)
    names = [{path.name for path in (folder / f"maps-by-{count}").iterdir()} for count in (1, 2)]
    assert names[0] == names[1]
    torch.testing.assert_close(torch.tensor(first["evidence"]), torch.tensor(alone["evidence"]))


@pytest.mark.processes
def test_a_process_that_dies_ends_the_run_with_a_sentence(
    ended: CompletedProcess[str], told: list[dict[str, Any]]
) -> None:
    assert ended.returncode != 0
    root = ended.stderr.partition("Root Cause")[2]  # torchrun's own report: who died first, and how
    assert "rank      : 1" in root
    assert "exitcode  : 7" in root
    # The other one says so itself, unless torchrun was quicker to stop it.
    assert "process 0 of 2: another process has ended" in ended.stderr or "SIGTERM" in ended.stderr
    assert "FutureWarning" not in ended.stderr


def test_parts_are_equal_and_shares_are_everything():
    ranks = [Ranks(rank, 3) for rank in range(3)]
    assert [list(one.part(6, "batch_size")) for one in ranks] == [[0, 1], [2, 3], [4, 5]]
    assert [one.share("abcdefg") for one in ranks] == [["a", "d", "g"], ["b", "e"], ["c", "f"]]
    assert list(Ranks().part(5, "batch_size")) == [0, 1, 2, 3, 4]
    with pytest.raises(ConfigError, match="batch_size: expected a multiple of 3 processes, got 4"):
        ranks[0].part(4, "batch_size")


def test_one_process_needs_nobody():
    with joined() as (ranks, _):
        assert ranks == current_ranks() == Ranks()
        assert ranks.gather([1, 2]) == [1, 2]
        assert ranks.mean({"image": 0.5}, torch.device("cpu")) == {"image": 0.5}


@pytest.mark.parametrize(("mine", "others"), [(2, 6), (0, 3), (0, 0), (4, 0)])
def test_the_mean_of_all_parts_is_the_mean_over_the_images_of_all(monkeypatch, mine, others):
    """Four processes: this one, another one, and two without an image that counts."""
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda count: count.fill_(mine + others))
    parts = [
        Ranks(rank, 4).part_of_mean(torch.tensor(mean), count)
        for rank, (mean, count) in enumerate(
            [(0.5, torch.tensor(float(mine))), (2.0, torch.tensor(others)), *[(0.0, torch.tensor(0))] * 2]
        )
    ]
    expected = (0.5 * mine + 2.0 * others) / max(mine + others, 1)
    assert float(torch.stack(parts).mean()) == pytest.approx(expected)
    assert Ranks().part_of_mean(torch.tensor(7.0), torch.tensor(mine)) == 7


def test_only_the_loss_of_another_process_is_called_so():
    ranks = Ranks(1, 2)
    with pytest.raises(GainError, match="process 1 of 2: another process has ended"), ranks.together():
        raise RuntimeError("[../gloo/transport/tcp/pair.cc:547] Connection closed by peer")
    with pytest.raises(torch.distributed.DistError, match="gone"), Ranks().together():
        raise torch.distributed.DistError("gone")
    with pytest.raises(RuntimeError, match="size mismatch"), ranks.together():
        raise RuntimeError("size mismatch")
