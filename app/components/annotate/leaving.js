// Streamlit forgets what a component has told and the server has not taken up yet once another page is asked
// for. So a link, Back and Forward wait for the server; not for ever, where it cannot store anything.

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
  const back = (event) => hold(event, () => window.dispatchEvent(new PopStateEvent("popstate", event)))
  window.addEventListener("click", click, true)
  window.addEventListener("popstate", back, true)
  return () => {
    window.removeEventListener("click", click, true)
    window.removeEventListener("popstate", back, true)
  }
}
