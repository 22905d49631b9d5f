"""The bundle of a model version: one zip that needs nothing of this program.

The same content gives the same bytes: all files carry the date of the version.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.exporting.document import Section, markdown

PREDICT = Path(__file__).with_name("predict.py")  # goes into the bundle as it is
REQUIREMENTS = "numpy\nonnxruntime\npillow\n"  # of predict.py
_TEXT = (".md", ".json", ".py", ".txt")


@dataclass(frozen=True, slots=True)
class BundleContent:
    safetensors: bytes  # the model file of this program
    onnx: bytes
    program: bytes  # of torch.export
    classes: tuple[str, ...]  # by position in the logits
    multi_label: bool
    preprocessing: Mapping[str, Any]
    card_title: str
    card: Sequence[Section]
    # Weights in the format of the checkpoint that the model came from, by file name.
    own_format: Mapping[str, bytes] = field(default_factory=dict)


def write_bundle(path: Path, content: BundleContent, date: datetime) -> None:
    """Write the zip. date: of all files in it. Raises OSError."""
    moment = max(date.timetuple()[:6], (1980, 1, 1, 0, 0, 0))  # a zip knows no earlier year
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in sorted(_files(content).items()):
            info = zipfile.ZipInfo(name, moment)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_TEXT) else zipfile.ZIP_STORED
            archive.writestr(info, data)


def _files(content: BundleContent) -> dict[str, bytes]:
    classes = {"classes": content.classes, "multi_label": content.multi_label}
    return {
        **content.own_format,
        "model.safetensors": content.safetensors,
        "model.onnx": content.onnx,
        "model.pt2": content.program,
        "classes.json": _json(classes),
        "preprocessing.json": _json(content.preprocessing),
        "MODEL_CARD.md": markdown(content.card_title, content.card).encode(),
        "predict.py": PREDICT.read_bytes(),
        "requirements.txt": REQUIREMENTS.encode(),
    }


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()
