"""Images that show several classes at once, through the trainer: all classes of all images in one batch."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from gain_core.analysis.predict import predict
from gain_core.dataset.reading import counted, guidance_by_class, label_rows
from gain_core.dataset.sample import AlsoShown, Sample, Split
from gain_core.errors import CheckpointError, InputError
from gain_core.events import Step, Validation
from gain_core.models.classifier import Classifier
from gain_core.training.augment import AugmentedSamples, together
from gain_core.training.config import TrainConfig
from gain_core.training.full import FullTask
from gain_core.training.sampling import draw_schedule
from gain_core.training.terms import shown
from gain_core.training.trainer import train
from tests.gain_core.methods import composed, method
from tests.gain_core.toy import CELL, OBJECT, SIZE, draw, toy_model

CPU = torch.device("cpu")
FULL = TrainConfig(
    mode="full",
    objective=method("gainext", "full"),
    steps=2,
    learning_rate=1e-2,
    batch_size=4,
    guided_batch_size=2,
)
QUICK = TrainConfig(
    objective=method("gainext"), steps=2, learning_rate=1e-2, batch_size=4, guided_batch_size=2
)


def model(norm: bool = False) -> Classifier:
    made = toy_model(norm=norm)
    made.spec = replace(made.spec, multi_label=True)
    return made


@pytest.fixture
def samples(tmp_path) -> list[Sample]:
    """Twelve training images and four others; a third red, a third green, a third both; all guided."""
    found = []
    for number in range(16):
        cell = number % 8
        split: Split = "train" if number < 12 else "validation"
        path, look = draw(tmp_path, f"{number}", number % 3 % 2, 0, cell)
        sample = Sample(f"{number:064}", path, number % 3 % 2, split, look=look, name=f"{number}")
        if number % 3 == 2:
            with Image.open(path) as one:
                both = one.copy()
            other = cell + 8
            both.paste(
                OBJECT[1],
                (other % 4 * CELL, other // 4 * CELL, *((other % 4 + 1) * CELL, (other // 4 + 1) * CELL)),
            )
            both.save(path)
            _, mask = draw(tmp_path, "mask", 1, 0, other)
            sample = replace(sample, also=(AlsoShown(1, look=mask),))
        found.append(sample)
    return found


def first_losses(samples, config) -> dict[str, float]:
    events = train(model(), samples, replace(config, steps=1))
    return dict(next(event for event in events if isinstance(event, Step)).losses)


def test_rows_of_labels_repeat_the_first_class_and_repeats_do_not_count(samples):
    rows = label_rows(samples[:3])
    assert rows.tolist() == [[0, 0], [1, 1], [0, 1]]
    assert counted(rows).tolist() == [[True, False], [True, False], [True, True]]
    assert shown(rows, 3).tolist() == [[True, False, False], [False, True, False], [True, True, False]]
    assert label_rows([]).shape == (0, 1)


def test_an_image_is_asked_once_for_each_class_with_that_classes_guidance(samples):
    both = samples[2]
    one, other = both.each_class
    assert (one.labels, other.labels) == ((0,), (1,))
    assert (one.look, other.look) == (both.look, both.also[0].look)
    maps = guidance_by_class(both, (4, 4), 3)
    assert maps.shape == (3, 2, 4, 4)
    assert maps[0, 0].nonzero().tolist() == [[0, 2]]
    assert maps[1, 0].nonzero().tolist() == [[2, 2]]
    assert maps[:, 1].abs().max() == maps[2].abs().max() == 0
    assert guidance_by_class(replace(both, look=None, also=(AlsoShown(1),)), (4, 4), 2) is None


def test_every_mask_of_an_image_moves_with_it(samples):
    image, masks, labels = AugmentedSamples(samples, model().spec, FULL)[(0, 0, 2)]
    assert masks.shape == (2, 2, SIZE, SIZE)
    assert labels.tolist() == [0, 1]
    colours = image * 0.25 + 0.4
    for label in labels.tolist():
        seen = colours[label] - colours[1 - label] > 0.15
        assert (seen == (masks[label, 0] > 0)).float().mean() > 0.96


def test_an_image_of_two_classes_takes_its_turn_in_both(samples):
    schedule = draw_schedule(samples, [2], replace(FULL, steps=20))
    assert set(schedule.guided.flatten().tolist()) == {2}
    pools = [
        {p for p, sample in enumerate(samples) if sample.split == "train" and label in sample.labels}
        for label in (0, 1)
    ]
    drawn = schedule.images.view(-1, 2)  # the two classes take turns
    for turn, pool in enumerate(pools):
        assert set(drawn[:, turn].tolist()) == pool - {2}


@pytest.mark.parametrize("config", [FULL, QUICK], ids=["full", "quick"])
@pytest.mark.parametrize("form", ["gainext", "signed", "guided", "none"])
def test_every_form_trains_on_images_of_several_classes(samples, config, form):
    network = model(norm=True)
    events = list(train(network, samples, replace(config, objective=method(form, config.mode))))
    steps = [event for event in events if isinstance(event, Step)]
    assert len(steps) == 2
    assert all(value >= 0 for value in steps[0].losses.values())
    assert [event.n for event in events if isinstance(event, Validation)] == [4, 4]
    assert len(predict(network, samples)) == 16


def test_a_batch_gives_the_means_over_images_of_the_means_over_their_own_classes(samples):
    """One batched computation against one image and one class at a time: 1/n Σ_c of eq. 5 and 7."""
    network, config = model(), replace(FULL, batch_size=3, guided_batch_size=3)
    augmented = AugmentedSamples(samples, network.spec, config)
    items = [augmented[(0, slot, position)] for slot, position in enumerate((0, 1, 2, 3, 4, 5))]
    images, masks, labels = (torch.stack(parts) for parts in zip(*items, strict=True))

    def one(row: int, columns: slice) -> dict[str, float]:
        """The image as the plain and as the guided one of a step, with those of its classes alone."""
        task = FullTask(network, samples, replace(config, batch_size=1, guided_batch_size=1), CPU)
        again = torch.tensor([row, row])
        losses = task.losses(images[again], masks[again, columns], labels[again, columns])
        return {name: float(value.detach()) for name, value in losses.items()}

    def by_class(row: int, name: str) -> float:
        count = len(set(labels[row].tolist()))
        return sum(one(row, slice(column, column + 1))[name] for column in range(count)) / count

    together = FullTask(network, samples, config, CPU).losses(images, masks, labels)
    expected = {
        "image": sum(one(row, slice(None))["image"] for row in range(6)) / 6,
        "mining": sum(by_class(row, "mining") for row in range(6)) / 6,
        "external": sum(by_class(row, "external") for row in range(3, 6)) / 3,
    }
    got = {name: float(value.detach()) for name, value in together.items()}
    assert got == pytest.approx(expected, rel=1e-5)


def test_nothing_is_erased_for_classes_that_an_image_does_not_show(samples):
    """Of six images one shows two classes: seven erased ones."""
    network, config = model(), replace(FULL, batch_size=3, guided_batch_size=3)
    augmented = AugmentedSamples(samples, network.spec, config)
    chosen = (3, 4, 6, 0, 2, 1)
    assert [len(samples[position].labels) for position in chosen] == [1, 1, 1, 1, 2, 1]
    loaded = augmented.__getitems__([(0, slot, position) for slot, position in enumerate(chosen)])
    task, asked = FullTask(network, samples, config, CPU), []
    task.network.register_forward_pre_hook(lambda _, inputs: asked.append(len(inputs[0])))
    task.losses(*together(loaded))
    assert asked == [7]


def test_a_batch_is_as_wide_as_its_own_images_ask_for(samples):
    augmented = AugmentedSamples(samples, model().spec, FULL)
    for chosen, most in (((3, 4), 1), ((2, 3), 2)):
        images, masks, labels = together(
            augmented.__getitems__([(0, slot, p) for slot, p in enumerate(chosen)])
        )
        assert (len(images), masks.shape[1], labels.shape[1]) == (2, most, most)


@pytest.mark.parametrize("config", [FULL, QUICK], ids=["full", "quick"])
@pytest.mark.parametrize("form", ["gainext", "guided", "signed"])
def test_the_guidance_of_each_class_counts(samples, config, form):
    config = replace(config, objective=method(form, config.mode), batch_size=2, guided_batch_size=12)
    moved = [
        replace(s, also=tuple(replace(one, look=s.look) for one in s.also)) if s.also else s for s in samples
    ]
    one, other = first_losses(samples, config), first_losses(moved, config)
    changed = {name for name in one if one[name] != other[name]} - {"total"}
    assert changed == {
        "gainext": {"external"}, "signed": {"signed"}, "guided": {"inside", "outside"}
    }[form]  # fmt: skip


@pytest.mark.parametrize("config", [FULL, QUICK], ids=["full", "quick"])
def test_composites_of_images_of_several_classes_are_learned_from(samples, config):
    """A third of the images shows both classes, each of them outlined."""
    config = replace(config, objective=composed(config.mode, batch_size=4))
    losses = first_losses(samples, config)
    assert losses["composite"] > 0
    assert losses["background"] >= 0
    assert set(losses) >= {"image", "inside", "outside", "total"}


def test_a_right_answer_is_any_class_that_the_image_shows(samples):
    network = model()
    with torch.no_grad():
        network.head.linear.weight.zero_()
        network.head.linear.bias.copy_(torch.tensor([0.0, 1.0]))
    events = train(network, samples, replace(QUICK, objective=method("none")))
    figures = next(event for event in events if isinstance(event, Validation))
    assert figures.accuracy == pytest.approx(
        sum(1 in s.labels for s in samples if s.split == "validation") / 4
    )


def test_several_classes_that_exclude_each_other_are_refused(samples):
    with pytest.raises(InputError, match=r"2: expected one label, got \(0, 1\)"):
        list(train(toy_model(), samples, QUICK))


def test_the_same_class_twice_is_refused(samples):
    samples[1] = replace(samples[1], also=(AlsoShown(1),))
    with pytest.raises(InputError, match="1: expected no class twice"):
        list(train(model(), samples, QUICK))


def test_a_further_class_out_of_range_is_refused(samples):
    samples[1] = replace(samples[1], also=(AlsoShown(2),))
    with pytest.raises(InputError, match="expected a label from 0 to 1, got 2"):
        list(train(model(), samples, QUICK))


def test_a_checkpoint_is_refused_when_the_guidance_of_a_further_class_has_changed(samples, tmp_path):
    path = tmp_path / "checkpoint.pt"
    list(train(model(), samples, FULL, checkpoint=path))
    list(train(model(), samples, FULL, checkpoint=path))  # finished: nothing left to do
    samples[2] = replace(samples[2], also=(AlsoShown(1),))
    with pytest.raises(CheckpointError, match="got one of another"):
        list(train(model(), samples, FULL, checkpoint=path))


def test_a_stopped_training_on_several_classes_goes_on_as_if_it_had_never_stopped(samples, tmp_path):
    config, path = replace(FULL, steps=4), tmp_path / "checkpoint.pt"
    whole, resumed = model(norm=True), model(norm=True)
    list(train(whole, samples, config))
    running = train(model(norm=True), samples, config, checkpoint=path)
    for event in running:
        if isinstance(event, Step) and event.step == 2:
            running.close()
    list(train(resumed, samples, config, checkpoint=path))
    state = whole.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in resumed.state_dict().items())


def test_a_prediction_looks_at_every_class_that_an_image_shows(samples, tmp_path):
    mask = tmp_path / "object.png"
    mask.write_bytes(samples[2].also[0].look)
    also = (AlsoShown(1, object_mask=mask),)
    both, without = replace(samples[2], also=also), replace(samples[2], look=None, also=(AlsoShown(1),))
    network = model()

    (said,) = predict(network, [both])

    assert [one.label for one in said.each_label] == [0, 1]
    assert any(one.attention_inside is not None for one in said.each_label)  # some maps are empty
    alone = [predict(network, [one])[0] for one in both.each_class]
    assert [one.attention_inside for one in said.each_label] == pytest.approx(
        [one.attention_inside for one in alone]
    )
    # what is said of the image as a whole is about the class that the model misses or looks for most widely
    least = min((0, 1), key=lambda label: (min(said.probabilities[label], 0.5), -spread(said, label)))
    assert said.label == least
    assert said.attention_inside == said.each_label[least].attention_inside
    assert [one.attention_inside for one in predict(network, [without])[0].each_label] == [None, None]


def spread(said, label: int) -> float:
    return said.each_label[label].attention_spread or 0.0
