"""Tables that people send in, as pandas, spreadsheets and well-known data sets write them."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import ImportRefusedError
from app.importing.formats import index_csv
from app.importing.zip_source import open_zip
from app.workspace import Workspace
from tests.app.bringing import Importer, note
from tests.app.material import (
    fresh_workspace,
    index,
    photograph,
    zipped,
)


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return fresh_workspace(tmp_path_factory.mktemp("field"))


@pytest.fixture(scope="module")
def bring(ws: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Importer:
    return Importer(ws, tmp_path_factory.mktemp("zips"))


def listed(count: int = 12, name: Callable[[int], str] = "photos/{}.png".format) -> dict[str, bytes]:
    return {name(n): photograph(n) for n in range(count)}


@pytest.mark.parametrize(
    "lines",
    [
        [",file,label", *(f"{n},photos/{n}.png,{'ab'[n % 2]}" for n in range(12))],
        ["Unnamed: 0,file,label", *(f"{n},photos/{n}.png,{'ab'[n % 2]}" for n in range(12))],
        ["Unnamed: 0.1,Unnamed: 0,file,label", *(f"{n},{n},photos/{n}.png,{'ab'[n % 2]}" for n in range(12))],
        ["file,label,,", *(f"photos/{n}.png,{'ab'[n % 2]},," for n in range(12))],
        ["file,label", *(f"photos/{n}.png,{'ab'[n % 2]},," for n in range(12))],
        ["file,label,,", *(f"photos/{n}.png,{'ab'[n % 2]}" for n in range(12))],
        ["index,file,label", *(f"{n},photos/{n}.png,{'ab'[n % 2]}" for n in range(12))],
    ],
    ids=[
        "index",
        "unnamed",
        "twice unnamed",
        "trailing",
        "trailing in lines",
        "trailing in head",
        "reset_index",
    ],
)
def test_columns_that_pandas_and_spreadsheets_add_are_ignored(bring: Importer, lines: list[str]) -> None:
    report = bring({**listed(), "index.csv": index(*lines)})
    images = bring.images(report)
    assert (len(images), report.refused) == (12, ())
    assert all(image.groups == {} for image in images.values())


def test_waterbirds_metadata_is_read_as_it_is(bring: Importer) -> None:
    files = {f"{n:03d}.Bird/{n}.jpg": photograph(n, kind="JPEG") for n in range(1, 13)}
    lines = ["img_id,img_filename,y,split,place,place_filename"]
    lines += [
        f"{n},{n:03d}.Bird/{n}.jpg,{n % 2},{n % 3},{n // 2 % 2},/b/bamboo/{n:08d}.jpg" for n in range(1, 13)
    ]
    report = bring({**files, "metadata.csv": index(*lines)})
    images = bring.images(report)
    assert (len(images), report.refused, bring.classes(report)) == (12, (), ["0", "1"])
    first = images["001.Bird/1.jpg"]
    assert (first.split, dict(first.groups)) == ("validation", {"place": "0"})
    assert images["002.Bird/2.jpg"].split == "test"
    assert "img_id, place_filename" in note(report, "No groups")


def test_celeba_metadata_names_files_of_another_folder(bring: Importer) -> None:
    files = {f"img_align_celeba/{n:06d}.jpg": photograph(n, kind="JPEG") for n in range(9)}
    lines = ["image_id,y,partition,Male", *(f"{n:06d}.jpg,{n % 2},{n % 3},{n % 2}" for n in range(9))]
    report = bring({**files, "metadata.csv": index(*lines)})
    assert len(bring.images(report)) == 9
    assert bring.images(report)["img_align_celeba/000001.jpg"].split == "validation"
    assert "9 files, e.g. img_align_celeba/000000.jpg" in note(report, "Found in another folder")


def test_a_table_without_endings_is_joined_with_the_files(bring: Importer) -> None:
    files = {f"images/ISIC_{n}.jpg": photograph(n, kind="JPEG") for n in range(4)}
    lines = ["lesion_id,image_id,dx", *(f"L{n // 2},ISIC_{n},{('nv', 'mel')[n % 2]}" for n in range(4))]
    report = bring({**files, "HAM_metadata.csv": index(*lines)})
    assert (len(bring.images(report)), bring.classes(report)) == (4, ["mel", "nv"])


def test_one_row_per_class_joins_to_several_labels(bring: Importer) -> None:
    lines = ["file,label,split"]
    lines += [f"photos/{n}.png,{label},train" for n in range(6) for label in ("dog", "person")[n % 2 :]]
    lines += ["photos/0.png,dog,train"]
    report = bring({**listed(6), "index.csv": index(*lines)})
    names = bring.classes(report)
    labels = {
        name: [names[position] for position in image.positions]
        for name, image in bring.images(report).items()
    }
    assert labels["photos/0.png"] == ["dog", "person"]
    assert labels["photos/1.png"] == ["person"]
    assert report.refused == ()
    assert note(report, "3 images are on several lines") != ""


def test_lines_of_objects_keep_only_what_is_true_of_the_image(bring: Importer) -> None:
    lines = ["file,label,place,area"]
    lines += [
        f"photos/{n}.png,{'ab'[n % 2]},{('sea', 'land')[n % 2]},{area}" for n in range(8) for area in (1, 2)
    ]
    report = bring({**listed(8), "index.csv": index(*lines)})
    assert {frozenset(image.groups.items()) for image in bring.images(report).values()} == {
        frozenset({("place", "sea")}),
        frozenset({("place", "land")}),
    }


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "cp1252"])
def test_a_table_in_another_encoding_is_read(bring: Importer, encoding: str) -> None:
    labels = ("猫", "狗") if encoding == "gb18030" else ("café", "thé")
    lines = ["file,label", *(f"photos/{n}.png,{labels[n % 2]}" for n in range(4))]
    report = bring({**listed(4), "index.csv": "\n".join(lines).encode(encoding)})
    assert bring.classes(report) == sorted(labels)


def test_a_table_of_millions_of_lines_is_refused_without_holding_them(
    bring: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.importing.formats.table.MAX_LINES", 1_000)
    monkeypatch.setattr("app.importing.formats.layout.MAX_REFUSALS", 10)
    table = ["file,label", "photos/0.png,a", "photos/1.png,b"]
    report = bring({**listed(2), "index.csv": index(*table, *(f"gone/{n}.png,a" for n in range(900)))})
    assert (report.accepted, len(report.refused), report.n_refused) == (2, 10, 900)
    with pytest.raises(ImportRefusedError, match="Expected at most 1,000 lines in"):
        bring({**listed(2), "index.csv": index(*table, *("gone.png,a" for _ in range(1_000)))})


def test_an_endless_line_is_refused(bring: Importer) -> None:
    with pytest.raises(ImportRefusedError, match="lines of at most 100,000 characters"):
        bring({**listed(2), "index.csv": b"file,label\nphotos/0.png," + b"a" * 200_000})


def test_a_table_is_read_line_by_line(tmp_path: Path) -> None:
    """Lines that name no file take no memory."""
    table = b"file,label\n" + b"".join(b"%d.png,boat\n" % number for number in range(2, 5_002))
    path = zipped(tmp_path / "a.zip", {"index.csv": table, "1.png": photograph(1)})
    with open_zip(path, 2_000) as source:
        tracemalloc.start()
        layout = index_csv.read(source)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (layout.n_refused, len(layout.refused)) == (5_000, 1_000)
    assert peak < 2_000_000
