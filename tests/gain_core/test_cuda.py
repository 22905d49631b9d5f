"""On a real GPU: its kernels, generators, number formats and processes, which test_gpu.py can only pretend.

Convolutions count in full float32 here unless a test says otherwise: torch rounds what goes into them to
TF32, three decimal digits, by itself.
"""

import json
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

from gain_core.analysis.predict import predict
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import Sample
from gain_core.events import Step
from gain_core.explain.dataset_maps import explain_files
from gain_core.explain.gradcam import explain
from gain_core.explain.inference import inference_model
from gain_core.models.classifier import DEFAULT_BACKBONE, Classifier, build_classifier, default_spec
from gain_core.models.folding import example_image, folded, pairs
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core import ranks_program
from tests.gain_core.test_gpu import CONFIGS, FULL, both_classes, independent, trained
from tests.gain_core.tiny import images, relative, tiny_model
from tests.gain_core.toy import ignoring, toy_model, toy_samples

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, and there is none"),
    pytest.mark.usefixtures("toy_is_pretrained"),
]

GPU = torch.device("cuda", 0)
CLOSE: dict[str, Any] = {"rel": 1e-3, "abs": 1e-5}  # the same sums in another order


@pytest.fixture(autouse=True)
def _whole_float32(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = request.node.get_closest_marker("tf32") is not None
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.fixture
def _deterministic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def network(name: str = DEFAULT_BACKBONE) -> Classifier:
    """A real one, with what it learnt where its weights are packaged."""
    classes = tuple(f"class {number}" for number in range(10))
    return build_classifier(default_spec(name, classes), "pretrained" if name == DEFAULT_BACKBONE else "none")


def pictures(count: int) -> torch.Tensor:
    return images(count, 224, dtype=torch.float32)


@pytest.mark.parametrize("guidance", ["look", "ignore", "several classes"])
@pytest.mark.parametrize("name", CONFIGS)
def test_training_is_that_of_the_cpu(samples: list[Sample], name: str, guidance: str) -> None:
    models = [toy_model(norm=True) for _ in range(2)]
    if guidance == "ignore":
        samples = ignoring(samples)
    if guidance == "several classes":
        samples = both_classes(samples)
        models = [independent(model) for model in models]
    expected = trained(models[0], samples, CONFIGS[name])
    told = trained(models[1], samples, CONFIGS[name], device=GPU)
    assert all(parameter.is_cuda for parameter in models[1].parameters())
    assert len(told) == len(expected) > 3
    for mine, theirs in zip(told, expected, strict=True):
        assert mine == pytest.approx(theirs, **CLOSE)


@pytest.mark.parametrize("name", [name for name in CONFIGS if name.startswith("full")])
def test_bfloat16_losses_stay_within_a_twentieth_of_float32(samples: list[Sample], name: str) -> None:
    config = replace(CONFIGS[name], autocast_bf16=True)
    models = [toy_model(norm=True) for _ in range(2)]
    expected = trained(models[0], samples, CONFIGS[name], device=GPU)
    told = trained(models[1], samples, config, device=GPU)
    assert told != expected  # it was computed in another format
    assert {parameter.dtype for parameter in models[1].parameters()} == {torch.float32}
    for mine, theirs in zip(told, expected, strict=True):
        assert mine == pytest.approx(theirs, rel=0.05, abs=0.02)


@pytest.mark.usefixtures("_deterministic")
@pytest.mark.parametrize("name", CONFIGS)
def test_the_same_seed_gives_the_same_weights_where_torch_is_told_to(
    samples: list[Sample], name: str
) -> None:
    first, second = (toy_model(norm=True, drop=0.2) for _ in range(2))
    for model in (first, second):
        trained(model, samples, CONFIGS[name], device=GPU)
    for mine, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.usefixtures("_deterministic")
@pytest.mark.parametrize("config", [FULL, CONFIGS["quick"]], ids=["full", "quick"])
def test_a_stopped_training_goes_on(samples: list[Sample], config: TrainConfig, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    whole, stopped, again = (toy_model(norm=True, drop=0.2) for _ in range(3))
    trained(whole, samples, config, device=GPU)
    events = train(stopped, samples, config, device=GPU, checkpoint=checkpoint)
    while not isinstance(next(events), Step):
        pass
    events.close()
    trained(again, samples, config, device=GPU, checkpoint=checkpoint)
    for mine, theirs in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_training_leaves_the_generators_of_both_as_they_were(samples: list[Sample]) -> None:
    before = torch.get_rng_state(), torch.cuda.get_rng_state(GPU)
    trained(toy_model(norm=True, drop=0.2), samples, FULL, device=GPU)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(GPU), before[1])


@pytest.mark.parametrize("several", [False, True], ids=["one class", "several classes"])
def test_predictions_are_those_of_the_cpu(samples: list[Sample], several: bool, tmp_path: Path) -> None:
    model = independent(toy_model()) if several else toy_model()
    expected = predict(model, samples)
    told = predict(model, samples, FeatureStore(tmp_path / "features"), GPU)
    for mine, theirs in zip(told, expected, strict=True):
        assert mine.probabilities == pytest.approx(theirs.probabilities, **CLOSE)


@pytest.mark.parametrize("curved", [False, True], ids=["linear head", "any head"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_maps_in_float64_are_those_of_the_cpu(curved: bool, create_graph: bool) -> None:
    model, batch = tiny_model(curved), images(6)
    expected = explain(model, batch, create_graph=create_graph)
    told = explain(model.to(GPU), batch.to(GPU), create_graph=create_graph)
    for mine, theirs in zip(told, expected, strict=True):
        torch.testing.assert_close(mine.cpu(), theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [DEFAULT_BACKBONE, "resnet18", "convnext_atto", "mobilenetv3_small_050"])
def test_every_way_to_a_map_says_what_the_cpu_says(name: str) -> None:
    model, batch = network(name), pictures(6)
    expected = explain(model, batch).evidence
    model.to(GPU)
    ways = {"plain": model, "folded": folded(model)}
    for way, through in ways.items():
        assert relative(explain(through, batch.to(GPU)).evidence.cpu(), expected) < 1e-4, way
    told = torch.from_numpy(inference_model(model).evidence_maps(batch.numpy()).evidence)
    assert relative(told, expected) < 1e-4


def test_four_threads_get_the_right_map_each() -> None:
    model, batches = network(), [pictures(3) + shift for shift in (0.0, 0.1, 0.2, 0.3)]
    expected = [explain(model, batch).evidence for batch in batches]
    model.to(GPU)
    with ThreadPoolExecutor(4) as threads:
        told = threads.map(lambda batch: explain(model, batch.to(GPU)).evidence.cpu(), batches * 5)
        for mine, theirs in zip(told, expected * 5, strict=True):
            assert relative(mine, theirs) < 1e-4


@pytest.mark.tf32
@pytest.mark.parametrize("name", [DEFAULT_BACKBONE, "resnet50"])
def test_as_many_layers_are_folded_as_on_a_cpu_although_its_convolutions_round(name: str) -> None:
    model = network(name)
    names = [type(layer).__name__ for layer in folded(model).modules()]
    assert [type(layer).__name__ for layer in folded(model.to(GPU)).modules()] == names
    assert pairs(model.cpu().trunk, example_image(model))  # there is something to fold


@pytest.mark.tf32
def test_maps_as_torch_computes_them_by_itself_stay_within_two_hundredths() -> None:
    model, batch = network(), pictures(6)
    expected = explain(model, batch).evidence
    assert relative(explain(model.to(GPU), batch.to(GPU)).evidence.cpu(), expected) < 0.02


def test_files_are_explained_as_on_the_cpu(samples: list[Sample], tmp_path: Path) -> None:
    model = toy_model(norm=True)
    files = [sample.path for sample in samples]
    expected = explain_files(model, files, tmp_path / "cpu")
    told = explain_files(model.to(GPU), files, tmp_path / "gpu")
    for mine, theirs in zip(told.images, expected.images, strict=True):
        assert (mine.file, mine.predicted) == (theirs.file, theirs.predicted)
        assert mine.highest == pytest.approx(theirs.highest, **CLOSE)


def torchrun(processes: int, gpus: str, task: str, folder: Path) -> CompletedProcess[str]:
    whole_float32 = {"NVIDIA_TF32_OVERRIDE": "0"}
    return ranks_program.torchrun(task, folder, processes, CUDA_VISIBLE_DEVICES=gpus, **whole_float32)


two_gpus = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("processes", "gpus", "task"),
    [(1, "0", "train"), (2, "0", "train on one GPU"), pytest.param(2, "0,1", "train", marks=two_gpus)],
)
def test_processes_train_as_one_on_the_cpu(
    samples: list[Sample], tmp_path: Path, processes: int, gpus: str, task: str
) -> None:
    """One over NCCL, two with a GPU each, and two that share one over gloo: NCCL wants one for each."""
    (tmp_path / "samples.pickle").write_bytes(pickle.dumps(samples))
    ended = torchrun(processes, gpus, task, tmp_path)
    assert ended.returncode == 0, ended.stderr
    for path in tmp_path.glob("*.checkpoint"):
        path.unlink()
    alone = ranks_program.trained(samples, tmp_path, torch.device("cpu"))
    for rank in range(processes):
        told = json.loads((tmp_path / f"{task}-{rank}.json").read_text())
        for name in ranks_program.CONFIGS:
            for mine, theirs in zip(told[name]["losses"], alone[name]["losses"], strict=True):
                assert mine == pytest.approx(theirs, rel=2e-3, abs=1e-4), name


@pytest.mark.processes
def test_more_processes_than_gpus_are_refused(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "samples.pickle").write_bytes(pickle.dumps(samples))
    ended = torchrun(2, "0", "train", tmp_path)
    assert ended.returncode != 0
    assert "expected a GPU for each process, got 1" in ended.stderr
