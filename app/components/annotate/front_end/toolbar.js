// The buttons around the canvas, and what they show.

const HINTS = {
  select: "Click a region. Double-click an edge for a new corner.",
  box: "Press, drag, let go.",
  polygon: "End on the first corner.",
  outline: "Draw a box around the object.",
}
const CLICKS = "Draw a box around the object, or click it."
const NEEDS_DRAWABLE = "[data-role], [data-tool], [data-act=undo], [data-act=redo], [data-act=remove], "
  + "[data-act=clear], [data-act=copy], [data-act=propose]"
const BRUSH = [4, 60] // CSS pixels
const MEMORY = "refocus-canvas" // of this browser tab: the tool in hand survives another page and a reload

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(MEMORY)) ?? {}
  } catch {
    return {}
  }
}

function remember({ tool, role, brush }) {
  try {
    sessionStorage.setItem(MEMORY, JSON.stringify({ tool, role, brush }))
  } catch {
    // A browser that keeps nothing begins with the box each time.
  }
}

function setTool(board, tool) {
  if (!board.drawable) return
  settle(board)
  board.tool = tool
  if (tool !== "select") select(board, -1)
  remember(board)
  board.dress()
  board.repaint()
}

function setRole(board, role) {
  if (!board.drawable) return
  settle(board)
  board.role = role
  const region = board.regions[board.selected]
  if (region && region.role !== role) change(board, { put: [[region.name, { ...region, role }]] })
  remember(board)
  board.dress()
  board.repaint()
}

function settle(board) {
  end(board, board.hover)
  if (board.open) closePolygon(board)
}

function setBrush(board, width) {
  board.brush = between(BRUSH[0], Math.round(width), BRUSH[1])
  remember(board)
  board.dress()
  board.repaint()
}

function dress(board) {
  const { root, drawable } = board
  const all = (selector) => root.querySelectorAll(selector)
  for (const button of all("[data-role]")) {
    button.setAttribute("aria-pressed", String(drawable && button.dataset.role === board.role))
  }
  for (const button of all("[data-tool]")) {
    button.setAttribute("aria-pressed", String(drawable && button.dataset.tool === board.tool))
  }
  for (const button of all(NEEDS_DRAWABLE)) button.disabled = !drawable
  const disable = (name, off) => { root.querySelector(`[data-act=${name}]`).disabled = !drawable || off }
  disable("undo", !board.canUndo && !board.open && !board.regions.length)
  disable("redo", !board.canRedo)
  disable("remove", board.selected < 0)
  disable("clear", !board.regions.length && !board.open)
  disable("copy", !board.regions.length || !board.hasNext)
  const paints = drawable && (board.tool === "brush" || board.tool === "eraser")
  root.querySelector(".brush").hidden = !paints
  root.querySelector(".brush input").value = board.brush
  root.querySelector(".brush output").textContent = `${board.brush} px`
  const hint = root.querySelector(".hint")
  hint.hidden = paints || !drawable
  hint.textContent = board.tool === "outline" && board.clicks ? CLICKS : HINTS[board.tool] ?? ""
  root.querySelector(".answer").hidden = !board.guess
  root.querySelector(".answer span").textContent = board.guess?.question ?? ""
  root.querySelector("[data-act=accept]").hidden = !board.guess?.parts.length
  const asks = ({ do: does }) => does === "outline" || does === "propose"
  root.querySelector(".waiting").hidden = !board.log.waiting.some(asks)
  board.picture.setAttribute("aria-label", board.alt)
  const shapes = board.regions.map((one, n) => `${n + 1}: ${one.shape}, ${one.role.replace("_", " ")}`)
  const selected = board.selected < 0 ? "" : ` Selected: ${board.selected + 1}.`
  board.shapes.setAttribute(
    "aria-label",
    `Drawing on ${board.name}. ${shapes.length ? `Regions ${shapes.join("; ")}.` : "No regions."}${selected}`,
  )
}

function sayZoom(board, ratio) {
  const text = `${Math.max(1, Math.round(100 * board.view.scale * ratio))} %`
  const button = board.root.querySelector(".scale")
  if (button.textContent === text) return
  button.textContent = text
  button.setAttribute("aria-label", `Zoom is ${text}; show at 100 %`)
}

function pressed(board, name) {
  const zoomBy = (factor) => board.zoomTo(board.view.scale * factor)
  const acts = {
    undo: () => undo(board), redo: () => redo(board), remove: () => remove(board),
    clear: () => { board.open = null; select(board, -1); tell(board, { do: "clear" }) },
    copy: () => leave(board, { do: "copy" }), propose: () => propose(board),
    in: () => zoomBy(1.5), out: () => zoomBy(1 / 1.5), fit: () => board.fit(), whole: () => board.whole(),
    accept: () => answer(board, true), reject: () => answer(board, false),
  }
  acts[name]?.()
  board.repaint()
}

function answer(board, accepted) {
  if (!board.guess) return
  tell(board, { do: "answer", accepted })
  board.guess = null
  board.dress()
  board.repaint()
}

function propose(board) {
  board.guess = null
  leave(board, { do: "propose", role: board.role })
  board.dress()
}

function wire(board) {
  const { root, shapes } = board
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button")
    if (!button || button.disabled) return
    if (button.dataset.tool) setTool(board, button.dataset.tool)
    else if (button.dataset.role) setRole(board, button.dataset.role)
    else if (button.dataset.act) pressed(board, button.dataset.act)
    if (event.detail) button.blur()
  })
  const slider = root.querySelector(".brush input")
  slider.addEventListener("input", () => setBrush(board, Number(slider.value)))
  shapes.addEventListener("pointerdown", (event) => press(board, event))
  shapes.addEventListener("pointermove", (event) => move(board, event))
  shapes.addEventListener("pointerup", (event) => release(board, event))
  shapes.addEventListener("pointercancel", (event) => release(board, event))
  shapes.addEventListener("pointerleave", () => {
    if (!board.gesture) board.hover = null
    board.repaint()
  })
  shapes.addEventListener("auxclick", (event) => event.preventDefault())
  shapes.addEventListener("wheel", (event) => {
    event.preventDefault()
    if (event.shiftKey) {
      return board.look(panned(board.view, -event.deltaY - event.deltaX, 0, board.size, board.room))
    }
    const lines = event.deltaMode ? 33 : 1
    const factor = Math.exp(-between(-240, event.deltaY * lines, 240) / 400)
    board.zoomTo(board.view.scale * factor, placeOf(board, event))
  }, { passive: false })
}
