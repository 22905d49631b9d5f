"""Some of the files of a source, for a format that builds on another one."""

from dataclasses import dataclass
from typing import IO

from app.importing.sources import Source
from db.records import RefusalRecord


@dataclass(frozen=True, slots=True)
class PartialSource:
    source: Source
    names: list[str]  # of `source`, sorted

    @property
    def refused(self) -> list[RefusalRecord]:
        return self.source.refused

    @property
    def empty_folders(self) -> list[str]:
        return self.source.empty_folders

    @property
    def notes(self) -> list[str]:
        return self.source.notes

    def read(self, name: str) -> bytes:
        """Raises FileRefusedError."""
        return self.source.read(name)

    def open(self, name: str) -> IO[bytes]:
        """Raises FileRefusedError."""
        return self.source.open(name)

    def mark(self, name: str) -> tuple[int, ...]:
        """Raises FileRefusedError."""
        return self.source.mark(name)
