import io

import numpy as np
import pytest
import torch
from PIL import Image

from gain_core.errors import ConfigError, InputError
from gain_core.explain.localisation import (
    CueConfig,
    Overlap,
    class_cues,
    cue_labels,
    cue_overlap,
    labels_png,
    read_labels,
    voc_palette,
)

MAP = torch.tensor([[[10.0, 2.0], [2.1, 0.0]]])


def array(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.uint8)


def test_a_cue_is_what_lies_above_a_fifth_of_the_maximum() -> None:
    assert class_cues(MAP, (2, 2)).tolist() == [[[True, False], [True, False]]]  # 2.0 is not above 20 % of 10
    assert class_cues(MAP, (2, 2), threshold=0.5).tolist() == [[[True, False], [False, False]]]
    assert not class_cues(torch.zeros(1, 2, 2), (4, 4)).any()


def test_each_map_has_its_own_maximum() -> None:
    two = torch.cat([MAP, MAP / 1024])
    cues = class_cues(two, (2, 2))
    assert torch.equal(cues[0], cues[1])


def test_maps_are_enlarged_before_the_threshold() -> None:
    # One row of 1, 0 over four pixels: bilinear gives 1, 0.75, 0.25, 0.
    cues = class_cues(torch.tensor([[[1.0, 0.0]]]), (1, 4))
    assert cues.tolist() == [[[True, True, True, False]]]


def test_labels_are_background_class_or_nothing() -> None:
    assert cue_labels(MAP, [4], (2, 2)).tolist() == [[5, 0], [5, 0]]
    surer = cue_labels(MAP, [4], (2, 2), CueConfig(foreground=0.5, background=0.1))
    assert surer.tolist() == [[5, 255], [255, 0]]


def test_where_classes_compete_the_smaller_cue_lies_on_top() -> None:
    everywhere = torch.ones(2, 2)
    corner = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    expected = [[3, 1], [1, 1]]
    assert cue_labels(torch.stack([everywhere, corner]), [0, 2], (2, 2)).tolist() == expected
    assert cue_labels(torch.stack([corner, everywhere]), [2, 0], (2, 2)).tolist() == expected


def test_an_image_of_nothing_is_background() -> None:
    assert cue_labels(torch.zeros(1, 7, 7), [0], (3, 5)).tolist() == [[0] * 5] * 3


def test_overlap_by_hand_leaves_void_out_and_counts_a_missing_cue_as_a_miss() -> None:
    truth = array([1, 1, 0, 255], [2, 0, 0, 255])
    cues = array([1, 0, 0, 1], [255, 1, 0, 2])
    counts = cue_overlap(cues, truth, classes=3)
    # Background: right at two places, said or true at four. Class 1: one, three. Class 2: none, one.
    assert counts == Overlap(both=(2, 1, 0, 0), either=(4, 3, 1, 0))
    assert counts.iou == (0.5, 1 / 3, 0.0, None)
    assert counts.mean_iou == pytest.approx((0.5 + 1 / 3 + 0) / 3)


def test_a_data_set_is_counted_pixel_by_pixel_not_image_by_image() -> None:
    small = cue_overlap(array([1]), array([1]), 1)
    large = cue_overlap(array([0, 0, 0]), array([1, 1, 0]), 1)
    assert small + large == Overlap(both=(1, 1), either=(3, 3))
    assert Overlap.nothing(1) + small == small
    assert Overlap.nothing(2).mean_iou is None
    with pytest.raises(InputError, match="expected 2 labels, got 3"):
        _ = small + Overlap.nothing(2)


def test_a_perfect_cue_has_a_mean_of_one() -> None:
    truth = array([0, 1], [2, 255])
    assert cue_overlap(array([0, 1], [2, 2]), truth, 2).mean_iou == 1


def test_the_palette_is_vocs() -> None:
    palette = voc_palette()
    assert len(palette) == 768
    colours = {label: tuple(palette[3 * label : 3 * label + 3]) for label in (0, 1, 2, 4, 8, 15, 20, 255)}
    assert colours == {
        0: (0, 0, 0),
        1: (128, 0, 0),  # aeroplane
        2: (0, 128, 0),  # bicycle
        4: (0, 0, 128),  # boat
        8: (64, 0, 0),  # cat
        15: (192, 128, 128),  # person
        20: (0, 64, 128),  # tvmonitor
        255: (224, 224, 192),  # void
    }


def test_labels_survive_their_picture(tmp_path) -> None:
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    content = labels_png(labels)
    (tmp_path / "cue.png").write_bytes(content)
    assert np.array_equal(read_labels(tmp_path / "cue.png"), labels)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode == "P"
        assert picture.convert("RGB").getpixel((15, 0)) == (192, 128, 128)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_mask_that_cannot_be_read_is_named(tmp_path, content) -> None:
    (tmp_path / "mask.png").write_bytes(content)
    with pytest.raises(InputError, match=r"mask\.png: expected a readable mask"):
        read_labels(tmp_path / "mask.png")


def test_a_mask_too_large_to_be_honest_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "mask.png").write_bytes(labels_png(np.zeros((9, 9), np.uint8)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    with pytest.raises(InputError, match=r"mask\.png: expected a readable mask"):
        read_labels(tmp_path / "mask.png")


def test_what_does_not_fit_is_refused(tmp_path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"photo\.png: expected a palette or grey mask, got mode 'RGB'"):
        read_labels(tmp_path / "photo.png")
    with pytest.raises(InputError, match="expected attention"):
        class_cues(torch.zeros(2, 2), (2, 2))
    with pytest.raises(InputError, match=r"expected attention .* at least one class"):
        cue_labels(torch.zeros(0, 2, 2), [], (2, 2))
    with pytest.raises(InputError, match="finite"):
        class_cues(torch.full((1, 2, 2), torch.nan), (2, 2))
    for classes in ([0, 1], [-1], [254], [0.7]):
        with pytest.raises(InputError, match="expected 1 classes from 0 to 253"):
            cue_labels(MAP, classes, (2, 2))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"none of them twice, got \[1, 1\]"):
        cue_labels(MAP.repeat(2, 1, 1), [1, 1], (2, 2))
    with pytest.raises(InputError, match="expected attention as a tensor, got ndarray"):
        cue_labels(MAP.numpy(), [0], (2, 2))  # type: ignore[arg-type]
    for size in ((0, 2), (2.5, 2), 2):
        with pytest.raises(InputError, match="expected a size of two whole numbers above 0"):
            class_cues(MAP, size)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected labels"):
        labels_png(np.zeros((0, 2), np.uint8))
    with pytest.raises(InputError, match="expected labels of the mask's shape"):
        cue_overlap(array([0]), array([0, 0]), 1)
    with pytest.raises(InputError, match=r"mask: expected labels 0 to 1 or 255, got \[2, 9\]"):
        cue_overlap(array([0, 0]), array([2, 9]), 1)
    with pytest.raises(InputError, match="expected labels"):
        labels_png(np.zeros((2, 2)))
    with pytest.raises(ConfigError, match="background"):
        CueConfig(foreground=0.1, background=0.2)


def test_pixel_accuracy_is_the_share_of_judged_pixels_that_are_right() -> None:
    truth = array([0, 1, 1, 255], [0, 2, 2, 0])
    labels = array([0, 1, 2, 1], [1, 2, 2, 0])  # five of seven
    assert cue_overlap(labels, truth, 2).pixel_accuracy == pytest.approx(5 / 7)
    assert Overlap.nothing(2).pixel_accuracy is None
