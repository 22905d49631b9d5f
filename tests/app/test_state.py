from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app import page_address, state
from app.page_address import Address
from app.state import Key


def test_no_two_keys_share_a_name_and_each_says_what_it_holds() -> None:
    keys = [value for value in vars(state).values() if isinstance(value, Key)]

    assert len(keys) > 10
    assert len({key.name for key in keys}) == len(keys)
    assert all(key.holds for key in keys)


def test_a_key_starts_at_its_default_and_keeps_what_is_set() -> None:
    def script() -> None:
        import streamlit as st

        from app import state

        st.text(f"{state.OPACITY.get()} {state.MODE.get()} {state.DRAFTS.get()}")
        state.OPACITY.set(35)

    app = AppTest.from_function(script).run()
    assert app.text[0].value == "60 quick {}"
    assert app.run().text[0].value == "35 quick {}"


def test_a_choice_that_a_browser_has_lost_is_the_default_again() -> None:
    def script() -> None:
        import streamlit as st

        from app import state

        st.session_state[state.TOOL.name] = None
        st.text(f"{state.TOOL.get()}")

    assert AppTest.from_function(script).run().text[0].value == "rect"


def test_only_a_change_of_page_counts_as_an_arrival() -> None:
    def script() -> None:
        import streamlit as st

        from app import state

        state.arrive(st.session_state["now"])
        st.text(str(state.VISIT.get()))

    app = AppTest.from_function(script)
    app.session_state["now"] = "Library"
    assert app.run().text[0].value == "1"
    assert app.run().text[0].value == "1"
    app.session_state["now"] = "Annotate"
    assert app.run().text[0].value == "2"


def test_an_address_on_its_way_is_no_news_and_a_later_step_back_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(page_address, "time", SimpleNamespace(monotonic=lambda: now))
    address: Address[int] = Address()
    assert address.is_news(1)
    address.write(1)
    assert not address.is_news(1)
    address.write(2)
    assert not address.is_news(1)  # sent with a key that was pressed before the browser knew of 2
    assert address.is_news(3)
    now += 3  # it takes long to draw the page
    address.drawn()
    assert not address.is_news(1)
    now += 3
    assert address.is_news(1)
    address.write(1)
    assert not address.is_news(2)
