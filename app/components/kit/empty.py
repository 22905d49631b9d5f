"""An empty page: why it is empty, and the next step."""

import streamlit as st


def empty_state(
    icon: str, title: str, sentence: str, *, page: str | None = None, action: str = "", key: str = ""
) -> None:
    """A calm box with a title and a sentence, and a button that leads to `page` ("views/….py") when given."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.markdown(f"# :material/{icon}:", text_alignment="center")
        st.markdown(f"**{title}**", text_alignment="center")
        st.markdown(sentence, text_alignment="center", width=520)
        if page is not None and st.button(action, key=key, type="primary"):
            st.switch_page(page)
        st.space("small")
