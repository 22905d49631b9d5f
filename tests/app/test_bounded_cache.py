"""A cache that holds so many bytes and no more."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.bounded_cache import BoundedCache


def never() -> bytes:
    raise AssertionError("it is kept already")


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache = BoundedCache[bytes](10, len)
    cache.get("a", lambda: b"1234")
    cache.get("b", lambda: b"1234")
    assert cache.get("a", never) == b"1234"
    cache.get("c", lambda: b"1234")
    assert cache.held_bytes == 8
    assert cache.get("a", never) == b"1234"
    assert cache.get("b", lambda: b"new") == b"new"


def test_what_is_larger_than_the_cache_is_given_and_not_kept() -> None:
    cache = BoundedCache[bytes](3, len)
    assert cache.get("a", lambda: b"12345") == b"12345"
    assert cache.held_bytes == 0


def test_what_fails_is_made_again() -> None:
    cache = BoundedCache[bytes](10, len)
    with pytest.raises(AssertionError):
        cache.get("a", never)
    assert cache.get("a", lambda: b"1") == b"1"


def test_many_threads_make_one_thing_once() -> None:
    cache = BoundedCache[bytes](10, len)
    made, go = [], threading.Event()

    def make() -> bytes:
        made.append(go.wait(10))
        return b"1"

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(cache.get, "a", make) for _ in range(8)]
        go.set()
        assert {one.result() for one in asked} == {b"1"}
    assert made == [True]
