"""docs/formats.md: every example is read as the page says."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.exporting import EXPORTS
from app.importing.formats import FORMATS, class_folders
from tests.app.formats.memory import layout_of, regions, title, told
from tests.app.material import encoded, photograph

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text("utf-8")
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_MASK = np.pad(np.ones((6, 8), np.uint8) * 255, ((4, 6), (5, 11)))


def examples() -> dict[str, dict[str, bytes]]:
    """The files of each format's example by its heading; what is listed as text alone is a picture."""
    found = {}
    for section in re.split(r"^### ", PAGE.partition("## Drawings out")[0], flags=re.MULTILINE)[1:]:
        files: dict[str, bytes] = {}
        for _, name, text in _FENCE.findall(section):
            if name:
                files[name] = text.encode()
                continue
            for place, picture in enumerate(text.split()):
                is_mask = "mask" in picture
                files[picture] = encoded(Image.fromarray(_MASK)) if is_mask else photograph(place)
        found[section.partition("\n")[0]] = files
    return found


def test_the_page_has_every_format() -> None:
    assert examples().keys() == {known.TITLE for known in FORMATS if known is not class_folders}
    for export in EXPORTS:
        assert f"| {export.TITLE} |" in PAGE


@pytest.mark.parametrize("heading", examples())
def test_an_example_is_read_as_its_format_with_a_region(heading: str) -> None:
    files = examples()[heading]
    assert title(files) == heading
    layout = layout_of(files)
    assert told(layout) == {}
    shapes = [
        shape for item in layout.items for found in regions(item, (24, 16), files).values() for shape in found
    ]
    assert shapes
