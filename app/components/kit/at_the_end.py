"""JavaScript for components that keep something: how to end it when the component leaves the page.

Streamlit also runs the cleanup of a call that newer data overtook while its code was loading. By then the
next call has taken over, and what it keeps must live on.
"""

AT_THE_END = """
const atTheEnd = (parent, end) => () => { if (!parent.isConnected) end() }
"""
