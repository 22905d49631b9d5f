"""On a GPU everything lies where it is needed and says what it says on a CPU: on one that is pretended.

The pretended one computes as the CPU does, so that equal means equal.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gain_core.analysis.predict import predict
from gain_core.dataset import feature_cache
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.events import Step, Validation
from gain_core.explain.dataset_maps import explain_files
from gain_core.explain.gradcam import explain
from gain_core.models.classifier import Classifier
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import External
from gain_core.training.trainer import train
from tests.gain_core.methods import composed, method
from tests.gain_core.pretend_gpu import GpuTensor, pretend_gpu
from tests.gain_core.tiny import images, tiny_model
from tests.gain_core.toy import ignoring, toy_model, toy_samples

pytestmark = pytest.mark.usefixtures("toy_is_pretrained")


@pytest.fixture(autouse=True)
def _features_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """On both devices: ONNX Runtime, which the CPU takes for many images, rounds otherwise."""
    monkeypatch.setattr(feature_cache, "_WORTH_A_SESSION", 10**9)


FULL = TrainConfig(
    mode="full",
    objective=method("guided", "full"),
    steps=3,
    learning_rate=1e-2,
    batch_size=4,
    guided_batch_size=2,
)
CONFIGS = {
    "full gainext": replace(FULL, objective=method("gainext", "full")),
    "full gainext, masks' resolution": replace(
        FULL, objective=method("gainext", "full", external=External(resolution="mask"))
    ),
    "full signed": replace(FULL, objective=method("signed", "full")),
    "full none": replace(FULL, objective=method("none")),
    "full guided": FULL,
    "full composites": replace(FULL, objective=composed("full", batch_size=4)),
    "full with norms": replace(FULL, train_norms=True, optimizer="sgd"),
    "quick": replace(
        TrainConfig.quick_default(),
        steps=3,
        l2_sp_weight=0.1,
        objective=composed(
            batch_size=4,
        ),
    ),
    "quick none": TrainConfig(objective=method("none"), steps=3),
    "quick signed": TrainConfig(objective=method("signed"), steps=3),
    "quick gainext": TrainConfig(objective=method("gainext"), steps=3),
}


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def both_classes(samples: list[Sample]) -> list[Sample]:
    """Every third guided image also shows the other class, in the same place."""
    return [
        replace(s, also=(AlsoShown(1 - s.label, look=s.look),)) if s.look and number % 3 == 0 else s
        for number, s in enumerate(samples)
    ]


def independent(model: Classifier) -> Classifier:
    model.spec = replace(model.spec, multi_label=True)
    return model


def trained(model: Classifier, samples: list[Sample], config: TrainConfig, **arguments) -> list[object]:
    """The figures of every step and validation."""
    told: list[object] = []
    for event in train(model, samples, config, **arguments):
        if isinstance(event, Step):
            told.append(dict(event.losses))
        elif isinstance(event, Validation):
            told.append((event.accuracy, event.loss))
    return told


def same_weights(one: Classifier, other: Classifier) -> bool:
    mine, theirs = one.state_dict(), other.cpu().state_dict()
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_the_pretended_gpu_refuses_what_a_real_one_refuses() -> None:
    with pretend_gpu() as gpu:
        there, here = torch.ones(3).to(gpu), torch.ones(3)
        assert isinstance(there + 1, GpuTensor)
        assert isinstance(torch.zeros(3, device=gpu), GpuTensor)
        assert (there + torch.tensor(2.0)).tolist() == [3, 3, 3]  # a scalar may come from anywhere
        assert there[torch.tensor([0, 2])].tolist() == [1, 1]  # and so may indices
        with pytest.raises(RuntimeError, match="same device"):
            there + here
        with pytest.raises(RuntimeError, match="same device"):
            torch.stack([there, here])
        with pytest.raises(RuntimeError, match="same device"):
            here[torch.tensor([0, 2]).to(gpu)]
        with pytest.raises(RuntimeError, match="same device"):
            there[torch.tensor([0, 2])] = torch.ones(2)
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()


@pytest.mark.parametrize("guidance", ["look", "ignore", "several classes"])
@pytest.mark.parametrize("name", CONFIGS)
def test_training_is_that_of_the_cpu(samples: list[Sample], name: str, guidance: str) -> None:
    config = CONFIGS[name]
    if guidance == "ignore":
        samples = ignoring(samples)
    several = guidance == "several classes"
    if several:
        samples = both_classes(samples)
    models = [toy_model(norm=True, drop=0.2) for _ in range(2)]
    if several:
        models = [independent(model) for model in models]
    expected = trained(models[0], samples, config)
    with pretend_gpu() as gpu:
        told = trained(models[1], samples, config, device=gpu)
        assert all(isinstance(parameter.data, GpuTensor) for parameter in models[1].parameters())
        assert told == expected
        assert len(told) > 3
        assert same_weights(*models)


@pytest.mark.parametrize("config", [FULL, CONFIGS["quick"]], ids=["full", "quick"])
def test_a_stopped_training_goes_on_on_either(
    samples: list[Sample], config: TrainConfig, tmp_path: Path
) -> None:
    whole, parts = toy_model(norm=True, drop=0.2), toy_model(norm=True, drop=0.2)
    expected = trained(whole, samples, config)
    checkpoint = tmp_path / "checkpoint.pt"
    with pretend_gpu() as gpu:
        events = train(parts, samples, config, device=gpu, checkpoint=checkpoint)
        while not isinstance(next(events), Step):
            pass
        events.close()
        again = toy_model(norm=True, drop=0.2)
        assert trained(again, samples, config, device=gpu, checkpoint=checkpoint)[-2:] == expected[-2:]
        assert same_weights(whole, again)
    on_cpu = toy_model(norm=True, drop=0.2)
    checkpoint.unlink()
    with pretend_gpu() as gpu:
        events = train(toy_model(norm=True, drop=0.2), samples, config, device=gpu, checkpoint=checkpoint)
        while not isinstance(next(events), Step):
            pass
        events.close()
    assert trained(on_cpu, samples, config, checkpoint=checkpoint)[-2:] == expected[-2:]


@pytest.mark.parametrize("several", [False, True], ids=["one class", "several classes"])
def test_predictions_groups_and_doubts_are_those_of_the_cpu(
    samples: list[Sample], several: bool, tmp_path: Path
) -> None:
    model = independent(toy_model()) if several else toy_model()
    expected = predict(model, samples)
    with pretend_gpu() as gpu:
        assert predict(model, samples, FeatureStore(tmp_path / "features"), gpu) == expected


@pytest.mark.parametrize("curved", [False, True], ids=["linear head", "any head"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_maps_are_those_of_the_cpu(curved: bool, create_graph: bool) -> None:
    model, batch = tiny_model(curved), images(6)
    chosen = torch.tensor([[0, 2]] * 6)
    expected = [explain(model, batch, classes, create_graph) for classes in (None, chosen)]
    with pretend_gpu() as gpu:
        model.to(gpu)
        there = [explain(model, batch.to(gpu), c, create_graph) for c in (None, chosen.to(gpu))]
        for one, other in zip(expected, there, strict=True):
            for mine, theirs in zip(one, other, strict=True):
                # float64; channels-last convolutions add up in another order on some processors
                torch.testing.assert_close(mine, theirs.cpu(), rtol=1e-12, atol=1e-12)


def test_stored_maps_are_made_where_the_model_is(samples: list[Sample], tmp_path: Path) -> None:
    model = toy_model(norm=True)
    files = [sample.path for sample in samples[:6]]
    expected = explain_files(model, files, tmp_path / "cpu")
    with pretend_gpu() as gpu:
        model.to(gpu)
        told = explain_files(model, files, tmp_path / "gpu")
    for one, other in zip(expected.images, told.images, strict=True):
        assert (one.file, one.predicted) == (other.file, other.predicted)
        assert one.highest == pytest.approx(other.highest, rel=1e-4)
