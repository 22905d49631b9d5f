"""Runs a program in an empty environment: Python and the packages that predict.py of a bundle needs."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ALONE = ("numpy", "PIL", "onnxruntime")  # all that predict.py may import, and what these need themselves
NEEDED = ("flatbuffers", "google", "packaging", "coloredlogs", "humanfriendly", "sympy", "mpmath", "protobuf")
ABSENT = ("torch", "streamlit", "app", "gain_core", "timm")


def make_environment(folder: Path) -> Path:
    """Fill a folder with links to the packages and nothing else."""
    for name in (*ALONE, *NEEDED):
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        source = Path(next(iter(spec.submodule_search_locations)))
        (folder / source.name).symlink_to(source)
        libraries = source.with_name(f"{source.name.lower()}.libs")  # of wheels: shared libraries beside them
        if name == "PIL":
            libraries = source.with_name("pillow.libs")
        if libraries.is_dir():
            (folder / libraries.name).symlink_to(libraries)
    return folder


def alone(environment: Path, program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python without its site-packages, its user's and its environment's: these packages alone."""
    start = f"import sys; sys.path.append({str(environment)!r}); "
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + program, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
    )


def predicted(environment: Path, program: Path, image: Path, *, cwd: Path) -> list[tuple[str, float]]:
    """What predict.py prints of an image, the likeliest class first; its map is cwd/map.png.

    Nothing of this program can be imported there.
    """
    run = alone(
        environment,
        f"import importlib.util as u; assert not any(map(u.find_spec, {ABSENT})); "
        "import runpy; sys.argv[0] = 'predict.py'; runpy.run_path(sys.argv.pop(1), run_name='__main__')",
        str(program),
        str(image),
        "map.png",
        cwd=cwd,
    )
    assert run.returncode == 0, run.stderr
    pairs = [line.split(" ", 1) for line in run.stdout.splitlines()]
    return [(name, float(share)) for share, name in pairs]
