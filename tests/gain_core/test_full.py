"""Full mode, on the toy set: its streams, all layers, nothing polluted."""

import io
from dataclasses import replace

import pytest
import torch
from PIL import Image

from gain_core.errors import InputError
from gain_core.events import Step
from gain_core.training.config import TrainConfig
from gain_core.training.full import FullTask
from gain_core.training.objectives import External, Gain, GainExt, Maps, Mining, Signed
from gain_core.training.trainer import train
from tests.gain_core.methods import composed, method
from tests.gain_core.toy import ignoring, toy_model, toy_samples

FAST = TrainConfig(
    mode="full",
    objective=method("guided", "full"),
    steps=4,
    learning_rate=1e-2,
    batch_size=4,
    guided_batch_size=2,
    checkpoint_every=2,
)
COMPOSED = replace(FAST, objective=composed("full", batch_size=2, per_region=2))
GAINEXT = method("gainext", "full")
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


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("guided", {"image", "mining", "inside", "outside", "composite", "background"}),
        ("gainext", {"image", "mining", "external"}),
        ("signed", {"image", "mining", "signed"}),
        ("gain", {"image", "mining"}),
        ("none", {"image"}),
    ],
)
def test_each_form_has_its_streams_and_every_layer_learns(samples, form, names):
    model = toy_model(norm=True)
    before = {name: value.clone() for name, value in model.named_parameters()}
    config = COMPOSED if form == "guided" else replace(COMPOSED, objective=method(form, "full"))
    losses = losses_of(train(model, samples, config))
    assert set(losses[0]) == names | {"total"}
    assert losses[0]["total"] == pytest.approx(sum(losses[0][name] for name in names), rel=1e-5)
    assert [name for name, value in model.named_parameters() if torch.equal(value, before[name])] == []


def test_gain_needs_no_guidance_and_alpha_weighs_the_mining_alone(samples):
    plain = [replace(sample, look=None) for sample in samples]
    one = losses_of(trained(plain, replace(FAST, objective=GAINEXT, steps=1))[1])[0]
    half = losses_of(
        trained(plain, replace(FAST, objective=method("gainext", "full", mining=Mining(0.5)), steps=1))[1]
    )[0]
    none = losses_of(trained(plain, replace(FAST, objective=method("none"), steps=1))[1])[0]
    assert half["mining"] == pytest.approx(one["mining"] / 2)
    assert one["image"] == half["image"] == none["image"]
    assert set(none) == {"image", "total"}


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ({"mining": Mining(sigma=0.2)}, {"mining"}),
        ({"mining": Mining(omega=80.0)}, {"mining"}),
        ({"mining": Mining(score="logit")}, {"mining"}),
        ({"mining": Mining(place="map")}, {"mining"}),
        ({"mining": Mining(maps=Maps("none"))}, {"mining"}),
        ({"external": External(maps=Maps("none"))}, {"external"}),
        ({"external": External(resolution="mask")}, {"external"}),
    ],
)
def test_each_choice_that_the_paper_leaves_open_moves_its_own_losses(samples, option, name):
    config = replace(FAST, objective=GAINEXT, steps=1)
    usual = losses_of(trained(samples, config)[1])[0]
    other = losses_of(trained(samples, replace(config, objective=replace(GAINEXT, **option)))[1])[0]
    assert {loss for loss in usual if usual[loss] != other[loss]} - {"total"} == name


@pytest.mark.parametrize(
    "objectives",
    [
        [GainExt(mining=None, external=External(maps=Maps(detach_scale=c))) for c in (True, False)],
        [Gain(Mining(maps=Maps(detach_scale=constant))) for constant in (True, False)],
        [Signed(detach_scale=constant) for constant in (True, False)],
    ],
)
def test_the_scale_of_a_map_is_a_constant_for_the_gradient_unless_told_otherwise(samples, objectives):
    usual, other = (
        losses_of(trained(samples, replace(FAST, steps=2, objective=one))[1]) for one in objectives
    )
    assert usual[0] == other[0]
    assert usual[1]["total"] != other[1]["total"]


def test_norm_layers_keep_their_statistics_by_default(samples):
    model, _ = trained(samples, replace(FAST, objective=GAINEXT))
    assert torch.equal(model.neck[1].running_mean, torch.zeros(24))
    assert int(model.neck[1].num_batches_tracked) == 0


def test_erased_images_do_not_reach_the_norm_layers_statistics(samples):
    """With batch statistics on, a step with the erased pass leaves the statistics of a step without."""
    config = replace(FAST, steps=1, train_norms=True)
    without = toy_model(norm=True)
    list(train(without, samples, replace(config, objective=method("guided", "full", mining=None))))
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
    task = FullTask(model, samples, replace(FAST, objective=GAINEXT), CPU)
    assert float(next(task.steps(0))["mining"].detach()) == pytest.approx(0.5)


def test_a_step_takes_its_composites_after_its_images(samples):
    task = FullTask(toy_model(), samples, COMPOSED, CPU)
    assert task.division == (4, 2, 3)  # two that show a class, and a background
    assert task.draws.shape == (4, 9)
    assert (task.draws[:, :6] < len(samples)).all()
    assert (task.draws[:, 6:] >= len(samples)).all()


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
        (replace(COMPOSED, objective=composed("full", batch_size=8, per_region=2)), ignoring),
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
        losses = losses_of(
            trained(ignoring(samples), replace(FAST, objective=method(form, "full"), steps=1))[1]
        )[0]
        assert losses["total"] > 0
