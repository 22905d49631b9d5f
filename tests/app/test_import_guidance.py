"""Annotations that come with images: to measure the model, or to train it, as the import says."""

from pathlib import Path

import numpy as np
from PIL import Image

from app.importing.options import ImportOptions
from app.jobs.import_run import carry_out
from app.services import annotation, imports
from app.services.library import import_folder, overview
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import annotations, library
from db.imports import get_import
from db.records import RegionRecord
from tests.app.material import encoded, index, photograph, reasons, written

AS_GUIDANCE = ImportOptions(guidance=True)


def harbour(folder: Path) -> Path:
    """Four photographs of 24 × 16 pixels; the first has a mask to look at and one to ignore."""
    look, ignore = np.zeros((16, 24), np.uint8), np.zeros((16, 24), np.uint8)
    look[2:6, 3:9] = 255
    ignore[10:, :5] = 255
    files = {f"{n}.png": photograph(n) for n in range(4)}
    files |= {"look.png": encoded(Image.fromarray(look)), "ignore.png": encoded(Image.fromarray(ignore))}
    lines = ["0.png,boat,look.png,ignore.png", "1.png,boat,,", "2.png,car,,", "3.png,car,,"]
    return written(folder, files | {"index.csv": index("file,label,mask,ignore_mask", *lines)})


def test_masks_only_measure_unless_asked_for(ws: Workspace, tmp_path: Path) -> None:
    report = import_folder(ws, "a", harbour(tmp_path / "a"), trusted=True)
    assert annotations.list_guidance(ws.database, report.project_id) == []
    assert overview(ws, report.project_id).n_masks == 1


def test_masks_become_regions_that_can_be_drawn_on(ws: Workspace, tmp_path: Path) -> None:
    report = import_folder(ws, "a", harbour(tmp_path / "a"), options=AS_GUIDANCE, trusted=True)
    [guidance] = annotations.list_guidance(ws.database, report.project_id)
    assert guidance.regions == (
        RegionRecord("box", "look_here", ((3, 2), (9, 6))),
        RegionRecord("box", "ignore_this", ((0, 10), (5, 16))),
    )
    assert "Used as guidance: 2 masks on 1 images." in report.notes
    assert overview(ws, report.project_id).n_masks == 1
    image = library.get_image(ws.database, guidance.image_id)
    other = annotation.save(ws, image.id, image.class_id, guidance.regions[:1], expected_revision=1)
    assert other is not None
    assert (other.regions, other.look_png, other.revision) == (guidance.regions[:1], guidance.look_png, 2)


def test_guidance_is_stored_for_many_images_at_once(ws: Workspace, tmp_path: Path) -> None:
    mask = encoded(Image.fromarray(np.pad(np.ones((4, 4), np.uint8), ((2, 10), (3, 17)))))
    files = {f"{n}.png": photograph(n) for n in range(30)} | {"m.png": mask}
    lines = [f"{n}.png,boat|car,m.png{'|m.png' if n % 2 else ''}" for n in range(30)]
    folder = written(tmp_path / "a", files | {"index.csv": index("file,label,mask", *lines)})
    project_id = import_folder(ws, "a", folder, options=AS_GUIDANCE, trusted=True).project_id
    assert len(annotations.list_guidance(ws.database, project_id)) == 45
    again = import_folder(ws, "b", folder, options=AS_GUIDANCE, trusted=True).project_id
    assert len(annotations.list_guidance(ws.database, again)) == 45


def test_a_mask_that_is_refused_costs_its_image_nothing(ws: Workspace, tmp_path: Path) -> None:
    folder = harbour(tmp_path / "a")
    (folder / "ignore.png").write_bytes(photograph(9, (8, 8)))
    report = import_folder(ws, "a", folder, options=AS_GUIDANCE, trusted=True)
    assert report.accepted == 4
    assert reasons(report) == {
        "ignore.png": "The mask has another size than its image: expected 24×16, got 8×8. Its image 0.png "
        "was taken without it."
    }


def test_the_choice_is_kept_until_the_import_is_carried_out(tmp_path: Path) -> None:
    folder = harbour(tmp_path / "a")
    ws = open_workspace(Settings(home=tmp_path / "home", import_roots=(tmp_path,)))
    asked = imports.ask_for_folder(ws, "a", folder, AS_GUIDANCE)
    carry_out(ws, asked.id)
    project_id = get_import(ws.database, asked.id).project_id
    assert project_id is not None
    assert len(annotations.list_guidance(ws.database, project_id)) == 1


def test_options_of_another_version_of_the_program_are_read() -> None:
    assert ImportOptions.from_dict({"guidance": True, "colour": "blue"}) == AS_GUIDANCE
    assert ImportOptions.from_dict({}) == ImportOptions()
