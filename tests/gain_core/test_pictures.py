"""Every format to pixels and to masks, by one rule."""

import numpy as np
import pytest
from PIL import Image

from gain_core.errors import InputError
from gain_core.imaging.pictures import as_rgb, marked, open_rgb, upright_size


def turned(path) -> None:
    picture = Image.new("RGB", (4, 2), (0, 0, 255))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(path, exif=exif)


def test_a_photograph_is_turned_as_its_exif_orientation_says(tmp_path):
    turned(tmp_path / "turned.jpg")
    assert open_rgb(tmp_path / "turned.jpg").size == (2, 4)
    assert upright_size(tmp_path / "turned.jpg") == (2, 4)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_turned_picture(tmp_path, orientation, suffix):
    picture = Image.new("RGB", (5, 3))
    exif = picture.getexif()
    exif[0x0112] = orientation
    path = tmp_path / f"one.{suffix}"
    picture.save(path, exif=exif)
    assert upright_size(path) == open_rgb(path).size == ((3, 5) if orientation > 4 else (5, 3))


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
def test_every_usual_mode_opens_as_rgb(tmp_path, mode):
    Image.new("RGB", (3, 3), (255, 255, 255)).convert(mode).save(tmp_path / "image.tiff")
    opened = open_rgb(tmp_path / "image.tiff")
    assert (opened.mode, opened.getpixel((1, 1))) == ("RGB", (255, 255, 255))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("brightest", [4095, 65535])
def test_16_bit_grey_is_stretched_by_its_real_range(tmp_path, suffix, brightest):
    values = np.array([[0, brightest // 4, brightest // 2], [brightest, 0, brightest]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    opened = np.asarray(open_rgb(tmp_path / f"deep.{suffix}"))
    assert opened[..., 0].tolist() == [[0, 63, 127], [255, 0, 255]]
    assert (opened == opened[..., :1]).all()


def test_16_bit_grey_of_one_value_keeps_its_upper_8_bits():
    assert as_rgb(Image.fromarray(np.full((2, 2), 0x8000, np.uint16))).getpixel((1, 1)) == (128, 128, 128)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_known_end_go_from_black_to_white(mode):
    values = np.array([[-10, 0], [10, 30]], dtype=np.int32 if mode == "I" else np.float32)
    assert np.asarray(as_rgb(Image.fromarray(values)))[..., 0].tolist() == [[0, 63], [127, 255]]
    assert np.asarray(as_rgb(Image.fromarray(values * 0 + 7))).max() == 0


def test_transparency_is_laid_on_white(tmp_path):
    Image.new("RGBA", (1, 1), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert open_rgb(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)
    picture = Image.new("P", (2, 1))
    picture.putpixel((1, 0), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.save(tmp_path / "palette.png", transparency=b"\x00\xff")
    opened = open_rgb(tmp_path / "palette.png")
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (10, 20, 30)]


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    for read in (open_rgb, upright_size):
        with pytest.raises(InputError, match=r"text\.jpg: expected a readable image"):
            read(tmp_path / "text.jpg")


def test_a_palette_mask_counts_by_index_whatever_its_colours():
    mask = Image.new("P", (3, 1))
    mask.putpixel((1, 0), 1)
    mask.putpixel((2, 0), 2)
    mask.putpalette([255, 255, 255, 0, 0, 0, 9, 9, 9])  # background white, label 1 black
    assert marked(mask).tolist() == [[False, True, True]]


@pytest.mark.parametrize("white", [0, 1])
def test_a_black_and_white_palette_counts_by_colour_whichever_comes_first(white):
    mask = Image.new("P", (3, 1), 1 - white)
    mask.putpixel((1, 0), white)
    mask.putpalette([0, 0, 0, 255, 255, 255] if white else [255, 255, 255, 0, 0, 0])
    assert marked(mask).tolist() == [[False, True, False]]


@pytest.mark.parametrize("values", [np.array([[0, 1]], np.uint16), np.array([[0, 0.5]], np.float32)])
def test_a_deep_mask_counts_from_the_smallest_value_on(values):
    assert marked(Image.fromarray(values)).tolist() == [[False, True]]


def test_a_colour_mask_counts_in_any_channel_where_it_can_be_seen():
    mask = Image.new("RGBA", (4, 1))
    for x, colour in enumerate([(0, 0, 0, 255), (0, 0, 1, 255), (255, 255, 255, 0), (9, 0, 0, 1)]):
        mask.putpixel((x, 0), colour)
    assert marked(mask).tolist() == [[False, True, False, True]]
    assert marked(mask.convert("RGB")).tolist() == [[False, True, True, True]]
