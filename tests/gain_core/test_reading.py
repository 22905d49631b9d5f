import io

import pytest
import torch
from PIL import Image

from gain_core.dataset.reading import (
    check_masks,
    guidance_maps,
    guidance_pictures,
    inside_map,
    pixels_of,
)
from gain_core.dataset.sample import AlsoShown, Sample, guided_training
from gain_core.errors import InputError
from gain_core.models.classifier import ModelSpec

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
    return Sample(
        **{"key": "0" * 64, "path": tmp_path / "stored.png", "label": 0, "split": "train", **values}
    )


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
    assert torch.equal(maps, torch.tensor([[[1.0, 0.0]], [[0.5, 0.5]]]))  # type: ignore[arg-type]


def test_a_role_that_was_not_drawn_is_zero(tmp_path):
    maps = guidance_maps(sample(tmp_path, ignore=png(TOP)), (2, 2))
    assert torch.equal(maps, torch.stack([torch.zeros(2, 2), TOP]))  # type: ignore[arg-type]


def test_a_mask_without_a_pixel_is_no_guidance(tmp_path):
    blank = sample(tmp_path, look=png(torch.zeros(2, 2)))
    assert guidance_maps(blank, (2, 2)) is None
    assert guidance_pictures(blank) == (None, None)


def test_a_broken_mask_names_its_image_and_role(tmp_path):
    with pytest.raises(InputError, match="duck, ignore this: expected a readable mask"):
        guidance_maps(sample(tmp_path, ignore=b"torn", name="duck"), (2, 2))


def test_attention_should_lie_in_look_without_ignore(tmp_path):
    inside = inside_map(sample(tmp_path, look=png(LEFT), ignore=png(TOP)), (2, 2))
    assert torch.equal(inside, torch.tensor([[0.0, 0.0], [1.0, 0.0]]))  # type: ignore[arg-type]


def test_attention_should_lie_anywhere_but_in_ignore(tmp_path):
    assert torch.equal(inside_map(sample(tmp_path, ignore=png(TOP)), (2, 2)), 1 - TOP)  # type: ignore[arg-type]


def test_the_object_mask_goes_before_what_was_drawn(tmp_path):
    (tmp_path / "mask.png").write_bytes(png(TOP))
    judged = sample(tmp_path, look=png(LEFT), object_mask=tmp_path / "mask.png")
    assert torch.equal(inside_map(judged, (2, 2)), TOP)  # type: ignore[arg-type]


def test_nobody_said_where_attention_should_lie(tmp_path):
    assert inside_map(sample(tmp_path), (2, 2)) is None


def test_only_training_images_guide(tmp_path):
    splits = ("train", "validation", "test", "train")
    samples = [sample(tmp_path, split=split, look=b"drawn") for split in splits]
    assert guided_training([*samples, sample(tmp_path)]) == [0, 3]


@pytest.mark.parametrize("size", [(40, 30), (20, 15), (13, 10), (80, 60)])
def test_a_mask_of_its_images_shape_is_taken_in_any_size(tmp_path, size):
    Image.new("RGB", (40, 30)).save(tmp_path / "stored.png")
    check_masks(sample(tmp_path, look=png(torch.ones(size[1], size[0]), scale=1)))


@pytest.mark.parametrize("role", ["look", "ignore", "also"])
@pytest.mark.parametrize("size", [(30, 40), (30, 30), (41, 29), (20, 30)])
def test_a_mask_of_another_shape_is_refused_by_name(tmp_path, role, size):
    Image.new("RGB", (40, 30)).save(tmp_path / "stored.png")
    mask = png(torch.ones(size[1], size[0]), scale=1)
    guided = sample(
        tmp_path, name="boat.png", **({"also": (AlsoShown(1, mask),)} if role == "also" else {role: mask})
    )
    with pytest.raises(InputError, match=rf"boat\.png: expected a mask .* 40×30, got {size[0]}×{size[1]}"):
        check_masks(guided)


def test_a_mask_that_was_drawn_before_its_photograph_was_turned_is_refused(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (40, 30)).save(tmp_path / "stored.jpg", exif=exif)
    with pytest.raises(InputError, match="30×40, got 40×30"):
        check_masks(sample(tmp_path, path=tmp_path / "stored.jpg", look=png(torch.ones(30, 40), scale=1)))


@pytest.mark.parametrize(("field", "value"), [("split", "Train"), ("key", "boat/1"), ("key", "A" * 64)])
def test_a_sample_of_another_split_or_without_a_proper_key_is_refused(tmp_path, field, value):
    with pytest.raises(InputError, match=f"boat: expected .* got '{value}'"):
        sample(tmp_path, name="boat", **{field: value})
