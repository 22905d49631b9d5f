"""Beside the canvas: what the model says when only the drawn region is left, and when it is taken away."""

import pytest

from app import resources
from app.components.annotate.part_note import NOT_SEEN, QUIET
from app.services import counterfactual
from app.services.counterfactual import PartView, parts_for
from db.records import RegionRecord
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, drawn, on_canvas, open_page, said, tell

IGNORED = RegionRecord("box", "ignore_this", ((30.0, 8.0), (50.0, 24.0)))
NEW = {"name": "a-1", "shape": "box", "role": "look_here", "points": [[8, 8], [40, 40]]}


def test_the_note_follows_strokes_undo_and_the_class_of_the_map(seeded: Seeded) -> None:
    version = seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    assert QUIET in said(app)

    tell(app, {"do": "change", "add": [NEW]})

    view = parts_for(seeded.ws, version, image, (BOX,))["look_here"]
    before = resources.attention(seeded.ws, version, image)
    shown = on_canvas(app)["map"]

    def told(position: int) -> tuple[str, str]:
        name = ("boat", "car")[position]
        return (
            f"With only *look here*: **{name} {100 * view.alone[position]:.0f} %**",
            f"(before {100 * before.probabilities[position]:.0f} %). Taken away: "
            f"**{name} {100 * view.taken_away[position]:.0f} %**",
        )

    assert all(part in said(app) for part in told(shown))
    assert QUIET not in said(app)
    app.button_group(key=f"annotate_map_of_{image.id}_{version.id}").set_value(1 - shown).run()
    assert all(part in said(app) for part in told(1 - shown))
    tell(app, {"do": "undo"})
    assert QUIET in said(app)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_both_roles_are_told_of_a_training_image_and_nothing_of_another(
    seeded: Seeded, split: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.publish()
    image = seeded.images(split)[0]  # type: ignore[arg-type]
    views = {"look_here": PartView((0.2, 0.8), (0.9, 0.1)), "ignore_this": PartView((0.7, 0.3), (0.6, 0.4))}
    monkeypatch.setattr(counterfactual, "parts_at_hand", lambda *_: views)
    app = open_page("annotate", {**drawn(image, BOX, IGNORED), "annotate_map_class": 0})
    notes = [line for line in said(app).splitlines() if "With only" in line]
    assert len(notes) == (2 if split == "train" else 0)


def test_a_region_that_the_model_does_not_see_is_told_as_such(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.publish()
    monkeypatch.setattr(counterfactual, "parts_at_hand", lambda *_: {})
    assert NOT_SEEN in said(open_page("annotate", drawn(seeded.images("train")[0], BOX)))
