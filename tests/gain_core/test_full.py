"""Full mode, on the toy set: image and mask move together, three streams, all layers, nothing polluted."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from gain_core.augment import AugmentedSamples
from gain_core.composites import Composite
from gain_core.config import TrainConfig
from gain_core.errors import InputError
from gain_core.events import Step
from gain_core.full import FullTask
from gain_core.models import preprocess
from gain_core.sample import Sample
from gain_core.trainer import train
from tests.gain_core.toy import OBJECT, ignoring, toy_model, toy_samples

FAST = TrainConfig(
    mode="full", steps=4, learning_rate=1e-2, batch_size=4, guided_batch_size=2, checkpoint_every=2
)
COMPOSED = replace(
    FAST, composite_weight=1.0, background_weight=1.0, composite_batch_size=2, composites_per_region=2
)
CPU = torch.device("cpu")


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def trained(samples, config, **arguments):
    model = toy_model(norm=True, drop=0.2)
    events = list(train(model, samples, config, **arguments))
    return model, events


def losses_of(events) -> list[dict[str, float]]:
    return [dict(event.losses) for event in events if isinstance(event, Step)]


def same_state(one, other) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_an_image_and_its_mask_are_cropped_and_flipped_together(samples):
    """The object is the only red or green thing: where its colour is, the mask must be, and nowhere else."""
    spec = toy_model().spec
    augmented = AugmentedSamples(samples, spec, FAST)
    places = set()
    for step in range(12):
        for position in (0, 1):
            image, masks, labels = augmented[(step, 0, position)]
            colours, label = image * 0.25 + 0.4, int(labels[0])
            object_ = colours[label] - colours[1 - label] > 0.15
            mask = masks[0, 0] > 0
            agreement = (object_ == mask).float().mean()
            assert agreement > 0.97, (step, position, float(agreement))
            assert mask.any()
            places.add(tuple(mask.float().nonzero().float().mean(0).round().int().tolist()))
    assert len(places) > 12  # it did move


def test_a_flip_flips_both(samples):
    augmented = AugmentedSamples(samples, toy_model().spec, replace(FAST, smallest_crop=1.0))
    picture = Image.new("RGB", (64, 64))
    picture.paste((255, 255, 255), (0, 0, 32, 64))
    masks = tv_tensors.Mask(torch.zeros(2, 64, 64, dtype=torch.uint8))
    masks[0, :, :32] = 1
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        image, moved = augmented.move(picture, masks)
        left = image.getpixel((2, 32)) == (255, 255, 255)
        assert bool(moved[0, 32, 2]) == left
        assert bool(moved[0, 32, 61]) != left
        seen.add(left)
    assert seen == {True, False}


def test_without_augmentation_an_image_is_the_one_that_prediction_sees_whatever_its_shape(tmp_path):
    """300×900: a crop with a side of at most 4 to 3 would be 300×400 of it."""
    picture = Image.effect_noise((300, 900), 90).convert("RGB")
    mask = Image.new("1", (300, 900))
    mask.paste(1, (0, 0, 300, 225))
    picture.save(tmp_path / "tall.png")
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    tall = Sample("0" * 64, tmp_path / "tall.png", 0, "train", look=buffer.getvalue())
    plain = replace(FAST, smallest_crop=1.0, horizontal_flip=False, colour_jitter=0.0)
    spec = toy_model().spec
    for step in range(8):
        image, masks, _ = AugmentedSamples([tall], spec, plain)[(step, 0, 0)]
        assert torch.equal(image, preprocess(picture, spec))
        assert masks[0, 0].mean(1).tolist() == [1.0] * 16 + [0.0] * 48  # the upper quarter of 64 rows


def test_a_crop_that_loses_the_mask_gives_way_to_the_whole_image(samples):
    augmented = AugmentedSamples(samples, toy_model().spec, replace(FAST, smallest_crop=0.01))
    masks = tv_tensors.Mask(torch.zeros(2, 64, 64, dtype=torch.uint8))
    masks[0, 60:, 60:] = 1
    for seed in range(20):
        torch.manual_seed(seed)
        _, moved = augmented.move(Image.new("RGB", (64, 64)), masks)
        assert moved[0].any()


def test_a_draw_is_the_same_whoever_loads_it_and_leaves_the_callers_chance_alone(samples):
    augmented = AugmentedSamples(samples, toy_model().spec, FAST)
    torch.manual_seed(1)
    undisturbed = torch.rand(2)
    torch.manual_seed(1)
    first = augmented[(3, 1, 5)]
    assert torch.equal(torch.rand(2), undisturbed)
    again = augmented[(3, 1, 5)]
    other = augmented[(4, 1, 5)]
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_a_mask_of_another_size_still_lies_on_its_object(tmp_path, samples):
    with Image.open(io.BytesIO(samples[0].look)) as mask:
        buffer = io.BytesIO()
        mask.resize((32, 32)).save(buffer, "PNG")
    halved = replace(samples[0], look=buffer.getvalue())
    image, masks, labels = AugmentedSamples([halved], toy_model().spec, FAST)[(0, 0, 0)]
    assert masks[0, 0].any()
    red = image[:, masks[0, 0] > 0].mean(1) * 0.25 + 0.4
    assert torch.allclose(red, torch.tensor(OBJECT[labels[0]]) / 255, atol=0.35)
    assert red[0] - red[1] > 0.15


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("guided", {"image", "mining", "inside", "outside", "composite", "background"}),
        ("gainext", {"image", "mining", "external"}),
        ("signed", {"image", "mining", "signed"}),
        ("none", {"image"}),
    ],
)
def test_each_form_has_its_streams_and_every_layer_learns(samples, form, names):
    model = toy_model(norm=True)
    before = {name: value.clone() for name, value in model.named_parameters()}
    config = replace(COMPOSED, form=form)
    losses = losses_of(train(model, samples, config))
    assert set(losses[0]) == names | {"total"}
    assert losses[0]["total"] == pytest.approx(sum(losses[0][name] for name in names), rel=1e-5)
    assert [name for name, value in model.named_parameters() if torch.equal(value, before[name])] == []


def test_gain_needs_no_guidance_and_alpha_weighs_the_mining_alone(samples):
    plain = [replace(sample, look=None) for sample in samples]
    one = losses_of(trained(plain, replace(FAST, form="gainext", steps=1))[1])[0]
    half = losses_of(trained(plain, replace(FAST, form="gainext", steps=1, mining_weight=0.5))[1])[0]
    none = losses_of(trained(plain, replace(FAST, form="gainext", steps=1, mining_weight=0.0))[1])[0]
    assert half["mining"] == pytest.approx(one["mining"] / 2)
    assert one["image"] == half["image"] == none["image"]
    assert set(none) == {"image", "total"}


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ({"mask_sigma": 0.2}, {"mining"}),
        ({"mask_omega": 80.0}, {"mining"}),
        ({"mining_score": "logit"}, {"mining"}),
        ({"mask_place": "map"}, {"mining"}),
        ({"map_scale": "none"}, {"mining", "external"}),
        ({"external_resolution": "mask"}, {"external"}),
    ],
)
def test_each_choice_that_the_paper_leaves_open_moves_its_own_losses(samples, option, name):
    config = replace(FAST, form="gainext", steps=1)
    usual = losses_of(trained(samples, config)[1])[0]
    other = losses_of(trained(samples, replace(config, **option))[1])[0]
    assert {loss for loss in usual if usual[loss] != other[loss]} - {"total"} == name


@pytest.mark.parametrize(
    "weights",
    [
        {"form": "gainext", "mining_weight": 0.0},
        {"form": "gainext", "external_weight": 0.0},
        {"form": "signed", "mining_weight": 0.0},
    ],
)
def test_the_scale_of_a_map_is_a_constant_for_the_gradient_unless_told_otherwise(samples, weights):
    config = replace(FAST, steps=2, **weights)
    usual, other = (
        losses_of(trained(samples, replace(config, detach_scale=constant))[1]) for constant in (True, False)
    )
    assert usual[0] == other[0]
    assert usual[1]["total"] != other[1]["total"]


def test_norm_layers_keep_their_statistics_by_default(samples):
    model, _ = trained(samples, replace(FAST, form="gainext"))
    assert torch.equal(model.neck[1].running_mean, torch.zeros(24))
    assert int(model.neck[1].num_batches_tracked) == 0


def test_erased_images_do_not_reach_the_norm_layers_statistics(samples):
    """With batch statistics on, a step with the erased pass leaves the statistics of a step without."""
    config = replace(FAST, form="guided", steps=1, train_norms=True)
    without = toy_model(norm=True)
    list(train(without, samples, replace(config, mining_weight=0.0)))
    with_it = toy_model(norm=True)
    list(train(with_it, samples, config))
    assert int(with_it.neck[1].num_batches_tracked) == 1
    assert torch.equal(with_it.neck[1].running_mean, without.neck[1].running_mean)
    assert torch.equal(with_it.neck[1].running_var, without.neck[1].running_var)
    assert not torch.equal(with_it.neck[1].running_mean, torch.zeros(24))


def test_the_mining_loss_is_the_probability_that_is_left(samples):
    """With a network that sees nothing, erasing changes nothing: the class keeps its one half."""
    model = toy_model()
    with torch.no_grad():
        model.head.linear.weight.zero_()
        model.head.linear.bias.zero_()
    task = FullTask(model, samples, replace(FAST, form="gainext"), CPU)
    assert float(next(task.steps(0))["mining"].detach()) == pytest.approx(0.5)


def test_composites_are_cropped_and_coloured_like_images_and_carry_no_masks(samples):
    red, nothing = (Composite(np.full((64, 64, 3), OBJECT[0], np.uint8), label) for label in (0, None))
    augmented = AugmentedSamples(samples, toy_model().spec, FAST, [red, nothing])
    for position, label in ((len(samples), 0), (len(samples) + 1, -1)):
        image, masks, labels = augmented[(0, 0, position)]
        assert labels.tolist() == [label]
        assert not masks.any()
        colour = image.mean((1, 2)) * 0.25 + 0.4
        assert colour[0] - colour[1] > 0.15
    plain = AugmentedSamples(
        samples, toy_model().spec, replace(FAST, smallest_crop=1.0, colour_jitter=0.0), [red]
    )
    expected = preprocess(Image.fromarray(red.pixels), toy_model().spec)
    assert torch.equal(plain[(0, 0, len(samples))][0], expected)


def test_a_step_takes_its_composites_after_its_images(samples):
    task = FullTask(toy_model(), samples, COMPOSED, CPU)
    assert task._division == (4, 2, 3)  # two that show a class, and a background
    assert task._draws.shape == (4, 9)
    assert (task._draws[:, :6] < len(samples)).all()
    assert (task._draws[:, 6:] >= len(samples)).all()


def test_where_nothing_can_be_cut_out_there_are_no_composites(samples):
    mask = Image.new("1", (64, 64))
    mask.paste(1, (0, 0, 3, 3))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    tiny = [replace(s, look=buffer.getvalue()) if s.look else s for s in samples]
    losses = losses_of(trained(tiny, replace(COMPOSED, steps=1))[1])[0]
    assert set(losses) == {"image", "mining", "inside", "outside", "total"}


def test_helpers_change_nothing_and_are_told_who_they_belong_to(samples, tmp_path):
    def note(worker):
        (tmp_path / f"helper-{worker}").touch()

    alone, _ = trained(samples, COMPOSED)
    helped, _ = trained(samples, replace(COMPOSED, loader_workers=2), worker_init_fn=note)
    assert same_state(alone, helped)
    assert sorted(path.name for path in tmp_path.glob("helper-*")) == ["helper-0", "helper-1"]


@pytest.mark.parametrize(
    ("config", "guidance"),
    [
        (FAST, list),
        (replace(FAST, train_norms=True), list),
        (COMPOSED, list),
        (replace(COMPOSED, composite_batch_size=8), ignoring),
    ],
)
def test_a_stopped_training_goes_on_as_if_it_had_never_stopped(samples, tmp_path, config, guidance):
    samples = guidance(samples)
    whole, events = trained(samples, config)
    path = tmp_path / "checkpoint.pt"
    running = train(toy_model(norm=True, drop=0.2), samples, config, checkpoint=path)
    seen = []
    for event in running:
        if isinstance(event, Step):
            seen.append(dict(event.losses))
            if event.step == 3:
                running.close()
    resumed, rest = trained(samples, config, checkpoint=path)
    assert seen + losses_of(rest) == losses_of(events)
    assert same_state(resumed, whole)


def test_nothing_is_left_behind(samples):
    torch.manual_seed(11)
    undisturbed = torch.rand(3)
    torch.manual_seed(11)
    model, _ = trained(samples, replace(FAST, train_norms=True))
    assert torch.equal(torch.rand(3), undisturbed)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_is_named(samples, workers):
    for sample in samples[8:24]:
        sample.path.write_bytes(b"torn")
    with pytest.raises(InputError, match=r"^train/\d+\.png: expected a readable image"):
        trained(samples, replace(FAST, loader_workers=workers))


def test_ignore_this_alone_guides_too(samples):
    for form in ("guided", "gainext", "signed"):
        losses = losses_of(trained(ignoring(samples), replace(FAST, form=form, steps=1))[1])[0]
        assert losses["total"] > 0


def test_a_sample_without_guidance_has_empty_masks(samples):
    unguided = Sample("0" * 64, samples[9].path, 1, "train")
    _, masks, _ = AugmentedSamples([unguided], toy_model().spec, FAST)[(0, 0, 0)]
    assert masks.shape == (1, 2, 64, 64)
    assert not masks.any()
