// Keys of the whole page: never while somebody types, and before Streamlit's own, which forget quick presses.

const TYPING = "textarea, select, [contenteditable], "
  + "input:not([type=radio]):not([type=checkbox]):not([type=range])"
const OWN_ARROWS = "input[type=range], [role=slider], [role=listbox], [role=menu], [role=tablist], "
  + "[role=combobox]"
const PRESSED = "button, a, summary, [role=button], [role=option], [role=menuitem]"
const MOST_WAITING = 8 // steps of a held key that may wait: it stops soon after it is let go

function steps(board) {
  const go = (by) => leave(board, { do: "go", by })
  const zoomBy = (factor) => board.zoomTo(board.view.scale * factor, board.hover)
  const widen = (by) => setBrush(board, board.brush + by)
  const draws = (act) => () => board.drawable && act()
  return {
    arrowleft: () => go(-1), arrowright: () => go(1),
    s: draws(() => leave(board, { do: "save", go: true })),
    c: draws(() => leave(board, { do: "copy" })),
    v: () => setTool(board, "select"), b: () => setTool(board, "box"), p: () => setTool(board, "polygon"),
    d: () => setTool(board, "brush"), x: () => setTool(board, "eraser"), o: () => setTool(board, "outline"),
    l: () => setRole(board, "look_here"), i: () => setRole(board, "ignore_this"),
    "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8),
    f: () => board.fit(), h: () => board.whole(),
    "[": () => widen(-4), "]": () => widen(4),
    ",": () => cycle(board, -1), ".": () => cycle(board, 1),
    delete: draws(() => (board.open ? takeCorner(board) : remove(board))),
    backspace: draws(() => (board.open ? takeCorner(board) : remove(board))),
    escape: () => escape(board),
    "?": () => document.querySelector(".st-key-annotate_keys button")?.click(),
  }
}

function onKey(board, event) {
  if (event.defaultPrevented || event.isComposing || isTyping(event)) return
  if (act(board, event)) {
    event.preventDefault()
    event.stopImmediatePropagation()
  }
}

function isTyping(event) {
  const path = event.composedPath(), arrow = event.key.startsWith("Arrow")
  if (path.some((one) => one.matches?.(TYPING) || (arrow && one.matches?.(OWN_ARROWS)))) return true
  if ((event.key === "Enter" || event.key === " ") && path.some((one) => one.matches?.(PRESSED))) return true
  return Boolean(document.querySelector("[role=dialog][aria-modal=true], [data-testid=stDialog]"))
}

/** Whether the key was ours. */
function act(board, event) {
  const key = event.key.toLowerCase()
  if (event.ctrlKey || event.metaKey) return withControl(board, event, key)
  if (event.altKey) {
    const way = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] }[key]
    if (!way || board.selected < 0 || !board.drawable) return false
    const far = event.repeat ? 4 : 1
    nudge(board, way[0] * far, way[1] * far, event.shiftKey)
    return true
  }
  if (key === " ") {
    board.space = true
    board.shapes.style.cursor = "grab"
    return true
  }
  if (key === "enter") return enter(board, event)
  if (/^[1-9]$/.test(key)) return pickClass(Number(key) - 1)
  if (event.repeat && key.startsWith("arrow") && board.log.waiting.length >= MOST_WAITING) return true
  if ((key === "escape" || key === "delete" || key === "backspace") && !hasSomething(board)) return false
  const step = steps(board)[key]
  step?.()
  return Boolean(step)
}

const hasSomething = (board) => board.open || board.gesture || board.guess || board.selected >= 0

function withControl(board, event, key) {
  if (event.altKey || !board.drawable || !["z", "y", "s"].includes(key)) return false
  if (key === "s") leave(board, { do: "save", go: false })
  else if (key === "y" || event.shiftKey) redo(board)
  else undo(board)
  return true
}

/** Before something else happens to the image: what is being drawn is kept. */
function leave(board, action) {
  end(board, board.hover)
  if (board.open) closePolygon(board)
  tell(board, action)
  board.repaint()
}

function undo(board) {
  if (board.gesture) board.gesture = null
  else if (board.open) dropPolygon(board)
  else tell(board, { do: "undo" })
  board.repaint()
}

function redo(board) {
  if (!board.open) tell(board, { do: "redo" })
}

function enter(board, event) {
  if (!board.drawable) return false
  if (board.guess) answer(board, true)
  else if (board.open) closePolygon(board)
  else if (board.tool === "box" && event.composedPath().includes(board.shapes)) placeBox(board)
  else return false
  return true
}

function escape(board) {
  if (board.gesture) board.gesture = null
  else if (board.guess) answer(board, false)
  else if (board.open) dropPolygon(board)
  else select(board, -1)
  board.repaint()
}

function cycle(board, by) {
  if (!board.regions.length) return
  setTool(board, "select")
  const count = board.regions.length
  select(board, board.selected < 0 ? (by > 0 ? 0 : count - 1) : (board.selected + by + count) % count)
  board.repaint()
}

function pickClass(index) {
  const button = document.querySelectorAll("[class*=st-key-annotate_map_of] button")[index]
  button?.click()
  return Boolean(button)
}

function onKeyUp(board, event) {
  if (event.key !== " ") return
  board.space = false
  if (board.hover) point(board, board.hover)
}

/** Quick clicks on these buttons are counted: Streamlit would merge them. */
function onClick(board, event) {
  const step = { annotate_next: 1, annotate_previous: -1 }
  for (const [key, by] of Object.entries(step)) {
    const button = event.target.closest?.(`.st-key-${key} button`)
    if (!button || button.disabled) continue
    event.preventDefault()
    event.stopImmediatePropagation()
    leave(board, { do: "go", by })
  }
  // A choice made by mouse would keep the arrow keys for itself.
  const group = event.detail && event.target.closest?.("[data-testid=stButtonGroup]")
  if (group) setTimeout(() => { if (group.contains(document.activeElement)) document.activeElement.blur() })
}
