"""Makes a set whose shortcut is a stamp: `python -m benchmarks.stamped_set --data FOLDER --out FOLDER`.

In training, all photographs of one class have a stamp and no others: a coloured sticker at the border (as in
skin images) or an address in a corner (as on the horses of PASCAL VOC). In validation and test every
photograph appears twice, with and without a stamp. The output has the format of the input: index.csv with
file, mask, split, label, place. The mask marks the stamp, for `bias_correction --supervision ignore_mask`, or
with `--masks object` what it marked before.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from benchmarks.made_set import Made, Photograph, read_photographs, write_set

_COLOURS = ((230, 180, 60), (80, 160, 90), (70, 110, 190), (210, 90, 80))
_RADIUS = (0.07, 0.11)  # of the shorter side: a sticker covers about 3 % of a picture
_LETTERS = 0.055  # height, of the shorter side
_NAMES = ("anna", "bert", "carl")

Box = tuple[int, int, int, int]  # left, top, right, bottom, pixels


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    photographs = read_photographs(options.data, "split")
    labels = sorted({photograph.label for photograph in photographs if photograph.split == "train"})
    if options.label not in labels:
        raise SystemExit(f"expected a label of {labels}, those in training, got {options.label!r}")
    chance = Random(options.seed)

    def made() -> Iterator[Made]:
        for photograph, place in stamped(photographs, options.label):
            picture, mask = Image.open(options.data / photograph.file).convert("RGB"), None
            if place == "stamped":
                picture, mask = stamp(picture, options.stamp, chance)
            if options.masks == "object":
                mask = Image.open(options.data / photograph.mask) if photograph.mask else None
            yield Made(picture, mask, photograph.split, photograph.label, place)

    count = write_set(options.out, made())
    print(f"{count} images; in training every {options.label} bears the {options.stamp}")


def stamped(photographs: Sequence[Photograph], label: str) -> Iterator[tuple[Photograph, str]]:
    """Each photograph as "stamped" or "plain": in training by its label, elsewhere both."""
    for photograph in photographs:
        if photograph.split == "train":
            yield photograph, "stamped" if photograph.label == label else "plain"
        else:
            yield from ((photograph, "stamped"), (photograph, "plain"))


def stamp(photograph: Image.Image, kind: str, chance: Random) -> tuple[Image.Image, Image.Image]:
    """A photograph (RGB) with a "sticker" or an "address", and the mask (mode "1") of the box around it."""
    layer = Image.new("RGBA", photograph.size)
    box = (_sticker if kind == "sticker" else _address)(ImageDraw.Draw(layer), photograph.size, chance)
    mask = Image.new("1", photograph.size)
    mask.paste(1, box)
    return Image.alpha_composite(photograph.convert("RGBA"), layer).convert("RGB"), mask


def _sticker(drawing: ImageDraw.ImageDraw, size: tuple[int, int], chance: Random) -> Box:
    width, height = size
    radius = round(min(size) * chance.uniform(*_RADIUS))
    along = chance.choice(("left", "right", "top", "bottom"))
    x, y = chance.randint(radius, width - radius), chance.randint(radius, height - radius)
    x = {"left": radius, "right": width - radius}.get(along, x)
    y = {"top": radius, "bottom": height - radius}.get(along, y)
    left, top = x - radius, y - radius
    drawing.ellipse((left, top, x + radius, y + radius), fill=(*chance.choice(_COLOURS), 235))
    return left, top, min(width, x + radius + 1), min(height, y + radius + 1)


def _address(drawing: ImageDraw.ImageDraw, size: tuple[int, int], chance: Random) -> Box:
    font = ImageFont.load_default(size=max(6.0, min(size) * _LETTERS))
    text = f"www.{chance.choice(_NAMES)}-photo.com"
    margin = round(min(size) * 0.03)
    anchor = (margin, size[1] - margin)
    left, top, right, bottom = drawing.textbbox(anchor, text, font=font, anchor="lb", stroke_width=1)
    drawing.text(anchor, text, (255, 255, 255, 210), font, "lb", stroke_width=1, stroke_fill=(0, 0, 0, 150))
    return max(0, int(left)), max(0, int(top)), min(size[0], int(right) + 1), min(size[1], int(bottom) + 1)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stamped_set", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--label", required=True, help="the class that has the stamp in training")
    parser.add_argument("--stamp", choices=("sticker", "address"), default="sticker")
    parser.add_argument("--masks", choices=("stamp", "object"), default="stamp", help="what masks mark")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
