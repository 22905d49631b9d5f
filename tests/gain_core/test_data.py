import io

import pytest
import torch
from PIL import Image

from gain_core.data import (
    guidance_maps,
    guidance_pictures,
    inside_map,
    open_rgb,
    pixels_of,
)
from gain_core.errors import InputError
from gain_core.models import ModelSpec
from gain_core.sample import Sample, guided_training

LEFT = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
TOP = torch.tensor([[1.0, 1.0], [0.0, 0.0]])


def png(cells: torch.Tensor, scale: int = 4) -> bytes:
    """A 1-bit PNG with `scale` × `scale` pixels for each cell."""
    picture = Image.fromarray((cells * 255).byte().numpy()).resize(
        (cells.shape[1] * scale, cells.shape[0] * scale), Image.Resampling.NEAREST
    )
    buffer = io.BytesIO()
    picture.convert("1").save(buffer, "PNG")
    return buffer.getvalue()


def sample(tmp_path, **values) -> Sample:
    return Sample(**{"key": "k", "path": tmp_path / "stored.png", "label": 0, "split": "train", **values})


def test_a_photograph_is_turned_as_its_exif_orientation_says(tmp_path):
    picture = Image.new("RGB", (4, 2), (0, 0, 255))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert open_rgb(tmp_path / "turned.jpg").size == (2, 4)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
def test_every_usual_mode_opens_as_rgb(tmp_path, mode):
    Image.new("RGB", (3, 3), (255, 255, 255)).convert(mode).save(tmp_path / "image.tiff")
    opened = open_rgb(tmp_path / "image.tiff")
    assert (opened.mode, opened.getpixel((1, 1))) == ("RGB", (255, 255, 255))


def test_a_palette_with_transparency_opens_without_a_warning(tmp_path):
    picture = Image.new("P", (2, 2), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.save(tmp_path / "palette.png", transparency=b"\x00\xff")
    assert open_rgb(tmp_path / "palette.png").getpixel((0, 0)) == (10, 20, 30)


@pytest.mark.parametrize("content", [b"", b"no image", "cut short"])
def test_an_unreadable_image_is_named_as_people_know_it(tmp_path, content):
    path = tmp_path / "stored.png"
    if content == "cut short":
        Image.effect_noise((64, 64), 50).save(path)
        content = path.read_bytes()[:500]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"boats/7\.png: expected a readable image"):
        pixels_of([sample(tmp_path, name="boats/7.png")], ModelSpec("toy", ("a", "b")))


def test_a_missing_image_without_a_name_is_named_by_its_path(tmp_path):
    with pytest.raises(InputError, match=r"stored\.png: expected a readable image"):
        pixels_of([sample(tmp_path)], ModelSpec("toy", ("a", "b")))


def test_guidance_is_averaged_down_to_the_map(tmp_path):
    maps = guidance_maps(sample(tmp_path, look=png(LEFT), ignore=png(TOP)), (1, 2))
    assert torch.equal(maps, torch.tensor([[[1.0, 0.0]], [[0.5, 0.5]]]))


def test_a_role_that_was_not_drawn_is_zero(tmp_path):
    maps = guidance_maps(sample(tmp_path, ignore=png(TOP)), (2, 2))
    assert torch.equal(maps, torch.stack([torch.zeros(2, 2), TOP]))


def test_a_mask_without_a_pixel_is_no_guidance(tmp_path):
    blank = sample(tmp_path, look=png(torch.zeros(2, 2)))
    assert guidance_maps(blank, (2, 2)) is None
    assert guidance_pictures(blank) == (None, None)


def test_a_broken_mask_names_its_image_and_role(tmp_path):
    with pytest.raises(InputError, match="duck, ignore this: expected a readable mask"):
        guidance_maps(sample(tmp_path, ignore=b"torn", name="duck"), (2, 2))


def test_attention_should_lie_in_look_without_ignore(tmp_path):
    inside = inside_map(sample(tmp_path, look=png(LEFT), ignore=png(TOP)), (2, 2))
    assert torch.equal(inside, torch.tensor([[0.0, 0.0], [1.0, 0.0]]))


def test_attention_should_lie_anywhere_but_in_ignore(tmp_path):
    assert torch.equal(inside_map(sample(tmp_path, ignore=png(TOP)), (2, 2)), 1 - TOP)


def test_the_object_mask_goes_before_what_was_drawn(tmp_path):
    (tmp_path / "mask.png").write_bytes(png(TOP))
    judged = sample(tmp_path, look=png(LEFT), object_mask=tmp_path / "mask.png")
    assert torch.equal(inside_map(judged, (2, 2)), TOP)


def test_nobody_said_where_attention_should_lie(tmp_path):
    assert inside_map(sample(tmp_path), (2, 2)) is None


def test_only_training_images_guide(tmp_path):
    splits = ("train", "validation", "test", "train")
    samples = [sample(tmp_path, split=split, look=b"drawn") for split in splits]
    assert guided_training([*samples, sample(tmp_path)]) == [0, 3]
