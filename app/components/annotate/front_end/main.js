// One board per place on the page: begun once, told by the server what to show, and never begun anew for it.

const boards = new WeakMap()

function newBoard(parent) {
  const root = parent.querySelector(".board")
  const memory = remembered()
  const board = {
    root, picture: root.querySelector(".picture"), shapes: root.querySelector(".shapes"),
    log: newLog(), tool: memory.tool ?? "box", role: memory.role ?? "look_here", brush: memory.brush ?? 18,
    view: { scale: 1, x: 0, y: 0 }, room: [1, 1], size: [1, 1], image: null, label: null, regions: [],
    selected: -1, corner: -1, gesture: null, open: null, hover: null, guess: null, pointers: new Map(),
    isFitted: true, drawable: false, colours: {}, pictures: new Map(), heard: null, alt: "", name: "",
  }
  let frame = 0
  board.repaint = () => { frame ||= requestAnimationFrame(() => { frame = 0; paint(board) }) }
  board.dress = () => dress(board)
  board.adopt = () => adopt(board)
  board.look = (view) => {
    board.isFitted = false
    board.view = view
    board.repaint()
  }
  board.fit = () => {
    board.isFitted = true
    board.view = fitted(board.size, board.room)
    board.repaint()
  }
  board.whole = () => board.zoomTo(1 / (window.devicePixelRatio || 1), board.hover)
  board.zoomTo = (scale, place) => {
    const middle = board.room.map((side) => side / 2)
    board.look(zoomed(board.view, scale, place ?? middle, board.size, board.room))
  }
  const viewport = root.querySelector(".viewport")
  const measure = () => {
    const frame = viewport.getBoundingClientRect()
    if (!frame.width || !frame.height) return
    board.room = [frame.width, frame.height]
    board.view = board.isFitted ? fitted(board.size, board.room) : within(board.view, board.size, board.room)
    board.repaint()
  }
  board.measure = measure
  const watcher = new ResizeObserver(measure)
  watcher.observe(viewport)
  wire(board)
  const key = (event) => onKey(board, event), keyUp = (event) => onKeyUp(board, event)
  const click = (event) => onClick(board, event)
  window.addEventListener("keydown", key, true)
  window.addEventListener("keyup", keyUp, true)
  window.addEventListener("click", click, true)
  const letGo = holdLeaving(() => !board.log.waiting.length)
  board.leave = () => {
    letGo()
    watcher.disconnect()
    window.removeEventListener("keydown", key, true)
    window.removeEventListener("keyup", keyUp, true)
    window.removeEventListener("click", click, true)
  }
  return board
}

/** What the server says: taken up when nothing is being edited and all told of this image is done. */
function adopt(board) {
  const data = board.heard
  if (!data) return
  drop(board, data.log, data.done)
  if (data.image !== board.image || data.label !== board.label) arrive(board, data)
  Object.assign(board, {
    drawable: data.drawable, colours: data.colours, name: data.name, alt: data.alt, hasNext: data.hasNext,
    clicks: data.clicks, next: data.next, map: data.map, rival: data.rival, moved: data.moved,
    canUndo: data.undo, canRedo: data.redo, source: data.picture, full: data.full,
  })
  if (board.next) picture(board, board.next) // so that it is there when *Next* comes to it
  const waits = board.log.waiting.some((action) => action.image === board.image && action.do !== "go")
  if (!waits && !board.gesture?.before) {
    board.heard = null
    const selected = board.regions[board.selected]?.name
    board.regions = data.regions
    // Another may have been deleted elsewhere; a new one has another name once the server knows it.
    const at = board.regions.findIndex((one) => one.name === selected || one.alias === selected)
    if (board.selected >= 0) select(board, at)
    board.guess = data.guess
  }
  board.dress()
}

function arrive(board, data) {
  end(board, board.hover) // as long as it is still for the image before
  Object.assign(board, {
    image: data.image, label: data.label, regions: [], selected: -1, corner: -1, open: null, guess: null,
  })
  board.size = data.size
  board.isFitted = true
  board.view = fitted(board.size, board.room)
}

// --- photographs: one as large as the viewport, and the whole one once it is looked at more closely

const KEPT = 6

function picture(board, url) {
  const { pictures } = board
  let image = pictures.get(url)
  if (image) pictures.delete(url)
  else {
    image = new Image()
    image.src = url
    image.decode().then(() => { image.dataset.decoded = "true"; board.repaint() }, () => pictures.delete(url))
  }
  pictures.set(url, image)
  if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value)
  return image
}

function pictureFor(board, scale) {
  const usual = board.source && picture(board, board.source)
  const isCoarse = usual?.dataset.decoded && scale * board.size[0] > 1.1 * usual.naturalWidth
  if (isCoarse && usual.naturalWidth < board.size[0] && board.asked !== board.image) {
    board.asked = board.image
    board.setState("closer", board.image)
  }
  const whole = isCoarse && board.full && picture(board, board.full)
  const best = [whole, usual].find((image) => image?.dataset?.decoded)
  if (best) board.shapes.dataset.ready = best === whole ? "whole" : "usual"
  else delete board.shapes.dataset.ready
  board.shapes.dataset.image = board.image
  return best
}

export default function ({ data, parentElement, setStateValue }) {
  const board = boards.get(parentElement) ?? newBoard(parentElement)
  boards.set(parentElement, board)
  board.setState = setStateValue
  board.heard = data
  board.root.style.setProperty("--look", data.colours.look_here)
  board.root.style.setProperty("--ignore", data.colours.ignore_this)
  board.root.querySelector(".viewport").style.height = `${data.height}px`
  board.measure()
  adopt(board)
  const ratio = window.devicePixelRatio || 1
  if (ratio !== data.ratio && !pageIsLeft()) setStateValue("ratio", ratio)
  board.repaint()
  return atTheEnd(parentElement, () => {
    board.leave()
    boards.delete(parentElement)
  })
}
