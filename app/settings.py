"""Every setting of the program: name, default, one sentence."""

import math
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.allowed_hosts import host_names
from db.records import MODES, RunMode

NO_MODE = "nothing"
MOST_IMAGE_PIXELS = 178_956_970  # Pillow opens no larger picture, whoever asks
MOST_NAME = 100  # characters of a machine's name
CANVASES = ("own", "drawable")
SIGN_IN = ("auto", "off")


@dataclass(frozen=True, slots=True)
class Settings:
    """Read from environment variables named `REFOCUS_` + the field's name in capitals.

    The first line of each field's `doc` metadata is the sentence in docs/settings.md (a test compares them).
    """

    home: Path = field(
        default=Path("~/.refocus"),
        metadata={"doc": "Folder that holds the database, images, runs and models."},
    )
    database_url: str = field(
        default="", metadata={"doc": "SQLAlchemy URL; empty: an SQLite file `refocus.db` in the home folder."}
    )
    admins: str = field(
        default="",
        metadata={
            "doc": "With sign-in: who is always an admin, verified emails or subjects (`sub`), separated by "
            "commas."
        },
    )
    sign_in: str = field(
        default="auto",
        metadata={
            "doc": "`auto`: people sign in where `secrets.toml` has a section `[auth]`; `off`: everybody is "
            "*Local user*, whatever else is set."
        },
    )
    import_roots: tuple[Path, ...] = field(
        default=(),
        metadata={"doc": "Folders on the server that projects may be imported from, separated by `:`."},
    )
    machine: str = field(
        default="",
        metadata={"doc": "Name of this machine among those that share a database; empty: its host name."},
    )
    trains: str = field(
        default=",".join(MODES),
        metadata={
            "doc": "What this machine trains: `quick`, `full` or both, separated by a comma, or `nothing`."
        },
    )
    processes: int = field(
        default=0,
        metadata={
            "doc": "Processes that share a full training, at most; `0`: one for each GPU of this machine."
        },
    )
    networks: str = field(
        default="",
        metadata={
            "doc": "Networks of your own, `file.py:function` or `module:function`, separated by commas."
        },
    )
    allowed_hosts: str = field(
        default="",
        metadata={
            "doc": "Host names that the server answers to besides `localhost` and the address it listens on, "
            "separated by commas."
        },
    )
    canvas: str = field(
        default="own",
        metadata={
            "doc": "The canvas that Annotate draws with: `own`, or `drawable`, the package "
            "streamlit-drawable-canvas, which has no zoom and no editing."
        },
    )
    sam: tuple[Path, ...] = field(
        default=(),
        metadata={
            "doc": "A segmentation network for *Outline*: the ONNX files of SAM's encoder and decoder, "
            "separated by `:`."
        },
    )
    max_image_pixels: int = field(
        default=50_000_000,
        metadata={"doc": f"Images with more pixels are refused; at most {MOST_IMAGE_PIXELS}."},
    )
    max_upload_mb: int = field(
        default=2_000,
        metadata={
            "doc": "Largest total size of the unpacked files of one import, and of a file of weights, in MB."
        },
    )
    lease_seconds: float = field(
        default=60.0,
        metadata={"doc": "Another trainer takes over a run whose trainer is silent for this many seconds."},
    )
    beat_seconds: float = field(
        default=1.0,
        metadata={"doc": "Seconds between a trainer's progress reports; at most half of the lease."},
    )
    idle_exit_seconds: float = field(
        default=120.0,
        metadata={
            "doc": "An idle trainer with no running server exits after this many seconds; `inf`: it stays."
        },
    )
    bin_days: float = field(
        default=30.0,
        metadata={"doc": "Days that deleted projects stay in the bin, and stray files in the folder `lost`."},
    )
    keep_days: float = field(
        default=30.0,
        metadata={
            "doc": "Days until unused features, thumbnails, downloads, ONNX sessions, and checkpoints of "
            "failed runs are removed."
        },
    )
    keep_gb: float = field(
        default=20.0,
        metadata={"doc": "Disk space for all of these together, in GB; the least recently used go first."},
    )

    @property
    def admin_names(self) -> frozenset[str]:
        """Subjects as they are, emails in small letters."""
        names = [name.strip() for name in self.admins.split(",") if name.strip()]
        return frozenset(name.lower() if "@" in name else name for name in names)

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'refocus.db'}"

    @property
    def machine_name(self) -> str:
        return self.machine or socket.gethostname()

    @property
    def modes(self) -> tuple[RunMode, ...]:
        """What this machine trains."""
        return tuple(mode for mode in MODES if mode in self.trains.split(","))

    @property
    def trainer_folder(self) -> Path:
        """Locks and logs of this machine's trainer and servers. It is not created by reading, so that a
        deleted data folder stays deleted.
        """
        return self.home / (f"trainer-{self.machine_name}" if self.database_url else "trainer")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environ` (default: the process environment); a bad value raises ValueError naming it."""
    environ = os.environ if environ is None else environ
    defaults = Settings()
    values: dict[str, object] = {"home": _read("home", str(defaults.home), defaults.home)}
    for name in Settings.__dataclass_fields__:
        raw = environ.get(_variable(name))
        if raw:
            values[name] = _read(name, raw, getattr(defaults, name))
    settings = Settings(**values)  # type: ignore[arg-type]
    _check(settings)
    return settings


def _variable(name: str) -> str:
    return f"REFOCUS_{name.upper()}"


def _read(name: str, raw: str, default: object) -> object:
    """`raw` as a value of the default's kind."""
    expected = "text"
    try:
        if isinstance(default, Path):
            expected = "a folder"
            return _folder(raw)
        if isinstance(default, tuple):
            expected = f"folders or files separated by {os.pathsep!r}"
            return tuple(_folder(part) for part in raw.split(os.pathsep) if part)
        if isinstance(default, int):
            expected = "a whole number"
            return int(raw)
        if isinstance(default, float):
            expected = "a number"
            return float(raw)
        return raw
    except (ValueError, RuntimeError, OSError) as error:  # RuntimeError: "~" of somebody who has no home
        raise ValueError(f"{_variable(name)}: expected {expected}, got {raw!r}") from error


def _folder(raw: str) -> Path:
    return Path(raw).expanduser().resolve()


def _check(settings: Settings) -> None:
    """Raises ValueError for numbers out of range."""
    for name in Settings.__dataclass_fields__:
        value = getattr(settings, name)
        most = math.inf if name == "idle_exit_seconds" else sys.float_info.max
        if name == "processes" and value == 0:  # as many as there are GPUs
            continue
        if isinstance(value, int | float) and not 0 < value <= most:
            raise ValueError(f"{_variable(name)}: expected a number above 0, got {value}")
    try:
        host_names(settings.allowed_hosts)
    except ValueError as error:
        raise ValueError(
            f"{_variable('allowed_hosts')}: expected names such as refocus.example.org, separated by commas, "
            f"got {settings.allowed_hosts!r}"
        ) from error
    if settings.trains != NO_MODE and not {*settings.trains.split(",")} <= {*MODES}:
        raise ValueError(
            f"{_variable('trains')}: expected {', '.join(MODES)} or {NO_MODE}, got {settings.trains!r}"
        )
    if "/" in settings.machine_name or len(settings.machine_name) > MOST_NAME:  # it names a folder
        raise ValueError(
            f"{_variable('machine')}: expected a name of at most {MOST_NAME} characters without '/', "
            f"got {settings.machine!r}"
        )
    if settings.canvas not in CANVASES:
        raise ValueError(f"{_variable('canvas')}: expected {' or '.join(CANVASES)}, got {settings.canvas!r}")
    if settings.sign_in not in SIGN_IN:
        raise ValueError(f"{_variable('sign_in')}: expected {' or '.join(SIGN_IN)}, got {settings.sign_in!r}")
    if len(settings.sam) not in (0, 2):
        raise ValueError(
            f"{_variable('sam')}: expected two files, the encoder and the decoder, separated by "
            f"{os.pathsep!r}, got {len(settings.sam)}"
        )
    if settings.max_image_pixels > MOST_IMAGE_PIXELS:
        raise ValueError(
            f"{_variable('max_image_pixels')}: expected at most {MOST_IMAGE_PIXELS} (no larger "
            f"picture can be opened), got {settings.max_image_pixels}"
        )
    if settings.beat_seconds > settings.lease_seconds / 2:  # or one late beat loses the run
        raise ValueError(
            f"{_variable('beat_seconds')}: expected at most half of {_variable('lease_seconds')} "
            f"({settings.lease_seconds}), got {settings.beat_seconds}"
        )
