"""The benchmark that looks for losses sees them."""

from itertools import islice
from pathlib import Path

import pytest

from app.services import library
from app.workspace import Workspace
from benchmarks import survival_inputs, survival_kills
from benchmarks.survival_saves import acknowledged
from db import library as rows
from tests.app.material import fresh_workspace, two_classes, zipped
from tests.hostile.case import Archive


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


@pytest.mark.parametrize("subject", survival_inputs.SUBJECTS)
def test_a_seed_gives_the_same_inputs_again_and_another_one_others(subject: str) -> None:
    def some(seed: int) -> list[str]:
        return list(map(repr, islice(survival_inputs.SUBJECTS[subject][0](seed), 4)))

    assert some(5) == some(5) != some(6)


def test_shares_of_the_subjects_are_all_of_the_inputs() -> None:
    assert sum(share for _, share in survival_inputs.SUBJECTS.values()) == 100


def test_a_stored_file_that_is_no_picture_and_a_member_that_must_be_refused_are_faults(
    ws: Workspace, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "a.zip", two_classes())
    project = library.import_zip(ws, "Bay", path).project_id
    case = Archive("good", path.read_bytes())
    assert list(survival_inputs.stored_faults(ws, case, project)) == []

    never = Archive("bad name", path.read_bytes(), frozenset({"boat/1.png"}))
    assert list(survival_inputs.stored_faults(ws, never, project)) == ["'boat/1.png' is an image"]
    image = rows.list_images(ws.database, project)[0]
    stored = ws.files.image(image.sha256, image.suffix)
    stored.write_bytes(stored.read_bytes()[:40])
    (fault,) = survival_inputs.stored_faults(ws, case, project)
    assert fault.startswith(f"{image.name!r} cannot be decoded")


def test_two_processes_at_one_run_overlap_and_one_after_the_other_do_not() -> None:
    assert not survival_kills.at_the_same_time({1: [1.0, 2.0], 2: [2.5, 3.0]})
    assert survival_kills.at_the_same_time({1: [1.0, 2.6], 2: [2.5, 3.0]})


def test_a_note_that_a_kill_has_cut_short_is_no_acknowledgement(tmp_path: Path) -> None:
    (tmp_path / "notes").write_bytes(b"11\n12\n1")
    assert acknowledged(tmp_path / "notes") == [11, 12]
    assert acknowledged(tmp_path / "none") == []
