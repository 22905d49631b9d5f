// Streamlit forgets what a component has told and the server has not taken up yet once another page is asked
// for. So a link, Back and Forward wait for the server; not for ever, where it cannot store anything. Before the
// window is closed or loaded again, the browser asks.

const LONGEST_WAIT = 5000 // ms

/** isDone: whether the server has taken up all that was told. Returns how to end this. */
function holdLeaving(isDone) {
  let passes = false, held = 0
  const hold = (event, again) => {
    if (passes || isDone()) return
    event.preventDefault()
    event.stopImmediatePropagation()
    const until = performance.now() + LONGEST_WAIT
    const look = () => {
      if (!isDone() && performance.now() < until) {
        held = setTimeout(look, 30)
        return
      }
      passes = true
      again()
      passes = false
    }
    clearTimeout(held)
    held = setTimeout(look, 30)
  }
  const click = (event) => {
    const link = event.target.closest?.("a[href]")
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) hold(event, () => link.click())
  }
  const traverse = (event) => {
    const { navigationType, cancelable, destination } = event
    if (navigationType !== "traverse" || !cancelable || !destination.sameDocument) return
    hold(event, () => window.navigation.traverseTo(destination.key))
  }
  const unload = (event) => { if (!isDone()) event.preventDefault() }
  window.addEventListener("click", click, true)
  window.navigation?.addEventListener("navigate", traverse)
  window.addEventListener("beforeunload", unload)
  return () => {
    window.removeEventListener("click", click, true)
    window.navigation?.removeEventListener("navigate", traverse)
    window.removeEventListener("beforeunload", unload)
  }
}
