"""Names in a zip whose encoding nobody says."""

import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from app.errors import ImportRefusedError
from app.importing.name_encoding import guess_encoding
from app.importing.options import ImportOptions
from app.services import library
from app.workspace import Workspace
from db import library as rows
from tests.app.material import fresh_workspace, index, photograph, two_classes, zipped


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return fresh_workspace(tmp_path_factory.mktemp("names"))


SETS = [
    *[
        ("gb18030", names)
        for names in (["猫", "狗"], ["船", "汽车"], ["正常", "异常", "训练"], ["裂纹", "划痕"])
    ],
    *[("cp932", names) for names in (["ソファ", "表"], ["猫", "犬"], ["船", "自動車"], ["良品", "不良品"])],
    *[("cp949", names) for names in (["고양이", "개"], ["정상", "불량"], ["사과", "바나나"])],
    *[("big5", names) for names in (["貓", "狗"], ["蘋果", "香蕉"], ["男", "女"])],
    *[("cp1252", names) for names in (["café", "thé"], ["Äpfel", "Birnen"])],
    *[("cp850", names) for names in (["café", "thé"], ["Größe", "Öl"], ["año", "niño"])],
    *[("cp1251", names) for names in (["кошка", "собака"], ["Да", "Нет"])],
    *[("cp866", names) for names in (["кошка", "собака"], ["Да", "Нет"])],
    ("utf-8", ["café", "猫"]),
]


@pytest.mark.parametrize(
    ("encoding", "names"), SETS, ids=lambda value: str(value).encode("unicode_escape").decode()
)
def test_a_few_short_names_are_enough(encoding: str, names: list[str]) -> None:
    raw = [f"{name}/{n}.png".encode(encoding) for name in names for n in range(2)]
    guessed = guess_encoding(raw)
    assert [name.decode(guessed) for name in raw] == [name.decode(encoding) for name in raw]


def raw_zip(path: Path, members: dict[bytes, bytes]) -> Path:
    """A zip with these bytes as names and without the UTF-8 flag, as Windows and old programs write it."""
    return zipped(path, {name.decode("cp437"): data for name, data in members.items()}, flag=False)


def class_names(ws: Workspace, project_id: int) -> list[str]:
    return [item.name for item in rows.list_classes(ws.database, project_id)]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [("gb18030", ("猫", "狗")), ("cp932", ("ソファ", "表")), ("utf-8", ("café", "猫"))],
    ids=["gbk", "cp932", "utf-8"],
)
@pytest.mark.parametrize("with_index", [False, True], ids=["folders", "index"])
def test_class_folders_in_another_encoding_have_their_names(
    ws: Workspace, tmp_path: Path, encoding: str, names: tuple[str, str], with_index: bool
) -> None:
    files = {f"{name}/{n}.png": photograph(n + 10 * i) for i, name in enumerate(names) for n in range(3)}
    members = {name.encode(encoding): data for name, data in files.items()}
    if with_index:
        members[b"index.csv"] = index("file,label", *(f"{name},{name.split('/')[0]}" for name in files))
    report = library.import_zip(ws, tmp_path.name, raw_zip(tmp_path / "a.zip", members))
    assert report.refused == ()
    assert class_names(ws, report.project_id) == sorted(names)
    assert any(note.startswith("The zip does not declare the encoding of its names") for note in report.notes)


def test_an_index_tells_the_encoding_that_a_guess_would_miss(ws: Workspace, tmp_path: Path) -> None:
    """These bytes are common letters in simplified Chinese, too."""
    names = ("귀뢰", "뎠쌍")
    raw = [f"{name}/1.png".encode("cp949") for name in names]
    assert guess_encoding(raw) != "cp949"
    members = {name: photograph(seed) for seed, name in enumerate(raw)}
    members[b"index.csv"] = index("file,label", *(f"{name}/1.png,{name}" for name in names))
    report = library.import_zip(ws, tmp_path.name, raw_zip(tmp_path / "a.zip", members))
    assert class_names(ws, report.project_id) == sorted(names)


def test_the_guess_can_be_changed(ws: Workspace, tmp_path: Path) -> None:
    members = {f"{name}/1.png".encode("cp949"): photograph(n) for n, name in enumerate(("귀뢰", "뎠쌍"))}
    path = raw_zip(tmp_path / "a.zip", members)
    report = library.import_zip(ws, tmp_path.name, path, options=ImportOptions(encoding="cp949"))
    assert class_names(ws, report.project_id) == sorted(("귀뢰", "뎠쌍"))


def test_a_name_in_utf_8_beside_the_other_counts(ws: Workspace, tmp_path: Path) -> None:
    members = {}
    for seed, name in enumerate(("café", "thé")):
        old = f"{name}/1.png".encode("cp850")
        info = zipfile.ZipInfo(old.decode("cp437"))
        content = b"\x01" + struct.pack("<L", zlib.crc32(old)) + f"{name}/1.png".encode()
        info.extra = struct.pack("<HH", 0x7075, len(content)) + content
        members[info] = photograph(seed)
    report = library.import_zip(ws, tmp_path.name, zipped(tmp_path / "a.zip", members, flag=False))
    assert class_names(ws, report.project_id) == ["café", "thé"]
    assert not any("how its names are written" in note for note in report.notes)


def test_accents_as_letters_of_their_own_are_the_same_name(ws: Workspace, tmp_path: Path) -> None:
    """A Mac writes é as e and an accent, and the table beside it as one letter."""
    files = {"cafe\u0301/1.png": photograph(1), "thé/1.png": photograph(2)}
    files["index.csv"] = index("file,label", "café/1.png,café", "thé/1.png,thé")
    report = library.import_zip(ws, tmp_path.name, zipped(tmp_path / "a.zip", files))
    assert (report.accepted, report.refused) == (2, ())


def test_a_table_whose_words_no_encoding_can_read_is_refused_in_words(ws: Workspace, tmp_path: Path) -> None:
    files = {**two_classes(), "index.csv": b"file,label\nboat/1.png,boat\ncar/1.png,caf\xe9\0\n"}
    with pytest.raises(ImportRefusedError, match=r"Expected index\.csv to be UTF-8 text"):
        library.import_zip(ws, tmp_path.name, zipped(tmp_path / "a.zip", files))
