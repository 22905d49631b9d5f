"""The library can be installed without the app: its wheel holds gain_core alone, and that works by itself."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import gain_core, torch
for name in gain_core.__all__:
    getattr(gain_core, name)
spec = gain_core.default_spec("test_efficientnet", ("boat", "not_boat"), image_size=64)
model = gain_core.build_classifier(spec, "none")
from gain_core.explain import explain
print(gain_core.__file__, tuple(explain(model, torch.zeros(1, 3, 64, 64)).attention.shape))
"""


@pytest.mark.processes
def test_the_wheel_holds_the_library_alone_and_works_far_from_the_checkout(tmp_path: Path) -> None:
    source, site, elsewhere = (tmp_path / name for name in ("source", "site", "elsewhere"))
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "gain_core", source / "gain_core", ignore=unwanted)
    shutil.copytree(ROOT / "db", source / "db", ignore=unwanted)  # it must be left out
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)  # building leaves folders beside what is built
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, timeout=120)

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    top = {path.name for path in site.iterdir()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"gain_core"}
    held, written = (
        {str(path.relative_to(place)) for path in (place / "gain_core").rglob("*.*") if path.suffix != ".pyc"}
        for place in (site, ROOT)
    )
    assert held == written
    assert "gain_core/py.typed" in held

    elsewhere.mkdir()
    told = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert told.stdout.split(maxsplit=1) == [str(site / "gain_core" / "__init__.py"), "(1, 2, 2, 2)\n"]
