"""Every setting of the program: name, default, one sentence."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Read from environment variables named `REFOCUS_` + the field's name in capitals.

    The first line of each field's `doc` metadata is what README's table says of it (a test compares them).
    """

    home: Path = field(
        default=Path("~/.refocus"),
        metadata={"doc": "Folder that holds the database, images, runs and models."},
    )
    database_url: str = field(
        default="", metadata={"doc": "SQLAlchemy URL; empty: an SQLite file `refocus.db` in the home folder."}
    )
    import_roots: tuple[Path, ...] = field(
        default=(),
        metadata={"doc": "Folders on the server that projects may be imported from, separated by `:`."},
    )
    max_image_pixels: int = field(
        default=50_000_000, metadata={"doc": "An image with more pixels than this is refused."}
    )
    max_upload_mb: int = field(
        default=2_000, metadata={"doc": "Total size of the unpacked files of one import, in MB."}
    )
    lease_seconds: float = field(
        default=60.0, metadata={"doc": "A run whose trainer is silent this long is taken over."}
    )
    beat_seconds: float = field(
        default=1.0, metadata={"doc": "How often a trainer reports progress and reads requests."}
    )
    idle_exit_seconds: float = field(
        default=120.0, metadata={"doc": "A trainer with no run and no living server leaves after this long."}
    )

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'refocus.db'}"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environ` (default: the process environment); a bad value raises ValueError naming it."""
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    defaults = Settings()
    for name in Settings.__dataclass_fields__:
        variable = f"REFOCUS_{name.upper()}"
        raw = environ.get(variable)
        if raw is None or raw == "":
            continue
        default = getattr(defaults, name)
        try:
            if isinstance(default, Path):
                values[name] = Path(raw)
            elif isinstance(default, tuple):
                values[name] = tuple(
                    Path(part).expanduser().resolve() for part in raw.split(os.pathsep) if part
                )
            else:
                values[name] = type(default)(raw)
        except ValueError as error:
            raise ValueError(f"{variable}: expected {type(default).__name__}, got {raw!r}") from error
    values["home"] = Path(str(values.get("home", defaults.home))).expanduser().resolve()
    return Settings(**values)  # type: ignore[arg-type]
