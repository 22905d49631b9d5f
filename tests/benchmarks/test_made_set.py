"""Sets for benchmarks are read as the app reads an import."""

from pathlib import Path

import pytest

from benchmarks.made_set import Photograph, read_photographs, write_index
from tests.app.material import index, photograph, written


def test_an_index_as_a_spreadsheet_writes_it_is_read(tmp_path: Path) -> None:
    table = index("File;Label;Split;place;mask", "1.png;boat;training;water;m/1.png", "2.png; car;val;land;")
    files = {"index.csv": b"\xef\xbb\xbf" + table, "m/1.png": b"mask"}
    data = written(tmp_path, {**files, "1.png": photograph(1), "2.png": photograph(2)})
    assert read_photographs(data, "split", "place") == [
        Photograph("1.png", "m/1.png", "train", "boat", "water"),
        Photograph("2.png", "", "validation", "car", "land"),
    ]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    listed = [
        Photograph("1.jpg", "1.png", "test", "boat", "by, the sea"),
        Photograph("2.jpg", "", "train", "ä", ""),
    ]
    write_index(tmp_path, listed)
    for name in ("1.jpg", "1.png", "2.jpg"):
        (tmp_path / name).touch()
    assert read_photographs(tmp_path) == listed


def test_what_cannot_be_used_is_left_out_and_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = index(
        "file,label,split,mask", "1.png,boat,train,1m.png", "2.png,boat,train,", "3.png,boat,train,"
    )
    data = written(tmp_path, {"index.csv": table, "1.png": b"1", "1m.png": b"m", "2.png": b"2"})
    assert [one.file for one in read_photographs(data, "mask")] == ["1.png"]
    told = capsys.readouterr().err
    assert "left out: 3.png: Line 4 of index.csv: There is no such file in the import." in told
    assert "left out: 1 of 2 photographs, without mask" in told


def test_a_set_without_what_is_needed_and_a_folder_that_is_none_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path, {"index.csv": index("file,label", "1.png,boat"), "1.png": b"1"})
    with pytest.raises(SystemExit, match=r"index.csv to list photographs with split and place, got none"):
        read_photographs(data, "split", "place")
    with pytest.raises(SystemExit, match=r"nowhere cannot be read. Expected a folder"):
        read_photographs(tmp_path / "nowhere")
