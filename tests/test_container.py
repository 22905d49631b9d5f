"""The image and its services, as far as they can be checked without a container engine."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from app.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PASSWORD = "correct0horse"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """As compose reads them, with the variables' defaults."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    text = re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}", PASSWORD, text)
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    assert "$" not in text
    document = yaml.safe_load(text)
    assert set(document["volumes"]) == {
        volume.split(":")[0] for service in document["services"].values() for volume in service["volumes"]
    }
    return dict(document["services"])


def settings_of(service: dict[str, Any], **more: str) -> Settings:
    """Read by the program from the container's environment."""
    ours = {name: str(value or "") for name, value in service["environment"].items()}  # nothing is None
    known = {f"REFOCUS_{name.upper()}" for name in Settings.__dataclass_fields__}
    assert set(ours) <= known
    return load_settings({"REFOCUS_HOME": "/data", **ours, **more})


def test_each_service_has_settings_that_the_program_takes_and_one_database(services: dict[str, Any]) -> None:
    database = services["database"]["environment"]
    machines = []
    for name in ("app", "worker", "worker-gpu"):
        settings = settings_of(services[name])
        url = make_url(settings.database_url)
        assert (url.host, url.username, url.password) == ("database", database["POSTGRES_USER"], PASSWORD)
        assert url.database == database["POSTGRES_USER"]  # what the image makes when it is not told otherwise
        assert url.host in services[name]["depends_on"]
        assert services[name]["volumes"] == ["files:/data"]
        machines.append(settings.machine)
    assert len(set(machines)) == len(machines)
    assert settings_of(services["app"]).modes == ()
    assert settings_of(services["worker"]).modes == ("quick", "full")
    assert settings_of(services["worker-gpu"]).modes == ("full",)


def test_only_this_machine_reaches_the_page_and_nothing_else_is_published(services: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"app": ["127.0.0.1:8501:8501"]}


def test_the_image_is_built_from_files_that_are_there_and_sent(
    services: dict[str, Any], tmp_path: Path
) -> None:
    sent = {path.relative_to(ROOT).as_posix() for path in _sent_files()}
    for sources in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert {source for source in sources.split() if source != "."} <= sent
    assert re.search(r"^ARG DEVICE=cpu$", DOCKERFILE, re.MULTILINE)
    assert services["worker-gpu"]["build"]["args"] == {"DEVICE": "cuda"}
    lines = subprocess.run(
        ["grep", "-E", "^torch(vision)?[>=]", ROOT / "requirements.txt"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert [re.split("[>=]", line)[0] for line in lines] == ["torch", "torchvision"]


@pytest.mark.processes
def test_the_trainer_starts_from_what_the_image_holds_and_nothing_else(
    services: dict[str, Any], tmp_path: Path, database_url: str
) -> None:
    program = tmp_path / "srv"
    for path in _sent_files():
        target = program / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    command = services["worker"]["command"]
    assert command[0] == "python"
    environment = {name: str(value) for name, value in services["worker"]["environment"].items()}
    environment |= {
        "PATH": os.environ["PATH"],
        "REFOCUS_HOME": str(tmp_path / "data"),
        "REFOCUS_DATABASE_URL": database_url or f"sqlite:///{tmp_path / 'elsewhere.db'}",
        "REFOCUS_IDLE_EXIT_SECONDS": "0.5",
    }
    ended = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=program,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert "INFO worker worker:" in ended.stderr
    assert "INFO leaving" in ended.stderr
    assert (tmp_path / "data" / "trainer-worker" / "worker.lock").is_file()


def _sent_files() -> list[Path]:
    """What .dockerignore lets through: it refuses all, lets a few in, and refuses caches among these."""
    rules = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert rules[0] == "*"
    names = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    refused = [rule for rule in rules[1:] if not rule.startswith("!")]
    roots = [ROOT / name for name in names]
    assert all(path.exists() for path in roots)
    files = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*"))]
    return [
        file
        for file in files
        if file.is_file()
        and not any(
            fnmatch.fnmatch(parent.as_posix(), f"*{rule.removeprefix('**')}")
            for parent in file.parents
            for rule in refused
        )
    ]
