"""JavaScript for components that keep something: how to end it when the component leaves the page.

Streamlit runs what a call of the component's code returned also when newer data overtook that call while the
code was still loading. By then the next call has taken over, and what it keeps must live on.
"""

AT_THE_END = """
const atTheEnd = (parent, end) => () => { if (!parent.isConnected) end() }
"""
