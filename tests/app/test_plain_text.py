"""Names that people chose are text: never markup on a page, never a formula in a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.plain_text import plain
from app.services import labels
from app.services.labels import ChangedLabel
from app.services.map_files import maps_of_files
from tests.app.seeded import Seeded, open_home, photograph, seed

JOINER = "\u2060"  # without it Streamlit makes links and icons of these, escaped or not (seen in 1.67)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("boat", "boat"),
        ("004.png", "004.png"),
        ("1. boat", r"1\. boat"),
        ("R&D &lt;b", r"R\&D \&lt;b"),
        ("![x](y)", r"\!\[x\]\(y\)"),
        (":red[z]", r"\:red\[z\]"),
        ("HTTPS://a.example/b", rf"HTTPS\:{JOINER}//a.example/b"),
        ("www.a.example", rf"www{JOINER}.a.example"),
        ("me@a.example", rf"me@{JOINER}a.example"),
        (":material/home:", rf"\:{JOINER}material/home\:"),
        ("12:30", r"12\:30"),
    ],
)
def test_a_name_is_no_link_picture_icon_list_or_colour(name: str, written: str) -> None:
    assert plain(name) == written


@pytest.fixture
def bay(tmp_path: Path) -> Iterator[Seeded]:
    bay = seed(open_home(tmp_path / "home"))
    yield bay
    bay.ws.database.close()


def test_names_in_the_table_of_changed_labels_are_no_formulas(bay: Seeded) -> None:
    image = bay.images("train")[0]
    hostile = ChangedLabel(image, was="=cmd|' /C calc'!A0", now="@SUM(1)")
    (_, line) = csv.reader(io.StringIO(labels.as_csv([hostile]).decode()))
    assert line == [image.name, "train", "'=cmd|' /C calc'!A0", "'@SUM(1)"]


def test_names_in_the_table_of_maps_are_no_formulas(
    bay: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=1+1.png").write_bytes(photograph(0, 0))
    maps_of_files(bay.ws, bay.publish(), [Path("=1+1.png")], tmp_path / "maps", lambda *_: None)
    with (tmp_path / "maps" / "maps.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["file"] == "'=1+1.png"
    assert (tmp_path / "maps" / row["map"]).is_file()
