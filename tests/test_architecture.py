"""The house rules hold for this tree, and each of them can fail."""

import dataclasses
import importlib.metadata
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.settings import Settings
from tests import architecture as rules

ROOT = Path(__file__).resolve().parents[1]
RULES = (
    rules.import_violations,
    rules.name_violations,
    rules.variable_violations,
    rules.private_violations,
    rules.size_violations,
    rules.benchmark_violations,
)
Tree = Callable[[dict[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes a small source tree: {path: text}."""

    def write(files: dict[str, str]) -> Path:
        for name, text in {"docs/benchmarks.md": "", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_this_tree_keeps_the_rule(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("app/services/library.py", "import streamlit as st"),
        ("app/jobs/worker.py", "from streamlit_drawable_canvas import st_canvas"),
        ("benchmarks/bias.py", "import streamlit"),
        ("gain_core/losses/guidance.py", "from db.records import Split"),
        ("gain_core/losses/guidance.py", "def f():\n    from app.settings import Settings"),
        ("gain_core/losses/guidance.py", "import db"),
        ("db/library.py", "import numpy as np"),
        ("db/library.py", "import torch.nn.functional as F"),
        ("db/library.py", "from gain_core import errors"),
        ("app/services/library.py", "from db import models"),
        ("app/services/library.py", "from sqlalchemy import select"),
        ("app/views/train.py", "import torch"),
        ("app/components/annotate/canvas.py", "from torchvision.transforms import v2"),
        ("app/services/training.py", "from app.views import train"),
        ("app/jobs/launch.py", "from app import state"),
        ("app/jobs/launch.py", "import tests.live_server"),
        ("app/drawing/fabric.py", "from app.services import annotation"),
        ("app/drawing/draft.py", "from app.drawing.fabric import CanvasDrawing"),
        ("app/components/annotate/drafts.py", "from app.drawing import fabric_shapes"),
        ("app/importing/formats/coco.py", "from app.state import DRAFTS"),
        ("gain_core/imaging/raster.py", "from gain_core.models import classifier"),
        ("gain_core/losses/guidance.py", "from gain_core.training.config import TrainConfig"),
        ("gain_core/training/trainer.py", "from gain_core.segmentation.sec import train_segmenter"),
        ("app/views/train.py", "from . import library"),
        ("app/views/train.py", "from .library import show"),
    ],
)
def test_a_forbidden_import_is_named(tree: Tree, path: str, source: str) -> None:
    violations = rules.import_violations(tree({path: source}))

    assert len(violations) == 1
    assert violations[0].startswith(f"{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("app/views/train.py", "import streamlit as st\nfrom db.errors import DatabaseError"),
        ("app/main.py", "import streamlit"),
        ("app/services/explanation.py", "import torch\nimport db\nfrom gain_core import attention"),
        ("db/library.py", "from sqlalchemy import select\nfrom db.models import Project"),
        ("benchmarks/bias.py", "from app.services import training\nimport numpy"),
    ],
)
def test_an_allowed_import_is_not_named(tree: Tree, path: str, source: str) -> None:
    assert rules.import_violations(tree({path: source})) == []


@pytest.mark.parametrize(
    "path",
    ["app/utils.py", "gain_core/common/maps.py", "tests/helpers.py", "app/statistics.py", "app/queue/x.py"],
)
def test_a_name_that_says_nothing_or_shadows_the_standard_library_is_named(tree: Tree, path: str) -> None:
    assert len(rules.name_violations(tree({path: ""}))) == 1


def test_a_pages_folder_is_named_and_a_view_called_like_a_module_is_not(tree: Tree) -> None:
    assert len(rules.name_violations(tree({"app/pages/train.py": "", "app/views/queue.py": ""}))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "x = [one for one in ()]",
        "def f(wanted): ...",
        "f = lambda known: 0",
        "for said in (): ...",
    ],
)
def test_a_variable_that_says_nothing_is_named_where_the_code_is_clean_of_them(
    tree: Tree, source: str
) -> None:
    violations = rules.variable_violations(tree({"db/runs.py": f"\n{source}\n"}))

    assert [text.split(": ")[0] for text in violations] == ["db/runs.py:2"]
    assert rules.variable_violations(tree({"db/runs.py": "one_of = 1", "app/state.py": source})) == []


@pytest.mark.parametrize("source", ["from db.runs import _row", "from db import runs\nruns._row()"])
def test_a_test_of_a_private_function_is_named(tree: Tree, source: str) -> None:
    [text] = rules.private_violations(tree({"tests/test_runs.py": source}))
    assert text.startswith("tests/test_runs.py:")
    assert "'_row'" in text
    assert rules.private_violations(tree({"tests/test_runs.py": "from db import runs\nruns.row()"})) == []


def test_a_long_file_and_a_heavy_file_are_named(tree: Tree) -> None:
    files = {
        "app/long.py": "x = 1\n" * 301,
        "app/right.py": "x = 1\n" * 300,
        "docs/heavy.png": "x" * 1_000_001,
    }

    assert [text.split(":")[0] for text in rules.size_violations(tree(files))] == [
        "app/long.py",
        "docs/heavy.png",
    ]


def test_a_benchmark_that_is_no_command_or_is_unnamed_in_the_documents_is_named(tree: Tree) -> None:
    command = 'if __name__ == "__main__":\n    print()\n'
    files = {
        "docs/benchmarks.md": "`python -m benchmarks.good`",
        "benchmarks/__init__.py": "",
        "benchmarks/good.py": "from benchmarks.part import x\n" + command,
        "benchmarks/part.py": "x = 1",
        "benchmarks/stray.py": "x = 1",
        "benchmarks/unnamed.py": command,
    }

    violations = rules.benchmark_violations(tree(files))

    assert [text.split(":")[0] for text in violations] == ["benchmarks/stray.py", "docs/benchmarks.md"]


def test_files_that_git_ignores_are_not_judged(tree: Tree) -> None:
    root = tree({".gitignore": "ignored/\n", "ignored/utils.py": "", "app/utils.py": ""})
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)

    assert [path.name for path in rules.listed_files(root) if path.suffix == ".py"] == ["utils.py"]


def test_the_document_lists_every_setting_with_its_default_and_sentence() -> None:
    written = rules.written_settings((ROOT / "docs" / "settings.md").read_text("utf-8"))
    real = {
        f"REFOCUS_{field.name.upper()}": (_as_written(field.default), field.metadata["doc"])
        for field in dataclasses.fields(Settings)
    }

    assert written == real


def test_the_settings_table_is_read_row_by_row() -> None:
    table = "| Name | Default | Meaning |\n|---|---|---|\n| `REFOCUS_HOME` | `~/x` | A folder. |\n| x | 1 |\n"

    assert rules.written_settings(table) == {"REFOCUS_HOME": ("~/x", "A folder.")}


def test_requirements_are_what_the_program_imports_and_nothing_else() -> None:
    names = rules.requirement_names((ROOT / "requirements.txt").read_text("utf-8"))

    assert set(names) == _imported_distributions(("app", "gain_core", "db"))


def test_the_library_alone_asks_for_what_it_imports_in_the_same_bounds() -> None:
    packaging = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = packaging["project"]["dependencies"]

    assert set(rules.requirement_names("\n".join(asked))) == _imported_distributions(("gain_core",))
    assert set(asked) <= set((ROOT / "requirements.txt").read_text("utf-8").splitlines())
    built_with = set(packaging["build-system"]["requires"])
    assert built_with <= set((ROOT / "requirements-dev.txt").read_text("utf-8").splitlines())


def test_imports_are_found_inside_functions_and_in_the_named_packages_alone(tree: Tree) -> None:
    files = {
        "app/a.py": "import os\nimport numpy.linalg\nfrom db import records",
        "gain_core/b.py": "def f():\n    from PIL import Image",
        "benchmarks/c.py": "import captum",
    }

    assert rules.third_party_imports(tree(files), ("app", "gain_core")) == {"numpy", "PIL"}
    assert rules.third_party_imports(tree({}), ("gain_core",)) == {"PIL"}


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-postgresql.txt",
        "requirements-sign-in.txt",
        "requirements-dev.txt",
    ],
)
def test_every_requirement_has_bounds_and_a_reason_on_record(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    record = (ROOT / "docs/decisions/0006-dependencies.md").read_text("utf-8")
    reasons = {
        re.sub(r"[-_.]+", "-", row).lower() for row in re.findall(r"^\| `([^`]+)` \|", record, re.MULTILINE)
    }

    assert rules.unbounded_requirements(text) == []
    assert set(rules.requirement_names(text)) <= reasons


def test_a_requirement_without_an_upper_bound_is_named() -> None:
    assert rules.unbounded_requirements("a>=1,<2\nb>=1\nc\n# d\n-r other.txt\n") == ["b>=1", "c"]
    assert rules.requirement_names("A_b>=1,<2  # why\n\n-r x.txt\nc.d[e]==1") == ["a-b", "c-d"]


def _imported_distributions(packages: tuple[str, ...]) -> set[str]:
    """What has to be installed for these packages, normalised as `requirement_names` does."""
    installed = importlib.metadata.packages_distributions()
    return {
        re.sub(r"[-_.]+", "-", name).lower()
        for module in rules.third_party_imports(ROOT, packages)
        for name in installed.get(module, [f"{module} (not installed)"])
    }


def _as_written(default: object) -> str:
    """A default as the table of docs/settings.md shows it."""
    if isinstance(default, tuple):
        return ":".join(map(str, default)) or "empty"
    return str(default) or "empty"
