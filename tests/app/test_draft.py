"""Steps back and forth in a drawing that is not saved yet."""

from app.drawing.draft import Draft
from db.records import RegionRecord

A, B, C = (RegionRecord("box", "look_here", ((0.0, 0.0), (side, side))) for side in (1.0, 2.0, 3.0))
CORNER = (0.0, 9.0), (9.0, 9.0), (5.0, 0.0)
OPEN = RegionRecord("polygon", "look_here", CORNER)
GROWN = RegionRecord("polygon", "look_here", (*CORNER, (1.0, 1.0)))


def test_a_drawing_is_unsaved_while_it_differs_from_the_stored_one() -> None:
    draft = Draft((A,), (A,), revision=1)
    assert not draft.unsaved
    draft.draw((A, B))
    assert draft.unsaved
    draft.undo()
    assert not draft.unsaved


def test_each_stroke_is_a_step_also_when_two_are_told_at_once() -> None:
    draft = Draft((), (), revision=0)
    draft.draw((A, B))
    draft.undo()
    assert draft.regions == (A,)
    draft.redo()
    assert draft.regions == (A, B)


def test_a_polygon_that_gets_another_corner_is_one_step() -> None:
    draft = Draft((), (A,), revision=0)
    draft.draw((A, OPEN))
    draft.draw((A, GROWN))
    draft.undo()
    assert draft.regions == (A,)


def test_a_polygon_that_grows_and_a_stroke_after_it_are_two_steps() -> None:
    draft = Draft((), (OPEN,), revision=0)
    draft.draw((GROWN, B))
    draft.undo()
    assert draft.regions == (GROWN,)


def test_a_new_stroke_after_a_step_back_leaves_nothing_to_redo() -> None:
    draft = Draft((), (), revision=0)
    draft.draw((A,))
    draft.undo()
    draft.draw((C,))
    draft.redo()
    assert draft.regions == (C,)
    draft.undo()
    assert draft.regions == ()


def test_clear_and_delete_are_steps_of_their_own() -> None:
    draft = Draft((), (A, B, C), revision=0)
    draft.change((A, C))
    draft.change(())
    draft.undo()
    assert draft.regions == (A, C)
    draft.undo()
    assert draft.regions == (A, B, C)


def test_a_drawing_from_the_database_is_taken_back_region_by_region() -> None:
    draft = Draft((A, B), (A, B), revision=1)
    draft.undo()
    draft.undo()
    assert draft.regions == ()
    assert not draft.can_undo
    draft.redo()
    draft.redo()
    draft.redo()
    assert draft.regions == (A, B)
