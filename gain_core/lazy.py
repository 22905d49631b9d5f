"""Names of a package that are loaded when they are first used (PEP 562)."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def exports(
    package: str, modules: Sequence[str], names: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of `package`, whose `names` are those of its `modules`."""

    def load(name: str) -> Any:
        if name in names:
            for module in modules:
                loaded = import_module(module)
                if hasattr(loaded, name):
                    return getattr(loaded, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def listed() -> list[str]:
        return sorted(names)

    return load, listed
