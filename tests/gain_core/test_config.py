import json
from dataclasses import replace

import pytest

from gain_core.errors import ConfigError
from gain_core.training.config import TrainConfig, quick_steps


def test_a_config_comes_back_from_json_as_it_was():
    config = TrainConfig.full_default("signed", seed=7)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_missing_keys_take_their_defaults():
    assert TrainConfig.from_dict({"steps": 5}) == TrainConfig(steps=5)


def test_a_config_of_before_augmentation_and_sampling_had_names_means_what_it_meant():
    stored = TrainConfig.full_default().to_dict()
    for name in ("sampling", "horizontal_flip", "colour_jitter"):
        del stored[name]
    config = TrainConfig.from_dict(stored)
    assert (config.sampling, config.horizontal_flip, config.colour_jitter) == ("balanced", True, 0.4)


def test_an_unknown_key_is_refused_by_name():
    with pytest.raises(ConfigError, match="'stepz'"):
        TrainConfig.from_dict({"stepz": 5})


@pytest.mark.parametrize(
    "values", [{"steps": "60"}, {"steps": 60.0}, {"steps": True}, {"form": 1}, {"train_norms": 1}]
)
def test_a_value_of_another_type_is_refused(values):
    with pytest.raises(ConfigError, match=f"{next(iter(values))}: expected"):
        TrainConfig.from_dict(values)


def test_a_whole_number_is_a_fair_way_to_write_a_weight():
    weight = TrainConfig.from_dict({"outside_weight": 3}).outside_weight
    assert (weight, type(weight)) == (3.0, float)


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "slow"},
        {"form": "eq7"},
        {"composite_batch_size": 0},
        {"composites_per_region": 0},
        {"composite_weight": -1.0},
        {"label_weight": -0.1},
        {"l2_sp_weight": 0.1, "mode": "full"},
        {"steps": 0},
        {"batch_size": 0},
        {"seed": -1},
        {"seed": 2**32},
        {"learning_rate": -1e-3},
        {"learning_rate": float("nan")},
        {"external_weight": float("inf")},
        {"smallest_crop": 0.0},
        {"smallest_crop": 1.5},
        {"colour_jitter": -0.1},
        {"horizontal_flip": 1},
        {"sampling": "shuffled"},
        {"sampling": "epochs"},  # in quick mode
        {"sampling": "epochs", "mode": "full", "form": "guided"},
        {"optimizer": "adam"},
        {"momentum": 1.0},
        {"map_scale": "softmax"},
        {"mining_score": "odds"},
        {"external_resolution": "image"},
        {"mask_omega": 0.0},
        {"mask_place": "mask"},
        {"steps": 2.5},
        {"learning_rate": "1e-3"},
        {"train_norms": 1},
    ],
)
def test_an_impossible_value_is_refused(values):
    with pytest.raises(ConfigError, match=f"{next(iter(values))}: expected"):
        TrainConfig(**values)


def test_the_presets_are_what_the_app_trains_with():
    assert TrainConfig.first_model().form == "none"
    assert (TrainConfig.quick_default().mode, TrainConfig.quick_default().form) == ("quick", "guided")
    assert (TrainConfig.full_default().mode, TrainConfig.full_default().form) == ("full", "gainext")


def test_a_quick_training_of_many_classes_takes_more_steps():
    assert [quick_steps(classes) for classes in (2, 5, 10, 20, 200)] == [60, 60, 120, 240, 600]
    assert TrainConfig.first_model(classes=10).steps == 120
    assert [TrainConfig.quick_default(form, classes=10).steps for form in ("guided", "signed")] == [120, 120]
    assert TrainConfig.quick_default().steps == TrainConfig.first_model().steps == 60


def test_only_plain_training_and_full_gain_can_do_without_guidance():
    free = [(m, f) for m in ("quick", "full") for f in ("guided", "gainext", "signed", "none")
            if not TrainConfig(mode=m, form=f).needs_guidance]  # fmt: skip
    assert free == [("quick", "none"), ("full", "gainext"), ("full", "none")]


def test_the_control_of_a_retrain_differs_by_its_form_alone():
    config = TrainConfig.quick_default(seed=3, classes=10)
    assert config.without_guidance() == replace(config, form="none")
    assert not config.without_guidance().needs_guidance


@pytest.mark.parametrize(
    ("values", "composed"),
    [
        ({"composite_weight": 1.0}, True),
        ({"background_weight": 1.0, "mode": "full"}, True),
        ({}, False),
        ({"composite_weight": 1.0, "background_weight": 1.0, "form": "signed"}, False),
    ],
)
def test_counter_examples_are_made_for_the_guided_form_with_a_weight_on_them(values, composed):
    nothing = {"composite_weight": 0.0, "background_weight": 0.0, "form": "guided"}
    assert TrainConfig(**{**nothing, **values}).composed is composed
