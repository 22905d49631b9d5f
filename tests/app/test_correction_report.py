"""The report of a correction: what it says, that names are never markup, and that it is one small file."""

import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.errors import ServiceError
from app.exporting import pdf
from app.exporting.document import Matrix, Reliability, Section, Table, Text, markdown
from app.exporting.report_page import html_page
from app.services import annotation
from app.services.correction_report import make_report
from db import library
from db.new_images import NewImage, NewLabel
from db.records import RegionRecord, Split, VersionRecord
from tests.app.seeded import SIDE, Seeded, open_home, photograph, seed

HOSTILE = "<img src=x onerror=alert(1)>\"&'</style></title>"
BOX = RegionRecord("box", "look_here", ((8.0, 8.0), (40.0, 40.0)))
IGNORED = RegionRecord("box", "ignore_this", ((50.0, 50.0), (60.0, 60.0)))


class Tags(HTMLParser):
    """Tag names and attribute names and values of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def corrected(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Seeded, VersionRecord, VersionRecord]]:
    """A project whose every name is hostile: one boat is fixed, and the control has it wrong."""
    ws = open_home(tmp_path_factory.mktemp("home"))
    images = []
    for number in range(12):
        data = photograph(number, number % 2)
        path = ws.files.image(hashlib.sha256(data).hexdigest(), ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        split: Split = "train" if number < 4 else "validation"
        groups = {"place": f"{HOSTILE}{number % 2}"}
        name = f"{number}{HOSTILE}.png"
        images.append(NewImage(name, path.stem, ".png", SIDE, SIDE, split, (NewLabel(number % 2),), groups))
    project = library.create_project(
        ws.database, HOSTILE, "upload", "tf_efficientnet_lite0", 64, (HOSTILE, "car"), images, []
    )
    bay = Seeded(ws, project.id)
    drawn = bay.images("train")[0]
    annotation.save(ws, drawn.id, drawn.class_id, (BOX, IGNORED))
    boats = [image for image in bay.images("validation") if image.class_position == 0]
    first = bay.publish(wrong=[boats[0].id, boats[1].id])
    second = bay.publish(wrong=[boats[1].id], seed=1, control_wrong=[boats[0].id, boats[1].id])
    yield bay, first, second
    ws.database.close()


@pytest.fixture(scope="module")
def page(
    corrected: tuple[Seeded, VersionRecord, VersionRecord], tmp_path_factory: pytest.TempPathFactory
) -> str:
    bay, first, second = corrected
    steps: list[tuple[int, int, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "BROWSERS", ())
        folder = tmp_path_factory.mktemp("report")
        written = make_report(
            bay.ws, first.id, second.id, "validation", folder, lambda *told: steps.append(told)
        )
    assert [path.name for path in written] == ["report.html"]
    assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)
    assert written[0].stat().st_size < 5_000_000
    return written[0].read_text("utf-8")


def test_a_report_tells_the_whole_correction(page: str) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for heading in (
        *("What was wrong", "What was drawn", "What drawing added", "The same images with both maps"),
        *("Figures", "By class", "Calibration", "Limits", "How to reproduce"),
    ):
        assert f"<h2>{heading}</h2>" in page
    assert "Version 1 predicts 75.0 % (95 % interval 40.9 to 92.9 %, n = 8) of all images right" in text
    assert "but 50.0 % (95 % interval 15.0 to 85.0 %, n = 4) of the images of" in text
    assert "Exact McNemar test on all images: 1 fixed, 0 newly wrong, p = 1." in text
    assert "No measurable effect of the drawings: 1 images are right only with the drawings" in text
    assert "true ↓ predicted →" in text
    assert "Calibration error" in text
    assert text.count("SHA-256") == 2
    assert "python -m app report --project 1 --before 1 --version 2 --split validation" in text


def test_no_name_is_markup(page: str) -> None:
    parsed = Tags(page)
    assert "script" not in parsed.tags
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    sources = {value for name, value in parsed.attributes if name == "src"}
    assert sources
    assert all(str(value).startswith("data:image/jpeg;base64,") for value in sources)
    assert not any(name == "href" for name, _ in parsed.attributes)
    assert page.count("</style>") == page.count("</title>") == 1


def test_both_maps_of_each_kind_of_image_are_there_and_drawings(page: str) -> None:
    assert page.count("<figure>") == 2 * 3 + 1  # fixed, wrong and right in both; and one drawing
    assert "As drawn" in page


def test_versions_without_common_images_and_a_folder_that_is_a_file_are_refused(
    corrected: tuple[Seeded, VersionRecord, VersionRecord], tmp_path: Path
) -> None:
    bay, first, second = corrected
    with pytest.raises(ServiceError, match="no predictions for the same test images"):
        make_report(bay.ws, first.id, second.id, "test", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="cannot be written to"):
        make_report(bay.ws, first.id, second.id, "validation", tmp_path / "file")
    other = seed(bay.ws, "Other").publish()
    with pytest.raises(ServiceError, match="of different projects"):
        make_report(bay.ws, other.id, second.id, "validation", tmp_path)


def test_a_page_is_printed_where_there_is_a_browser_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text(html_page("Title", "", [Section("", (Text("text"),))]), "utf-8")
    monkeypatch.setattr(pdf, "BROWSERS", ("false",))
    assert not pdf.print_pdf(page, tmp_path / "page.pdf")
    monkeypatch.undo()
    if pdf.print_pdf(page, tmp_path / "page.pdf"):
        assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_markdown_keeps_names_on_their_line_and_without_marks() -> None:
    sections = [
        Section("- a\n# b", (Text("1. one *two* www.evil.com a@b.c"), Table(("x|y",), (("[a](b)",),)))),
    ]
    assert markdown("`t`", sections).splitlines() == [
        "# \\`t\\`",
        "",
        "## \\- a \\# b",
        "",
        "1\\. one \\*two\\* www\\.evil.com a\\@b.c",
        "",
        "| x\\|y |",
        "| --- |",
        "| \\[a\\](b) |",
    ]


def test_a_matrix_and_a_chart_are_drawn_by_counts() -> None:
    page = html_page(
        "t",
        "",
        [Section("s", (Matrix("m", ("a", "b"), ((3, 1), (0, 0))), Reliability("r", ((0.5, 0.25, 4),))))],
    )
    assert re.findall(r"rgba\((\d+), \d+, \d+, ([\d.]+)\)", page) == [
        ("15", "0.56"),
        ("217", "0.19"),
        ("217", "0.00"),
        ("15", "0.00"),
    ]
    assert 'width="65.0"' in page
    assert "50 % sure" in page
    assert "25 % right, n = 4" in page
