"""How one action on a page is timed inside a real browser."""

from playwright.async_api import Page

PATIENCE = 60.0  # seconds for one action; then it counts as an error

STROKE_ENDED = "window.strokeEnded"  # for `since`, once `listen` was called: when a hand let go

# Clicks, and looks every 25 ms whether the page is as it should be: the time is the browser's own, without
# the way to Python and back. Looking in every frame would keep a core busy where twenty windows wait.
_TIMED = """
async ([press, done, patience, since]) => {
  // also inside components, which keep their elements in a shadow tree
  const inside = (root, selector) => root.querySelector(selector)
    ?? [...root.querySelectorAll("*")].reduce(
      (found, one) => found ?? (one.shadowRoot && inside(one.shadowRoot, selector)), null)
  const find = (selector) => inside(document, selector)
  const holds = new Function("find", "return (" + done + ")")
  const ready = () => holds(find)
  const start = since ? new Function("return " + since)() : performance.now()
  if (press) document.querySelector(press).click()
  while (!ready()) {
    if (performance.now() - start > patience) return null
    await new Promise((go) => setTimeout(go, 25))
  }
  return performance.now() - start
}
"""
AT_REST = (
    "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
    " && [...document.querySelectorAll('img')].every((img) => img.complete)"
)


async def listen(page: Page) -> None:
    """Remember when the pointer was let go last, in the browser's own time."""
    await page.evaluate(
        f"window.addEventListener('pointerup', () => {{ {STROKE_ENDED} = performance.now() }}, true)"
    )


async def timed(page: Page, press: str, done: str, since: str = "") -> float:
    """Milliseconds from a click on the selector `press` (empty: from now, or from `since`, a JavaScript
    expression) until the expression `done` holds and the page is at rest; `find` in it also looks into
    components. Raises TimeoutError.
    """
    taken = await page.evaluate(_TIMED, [press, f"{AT_REST} && ({done})", 1000 * PATIENCE, since])
    if taken is None:
        raise TimeoutError(f"the page did not come to {done}")
    return float(taken)
