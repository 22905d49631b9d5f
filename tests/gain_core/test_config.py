import json
from dataclasses import replace

import pytest

from gain_core.errors import ConfigError
from gain_core.training.config import TrainConfig, quick_steps
from gain_core.training.objectives import (
    CounterExamples,
    External,
    Gain,
    GainExt,
    Guided,
    Labels,
    Maps,
    Mining,
    Signed,
)
from tests.gain_core.methods import FULL, QUICK


@pytest.mark.parametrize("config", [
    TrainConfig.full_default("signed", seed=7), TrainConfig.quick_default(), TrainConfig.paper(images=3),
    TrainConfig.first_model(), TrainConfig.full_default("gain"),
], ids=lambda config: config.objective.key)  # fmt: skip
def test_a_config_comes_back_from_json_as_it_was(config):
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_missing_keys_take_their_defaults():
    assert TrainConfig.from_dict({"steps": 5}) == TrainConfig(steps=5)
    stored = {"objective": {"name": "signed"}}
    assert TrainConfig.from_dict(stored) == TrainConfig(objective=Signed())


@pytest.mark.parametrize(
    ("stored", "unknown"),
    [
        ({"stepz": 5}, "stepz"),
        ({"objective": {"name": "signed", "wait": 1.0}}, "wait"),
        ({"objective": {"name": "gainext", "external": {"wait": 1.0}}}, "wait"),
    ],
)
def test_an_unknown_key_is_refused_by_name(stored, unknown):
    with pytest.raises(ConfigError, match=f"'{unknown}'"):
        TrainConfig.from_dict(stored)


@pytest.mark.parametrize(
    "values",
    [{"steps": "60"}, {"steps": 60.0}, {"steps": True}, {"objective": 1}, {"objective": {"name": "eq7"}},
     {"train_norms": 1}, {"objective": {}}],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(values):
    with pytest.raises(ConfigError, match=f"{next(iter(values))}: expected"):
        TrainConfig.from_dict(values)


def test_a_whole_number_is_a_fair_way_to_write_a_weight():
    objective = TrainConfig.from_dict({"objective": {"name": "guided", "outside_weight": 4}}).objective
    assert isinstance(objective, Guided)
    assert (objective, type(objective.outside_weight)) == (Guided(outside_weight=4.0), float)


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "slow"},
        {"objective": "guided"},
        {"objective": Gain()},  # in quick mode
        {"l2_sp_weight": 0.1, "mode": "full"},
        {"steps": 0},
        {"batch_size": 0},
        {"seed": -1},
        {"seed": 2**32},
        {"learning_rate": -1e-3},
        {"learning_rate": float("nan")},
        {"smallest_crop": 0.0},
        {"smallest_crop": 1.5},
        {"colour_jitter": -0.1},
        {"horizontal_flip": 1},
        {"sampling": "shuffled"},
        {"sampling": "epochs"},  # in quick mode
        {"sampling": "epochs", "mode": "full", "objective": Guided()},
        {"optimizer": "adam"},
        {"momentum": 1.0},
        {"steps": 2.5},
        {"learning_rate": "1e-3"},
        {"train_norms": 1},
    ],
)
def test_an_impossible_value_is_refused(values):
    with pytest.raises(ConfigError, match=f"{next(iter(values))}: expected"):
        TrainConfig(**values)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (CounterExamples, {"batch_size": 0}),
        (CounterExamples, {"per_region": 0}),
        (CounterExamples, {"weight": -1.0}),
        (CounterExamples, {"weight": 0.0, "background_weight": 0.0}),
        (Guided, {"label_weight": -0.1}),
        (Guided, {"inside_weight": 0.0, "outside_weight": 0.0}),  # nothing would follow the regions
        (Guided, {"label_weight": 0.0, "mining": Mining()}),  # it would scale the mining away
        (Guided, {"counter_examples": {"weight": 1.0}}),
        (Signed, {"weight": 0.0}),
        (External, {"weight": float("inf")}),
        (External, {"weight": 0.0}),
        (External, {"resolution": "image"}),
        (Maps, {"scale": "softmax"}),
        (Mining, {"weight": 0.0}),
        (Mining, {"score": "odds"}),
        (Mining, {"omega": 0.0}),
        (Mining, {"place": "mask"}),
    ],
)
def test_settings_that_say_nothing_cannot_be_written(kind, values):
    with pytest.raises(ConfigError, match=f"{next(iter(values))}: expected"):
        kind(**values)


@pytest.mark.parametrize("objective", [Guided(mining=Mining()), GainExt(), Signed(mining=Mining())])
def test_quick_mode_has_no_attention_mining(objective):
    with pytest.raises(ConfigError, match="mining: expected None in quick mode"):
        TrainConfig(objective=objective)


def test_the_presets_are_what_the_app_trains_with():
    assert TrainConfig.first_model().objective == Labels()
    quick, full = TrainConfig.quick_default(), TrainConfig.full_default()
    assert (quick.mode, quick.objective.key) == ("quick", "guided")
    assert (full.mode, full.objective) == ("full", GainExt())
    with pytest.raises(ConfigError, match="objective: expected one of quick mode, got 'gain'"):
        TrainConfig.quick_default("gain")


def test_a_quick_training_of_many_classes_takes_more_steps():
    assert [quick_steps(classes) for classes in (2, 5, 10, 20, 200)] == [60, 60, 120, 240, 600]
    assert TrainConfig.first_model(classes=10).steps == 120
    assert [TrainConfig.quick_default(key, classes=10).steps for key in ("guided", "signed")] == [120, 120]
    assert TrainConfig.quick_default().steps == TrainConfig.first_model().steps == 60


def test_only_plain_training_and_gain_can_do_without_guidance():
    free = {mode: [key for key, objective in objectives.items() if not objective.needs_guidance]
            for mode, objectives in (("quick", QUICK), ("full", FULL))}  # fmt: skip
    assert free == {"quick": ["none"], "full": ["gainext", "gain", "none"]}


def test_the_control_of_a_retrain_differs_by_its_objective_alone():
    config = TrainConfig.quick_default(seed=3, classes=10)
    assert config.without_guidance() == replace(config, objective=Labels())


def test_flat_settings_of_version_0_1_are_read():
    flat = {
        "mode": "full",
        "form": "guided",
        "steps": 9,
        "label_weight": 0.5,
        "external_weight": 3.0,
        "signed_weight": 7.0,
        "mining_weight": 2.0,
        "mask_sigma": 0.2,
        "map_scale": "none",
        "composite_weight": 0.0,
        "background_weight": 1.0,
        "composite_batch_size": 4,
    }
    counter_examples = CounterExamples(weight=0.0, background_weight=1.0, batch_size=4)
    mining = Mining(weight=2.0, sigma=0.2, maps=Maps(scale="none"))
    guided = Guided(label_weight=0.5, counter_examples=counter_examples, mining=mining)
    assert TrainConfig.from_dict(flat) == TrainConfig(mode="full", steps=9, objective=guided)
    external = External(weight=3.0, maps=Maps(scale="none"))
    assert TrainConfig.from_dict(flat | {"form": "gainext"}).objective == GainExt(mining, external)
    signed = TrainConfig.from_dict(
        flat | {"form": "signed", "mode": "quick"}
    ).objective  # α did nothing there
    assert signed == Signed(weight=7.0)
    assert TrainConfig.from_dict(flat | {"form": "none"}).objective == Labels()


@pytest.mark.parametrize("stored", [{"form": "image"}, {"form": "guided", "expert_weight": 1.0}])
def test_flat_settings_of_methods_that_are_gone_are_refused(stored):
    with pytest.raises(ConfigError, match=r"'image'|'expert_weight'"):
        TrainConfig.from_dict(stored)
