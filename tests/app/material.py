"""Files to import: photographs, zips and folders that are good, broken or hostile."""

import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.services import recycle_bin
from app.services.library import ImportReport
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import library as rows
from tests import empty_database


def fresh_workspace(folder: Path, **settings: object) -> Workspace:
    empty_database.put_into(folder / "home")
    return open_workspace(Settings(home=folder / "home", **settings))  # type: ignore[arg-type]


def pixels(seed: int, size: tuple[int, int] = (24, 16)) -> Image.Image:
    """A photograph of random pixels: no two seeds give the same one."""
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def photograph(seed: int, size: tuple[int, int] = (24, 16), kind: str = "PNG") -> bytes:
    return encoded(pixels(seed, size), kind)


def two_classes(prefix: str = "") -> dict[str, bytes]:
    """The smallest folder layout that makes a project: four photographs of two classes."""
    names = ("boat/1.png", "boat/2.png", "car/1.png", "car/2.png")
    return {f"{prefix}{name}": photograph(seed) for seed, name in enumerate(names)}


class _WithoutFlag(zipfile.ZipInfo):
    """A member whose name is in bytes that nobody knows the encoding of."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("cp437"), self.flag_bits


def zipped(
    path: Path,
    members: Mapping[Any, bytes],
    packing: int = zipfile.ZIP_DEFLATED,
    *,
    flag: bool = True,
) -> Path:
    """members: by name, or by zipfile.ZipInfo.

    `flag`: False writes names as cp437 bytes without the flag that says UTF-8.
    """
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in members.items():
            info = name
            if not flag:
                info = _WithoutFlag(name if isinstance(name, str) else name.filename)
                info.extra = b"" if isinstance(name, str) else name.extra
            archive.writestr(info, data, packing)
    return path


def link(name: str) -> zipfile.ZipInfo:
    """A member that says it is a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def stored_files(ws: Workspace) -> list[str]:
    """Everything in the data folder but the database and the lock."""
    files = (path for path in ws.settings.home.rglob("*") if path.is_file())
    names = (path.relative_to(ws.settings.home).as_posix() for path in files)
    return sorted(name for name in names if not name.startswith("refocus.db") and name != "store.lock")


def index(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def reasons(report: ImportReport) -> dict[str, str]:
    return {item.name: item.reason for item in report.refused}


def nothing_is_left(ws: Workspace) -> bool:
    return stored_files(ws) == [] and rows.list_projects(ws.database) == []


def erase(ws: Workspace, project_id: int) -> None:
    """Into the bin, and out of it for good."""
    recycle_bin.put_into_bin(ws, project_id)
    recycle_bin.delete_for_good(ws, project_id)


def quiet(_done: int, _total: int, _doing: str) -> None:
    """Progress that nobody is told."""
