"""Proposals are judged on images that nobody drew on, beside two ways without a network."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.proposals import HAND, MIDDLE, compared, main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images of two classes, each with a bright square near a corner."""
    folder = tmp_path / "squares"
    folder.mkdir()
    lines = ["file,mask,split,label"]
    for number in range(10):
        mask = np.zeros((120, 160), dtype=np.uint8)
        corner = 8 + 60 * (number % 2)
        mask[corner : corner + 40, corner : corner + 40] = 255
        chance = np.random.default_rng(number)
        pixels = chance.integers(40, 80, (120, 160, 3)).astype(np.uint8)
        pixels[mask > 0] = (220, 30, 30)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        Image.fromarray(mask).save(folder / f"{number}-mask.png")
        lines.append(f"{number}.png,{number}-mask.png,train,{('red', 'square')[number % 2]}")
    (folder / "index.csv").write_text("\n".join(lines), "utf-8")
    return folder


def test_a_network_learns_from_few_drawings_what_a_guess_cannot_know(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "proposals.json"
    options = ["--data", str(folder), "--drawings", "4", "--images", "4", "--seeds", "1", "--json", str(out)]
    main(options)
    figures = json.loads(out.read_text("utf-8"))["sets"]["squares"]
    assert set(figures) == {MIDDLE, HAND, "network, 4 drawings"}
    assert figures["network, 4 drawings"]["mean"] > 0.7
    assert figures["network, 4 drawings"]["mean"] > figures[MIDDLE]["mean"]
    assert figures[HAND]["mean"] > 0.7
    assert "network, 4 drawings" in capsys.readouterr().out


def test_differences_are_between_the_same_seeds() -> None:
    told = compared([0.5, 0.7], [0.4, 0.5])
    assert told["mean"] == pytest.approx(0.15)
    assert told["low"] == pytest.approx(0.15 - 12.706 * 0.05, abs=1e-3)
