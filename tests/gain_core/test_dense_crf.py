"""The dense CRF against loops over all pairs of places, and along the edges of pictures."""

from math import exp

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gain_core.errors import ConfigError, InputError
from gain_core.segmentation.dense_crf import CrfConfig, mean_field, refine


def by_loops(probabilities: np.ndarray, colours: np.ndarray, config: CrfConfig) -> np.ndarray:
    """Algorithm 1 of Krähenbühl and Koltun, place by place: (L, h, w), (3, h, w) -> (L, h, w)."""
    labels, height, width = probabilities.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    longer = max(height, width)

    def kernel(weight: float, with_colour: bool, share: float) -> dict[tuple[int, int], float]:
        raw = {}
        for i, (y1, x1) in enumerate(places):
            for j, (y2, x2) in enumerate(places):
                distance = ((y1 - y2) ** 2 + (x1 - x2) ** 2) / (share * longer) ** 2
                if with_colour:
                    apart = ((colours[:, y1, x1] - colours[:, y2, x2]) ** 2).sum()
                    distance += apart / config.appearance_colour**2
                raw[i, j] = exp(-distance / 2)
        sums = [sum(raw[i, j] for j in range(len(places))) for i in range(len(places))]
        return {(i, j): weight * value / (sums[i] * sums[j]) ** 0.5 for (i, j), value in raw.items()}

    near = kernel(config.appearance, True, config.appearance_place)
    close = kernel(config.smoothness, False, config.smoothness_place)
    unary = np.log(probabilities.reshape(labels, -1))
    q = probabilities.reshape(labels, -1) / probabilities.reshape(labels, -1).sum(0)
    for _ in range(config.iterations):
        energy = unary.copy()
        for i in range(len(places)):
            for j in range(len(places)):
                energy[:, i] += (near[i, j] + close[i, j]) * q[:, j]
        q = np.exp(energy - energy.max(0))
        q /= q.sum(0)
    return q.reshape(labels, height, width)


def random_case(size: tuple[int, int] = (3, 4), batch: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(batch, 3, *size, generator=generator, dtype=torch.float64)
    colours = 60 * torch.rand(batch, 3, *size, generator=generator, dtype=torch.float64)
    return logits.softmax(1), colours


def test_mean_field_is_the_papers_algorithm_on_all_pairs() -> None:
    probabilities, colours = random_case()
    config = CrfConfig(appearance_place=0.5, appearance_colour=40.0, smoothness_place=0.3, iterations=3)
    refined = mean_field(probabilities, colours, config)
    for got, own, seen in zip(refined, probabilities, colours, strict=True):
        assert np.allclose(got.numpy(), by_loops(own.numpy(), seen.numpy(), config), atol=1e-10)
    assert (refined - probabilities).abs().max() > 0.1


def test_without_weights_nothing_changes_and_nothing_is_recorded() -> None:
    probabilities, colours = random_case()
    unchanged = mean_field(probabilities.requires_grad_(), colours, CrfConfig(appearance=0.0, smoothness=0.0))
    assert torch.allclose(unchanged, probabilities)
    assert not unchanged.requires_grad


def two_colours(edge: int, side: int = 60) -> Image.Image:
    """Red left of column `edge`, blue right of it."""
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[:, :edge, 0] = 220
    pixels[:, edge:, 2] = 220
    return Image.fromarray(pixels)


def half_and_half(side: int = 4) -> Tensor:
    """A coarse guess: label 0 on the left half, label 1 on the right half."""
    right = torch.full((side, side), 0.2)
    right[:, side // 2 :] = 0.8
    return torch.stack([1 - right, right])


@pytest.mark.parametrize("cells", [24, 60], ids=["cells of pixels", "every pixel"])
def test_labels_move_to_the_edge_of_the_picture(cells: int) -> None:
    refined = refine(half_and_half(), two_colours(edge=25), CrfConfig(cells=cells))
    assert refined.shape == (2, 60, 60)
    assert torch.allclose(refined.sum(0), torch.ones(60, 60))
    right = refined.argmax(0).bool()
    assert not right[:, :25].any()
    assert right[:, 25:].all()


def test_a_grid_of_all_pixels_is_the_mean_field_itself() -> None:
    picture = two_colours(edge=5, side=12)
    probabilities = half_and_half(12)
    colours = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()
    expected = mean_field(probabilities[None], colours[None])[0]
    assert torch.allclose(refine(probabilities, picture), expected)


def test_a_picture_on_its_side_keeps_its_shape() -> None:
    picture = two_colours(edge=25).crop((0, 0, 60, 30))
    assert refine(half_and_half(), picture, CrfConfig(cells=20)).shape == (2, 30, 60)


def test_wrong_arguments_are_named() -> None:
    probabilities, colours = random_case()
    with pytest.raises(InputError, match=r"expected colours \(2, 3, 3, 4\)"):
        mean_field(probabilities, colours[:, :2])
    with pytest.raises(InputError, match="expected an RGB picture, got mode 'L'"):
        refine(half_and_half(), two_colours(25).convert("L"))
    with pytest.raises(ConfigError, match="smoothness_place: expected a width above 0, got 0"):
        CrfConfig(smoothness_place=0.0)
    with pytest.raises(ConfigError, match="iterations: expected at least 1, got 0"):
        CrfConfig(iterations=0)
