"""Storage: the bin, what takes room, and what can be removed."""

from app.components.kit.number_format import size
from app.services import recycle_bin
from tests.app.seeded import Seeded
from tests.app.views.pages import click, keys, open_page, table


def test_the_bin_is_behind_storage_also_where_no_project_is_left(seeded: Seeded) -> None:
    recycle_bin.put_into_bin(seeded.ws, seeded.project_id)
    app = open_page()
    assert app.button(key="open_storage").label == "Storage · 1 deleted project"
    app = click(app, "open_storage")
    assert {f"restore_{seeded.project_id}", f"delete_for_good_{seeded.project_id}"} <= keys(app)


def test_room_is_listed_by_project_with_what_can_be_made_again(seeded: Seeded) -> None:
    seeded.publish()
    thumbnail = seeded.ws.files.thumbnail("ab" * 32, 160)
    thumbnail.parent.mkdir(parents=True)
    thumbnail.write_bytes(bytes(1000))
    app = click(open_page(), "open_storage")
    room = table(app, "Project").set_index("Project")
    images = sum(path.stat().st_size for path in (seeded.ws.files.home / "images").rglob("*.png"))
    assert room.loc["Bay", "Images"] == images
    assert room.loc["No project", "Thumbnails"] == 1000
    assert "Checkpoints" not in room
    assert room.loc["Bay", "Total"] == room.loc["Bay"].drop("Total").sum() > images
    removable = size(room["Thumbnails"].sum())  # the session is the published version's
    assert app.button(key="clean_storage").label == f"Remove all of them now ({removable})"
