"""How often a page asks the database: rarely, and never twice for what another session has just been told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.services import annotation
from app.services import map_figures as figures
from db import drafts
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, click, drawn, open_page

TRANSACTIONS = 13  # of one press of Next: there were 21, each of which waits three times for the interpreter


@contextmanager
def statements() -> Iterator[list[str]]:
    """All that is sent to the database meanwhile, in this process."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def goes_through_all(statement: str) -> bool:
    """Whether it counts or orders images of the whole project."""
    counts = any(word in statement for word in ("count(", "GROUP BY", "row_number()"))
    return counts and any(table in statement for table in ("images", "predictions"))


def test_next_asks_the_database_rarely_and_counts_nothing(seeded: Seeded) -> None:
    seeded.publish()
    seeded.publish()
    app = click(open_page("annotate"), "annotate_next")

    with statements() as sent:
        click(app, "annotate_next")

    assert [statement for statement in sent if goes_through_all(statement)] == []
    assert sent.count("BEGIN") <= TRANSACTIONS


def test_a_save_is_one_transaction_and_leaves_no_draft(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    assert drafts.get_draft(seeded.ws.database, image.id, image.class_id) is not None

    with statements() as sent:
        click(app, "annotate_save_next")

    assert sent.count("BEGIN IMMEDIATE") == 1
    assert [one for one in sent if "count(" in one and "guidance" not in one and "images" in one] == []
    assert drafts.get_draft(seeded.ws.database, image.id, image.class_id) is None


@pytest.mark.parametrize("page", ["annotate", "compare", "models"])
def test_a_second_window_counts_nothing_again(seeded: Seeded, page: str) -> None:
    seeded.publish()
    seeded.publish(wrong=[seeded.images("validation")[0].id])
    with statements() as first:
        open_page(page)
    assert any(goes_through_all(statement) for statement in first)

    with statements() as second:
        open_page(page)

    assert [statement for statement in second if goes_through_all(statement)] == []


def test_the_figures_of_a_map_are_measured_once_for_all_windows_until_guidance_is_saved(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    measured = []
    spread = figures.spread
    monkeypatch.setattr(figures, "spread", lambda attention: (measured.append(1), spread(attention))[1])
    for _ in range(2):
        open_page("annotate", {"annotate_image": image.id})
    assert len(measured) == 1

    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))

    legend = "".join(str(one.value) for one in open_page("annotate", {"annotate_image": image.id}).html)
    assert "of the evidence is on the object" in legend
    assert len(measured) == 2
