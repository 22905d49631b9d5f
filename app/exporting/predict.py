"""Classify an image with model.onnx and draw where the model looks: python predict.py IMAGE [MAP.png]

Needs onnxruntime, numpy and pillow, and the files beside this one.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent


def main(image_file: str, map_file: str) -> None:
    named = json.loads((HERE / "classes.json").read_text("utf-8"))
    wanted = json.loads((HERE / "preprocessing.json").read_text("utf-8"))
    layer = ImageOps.exif_transpose(Image.open(image_file)).convert("RGBA")
    photo = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    width, height = photo.size
    box = (0.0, 0.0, float(width), float(height))  # what the model sees
    if wanted["shorter_side"]:  # resized to this, and the middle cut out
        side = wanted["size"] * min(photo.size) / wanted["shorter_side"]
        box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    filtered = Image.Resampling[wanted["interpolation"].upper()]
    small = photo.resize((wanted["size"], wanted["size"]), filtered, box)
    values = np.asarray(small, dtype=np.float32)[..., :: -1 if wanted["channels"] == "BGR" else 1]
    pixels = (values / 255 - wanted["mean"]) / wanted["std"]  # (S, S, 3)
    session = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])
    images = pixels.transpose(2, 0, 1)[None].astype(np.float32)
    (logits,), (evidence,) = session.run(["logits", "evidence"], {"images": images})  # (C,), (C, h, w)
    shares = np.exp(logits - logits.max())
    shares = 1 / (1 + np.exp(-logits)) if named["multi_label"] else shares / shares.sum()
    for position in np.argsort(-shares):
        print(f"{shares[position]:.4f} {named['classes'][position]}")
    amount = np.maximum(evidence[shares.argmax()], 0)
    opacity = Image.fromarray((180 * amount / max(amount.max(), 1e-12)).astype(np.uint8))
    left, top, right, bottom = (round(edge) for edge in box)
    mask = opacity.resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    photo.paste(Image.new("RGB", mask.size, (124, 40, 240)), (left, top), mask)
    photo.save(map_file)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else Path(sys.argv[1]).stem + "-map.png")
