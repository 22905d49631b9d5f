"""Quick mode, on the toy set: what it learns and what it leaves alone."""

from dataclasses import replace

import pytest
import torch

from gain_core.analysis.predict import predict
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.errors import GainError, InputError
from gain_core.events import Phase, Step, Validation
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import CounterExamples
from gain_core.training.quick import Composites, QuickTask
from gain_core.training.trainer import train
from tests.gain_core.methods import composed, method
from tests.gain_core.toy import toy_model, toy_samples, worst_group

FAST = TrainConfig(steps=12, learning_rate=1e-2, batch_size=8, guided_batch_size=4, validate_every=5)
COMPOSED = replace(FAST, objective=composed(batch_size=4, per_region=4))


def of_form(form):
    return COMPOSED.objective if form == "guided" else method(form)


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def trained(samples, config, **arguments):
    model = toy_model(norm=True)
    events = list(train(model, samples, config, **arguments))
    return model, events


def same_state(one, other) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_guidance_takes_the_shortcut_away_and_plain_training_does_not(samples):
    config = TrainConfig(steps=150, learning_rate=1e-2, batch_size=16, guided_batch_size=8)
    model = toy_model()
    list(train(model, samples, replace(config, objective=method("none"))))
    biased = {name: value.clone() for name, value in model.state_dict().items()}
    # Composites have to do it alone, too.
    counter_examples = CounterExamples(batch_size=8)
    only_composites = method(
        "guided", counter_examples=counter_examples, inside_weight=0.0, outside_weight=0.0
    )
    told = {
        "labels": replace(config, objective=method("none")),
        "regions": config,
        "composites": replace(config, objective=only_composites),
    }
    worst = {}
    for name, one in told.items():
        model.load_state_dict(biased)
        list(train(model, samples, one))
        worst[name] = worst_group([p.probabilities for p in predict(model, samples)], samples)
    assert worst["labels"] < 0.5
    assert worst["regions"] > 0.9
    assert worst["composites"] > 0.9


def test_a_class_that_nobody_guided_is_not_forgotten(samples):
    samples = [replace(s, look=None) if s.label == 1 else s for s in samples]
    config = replace(TrainConfig.quick_default(), steps=150, learning_rate=1e-2, l2_sp_weight=0.0)
    model, _ = trained(samples, config)
    known = [s for s in samples if s.label == 1 and s.split == "train"]
    assert all(prediction.probabilities[1] > 0.5 for prediction in predict(model, known))


def test_the_order_of_the_splits_does_not_matter(samples):
    """Test images are left out of training, so positions must not be counted over them."""
    last = [s for s in samples if s.split == "test"]
    first = [s for s in samples if s.split != "test"]
    model, events = trained(first + last, FAST)
    other, moved = trained(last + first, FAST)
    assert same_state(model, other)
    figures = [[e for e in told if isinstance(e, Validation)] for told in (events, moved)]
    assert figures[0] == figures[1] != []


def test_events_tell_of_reading_steps_and_validation(samples):
    _, events = trained(samples, FAST)
    assert [event for event in events if isinstance(event, Phase)][-1] == Phase("Reading images", 40, 40)
    steps = [event for event in events if isinstance(event, Step)]
    assert [(s.step, s.total) for s in steps] == [(n, 12) for n in range(1, 13)]
    for step in steps:
        assert set(step.losses) == {"image", "inside", "outside", "total"}
        parts = sum(value for name, value in step.losses.items() if name != "total")
        assert step.losses["total"] == pytest.approx(parts, rel=1e-5)
    assert [(v.step, v.n) for v in events if isinstance(v, Validation)] == [
        (0, 16),
        (5, 16),
        (10, 16),
        (12, 16),
    ]


def test_events_tell_of_the_counter_examples_too(samples):
    _, events = trained(samples, replace(COMPOSED, steps=1))
    phases = [event for event in events if isinstance(event, Phase)]
    # 8 backgrounds and 8 regions of four each; six come to the same pixels.
    assert phases[-1] == Phase("Making counter-examples", 34, 34)
    assert "Making counter-examples" not in {
        p.name for p in trained(samples, FAST)[1] if isinstance(p, Phase)
    }


def test_without_a_validation_split_there_are_no_figures(samples):
    _, events = trained([s for s in samples if s.split == "train"], FAST)
    assert not [event for event in events if isinstance(event, Validation)]


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("guided", {"image", "inside", "outside", "composite", "background"}),
        ("gainext", {"image", "external"}),
        ("signed", {"image", "signed"}),
        ("none", {"image"}),
    ],
)
def test_each_form_has_its_own_losses(samples, form, names):
    _, events = trained(samples, replace(COMPOSED, objective=of_form(form), steps=2))
    assert set(events[-2].losses) == names | {"total"}


@pytest.mark.parametrize(
    ("form", "name", "weight"),
    [
        ("guided", "image", "label_weight"),
        ("guided", "inside", "inside_weight"),
        ("guided", "outside", "outside_weight"),
        ("guided", "composite", "counter_examples.weight"),
        ("guided", "background", "counter_examples.background_weight"),
        ("gainext", "external", "external.weight"),
        ("signed", "signed", "weight"),
    ],
)
def test_a_weight_scales_its_own_loss_alone(samples, form, name, weight):
    def first_losses(value):
        objective, (*term, setting) = of_form(form), weight.split(".")
        changed = {setting: value}
        for outer in term:
            changed = {outer: replace(getattr(objective, outer), **changed)}
        config = replace(COMPOSED, objective=replace(objective, **changed), steps=1)
        _, events = trained(samples, config)
        return next(event for event in events if isinstance(event, Step)).losses

    one, two = first_losses(1.0), first_losses(2.0)
    assert two[name] == pytest.approx(2 * one[name])
    assert all(two[other] == one[other] for other in one if other not in (name, "total"))


def test_form_none_learns_from_the_same_images_as_the_guided_forms(samples):
    features = torch.zeros(len(samples), 3, 4, 4, dtype=torch.float16)
    tasks = [
        QuickTask(toy_model(), samples, features, replace(FAST, objective=method(form)), torch.device("cpu"))
        for form in ("none", "guided")
    ]
    schedules = [task.schedule for task in tasks]
    assert torch.equal(schedules[0].images, schedules[1].images)
    assert torch.equal(schedules[0].guided, schedules[1].guided)


def test_each_stream_sees_its_own_images_alone(samples):
    """Other features for some of the images: only their own losses notice."""
    features = torch.zeros(len(samples), 3, 4, 4, dtype=torch.float16)
    shown = torch.zeros(6, 3, 4, 4, dtype=torch.float16)
    composites = Composites(shown, torch.tensor([0, 0, 1, 1, -1, -1]))
    task = QuickTask(toy_model(), samples, features, COMPOSED, torch.device("cpu"), composites=composites)

    def moved(rows):
        with torch.no_grad():
            before = task.losses(0)
            rows[:] = 5.0
            after = task.losses(0)
            rows[:] = 0.0
        return {name for name in before if before[name] != after[name]}

    assert moved(features[:8]) == {"inside", "outside"}
    assert moved(features[8:]) == {"image"}
    assert moved(shown[:4]) == {"composite"}
    assert moved(shown[4:]) == {"background"}


def test_the_trunk_and_its_norms_stay_as_they_were(samples):
    model = toy_model(norm=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    list(train(model, samples, FAST))
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {
        *("neck.0.weight", "neck.0.bias", "neck.1.weight", "neck.1.bias"),
        *("head.linear.weight", "head.linear.bias"),
    }


def test_with_train_norms_the_necks_statistics_move_too(samples):
    model, _ = trained(samples, replace(FAST, train_norms=True))
    assert not torch.equal(model.neck[1].running_mean, torch.zeros(24))


def test_nothing_is_left_behind(samples):
    model = toy_model(norm=True)
    torch.manual_seed(11)
    undisturbed = torch.rand(3)
    torch.manual_seed(11)
    list(train(model, samples, replace(FAST, train_norms=True)))
    assert torch.equal(torch.rand(3), undisturbed)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module.training for module in model.modules())


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(samples):
    first, again = (trained(samples, FAST)[0] for _ in range(2))
    other, _ = trained(samples, replace(FAST, seed=1))
    assert same_state(first, again)
    assert not same_state(first, other)


def test_features_are_kept_between_trainings_and_test_images_are_not_looked_at(samples, tmp_path):
    store = FeatureStore(tmp_path / "kept")
    trained(samples, FAST, store=store)
    for sample in samples:
        sample.path.unlink()  # a second training would notice
    trained(samples, FAST, store=store)


def test_evaluation_masks_are_never_opened_to_train(samples, tmp_path):
    trained([replace(sample, object_mask=tmp_path / "absent.png") for sample in samples], FAST)


def test_a_loss_that_is_no_number_ends_the_training_with_a_sentence(samples):
    model = toy_model()
    with torch.no_grad():
        model.head.linear.weight.fill_(float("inf"))
    with pytest.raises(GainError, match="step 1: expected a finite loss"):
        list(train(model, samples, FAST))


def test_a_label_without_a_class_is_refused(samples):
    samples[3] = replace(samples[3], label=2)
    with pytest.raises(InputError, match=r"train/3\.png: expected a label from 0 to 1, got 2"):
        list(train(toy_model(), samples, FAST))


def test_the_learning_rate_falls_along_half_a_cosine_when_told(samples, monkeypatch):
    rates = []
    step = torch.optim.AdamW.step

    def watched(self, *arguments, **more):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments, **more)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    trained(samples, replace(FAST, steps=4, learning_rate=0.2, learning_rate_decay="cosine"))
    assert rates == pytest.approx([0.2, 0.1 + 0.1 * 0.5**0.5, 0.1, 0.1 - 0.1 * 0.5**0.5])
