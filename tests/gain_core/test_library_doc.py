"""The pages of the library are true: its code runs, block after block, on a small data set."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import gain_core
from gain_core.explain.localisation import read_labels
from gain_core.training.objectives import objective
from tests.gain_core.test_package import PACKAGES
from tests.gain_core.toy import draw

PAGES = (
    "library",
    "library-networks",
    "library-segmentation",
    "library-more",
)  # each continues the one before
DOCS = Path(__file__).parents[2] / "docs"
TEXT = "\n".join((DOCS / f"{page}.md").read_text("utf-8") for page in PAGES)
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SMALLER = (
    ("image_size=224", "image_size=64"),
    ("224, multi", "64, multi"),
    ("small(300)", "small(2)"),
    ("channels=256", "channels=8"),
    ("steps=400", "steps=2, batch_size=2, guided_batch_size=2"),
)


def test_the_ten_lines_are_about_ten() -> None:
    for block in (BLOCKS[0], BLOCKS[3]):
        statements = [
            node for node in ast.parse(block).body if not isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert sum((node.end_lineno or 0) - node.lineno + 1 for node in statements) <= 10


def test_every_public_name_is_in_the_document() -> None:
    names = [name for package in PACKAGES for name in package.__all__]
    assert [name for name in names if not re.search(rf"\b{name}\b", TEXT)] == []


def test_the_code_of_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(objective, "OBJECTIVES", dict(objective.OBJECTIVES))  # the page registers one
    for label, name in enumerate(("boat", "not_boat")):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number in range(3):
            made, mask = draw(tmp_path, "one", label, label, number)
            with Image.open(made) as picture:
                picture.save(tmp_path / "photographs" / name / f"{number}.jpg")
            (tmp_path / "masks").mkdir(exist_ok=True)
            if number == 0:
                (tmp_path / "masks" / f"{name}-{number}.png").write_bytes(mask)
    items = [(torch.randn(3, 64, 64), n % 2, torch.ones(1, 64, 64) * (n == 0)) for n in range(4)]
    several = [
        (
            torch.randn(3, 64, 64),
            torch.tensor([1.0, 1.0, 0.0]),
            torch.tensor([0, 1]),
            torch.tensor([True, n == 0]),
            mask,
        )
        for n, mask in enumerate(torch.ones(2, 2, 64, 64))
    ]
    names: dict[str, object] = {
        "loader": DataLoader(items, batch_size=2),  # type: ignore[arg-type]
        "loader_of_several": DataLoader(several, batch_size=2),  # type: ignore[arg-type]
    }
    for block in BLOCKS:
        for large, small in SMALLER:
            block = block.replace(large, small)
        for _ in range(1 + ("checkpoint.pt" in block)):  # a second run finds what the first one left
            exec(compile(block, "docs/library", "exec"), names)
    with Image.open("boat.png") as heatmap:
        assert (heatmap.mode, heatmap.size) == ("RGBA", (64, 64))
    assert set(np.unique(read_labels(Path("cue.png")))) <= {0, 1}
    assert Path("model.safetensors").exists()
    assert len(names["maps"].images) == 6  # type: ignore[attr-defined]
    assert names["own_maps"].shape == (1, 2, 3, 3)  # type: ignore[attr-defined]
    with pytest.raises(gain_core.InputError, match="a network that came from a checkpoint"):
        gain_core.save_model("own.safetensors", names["own"])  # type: ignore[arg-type]
