"""JavaScript for components that tell something by themselves, not because somebody does something.

Streamlit names the page in each message. One that is sent after a link was clicked, and before the other
page is there, names the old page and brings it back: the click is lost.
"""

PAGE_IS_LEFT = """
function pageIsLeft() {
  const link = document.activeElement?.closest("a[href]") // clicked last
  return Boolean(link) && link.pathname !== window.location.pathname
}
"""
