"""What is ignored becomes another image's: which pixels, whose, and which mark a found region stands for."""

from dataclasses import replace

import torch

from gain_core.config import TrainConfig
from gain_core.full import Division, step_losses
from gain_core.models import Classifier
from gain_core.schedule import seeded
from gain_core.streams import Losses
from gain_core.swapping import nearest_marks, swap_regions
from tests.gain_core.tiny import LEFT, NOTHING, RIGHT, TOP_LEFT, tiny_model

CPU = torch.device("cpu")


def of_value(*values: float) -> torch.Tensor:
    """Images (B, 1, 2, 2) of one value each."""
    return torch.tensor(values)[:, None, None, None].expand(-1, 1, 2, 2)


def regions(*drawn: list[list[float]]) -> torch.Tensor:
    return torch.tensor(drawn)  # (B, 2, 2)


def test_a_region_shows_the_same_place_of_the_image_whose_region_overlaps_it_most() -> None:
    """The first two overlap each other alone, in one place; the third overlaps the fourth."""
    images = of_value(1, 2, 3, 4)
    swapped = swap_regions(images, regions(LEFT, TOP_LEFT, RIGHT, RIGHT))
    assert swapped[:, 0].tolist() == [
        [[2, 1], [2, 1]],  # its own region in full, though the other one's is smaller
        [[1, 2], [2, 2]],
        [[3, 4], [3, 4]],
        [[4, 3], [4, 3]],
    ]
    assert torch.equal(images, of_value(1, 2, 3, 4))


def test_an_image_without_a_region_stays_as_it_is() -> None:
    assert torch.equal(swap_regions(of_value(1, 2, 3), regions(LEFT, NOTHING, LEFT))[1], of_value(2)[0])


def test_an_image_that_is_alone_stays_as_it_is() -> None:
    assert torch.equal(swap_regions(of_value(1), regions(LEFT)), of_value(1))
    assert swap_regions(of_value(), regions(LEFT)[:0]).shape == (0, 1, 2, 2)


def test_where_no_region_overlaps_any_other_image_will_do() -> None:
    """A label that stays beside its own ignored region would teach it."""
    swapped = swap_regions(of_value(1, 2), regions(LEFT, RIGHT))
    assert swapped[:, 0].tolist() == [[[2, 1], [2, 1]], [[2, 1], [2, 1]]]


def test_as_good_ones_are_drawn_by_chance_that_the_seed_fixes() -> None:
    images, everywhere = of_value(*range(8)), torch.ones(8, 2, 2)
    drawn = []
    for seed in range(20):
        with seeded((seed,), CPU):
            drawn.append(swap_regions(images, everywhere)[:, 0, 0, 0].tolist())
        with seeded((seed,), CPU):
            assert swap_regions(images, everywhere)[:, 0, 0, 0].tolist() == drawn[-1]
    assert all(value != place for draw in drawn for place, value in enumerate(draw))  # never itself
    assert {draw[0] for draw in drawn} == set(range(1, 8))


def test_a_found_region_stands_for_the_mark_that_fills_most_of_it() -> None:
    """Marks as averages over four places: a half of the first one, a quarter each of a spot across two."""
    marks = regions([[0.5, 0], [0, 0]], [[0, 0.25], [0, 0.25]], NOTHING)
    found = regions(LEFT, RIGHT, [[0, 1], [0, 0]], [[1, 1], [1, 1]], [[0, 0], [1, 0]], NOTHING)
    assert nearest_marks(found, marks).tolist() == [
        0,
        1,
        1,  # it covers a half of the mark
        0,  # as much of both marks: either would do
        -1,
        -1,
    ]


def test_a_mark_that_is_covered_by_less_than_half_is_not_meant() -> None:
    marks = regions([[0.2, 0.9], [0, 0]], [[0.1, 0], [0, 0]])
    assert nearest_marks(regions(TOP_LEFT), marks).tolist() == [1]
    assert nearest_marks(regions(TOP_LEFT), marks[:1]).tolist() == [-1]


CONFIG = TrainConfig(
    mode="full", form="guided", image_classes="unguided", background_weight=2.0, mining_weight=0.0
)
HALVES = Division(0, 2, 2)
ONLY_IGNORED = torch.tensor([True, False, False])


def step(
    labels: list[int],
    only_ignored: torch.Tensor | None,
    division: Division = HALVES,
    independent: bool = False,
) -> tuple[Classifier, torch.Tensor, Losses]:
    """Two guided images and two others with a likely background, of 32×32 pixels, float64."""
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    masks = torch.zeros(4, 1, 2, 32, 32, dtype=torch.float64)
    masks[:, 0, 1, :, :16] = 1
    model = tiny_model()
    model.spec = replace(model.spec, multi_label=independent)
    with seeded((0,), CPU):
        losses = step_losses(
            model, images, masks, torch.tensor(labels)[:, None], CONFIG, division, only_ignored
        )
    return model, images, losses


def test_an_image_of_a_class_that_is_only_ignored_must_give_it_whoever_is_in_its_region() -> None:
    """The one guided and the one other image of class 0 take each other's left half."""
    model, images, losses = step([0, 1, 0, 2], ONLY_IGNORED)
    one, other = images[0].clone(), images[2].clone()
    one[..., :16], other[..., :16] = images[2, ..., :16], images[0, ..., :16]
    wanted = torch.nn.functional.cross_entropy(model(torch.stack([one, other])), torch.tensor([0, 0]))
    torch.testing.assert_close(losses["swapped"], 2 * wanted)


def test_the_other_images_of_such_a_step_keep_their_own_terms() -> None:
    """As if the swapped ones were not there."""
    model, images, losses = step([0, 1, 0, 2], ONLY_IGNORED)
    assert set(losses) == {"inside", "outside", "background", "swapped"}
    masks = torch.zeros(2, 1, 2, 32, 32, dtype=torch.float64)
    masks[:, 0, 1, :, :16] = 1
    labels = torch.tensor([[1], [2]])
    alone = step_losses(model, images[[1, 3]], masks, labels, CONFIG, Division(0, 1, 1))
    for name, value in alone.items():
        torch.testing.assert_close(losses[name], value)


def test_a_step_whose_images_are_all_swapped_teaches_by_nothing_else() -> None:
    model, _, losses = step([0, 0, 0, 0], ONLY_IGNORED)
    assert losses["inside"] == losses["outside"] == losses["background"] == 0
    torch.stack(list(losses.values())).sum().backward()
    assert all(value.grad is not None and value.grad.any() for value in model.parameters())


def test_images_whose_label_alone_counts_are_not_swapped() -> None:
    model, images, losses = step([0, 0, 1, 2], ONLY_IGNORED, Division(2, 1, 1))
    assert losses["swapped"] == 0
    wanted = torch.nn.functional.cross_entropy(model(images[:2]), torch.tensor([0, 0]))
    torch.testing.assert_close(losses["image"], CONFIG.unguided_weight * wanted)


def test_without_a_likely_background_the_guided_images_keep_their_own_terms() -> None:
    _, _, usual = step([0, 1, 0, 2], None, Division(2, 2))
    _, _, losses = step([0, 1, 0, 2], ONLY_IGNORED, Division(2, 2))
    assert losses == usual


def test_without_a_class_that_is_only_ignored_nothing_is_swapped() -> None:
    _, _, usual = step([0, 1, 0, 2], None)
    _, _, losses = step([0, 1, 0, 2], torch.zeros(3, dtype=torch.bool))
    assert set(losses) == set(usual) == {"inside", "outside", "background"}
    assert losses == usual


def test_where_classes_are_independent_what_is_ignored_for_one_may_show_another() -> None:
    """So it is not given away: the rest must give the class instead."""
    _, _, losses = step([0, 0, 0, 0], ONLY_IGNORED, independent=True)
    assert set(losses) == {"inside", "outside", "background"}
    assert losses["background"] > 0
