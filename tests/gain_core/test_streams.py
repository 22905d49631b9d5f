"""The background of images that nobody drew on, by hand: what it says of the class, and what of the rest."""

import math
from dataclasses import replace

import torch

from gain_core.config import TrainConfig
from gain_core.streams import background_image_stream, background_stream, masked_background_stream
from tests.gain_core.tiny import LEFT, NOTHING, model_of_maps

CONFIG = TrainConfig(background_weight=2.0)
MODEL = model_of_maps([[1.0, 0, 0], [0, 1.0, 0]])  # channel 0 speaks for class 0, channel 1 for class 1
# The left half says class 1 by 3, the right half class 0 by 2.
FEATURES = torch.tensor([[[0.0, 2.0], [0.0, 2.0]], [[3.0, 0.0], [3.0, 0.0]], NOTHING])[None]
LABELS = torch.tensor([[0]])
REGIONS = torch.tensor([LEFT])

NO_CLASS = math.log(1 + math.exp(3)) - 1.5 - math.log(2)  # mean of -log softmax (0, 3), less log 2
CLASS = math.log(1 + math.exp(-2))  # -log softmax of class 0 in (2, 0)


def value(losses: dict[str, torch.Tensor]) -> float:
    assert set(losses) == {"background"}
    return losses["background"].item()


def test_what_looks_like_background_must_give_no_class() -> None:
    assert math.isclose(
        value(background_stream(MODEL, FEATURES, LABELS, REGIONS, CONFIG)), 2 * NO_CLASS, rel_tol=1e-6
    )


def test_where_people_only_said_what_to_ignore_the_rest_must_give_the_class() -> None:
    """Classes that they said *look here* for are left as they were."""
    for only_ignored, wanted in (([True, False], NO_CLASS + CLASS), ([False, True], NO_CLASS)):
        losses = background_stream(MODEL, FEATURES, LABELS, REGIONS, CONFIG, torch.tensor(only_ignored))
        assert math.isclose(value(losses), 2 * wanted, rel_tol=1e-6)


def test_an_image_whose_background_nobody_knows_says_nothing() -> None:
    everything = torch.tensor([True, True])
    losses = background_stream(MODEL, FEATURES, LABELS, torch.tensor([NOTHING]), CONFIG, everything)
    assert value(losses) == 0


def test_the_width_of_a_row_of_labels_changes_nothing() -> None:
    """Rows are as wide as the images they stand with ask for; what fills them counts in no stream."""
    model = model_of_maps([[1.0, 0, 0], [0, 1.0, 0]])
    model.spec = replace(model.spec, multi_label=True)
    mask = torch.zeros(1, 3, 2, 4, 4)
    mask[:, :2, 1, :, :2] = 1
    image = FEATURES.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for only_ignored in (None, torch.tensor([True, False])):
        for stream, seen in ((masked_background_stream, FEATURES), (background_image_stream, image)):
            own, wide = (
                stream(model, seen, torch.tensor([labels]), mask[:, : len(labels)], CONFIG, only_ignored)
                for labels in ([0, 1], [0, 1, 0])
            )
            assert value(own) > 0
            assert math.isclose(value(own), value(wide), rel_tol=1e-6)


def test_the_same_region_as_a_mask_over_features_or_over_the_image() -> None:
    """This model's features are its input: erasing half of it halves what pooling over a half gives."""
    mask = torch.zeros(1, 1, 2, 4, 4)
    mask[..., 1, :, :2] = 1  # the left half
    everything = torch.tensor([True, True])
    over_features = masked_background_stream(MODEL, FEATURES, LABELS, mask, CONFIG, everything)
    assert math.isclose(value(over_features), 2 * (NO_CLASS + CLASS), rel_tol=1e-6)
    image = FEATURES.repeat_interleave(2, 2).repeat_interleave(2, 3)
    halved_outside = math.log(1 + math.exp(1.5)) - 0.75 - math.log(2)
    halved_inside = math.log(1 + math.exp(-1))
    over_image = background_image_stream(MODEL, image, LABELS, mask, CONFIG, everything)
    assert math.isclose(value(over_image), 2 * (halved_outside + halved_inside), rel_tol=1e-6)
