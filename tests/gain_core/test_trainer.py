"""What `train` refuses, and when: before the first step, with a sentence, and never in silence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.errors import ConfigError, GainError, InputError, UnwritableError
from gain_core.events import Event, Step
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.methods import method
from tests.gain_core.toy import toy_model, toy_samples

FAST = TrainConfig(steps=2, batch_size=4, guided_batch_size=2)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images", train=8, other=2, guided=4)


def test_samples_may_come_one_by_one(samples: list[Sample]) -> None:
    told = [
        [e.losses for e in train(toy_model(), given, FAST) if isinstance(e, Step)]
        for given in (samples, iter(samples))
    ]
    assert told[0] == told[1] != []


def test_what_does_not_fit_is_refused_before_anything_is_asked_for(samples: list[Sample]) -> None:
    with pytest.raises(InputError, match="expected a label"):
        train(toy_model(), [replace(samples[0], label=2)], FAST)


@pytest.mark.parametrize("given", [Path("photographs"), "photographs", None, [("a.png",)], {"a.png": 0}])
def test_samples_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match="expected a list of Sample, got"):
        train(toy_model(), given, FAST)


@pytest.mark.parametrize("config", ["quick", None, {"steps": 2}, TrainConfig])
def test_a_config_that_is_none_is_refused(samples: list[Sample], config: Any) -> None:
    with pytest.raises(ConfigError, match="expected a TrainConfig, got"):
        train(toy_model(), samples, config)


def test_a_device_that_torch_does_not_know_is_refused_by_name(samples: list[Sample]) -> None:
    with pytest.raises(InputError, match=r"expected a device such as 'cpu', .* got 'gpu'"):
        train(toy_model(), samples, FAST, device="gpu")


@pytest.mark.parametrize("label", ["boat", 1.0, True, None])
def test_a_label_that_is_no_whole_number_is_refused(samples: list[Sample], label: Any) -> None:
    with pytest.raises(InputError, match=rf"train/1\.png: expected a label from 0 to 1, got {label!r}"):
        train(toy_model(), [samples[0], replace(samples[1], label=label)], FAST)
    assert train(toy_model(), [samples[0], replace(samples[1], label=np.int64(1))], FAST)  # type: ignore[arg-type]


@pytest.mark.parametrize("mask", ["a.png", Path("a.png"), [[0, 1]]])
def test_a_mask_that_is_not_the_bytes_of_a_file_is_refused(samples: list[Sample], mask: Any) -> None:
    for role in ("look", "ignore"):
        with pytest.raises(InputError, match=r"train/0\.png: expected a mask as the bytes of a PNG"):
            replace(samples[0], **{role: mask})
        with pytest.raises(InputError, match="label 1: expected a mask as the bytes of a PNG"):
            AlsoShown(1, **{role: mask})


def test_paths_may_be_text(samples: list[Sample], tmp_path: Path) -> None:
    written = tmp_path / "checkpoint.pt"
    list(train(toy_model(), [replace(s, path=str(s.path)) for s in samples], FAST, checkpoint=str(written)))  # type: ignore[arg-type]
    assert written.exists()


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_a_model_that_cannot_learn_is_refused(samples: list[Sample], mode: Any) -> None:
    config = replace(FAST, mode=mode, objective=method("gainext", mode))
    with pytest.raises(InputError, match="got one of frozen parameters"):
        list(train(toy_model().requires_grad_(False), samples, config))
    with pytest.raises(InputError, match=r"expected a model in torch\.float32, got torch\.float64"):
        train(toy_model().double(), samples, config)
    for recording in (torch.no_grad, torch.inference_mode):
        with recording(), pytest.raises(InputError, match="a mode that records none"):
            list(train(toy_model(), samples, config))


def test_a_checkpoint_that_could_not_be_written_is_told_before_the_first_step(
    samples: list[Sample], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    told: list[Event] = []
    with pytest.raises(UnwritableError, match="cannot be written"):
        told.extend(train(toy_model(), samples, FAST, checkpoint=tmp_path / "file" / "checkpoint.pt"))
    assert told == []


def test_a_checkpoint_that_fails_later_is_a_checkpoint_error(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("gain_core.atomic.os.replace", full_disk)
    with pytest.raises(UnwritableError, match="no space left"):
        list(train(toy_model(), samples, FAST, checkpoint=tmp_path / "checkpoint.pt"))


def test_weights_that_the_last_step_made_no_numbers_are_told_and_not_kept(
    samples: list[Sample], tmp_path: Path
) -> None:
    config = replace(
        FAST, steps=1, optimizer="sgd", learning_rate=3e38, objective=method("guided", inside_weight=1e9)
    )
    with pytest.raises(GainError, match="step 1: expected finite weights"):
        list(train(toy_model(), samples, config, checkpoint=tmp_path / "checkpoint.pt"))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_training_that_is_closed_with_broken_weights_keeps_its_last_checkpoint(
    samples: list[Sample], tmp_path: Path
) -> None:
    place = tmp_path / "checkpoint.pt"
    model = toy_model()
    events = train(model, samples, replace(FAST, steps=4, checkpoint_every=2), checkpoint=place)
    kept = b""
    for event in events:
        if isinstance(event, Step) and event.step == 3:
            kept = place.read_bytes()
            next(model.neck.parameters()).data.fill_(float("inf"))
            break
    events.close()
    assert kept
    assert place.read_bytes() == kept
