// Keys of the whole page: never while somebody types, and before Streamlit's own, which forget quick presses.

const TYPING = "textarea, select, [contenteditable], "
  + "input:not([type=radio]):not([type=checkbox]):not([type=range])"
const OWN_ARROWS = "input[type=range], [role=slider], [role=listbox], [role=menu], [role=tablist], "
  + "[role=combobox]"
const PRESSED = "button, a, summary, [role=button], [role=option], [role=menuitem]"
const ONCE = ["w", "e", "z", "m"] // held down, they are not for the next image
const MOST_WAITING = 8 // steps of a held key that may wait: it stops soon after it is let go

function steps(board) {
  const go = (by) => leave(board, { do: "go", by })
  const zoomBy = (factor) => board.zoomTo(board.view.scale * factor, board.hover)
  const widen = (by) => setBrush(board, board.brush + by)
  const draws = (act) => () => board.drawable && act()
  const take = (tool) => () => {
    setTool(board, tool)
    board.shapes.focus({ preventScroll: true }) // so that Enter is for the tool
  }
  return {
    arrowleft: () => go(-1), arrowright: () => go(1),
    s: draws(() => leave(board, { do: "save", go: true })),
    c: draws(() => leave(board, { do: "copy" })), a: draws(() => propose(board)),
    w: () => pressButton(board, "wrong_place"), e: () => pressButton(board, "right_place"),
    z: () => pressButton(board, "take_back"), m: () => pressButton(board, "move"),
    v: take("select"), b: take("box"), p: take("polygon"),
    d: take("brush"), x: take("eraser"), o: take("outline"),
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
  if (event.repeat && ONCE.includes(key)) return true
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

// What buttons of the page ask for, by their keys: Streamlit would merge quick presses of them.
const BUTTONS = {
  next: { do: "go", by: 1 }, previous: { do: "go", by: -1 },
  wrong_place: { do: "judge", place: "wrong" }, right_place: { do: "judge", place: "right" },
  take_back: { do: "take_back" }, move: { do: "move" },
}

/** Null for any other button, also for one of another image's, while the page changes. */
function actionOf(board, button) {
  const holder = button.closest("[class*=st-key-annotate_]")
  const [, name, image] = /st-key-annotate_([a-z_]+?)(?:_(\d+))?(?= |$)/.exec(holder?.className ?? "") ?? []
  const action = BUTTONS[name]
  if (!action || (image && Number(image) !== board.image)) return null
  if (action.do === "judge") return { ...action, map: board.map, rival: board.rival }
  return action.do === "move" ? { ...action, back: board.moved } : action
}

/** By key: also where the button is still disabled, because what comes before it is on its way. */
function pressButton(board, name) {
  const button = document.querySelector(`[class*=st-key-annotate_${name}] button`)
  const action = button && actionOf(board, button)
  if (action) leave(board, action)
  else button?.click()
}

function onClick(board, event) {
  const button = event.target.closest?.("button")
  const action = button && !button.disabled && actionOf(board, button)
  if (action) {
    event.preventDefault()
    event.stopImmediatePropagation()
    leave(board, action)
  }
  // A choice made by mouse would keep the arrow keys for itself.
  const group = event.detail && event.target.closest?.("[data-testid=stButtonGroup]")
  if (group) setTimeout(() => { if (group.contains(document.activeElement)) document.activeElement.blur() })
}
