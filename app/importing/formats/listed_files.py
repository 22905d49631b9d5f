"""Finds the files that a table names, also where it names another folder or no ending."""

from collections.abc import Sequence


class ListedFiles:
    def __init__(self, names: Sequence[str], prefix: str) -> None:
        """`names`: of all files; `prefix`: folder of the table, "" or ending in "/"."""
        self._names = set(names)
        self._prefix = prefix
        self._by_last: dict[str, list[str]] = {}
        for name in names:
            last = name.rpartition("/")[2]
            for key in {last, last.rpartition(".")[0]}:
                self._by_last.setdefault(key, []).append(name)
        self.moved: set[str] = set()  # files found elsewhere than named

    def find(self, name: str) -> str | None:
        """Path of the file that the table calls `name`; None where there is none, or where several may be."""
        if f"{self._prefix}{name}" in self._names:
            return f"{self._prefix}{name}"
        last = name.rpartition("/")[2]
        fitting = [path for path in self._by_last.get(last, ()) if self._fits(path, name)]
        if len(fitting) != 1:
            return None
        self.moved.add(fitting[0])
        return fitting[0]

    def shown(self, path: str, name: str) -> str:
        """How to call the file at `path`, which the table calls `name`."""
        return name if path == f"{self._prefix}{name}" else path.removeprefix(self._prefix)

    def _fits(self, path: str, name: str) -> bool:
        """Whether one is the end of the other; an ending may be missing in the table."""
        inside = f"/{path.removeprefix(self._prefix)}"
        wanted = f"/{name}"
        if "." not in name.rpartition("/")[2]:
            inside = inside.rpartition(".")[0]
        return inside.endswith(wanted) or wanted.endswith(inside)
