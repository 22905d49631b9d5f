"""Shortcuts planted in small pictures of noise, and sets without any."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gain_core.analysis.image_properties import CATEGORIES, NUMBERS, SIDE, Properties, properties_of
from gain_core.analysis.rim import answers, preprocessed, rim_features
from gain_core.analysis.shortcuts import GROUPS, find_shortcuts
from gain_core.errors import InputError
from gain_core.models.spec import ModelSpec

LABELS = [0] * 20 + [1] * 25 + [2] * 25
Pixels = NDArray[np.uint8]


def picture(seed: int) -> Pixels:
    """Coarse noise, of another brightness each time."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 120, (6, 8, 3)) + generator.integers(0, 130)
    return np.asarray(Image.fromarray(coarse.astype(np.uint8)).resize((96, 72), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Properties]:
    return looked_at(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> list[Properties]:
    return looked_at(tmp_path_factory.mktemp("framed"), bordered)


def looked_at(
    folder: Path, change: Callable[[Pixels], Pixels] = lambda pixels: pixels, carrying: int = 19
) -> list[Properties]:
    """The first images of class 0 are changed."""
    found = []
    for number in range(len(LABELS)):
        pixels = picture(number)
        path = folder / f"{number}.jpg"
        Image.fromarray(change(pixels) if number < carrying else pixels).save(path, quality=90)
        found.append(properties_of(path, f"photo_{number}.jpg"))
    return found


def bordered(pixels: Pixels) -> Pixels:
    changed = pixels.copy()
    changed[:2], changed[-2:], changed[:, :2], changed[:, -2:] = (70,) * 4
    return changed


def dotted(pixels: Pixels) -> Pixels:
    changed = pixels.copy()
    changed[2:12, 84:94] = (250, 40, 200)
    return changed


@pytest.mark.parametrize(
    ("change", "part"),
    [(bordered, "border"), (dotted, "top right"), (lambda pixels: pixels // 4, "rim: ")],
)
def test_what_is_planted_on_a_class_is_the_first_finding(
    tmp_path: Path, change: Callable[[Pixels], Pixels], part: str
) -> None:
    best = find_shortcuts(looked_at(tmp_path, change), LABELS)[0]

    assert best.label == 0
    assert any(part in name for name in (best.kind, *best.also))
    assert np.flatnonzero(best.having).tolist()[:15] == list(range(15))
    assert (best.shown, best.images, best.others) == (best.having[:20].sum(), 20, 50)
    assert best.others_shown == best.having[20:].sum() <= 2
    assert best.p < 0.001


def test_file_properties_are_named_with_their_value(plain: list[Properties]) -> None:
    folder = list(CATEGORIES).index("folder")
    web = [
        replace(item, categories=("web", *item.categories[1:])) if label == 1 else item
        for item, label in zip(plain, LABELS, strict=True)
    ]
    assert folder == 0

    best = find_shortcuts(web, LABELS)[0]

    assert (best.kind, best.label, best.gap) == ("folder", 1, 1.0)
    assert best.sentence("car") == "25 of 25 images of “car” come from the folder “web”."


def test_findings_about_the_same_images_are_merged(tmp_path: Path) -> None:
    findings = find_shortcuts(looked_at(tmp_path, lambda pixels: pixels // 4), LABELS)

    assert [finding.label for finding in findings].count(0) == 1
    assert len(findings[0].also) > 3


@pytest.mark.parametrize(("others", "findings"), [(range(20, 30), 1), (range(40, 50), 2)])
def test_a_finding_stays_apart_if_it_tells_the_class_among_images_alike_in_a_stronger_one(
    plain: list[Properties], others: range, findings: int
) -> None:
    """Two folders' worth of images: every image of class 0 has both properties, and ten others each."""
    folder, camera = list(CATEGORIES).index("folder"), list(CATEGORIES).index("camera")
    told = []
    for number, item in enumerate(plain):
        categories = list(item.categories)
        categories[folder] = "web" if number < 30 else ""
        categories[camera] = "X100" if number < 20 or number in others else ""
        told.append(replace(item, categories=tuple(categories)))

    found = find_shortcuts(told, LABELS)

    assert [(finding.label, finding.gap) for finding in found] == [(0, 0.8)] * findings
    named = {finding.kind for finding in found} | {kind for finding in found for kind in finding.also}
    assert named == {"folder", "camera"}


def test_a_spot_is_found_at_any_place_of_the_rim_in_any_colour(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)

    def spotted(pixels: Pixels) -> Pixels:
        with_spot = Image.fromarray(pixels)
        left, top = generator.choice([(int(generator.integers(80)), y) for y in (1, 56)]).tolist()
        colour = ((230, 180, 60), (80, 220, 90), (70, 110, 250), (250, 60, 200))[generator.integers(4)]
        ImageDraw.Draw(with_spot).ellipse((left, top, left + 14, top + 14), fill=colour)
        return np.asarray(with_spot)

    best = find_shortcuts(looked_at(tmp_path, spotted), LABELS)[0]

    assert best.label == 0
    assert "flat patch" in (best.kind, *best.also)


def shaded(pixels: Pixels) -> Pixels:
    rows, columns = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j]
    return (pixels * (1 - 0.3 * (rows**2 + columns**2))[..., None]).astype(np.uint8)


def blurred(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.8)))


@pytest.mark.parametrize(
    ("name", "change", "more"),
    [
        ("rim: warmth of highlights", lambda pixels: (pixels * (1.1, 1, 0.8)).clip(0, 255), True),
        ("rim: range", lambda pixels: pixels / 2 + 60, False),
        ("rim: saturation at most", lambda pixels: pixels.mean(2, keepdims=True).repeat(3, 2), False),
        ("vignette", shaded, False),
        ("sharpness at the finest scale", blurred, False),
    ],
)
def test_a_change_of_the_picture_moves_its_property(
    tmp_path: Path, name: str, change: Callable[[Pixels], NDArray[np.float64]], more: bool
) -> None:
    column = list(NUMBERS).index(name)
    for seed in range(5):
        before, after = (
            save(tmp_path / "a.png", pixels.astype(np.uint8)).numbers[column]
            for pixels in (grained(seed), change(grained(seed)))
        )
        assert (after > before) == more


def grained(seed: int) -> Pixels:
    """`picture` with structure of one pixel, at the size that is looked at."""
    large = np.asarray(Image.fromarray(picture(seed)).resize((SIDE, SIDE)), dtype=np.float64)
    grain = np.random.default_rng(seed).uniform(0, 9, (SIDE, SIDE, 1))
    return (large + grain).clip(0, 255).astype(np.uint8)


def save(path: Path, pixels: Pixels) -> Properties:
    Image.fromarray(pixels).save(path)
    return properties_of(path)


def test_nothing_is_found_where_labels_are_shuffled(framed: list[Properties]) -> None:
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(LABELS).tolist()
        assert find_shortcuts(framed, shuffled) == []


def test_features_of_the_rim_find_what_no_property_tells(plain: list[Properties]) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(len(LABELS), 40)).astype(np.float32)
    assert find_shortcuts(plain, LABELS, features) == []

    features[:20, :3] += 3
    best = find_shortcuts(plain, LABELS, features)[0]

    assert (best.kind, best.label) == ("background", 0)
    assert best.shown >= 18


def test_classes_with_few_images_are_not_asked(framed: list[Properties]) -> None:
    assert find_shortcuts(framed, [0] * 9 + [1] * 61) == []
    assert find_shortcuts([], []) == []
    with pytest.raises(InputError, match="a label for each of 70 images, got 3"):
        find_shortcuts(framed, [0, 1, 2])


def test_a_file_says_its_quality_size_and_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "EOS 5D"
    Image.fromarray(picture(0)).save(tmp_path / "a.jpg", quality=40, exif=exif)
    found = properties_of(tmp_path / "a.jpg", "web/scan_0001.jpg")
    numbers = dict(zip(NUMBERS, found.numbers.tolist(), strict=True))

    assert numbers["JPEG quality"] == pytest.approx(40, abs=1)
    assert (numbers["width"], numbers["height"]) == (96, 72)
    assert dict(zip(CATEGORIES, found.categories, strict=True)) == {
        "folder": "web", "file name": "scan", "file format": "JPEG",
        "EXIF": "yes", "camera": "Canon EOS 5D", "size": "96×72",
    }  # fmt: skip
    (tmp_path / "b.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"web/b\.jpg"):
        properties_of(tmp_path / "b.jpg", "web/b.jpg")


def test_every_group_holds_properties() -> None:
    for parts, _ in GROUPS.values():
        assert all(any(part in name for name in NUMBERS) for part in parts)


class Middle:
    """A model that answers the brightness of the middle, and of the corner."""

    spec = ModelSpec("toy", ("middle", "corner"), 32, mean=(0, 0, 0), std=(1, 1, 1))

    def trunk_features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return images

    def evidence_maps(self, images: NDArray[np.float32]):
        from gain_core.models.inference import EvidenceMaps

        logits = np.stack([images[:, 0, 16, 16], images[:, 0, 0, 0]], 1)
        return EvidenceMaps(logits, images[:, :2])


def test_the_rim_alone_and_the_picture_without_it_are_asked() -> None:
    white = Image.new("RGB", (32, 32), "white")

    found = answers(Middle(), preprocessed(Middle(), [white]))

    assert found.rim_alone.tolist() == [[0, 1]]
    assert found.without_rim.tolist() == [[1, 0]]
    assert rim_features(Middle(), preprocessed(Middle(), [white]))[0].tolist() == pytest.approx(
        [1 - (24 / 32) ** 2] * 3
    )
