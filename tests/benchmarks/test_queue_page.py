"""The benchmark of the queue on PostgreSQL, on a queue of 400 images."""

from benchmarks.postgresql_server import Server
from benchmarks.queue_page import PAGE, fill, measure


def test_the_server_says_how_long_it_took_and_how_a_page_is_read(postgresql_server: Server) -> None:
    with postgresql_server.database() as url:
        fill(url, 400)
        figures = measure(postgresql_server, url, pages=3, rounds=2)
    assert {name: taken["n"] for name, taken in figures["milliseconds"].items()} == {
        "page": 3,
        "order": 2,
        "figures": 2,
    }
    images, predictions = ("\n".join(plan) for plan in figures["plans_of_a_page"])
    assert f"rows={PAGE} " in images
    assert "actual time=" in images
    assert "on predictions" in predictions
