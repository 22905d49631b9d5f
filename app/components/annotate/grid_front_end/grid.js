// Images with their maps, several of which are selected: here, so that no click waits for the server. What is
// then done is told in order, until the server says that it is done, as the canvas tells its strokes.

const grids = new WeakMap()
const TYPING = "textarea, select, [contenteditable], "
  + "input:not([type=radio]):not([type=checkbox]):not([type=range])"
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const KEYS = { e: "right", w: "wrong", m: "move", k: "skip", z: "undo", pageup: "back", pagedown: "on" }

function begin(parent) {
  const root = parent.querySelector(".board")
  const grid = {
    root, tiles: root.querySelector(".tiles"), nodes: new Map(), selected: new Set(), at: null, anchor: null,
    log: { id: Math.random().toString(36).slice(2, 10), told: 0, done: 0, waiting: [] }, data: null,
  }
  root.onclick = (event) => onClick(grid, event)
  grid.tiles.ondblclick = (event) => {
    const id = imageAt(event.target)
    if (id !== null) tell(grid, { do: "open", image: id })
  }
  root.querySelector("select").onchange = (event) => {
    const [change, label] = event.target.value.split(" ")
    event.target.value = ""
    act(grid, "label", { change, label: Number(label) })
  }
  const key = (event) => onKey(grid, event)
  window.addEventListener("keydown", key, true)
  const letGo = holdLeaving(() => !grid.log.waiting.length)
  grid.leave = () => {
    letGo()
    window.removeEventListener("keydown", key, true)
  }
  return grid
}

const imageAt = (target) => {
  const tile = target.closest?.(".tile")
  return tile ? Number(tile.dataset.image) : null
}

// --- what the person does

function tell(grid, action) {
  const { log } = grid
  log.told += 1
  log.waiting.push({ number: log.told, ...action })
  grid.setState("told", { log: log.id, done: log.done, actions: [...log.waiting] })
  dress(grid)
}

/** With each image goes what it was when the person saw it: changed since, it is left out. */
function act(grid, name, more = {}) {
  const { selected, data } = grid
  if (name === "undo") return data.undo ? tell(grid, { do: name }) : undefined
  if (name === "back" || name === "on") {
    const by = name === "on" ? 1 : -1
    if (data.page + by >= 0 && data.page + by < data.pages) tell(grid, { do: "page", by })
    return undefined
  }
  const images = data.frames.filter(({ id }) => selected.has(id)).map(({ id, seen }) => [id, seen])
  if (images.length && !data.closed.includes(name)) tell(grid, { do: name, images, ...more })
  return undefined
}

function onClick(grid, event) {
  const name = event.target.closest?.("[data-act]")?.dataset.act
  const id = imageAt(event.target)
  if (name === "all") selectAll(grid)
  else if (name === "open") tell(grid, { do: "open", image: id })
  else if (name) act(grid, name)
  else if (id !== null) pick(grid, id, event.shiftKey)
}

/** One image more or less; with Shift, all from the last one that was picked. */
function pick(grid, id, range) {
  const ids = grid.data.frames.map((frame) => frame.id)
  const from = ids.indexOf(grid.anchor), to = ids.indexOf(id)
  if (range && from >= 0) {
    const [low, high] = from < to ? [from, to] : [to, from]
    const on = grid.selected.has(grid.anchor)
    ids.slice(low, high + 1).forEach((other) => grid.selected[on ? "add" : "delete"](other))
  } else {
    grid.selected[grid.selected.has(id) ? "delete" : "add"](id)
    grid.anchor = id
  }
  grid.at = id
  dress(grid)
}

function selectAll(grid) {
  const ids = grid.data.frames.map((frame) => frame.id)
  const all = ids.every((id) => grid.selected.has(id))
  grid.selected = new Set(all ? [] : ids)
  dress(grid)
}

function onKey(grid, event) {
  const path = event.composedPath(), inside = path.includes(grid.root)
  const elsewhere = path.find((node) => node.matches?.("button, a, summary, [role=button], [role=radio]"))
  if (event.defaultPrevented || event.isComposing || event.altKey) return
  if (path.some((node) => node.matches?.(TYPING))) return
  if (document.querySelector("[role=dialog][aria-modal=true], [data-testid=stDialog]")) return
  if (!inside && elsewhere && (event.key in ARROWS || event.key === " " || event.key === "Enter")) return
  if (!act_on(grid, event, inside)) return
  event.preventDefault()
  event.stopImmediatePropagation()
}

/** Whether the key was ours. */
function act_on(grid, event, inside) {
  const key = event.key.toLowerCase(), focused = imageAt(event.target.shadowRoot?.activeElement ?? event.target)
  if (event.ctrlKey || event.metaKey) {
    if (key !== "a") return false
    grid.selected = new Set(grid.data.frames.map((frame) => frame.id))
    dress(grid)
    return true
  }
  if (event.key in ARROWS) return walk(grid, ARROWS[event.key], event.shiftKey)
  if (key === "escape") {
    if (!grid.selected.size) return false
    grid.selected.clear()
    dress(grid)
    return true
  }
  if (inside && focused !== null && grid.root.getRootNode().activeElement?.matches(".pick")) {
    if (key === " ") return pick(grid, focused, event.shiftKey) ?? true
    if (key === "enter") return tell(grid, { do: "open", image: focused }) ?? true
  }
  if (key === "l") return grid.root.querySelector("select").focus() ?? true
  if (key === "?") return document.querySelector(".st-key-annotate_keys button")?.click() ?? true
  if (!(key in KEYS)) return false
  if (!event.repeat) act(grid, KEYS[key])
  return true
}

/** The focus goes on by a column or a row; with Shift the images that it passes are selected. */
function walk(grid, [columns, rows], extend) {
  const ids = grid.data.frames.map((frame) => frame.id)
  const here = ids.indexOf(grid.at)
  const perRow = getComputedStyle(grid.tiles).gridTemplateColumns.split(" ").length
  const held = grid.nodes.get(grid.at)?.contains(grid.root.getRootNode().activeElement)
  const to = here < 0 || !held ? Math.max(0, here) : here + columns + rows * perRow
  if (!(to in ids)) return true
  grid.at = ids[to]
  if (extend) {
    if (here >= 0) grid.selected.add(ids[here])
    grid.selected.add(grid.at)
    grid.anchor = grid.at
  }
  dress(grid)
  grid.nodes.get(grid.at).querySelector(".pick").focus()
  return true
}

// --- what is on screen

function take(grid, data) {
  const { log } = grid
  if (data.log === log.id && data.done > log.done) {
    log.done = data.done
    log.waiting = log.waiting.filter((action) => action.number > log.done)
    if (data.left) grid.selected = new Set(data.left)
  }
  const ids = data.frames.map((frame) => frame.id)
  grid.selected = new Set(ids.filter((id) => grid.selected.has(id)))
  const had = grid.tiles.contains(grid.root.getRootNode().activeElement)
  if (!ids.includes(grid.at)) [grid.at, grid.anchor] = [ids[0] ?? null, null]
  grid.data = data
  const nodes = new Map(data.frames.map((frame) => [frame.id, drawn(grid.nodes.get(frame.id), frame)]))
  grid.nodes = nodes
  const shown = [...grid.tiles.children]
  if (String(shown.map((node) => node.dataset.image)) !== String(ids)) grid.tiles.replaceChildren(...nodes.values())
  dress(grid)
  if (had && !grid.tiles.contains(grid.root.getRootNode().activeElement)) {
    nodes.get(grid.at)?.querySelector(".pick").focus({ preventScroll: true })
  }
}

function drawn(node, frame) {
  const tile = node ?? newTile()
  tile.dataset.image = frame.id
  tile.className = `tile ${frame.tone} ${frame.src || frame.gone ? "" : "coming"}`
  const img = tile.querySelector("img"), empty = tile.querySelector(".empty")
  if (frame.src && img.getAttribute("src") !== frame.src) img.src = frame.src
  img.hidden = !frame.src
  empty.hidden = Boolean(frame.src)
  empty.textContent = frame.gone || "…"
  tile.querySelector(".marks").replaceChildren(...frame.marks.map(([name, icon]) => {
    const mark = document.createElement("span")
    mark.className = `mark ${name}`
    mark.textContent = icon
    mark.setAttribute("aria-hidden", "true") // the title says it
    return mark
  }))
  const captions = tile.querySelectorAll(".caption")
  captions[0].textContent = frame.caption
  captions[1].textContent = frame.below
  const button = tile.querySelector(".pick")
  button.title = frame.title
  button.setAttribute("aria-label", `${frame.title} ${frame.gone}`.trim())
  return tile
}

function newTile() {
  const tile = document.createElement("div")
  tile.innerHTML = `<button type="button" class="pick"><span class="picture"><img alt=""><span class="empty"></span>
    <span class="check"></span><span class="marks"></span></span><span class="caption"></span>
    <span class="caption"></span></button><button type="button" class="open" data-act="open"
    title="Open this image (Enter, double click)" aria-label="Open this image">⤢</button>`
  return tile
}

function dress(grid) {
  const { data, selected, log, root } = grid
  const count = selected.size
  for (const [id, tile] of grid.nodes) {
    const button = tile.querySelector(".pick"), on = selected.has(id)
    button.setAttribute("aria-pressed", on)
    button.tabIndex = id === grid.at ? 0 : -1
    tile.querySelector(".check").textContent = on ? "✓" : ""
  }
  const button = (name) => root.querySelector(`[data-act=${name}]`)
  const all = data.frames.length > 0 && count === data.frames.length
  button("all").textContent = all ? "Select none" : `Select all ${data.frames.length}`
  const busy = log.waiting.length > 0
  for (const name of ["right", "wrong", "move", "skip", "unskip"]) {
    button(name).hidden = data.closed.includes(name)
    button(name).disabled = !count
    button(name).title = count ? data.help[name] : "Select images first: click, Shift+click or Space."
  }
  const chosen = data.frames.filter(({ id }) => selected.has(id))
  button("unskip").hidden = data.closed.includes("unskip") || !chosen.some((frame) => frame.skipped)
  const select = root.querySelector("select"), options = [["", "Wrong label…"], ...data.labels]
  if (select.dataset.labels !== String(options)) {
    select.replaceChildren(...options.map(([value, name]) => new Option(name, value)))
    select.dataset.labels = String(options)
  }
  select.disabled = !count
  root.querySelector(".pages").hidden = data.pages < 2
  root.querySelector(".pages output").textContent = `Page ${data.page + 1} of ${data.pages}`
  button("back").disabled = data.page === 0
  button("on").disabled = data.page + 1 >= data.pages
  const note = root.querySelector(".note")
  note.classList.toggle("wrong", data.problem)
  const state = [data.note, count ? `${count} selected.` : ""].filter(Boolean).join(" ")
  note.querySelector("span").textContent = busy ? "Working…" : state || data.hint
  button("undo").hidden = busy || !data.undo
}

export default function ({ data, parentElement, setStateValue }) {
  const grid = grids.get(parentElement) ?? begin(parentElement)
  grids.set(parentElement, grid)
  grid.setState = setStateValue
  take(grid, data)
  return atTheEnd(parentElement, () => {
    grid.leave()
    grids.delete(parentElement)
  })
}
