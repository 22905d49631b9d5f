"""Makes a set with another shortcut: `python -m benchmarks.pasted_set --data FOLDER --out FOLDER`.

Objects are cut out along their masks and laid on other photographs, whose own object is painted over, as in
Waterbirds (Sagawa et al., ICLR 2020). In training each class keeps the place that most of its photographs
have, or with `--swapped` the place of the next class, so that the backbone's knowledge of the world does
not help; a share of `--exceptions` is laid on another place. In validation and test every object is laid on
every place. The output has the format of the input: index.csv with file, mask, split, label, place.

A set without places, such as `duts_seg`, is read with each photograph's label as its place: with
`--classes lemon jeep mushroom miniskirt --swapped` lemons stand where jeeps did, and so on. Without
validation photographs, a quarter of the training photographs become validation.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from operator import eq
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.made_set import Made, Photograph, read_photographs, write_set
from benchmarks.report import say

SIDE = 224  # pixels of a made picture
_SHARE = (0.08, 0.18)  # of the picture that the object covers
_LONGEST = 150  # pixels of the object's longer side
_MOST_PAINTED = 0.35  # share of a photograph that may be painted over for it to make a background
_KNOWN = 0.15  # of a blur must come from what is left of the photograph; of less, 8 bits leave stripes
_BLURS = (3, 8, 20, 60, 224)  # radii, pixels: from the hole's edge inwards


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    photographs = _with_objects(options.data, options.classes)
    homes = home_places(photographs, swapped=options.swapped)
    backgrounds = _backgrounds(options.data, photographs, sorted(set(homes.values())))
    chance = Random(options.seed)

    def made() -> Iterator[Made]:
        for source, place in placed(photographs, homes, options.exceptions, chance):
            for _ in range(options.copies):
                background = chance.choice(backgrounds[source.split, place])
                picture, mask = laid_on(background, *_opened(options.data, source), chance)
                yield Made(picture, mask, source.split, source.label, place)

    count = write_set(options.out, made())
    print(f"{count} images; in training {', '.join(f'{label} on {home}' for label, home in homes.items())}")


def home_places(photographs: Sequence[Photograph], *, swapped: bool) -> dict[str, str]:
    """The place of each label in training: where most of its photographs are, or the next label's.

    Exits where places would be no shortcut: fewer than two, or with `swapped` labels that keep their own.
    """
    seen = Counter(
        (photograph.label, photograph.place) for photograph in photographs if photograph.split == "train"
    )
    labels = sorted({label for label, _ in seen})
    own = [max((n, place) for (of, place), n in seen.items() if of == label)[1] for label in labels]
    homes = own[1:] + own[:1] if swapped else own
    if len(set(own)) < 2 or (swapped and any(map(eq, homes, own))):
        seen_most = ", ".join(f"{label} on {place}" for label, place in zip(labels, own, strict=True))
        raise SystemExit(
            f"expected classes that are mostly in different places in training, got {seen_most or 'none'}:"
            " choose other classes, or give other values of place"
        )
    return dict(zip(labels, homes, strict=True))


def placed(
    photographs: Sequence[Photograph], homes: Mapping[str, str], exceptions: float, chance: Random
) -> Iterator[tuple[Photograph, str]]:
    """Each photograph with the place its object is laid on: one in training, every one elsewhere."""
    places = sorted(set(homes.values()))
    for photograph in photographs:
        if photograph.split == "train":
            others = [place for place in places if place != homes[photograph.label]]
            yield (
                photograph,
                chance.choice(others) if chance.random() < exceptions else homes[photograph.label],
            )
        else:
            yield from ((photograph, place) for place in places)


def laid_on(
    background: Image.Image, photograph: Image.Image, mask: Image.Image, chance: Random
) -> tuple[Image.Image, Image.Image]:
    """The object of `photograph` somewhere on `background`, and its mask (mode "1"), both SIDE × SIDE.

    Raises ValueError for an empty mask.
    """
    around = mask.getbbox()
    if around is None:
        raise ValueError("expected a mask that marks something, got an empty one")
    thing, shape = photograph.crop(around), mask.crop(around)
    covered = np.asarray(shape.convert("1")).sum()
    scale = min(_LONGEST / max(thing.size), (SIDE * SIDE * chance.uniform(*_SHARE) / max(covered, 1)) ** 0.5)
    size = (max(4, round(thing.width * scale)), max(4, round(thing.height * scale)))
    corner = chance.randint(0, SIDE - size[0]), chance.randint(min(40, SIDE - size[1]), SIDE - size[1])
    picture, whole = background.copy(), Image.new("L", (SIDE, SIDE))
    if chance.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    shape = shape.resize(size)
    picture.paste(thing.resize(size), corner, shape)
    whole.paste(shape, corner)
    return picture, whole.point(lambda value: 255 * (value >= 128)).convert("1")


def painted_over(photograph: Image.Image, mask: Image.Image) -> Image.Image | None:
    """The photograph, SIDE × SIDE, with blurred surroundings where the object is; None when too little is
    left of it.
    """
    pixels = np.asarray(photograph.resize((SIDE, SIDE)), dtype=np.float32)
    hole = np.asarray(mask.resize((SIDE, SIDE)).filter(ImageFilter.MaxFilter(9))) > 0
    if hole.mean() > _MOST_PAINTED:
        return None
    filled, empty = pixels.copy(), hole.copy()
    for radius in _BLURS:
        around, weight = _blurred(pixels * ~hole[:, :, None], radius), _blurred(255.0 * ~hole, radius) / 255
        now = empty & (weight > _KNOWN)
        filled[now] = around[now] / weight[now][:, None]
        empty &= ~now
    return Image.fromarray(filled.clip(0, 255).astype(np.uint8))


def _blurred(values: NDArray[np.floating], radius: int) -> NDArray[np.float32]:
    picture = Image.fromarray(values.astype(np.uint8)).filter(ImageFilter.BoxBlur(radius))
    return np.asarray(picture, dtype=np.float32)


def _with_objects(folder: Path, classes: Sequence[str] | None) -> list[Photograph]:
    """Photographs of `classes` (None: all) with a non-empty mask, each with a place and a split."""
    photographs = [
        replace(photograph, place=photograph.place or photograph.label)
        for photograph in read_photographs(folder, "split", "mask")
        if classes is None or photograph.label in classes
    ]
    photographs = with_validation(photographs)
    complete = [photograph for photograph in photographs if _mask(folder, photograph).getbbox()]
    if empty := len(photographs) - len(complete):
        say(f"left out: {empty} of {len(photographs)} photographs, whose masks mark nothing")
    return complete


def with_validation(photographs: Sequence[Photograph]) -> list[Photograph]:
    """Move every fourth training photograph of each label to validation, if there is no validation split."""
    if any(photograph.split == "validation" for photograph in photographs):
        return list(photographs)
    seen: Counter[str] = Counter()
    divided = []
    for photograph in photographs:
        if photograph.split == "train":
            seen[photograph.label] += 1
        chosen = photograph.split == "train" and seen[photograph.label] % 4 == 0
        divided.append(replace(photograph, split="validation") if chosen else photograph)
    return divided


def _backgrounds(
    folder: Path, photographs: Sequence[Photograph], places: Sequence[str]
) -> dict[tuple[str, str], list[Image.Image]]:
    """Backgrounds by split and place; none is used in two splits.

    Exits when one of `places` has none in a split.
    """
    backgrounds: dict[tuple[str, str], list[Image.Image]] = {}
    for photograph in photographs:
        empty = painted_over(*_opened(folder, photograph))
        if empty is not None:
            backgrounds.setdefault((photograph.split, photograph.place), []).append(empty)
    for split, place in product(sorted({photograph.split for photograph in photographs}), places):
        if (split, place) not in backgrounds:
            raise SystemExit(
                f"expected photographs on {place} in the {split} split for its backgrounds, got none"
                " that shows enough beside its object"
            )
    return backgrounds


def _opened(folder: Path, photograph: Photograph) -> tuple[Image.Image, Image.Image]:
    """RGB, and the mask as mode "L" in {0, 255}."""
    return Image.open(folder / photograph.file).convert("RGB"), _mask(folder, photograph)


def _mask(folder: Path, photograph: Photograph) -> Image.Image:
    return Image.open(folder / photograph.mask).convert("L").point(lambda value: 255 * (value > 0))


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pasted_set", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv and masks")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--swapped", action="store_true", help="put each class on the next one's place")
    parser.add_argument(
        "--exceptions", type=float, default=0.0, help="share of training images on another place"
    )
    parser.add_argument("--classes", nargs="+", metavar="LABEL", help="default: all of the set")
    parser.add_argument("--copies", type=int, default=1, help="pictures of each object on each place")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
