"""The house rules as functions from the root of a source tree to its violations, as sentences."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OWN = ("app", "gain_core", "db", "benchmarks")
MAX_LINES = 300
MAX_BYTES = 1_000_000
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
VAGUE_VARIABLES = {"one", "found", "known", "drawn", "kept", "wanted", "said"}
NAMED_WELL = (  # modules that are clean of them; add a room when it is
    *("app.components.compare", "app.components.kit", "app.components.runs", "app.demo", "app.jobs"),
    *("benchmarks", "db", "gain_core.analysis", "gain_core.explain", "gain_core.guidance"),
    *("gain_core.imaging", "gain_core.losses", "gain_core.metrics", "gain_core.metrics_of_classes"),
    "gain_core.metrics_of_maps",
    "gain_core.segmentation",
)
_SKIPPED_FOLDERS = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"}

SCREEN = (
    "app.identity",
    "app.main",
    "app.opening",
    "app.router",
    "app.views",
    "app.components",
    "app.state",
    "app.resources",
    "app.session_files",
    "app.counts",
)
PAGES = ("app.views", "app.components")
TENSORS = ("torch", "torchvision", "timm", "safetensors")
ABOVE_LOSSES = (
    *("gain_core.dataset", "gain_core.guidance", "gain_core.analysis", "gain_core.training"),
    "gain_core.segmentation",
)
METRICS = ("gain_core.metrics", "gain_core.metrics_of_classes", "gain_core.metrics_of_maps")
ABOVE_MODELS = ("gain_core.explain", "gain_core.losses", *METRICS, *ABOVE_LOSSES)
ORM = ("sqlalchemy", "alembic", "db.models", "db.migrations")

# (who, may not import, except who): dotted prefixes, matched by whole segments.
IMPORT_RULES: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (OWN, ("starlette", "streamlit", "streamlit_drawable_canvas"), (*SCREEN, "benchmarks.sessions")),
    (("gain_core",), ("db", "app", "benchmarks", "sqlalchemy", "alembic"), ()),
    (("db",), ("torch", "torchvision", "timm", "numpy", "gain_core", "app", "benchmarks"), ()),
    (OWN, ORM, ("db",)),
    (PAGES, TENSORS, ()),
    (
        (
            *("app.cli", "app.demo", "app.drawing", "app.errors", "app.exporting", "app.importing"),
            *("app.jobs", "app.services", "app.settings", "app.workspace"),
        ),
        SCREEN,
        (),
    ),
    (("app.demo", "app.drawing", "app.exporting", "app.importing"), ("app.jobs", "app.services"), ()),
    # The border of the canvas: what Fabric's JSON means is known to one place.
    (OWN, ("app.drawing.fabric_shapes",), ("app.drawing.fabric",)),
    (
        OWN,
        ("app.drawing.fabric",),
        ("app.components.annotate", "app.state", "app.drawing.fabric"),
    ),
    (("app.drawing",), ("app.demo", "app.exporting", "app.importing", "app.workspace"), ()),
    # The rooms of the library, from the ground up: each may use those before it.
    (("gain_core.imaging",), ("gain_core.models", *ABOVE_MODELS), ()),
    (("gain_core.models",), ABOVE_MODELS, ()),
    (("gain_core.explain", *METRICS), ("gain_core.losses", *ABOVE_LOSSES), ()),
    (("gain_core.losses",), ABOVE_LOSSES, ()),
    (("gain_core.dataset",), ABOVE_LOSSES[1:], ()),
    (("gain_core.guidance",), ABOVE_LOSSES[2:], ()),
    (("gain_core.analysis",), ABOVE_LOSSES[3:], ()),
    (("gain_core.training",), ABOVE_LOSSES[4:], ()),
    (("app", "gain_core", "db"), ("benchmarks", "tests"), ()),
    # What `survival` and `machines` attack with is the tests' own.
    (
        ("benchmarks",),
        ("tests",),
        ("benchmarks.machines", "benchmarks.survival_inputs", "benchmarks.survival_kills"),
    ),
)


def listed_files(root: Path) -> list[Path]:
    """Files of the project, sorted: what git tracks or would track; without git, all but caches."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split(
            "\0"
        )
        found = [root / name for name in names if name]
    else:
        found = list(root.rglob("*"))
    return sorted(p for p in found if p.is_file() and not _SKIPPED_FOLDERS & set(p.relative_to(root).parts))


def import_violations(root: Path) -> list[str]:
    """Imports that cross a line they must not cross, and relative imports."""
    violations = []
    for path, module in _program_modules(root):
        for line, target in _imports(path):
            where = f"{path.relative_to(root)}:{line}"
            if target.startswith("."):
                violations.append(f"{where}: import absolutely, got a relative import")
            for who, forbidden, allowed in IMPORT_RULES:
                if _under(module, who) and _under(target, forbidden) and not _under(module, allowed):
                    violations.append(f"{where}: {module} must not import {target}")
    return violations


def name_violations(root: Path) -> list[str]:
    """Catch-all module names; a `pages` folder; names in app/ that shadow the standard library."""
    violations = []
    for path in listed_files(root):
        relative = path.relative_to(root)
        if path.suffix == ".py":
            vague = FORBIDDEN_NAMES.intersection((*relative.parts[:-1], path.stem))
            violations += [f"{relative}: say what the module does, not {part!r}" for part in sorted(vague)]
        # Streamlit puts app/ itself on sys.path, so its direct children are top-level names for everybody.
        if len(relative.parts) > 1 and relative.parts[0] == "app":
            child = Path(relative.parts[1]).stem
            if child in sys.stdlib_module_names:
                violations.append(f"{relative}: shadows the standard library's {child!r}")
            if relative.parts[1] == "pages":
                violations.append(f"{relative}: Streamlit would list a pages folder by itself")
    return violations


def variable_violations(root: Path) -> list[str]:
    """Variables and parameters whose name says nothing, in the modules of NAMED_WELL."""
    violations = []
    for path, module in _program_modules(root):
        if _under(module, NAMED_WELL):
            violations += [
                f"{path.relative_to(root)}:{line}: name the thing, not {name!r}"
                for line, name in _variables(path)
                if name in VAGUE_VARIABLES
            ]
    return violations


def private_violations(root: Path) -> list[str]:
    """Private functions and classes of the program that a test imports or calls."""
    violations = []
    for path in listed_files(root):
        if path.suffix != ".py" or path.relative_to(root).parts[0] != "tests":
            continue
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"), filename=str(path))))
        imported = [
            (node.lineno, alias.asname or alias.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OWN
            for alias in node.names
        ]
        names = {name for _, name in imported}
        called = [
            (node.lineno, node.func.attr)
            for node in nodes
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in names
        ]
        violations += [
            f"{path.relative_to(root)}:{line}: test what uses it, or make {name!r} public"
            for line, name in sorted([*imported, *called])
            if name.startswith("_") and not name.startswith("__")
        ]
    return violations


def size_violations(root: Path) -> list[str]:
    """Python files above 300 lines and any file above 1 MB."""
    violations = []
    for path in listed_files(root):
        relative = path.relative_to(root)
        if path.stat().st_size > MAX_BYTES:
            violations.append(f"{relative}: expected at most {MAX_BYTES} bytes, got {path.stat().st_size}")
        elif path.suffix == ".py" and (lines := len(path.read_text("utf-8").splitlines())) > MAX_LINES:
            violations.append(f"{relative}: expected at most {MAX_LINES} lines, got {lines}")
    return violations


def benchmark_violations(root: Path) -> list[str]:
    """Files in benchmarks that are no command nor imported by one, and commands that docs/benchmarks.md does
    not name.
    """
    listed = (root / "docs" / "benchmarks.md").read_text("utf-8")
    modules = {module: path for path, module in _program_modules(root) if _under(module, ("benchmarks",))}
    imported = {target for path in modules.values() for _, target in _imports(path)}
    violations = []
    for module, path in modules.items():
        if any(_is_main_guard(node) for node in ast.parse(path.read_text("utf-8")).body):
            if f"python -m {module}" not in listed:
                violations.append(f"docs/benchmarks.md: expected the command `python -m {module}`")
        elif path.name != "__init__.py" and not any(_under(target, (module,)) for target in imported):
            violations.append(f"{path.relative_to(root)}: neither a command nor part of one")
    return violations


def written_settings(page: str) -> dict[str, tuple[str, str]]:
    """The table of docs/settings.md: variable -> (default as written, sentence)."""
    rows = re.findall(r"^\| `(REFOCUS_\w+)` \| (.*?) \| (.*?) \|$", page, flags=re.MULTILINE)
    return {name: (default.strip("`"), sentence) for name, default, sentence in rows}


def requirement_names(text: str) -> list[str]:
    """Distribution names of a requirements file, normalised to lower case with dashes."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    names = [re.split(r"[<>=!~;\[ ]", line)[0] for line in lines if line and not line.startswith("-")]
    return [re.sub(r"[-_.]+", "-", name).lower() for name in names]


def unbounded_requirements(text: str) -> list[str]:
    """Requirement lines without both a lower and an upper bound."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [
        line for line in lines if line and not line.startswith("-") and not (">=" in line and ",<" in line)
    ]


def third_party_imports(root: Path, packages: tuple[str, ...]) -> set[str]:
    """Top-level names that these packages import from outside the project and the standard library."""
    found = set()
    for path, module in _program_modules(root):
        if _under(module, packages):
            found |= {target.split(".")[0] for _, target in _imports(path)}
    return {name for name in found if name and name not in {*OWN, *sys.stdlib_module_names}}


def _program_modules(root: Path) -> Iterator[tuple[Path, str]]:
    for path in listed_files(root):
        parts = path.relative_to(root).with_suffix("").parts
        if path.suffix == ".py" and parts[0] in OWN:
            yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted target of each import, also inside functions; relative ones keep their dots."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            # `from db import models` names the module db.models; a class's name behind it does no harm.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _variables(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of everything that is assigned, looped over or a parameter."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), filename=str(path))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def _under(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
