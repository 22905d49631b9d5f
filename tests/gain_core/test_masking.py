import math

import pytest
import torch
from torch import Tensor, nn

from gain_core.choices import MaskingPlace, Scale
from gain_core.errors import ConfigError, InputError
from gain_core.explain.masking import (
    MaskingConfig,
    erase,
    erased_logits,
    scale_attention,
    soft_threshold,
)
from gain_core.imaging.resize import area_average
from tests.gain_core.tiny import images, tiny_model

MAP = [[0.0, 1.0], [2.0, 4.0]]


def test_the_soft_threshold_is_a_half_at_sigma_and_steep_by_omega() -> None:
    got = soft_threshold(torch.tensor([0.5, 0.6, 0.0]), sigma=0.5, omega=10.0)
    expected = torch.tensor([0.5, 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(5))])
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("max", [[0.0, 0.25], [0.5, 1.0]]),
        ("min_max", [[0.0, 0.25], [0.5, 1.0]]),
        ("none", MAP),
    ],
)
def test_each_map_is_scaled_by_itself(scale: Scale, expected: list[list[float]]) -> None:
    maps = torch.tensor([MAP, [[3.0, 3.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 0.0]]])
    got = scale_attention(maps, scale)
    torch.testing.assert_close(got[0], torch.tensor(expected))
    second = {"max": [[0.5, 0.5], [0.5, 1]], "min_max": [[0, 0], [0, 1]], "none": [[3, 3], [3, 6]]}[scale]
    torch.testing.assert_close(got[1], torch.tensor(second, dtype=torch.float32))
    assert got[2].abs().max() == 0  # an empty map stays empty


def test_a_detached_scale_is_a_constant_for_the_gradient() -> None:
    attention = torch.tensor(MAP, requires_grad=True)
    (gradient,) = torch.autograd.grad(scale_attention(attention).sum(), attention)
    torch.testing.assert_close(gradient, torch.full((2, 2), 0.25))
    (gradient,) = torch.autograd.grad(scale_attention(attention, detach_scale=False).sum(), attention)
    torch.testing.assert_close(gradient, torch.tensor([[0.25, 0.25], [0.25, 0.25 - 7 / 16]]))
    empty = torch.zeros(2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(scale_attention(empty).sum(), empty)
    assert torch.isfinite(gradient).all()


def test_erasing_takes_away_what_is_attended_and_keeps_the_rest() -> None:
    pixels = torch.ones(1, 3, 8, 8)
    attention = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]]])
    erased = erase(pixels, attention)
    assert erased.shape == (1, 2, 3, 8, 8)
    assert erased[0, 0, :, 0, 0].max() < 0.01
    assert erased[0, 0, :, 7, 7].min() > 0.99
    assert erased[0, 1, :, 7, 7].max() < 0.01
    # Bilinear, half a cell in: A = 0.75² at (2, 2), and T(0.5625) = 1 / (1 + e^-0.625).
    half_way = erase(torch.ones(1, 3, 4, 4), attention)[0, 0, 0, 1, 1]
    torch.testing.assert_close(half_way, torch.tensor(1 - 1 / (1 + math.exp(-0.625))))


def test_the_threshold_may_act_on_the_map_itself() -> None:
    attention = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    left = erase(torch.ones(1, 3, 4, 4), attention, MaskingConfig(place="map"))[0, 0, 0]
    most, least = 1 / (1 + math.exp(-5)), 1 / (1 + math.exp(5))  # T of 1 and of 0
    torch.testing.assert_close(left[0, 0], torch.tensor(1 - most))
    torch.testing.assert_close(left[1, 1], torch.tensor(1 - (0.5625 * most + 0.4375 * least)))


def test_erasing_a_map_of_nothing_keeps_the_image() -> None:
    pixels = images(2)
    erased = erase(pixels, torch.zeros(2, 1, 2, 2, dtype=torch.float64))
    torch.testing.assert_close(erased[:, 0], pixels, rtol=0.01, atol=0)


@pytest.mark.parametrize("place", ["image", "map"])
@pytest.mark.parametrize("scale", ["max", "min_max", "none"])
def test_the_gradient_of_erasing_is_exact(scale: Scale, place: MaskingPlace) -> None:
    config = MaskingConfig(scale=scale, detach_scale=False, place=place)
    attention = torch.rand(1, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    pixels = images(1).requires_grad_()
    assert torch.autograd.gradcheck(lambda i, a: erase(i, a, config), (pixels, attention))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected attention \(2, n, h, w\), got \(1, 1, 2, 2\)"):
        erase(images(2), torch.zeros(1, 1, 2, 2))
    with pytest.raises(InputError, match=r"expected attention of dtype floating-point, got torch\.bool"):
        erase(images(2), torch.ones(2, 1, 2, 2, dtype=torch.bool))
    with pytest.raises(InputError, match=r"expected erased \(B, n, channels, S, S\), got \(2, 3, 4, 4\)"):
        erased_logits(tiny_model(), images(2))


def test_without_classes_nothing_is_erased() -> None:
    erased = erase(images(2), torch.zeros(2, 0, 2, 2))
    assert erased.shape == (2, 0, 3, 4, 4)
    assert erased_logits(tiny_model(), erased).shape == (2, 0, 3)


def test_evidence_is_not_taken_for_attention() -> None:
    with pytest.raises(InputError, match="expected attention of at least 0, got negative values"):
        erase(images(1), torch.tensor([[[[-1.0, 2.0]]]]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"omega": 0.0},
        {"scale": "softmax"},
        {"place": "mask"},
        {"omega": math.nan},
        {"sigma": math.inf},
        {"sigma": "1"},
    ],
)
def test_a_masking_config_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        MaskingConfig(**wrong)  # type: ignore[arg-type]


def test_erased_images_use_batch_statistics_in_training_but_are_not_remembered() -> None:
    model = tiny_model(norm=True).train()
    ordinary, erased = images(4), 5 + images(4).view(2, 2, 3, 4, 4)
    model(ordinary)
    before = {name: value.clone() for name, value in model.named_buffers()}
    logits = erased_logits(model, erased)
    assert logits.shape == (2, 2, 3)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())
    torch.testing.assert_close(logits.flatten(0, 1), model(erased.flatten(0, 1)))  # the same arithmetic …
    assert not torch.equal(
        model.neck.norm.running_mean,  # type: ignore[arg-type]
        before["neck.norm.running_mean"],
    )  # … which would stay


def test_gradients_of_the_erased_pass_reach_the_weights() -> None:
    model = tiny_model(norm=True).train()
    erased_logits(model, images(4).view(2, 2, 3, 4, 4)).sum().backward()
    assert all(value.grad is not None for value in model.parameters())


@pytest.mark.parametrize("part", ["neck", "neck.norm"])
def test_one_layer_that_trains_does_not_remember_erased_images_either(part: str) -> None:
    model = tiny_model(norm=True)
    model.get_submodule(part).train()
    before = model.neck.norm.running_mean.clone()
    erased_logits(model, 5 + images(4).view(2, 2, 3, 4, 4))
    assert torch.equal(model.neck.norm.running_mean, before)  # type: ignore[arg-type]


@pytest.mark.parametrize("training", [False, True])
def test_only_valid_erased_images_are_seen(training: bool) -> None:
    model = tiny_model(norm=True).train(training)
    erased = images(6).view(3, 2, 3, 4, 4)
    valid = torch.tensor([[True, False], [True, True], [False, False]])
    seen = []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    logits = erased_logits(model, erased, valid)
    torch.testing.assert_close(seen, [erased[[0, 1, 1], [0, 0, 1]]])
    torch.testing.assert_close(logits[valid], erased_logits(model, seen[0][None])[0])
    assert logits[~valid].abs().max() == 0
    assert erased_logits(model, erased, torch.zeros_like(valid)).abs().max() == 0  # none at all


def test_in_eval_mode_the_erased_pass_is_a_plain_forward() -> None:
    model = tiny_model(norm=True)
    batch = images(4)
    torch.testing.assert_close(erased_logits(model, batch.view(2, 2, 3, 4, 4)).flatten(0, 1), model(batch))


def test_area_averages_are_exact_for_any_two_sizes() -> None:
    mask = torch.rand(3, 2, 13, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fine = mask.repeat_interleave(7, 2).repeat_interleave(7, 3)  # now 7 divides both sides
    expected: Tensor = nn.functional.avg_pool2d(fine, (13, 30))
    torch.testing.assert_close(area_average(mask, (7, 7)), expected)
    assert area_average(torch.ones(1, 1, 224, 224), (7, 7)).sub(1).abs().max() < 1e-5
    one_pixel = torch.zeros(224, 224)
    one_pixel[100, 100] = 1
    torch.testing.assert_close(area_average(one_pixel, (7, 7)).sum(), torch.tensor(1 / 32**2))


def test_an_average_of_a_bool_mask_is_that_of_its_shares() -> None:
    mask = torch.tensor([[True, False, True, True], [True, False, False, False]])
    assert area_average(mask, (1, 2)).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("mask", "size"),
    [
        *((torch.ones(4, 4, dtype=kind), (2, 2)) for kind in (torch.uint8, torch.long, torch.complex64)),
        *((torch.ones(4, 4), size) for size in ((3.5, 3), (0, 2), (-1, 2), (2,), (2, 2, 2), (2.0, 2))),
        (torch.ones(4), (2, 2)),
        ([[1.0]], (1, 1)),
    ],
)
def test_other_masks_and_sizes_are_not_averaged(mask: Tensor, size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"expected (masks|a size)"):
        area_average(mask, size)
