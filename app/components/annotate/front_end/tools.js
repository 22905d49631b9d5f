// The pointer: one gesture at a time, from pressing to letting go. A gesture has `edits` (index of the region
// that it changes, with `region` as it would become), `drawn` (a new region so far) or `pans`.

const STILL = 3 // CSS pixels that a hand may move while it only selects
const hasCorners = (region) => region?.shape === "polygon" && region.points.length <= 150
const brushWidth = (board) => Math.max(board.brush / board.view.scale, THINNEST)

function placeOf(board, event) {
  const frame = board.shapes.getBoundingClientRect()
  return [event.clientX - frame.left, event.clientY - frame.top]
}

const onImage = (board, [x, y]) => [between(0, x, board.size[0]), between(0, y, board.size[1])]

function press(board, event) {
  const place = placeOf(board, event)
  board.pointers.set(event.pointerId, place)
  if (board.pointers.size === 2) return pinch(board)
  if (board.gesture || event.button > 1) return
  board.shapes.setPointerCapture(event.pointerId)
  event.preventDefault()
  board.shapes.focus({ preventScroll: true })
  const pans = event.button === 1 || board.space || !board.drawable
  board.gesture = pans ? { pans: true, from: place } : begin(board, place, event)
  board.hover = place
  board.repaint()
}

function begin(board, place, event) {
  const point = toImage(board.view, place), role = board.role
  if (board.tool === "select") return grip(board, place, point, event)
  if (board.tool === "polygon") return { corner: true, from: place }
  if (board.tool === "brush" || board.tool === "eraser") {
    const erases = board.tool === "eraser"
    return { drawn: { shape: "brush", role, points: [point], width: brushWidth(board), erases } }
  }
  const start = onImage(board, point)
  return { from: start, drawn: { shape: "box", role, points: [start, start] } }
}

/** In the select tool: what lies under the pointer is what the gesture changes. */
function grip(board, place, point, event) {
  const selected = board.regions[board.selected], isDouble = pressedTwice(board, event)
  if (selected) {
    const near = (other) => apart(place, other) <= GRIP
    if (hasCorners(selected)) {
      const corner = selected.points.findIndex((other) => near(toPlace(board.view, other)))
      if (corner >= 0) {
        board.corner = corner
        if (isDouble || event.altKey) return removeCorner(board), null
        return { edits: board.selected, region: selected, before: selected, start: place, corner }
      }
    }
    const of = { edits: board.selected, region: selected, before: selected, start: place }
    const [side, far] = nearestSide(point, selected.points, true)
    if (hasCorners(selected) && far * board.view.scale <= GRIP && isDouble) {
      const points = [...selected.points.slice(0, side + 1), point, ...selected.points.slice(side + 1)]
      board.corner = side + 1
      return { ...of, region: { ...selected, points }, corner: side + 1, moved: true }
    }
    const handle = handlePlaces(selected, board.view).findIndex(near)
    if (handle >= 0) return { ...of, handle, bounds: boundsOf(selected.points) }
  }
  const index = regionAt(board.regions, point, board.view.scale)
  select(board, index)
  if (index < 0) return { pans: true, from: place }
  const region = board.regions[index]
  return { edits: index, region, before: region, start: place, from: point }
}

/** Pressed twice at one place: pointer events do not count. */
function pressedTwice(board, event) {
  const { pressed } = board, now = { time: event.timeStamp, x: event.clientX, y: event.clientY }
  board.pressed = now
  if (!pressed || now.time - pressed.time > 400) return false
  return Math.hypot(now.x - pressed.x, now.y - pressed.y) < 5
}

function move(board, event) {
  const place = placeOf(board, event)
  if (board.pointers.has(event.pointerId)) board.pointers.set(event.pointerId, place)
  board.hover = place
  const { gesture } = board
  if (gesture?.pinch) pinched(board)
  else if (gesture?.pans) {
    const [dx, dy] = [place[0] - gesture.from[0], place[1] - gesture.from[1]]
    board.look(panned(board.view, dx, dy, board.size, board.room))
    gesture.from = place
  } else if (gesture?.drawn?.shape === "brush") {
    const passed = event.getCoalescedEvents?.() ?? []
    for (const one of passed.length ? passed : [event]) {
      gesture.drawn.points.push(toImage(board.view, placeOf(board, one)))
    }
  } else if (gesture?.drawn) {
    gesture.drawn.points = [gesture.from, onImage(board, toImage(board.view, place))]
  } else if (gesture?.before) edit(board, gesture, place)
  else point(board, place)
  board.repaint()
}

function edit(board, gesture, place) {
  const at = toImage(board.view, place), { before } = gesture
  gesture.start ??= place
  if (!gesture.moved && apart(place, gesture.start) < STILL) return
  gesture.moved = true
  if (gesture.corner >= 0) {
    const points = [...gesture.region.points]
    points[gesture.corner] = onImage(board, at)
    gesture.region = { ...before, points }
  } else if (gesture.handle >= 0) {
    const after = boundsAfter(gesture.bounds, gesture.handle, at, board.size)
    gesture.region = stretched(before, gesture.bounds, after)
  } else {
    gesture.region = shifted(before, at[0] - gesture.from[0], at[1] - gesture.from[1], board.size)
  }
}

function release(board, event) {
  board.pointers.delete(event.pointerId)
  const { gesture } = board
  if (gesture?.pinch && board.pointers.size) return
  if (gesture && event.type === "pointercancel") board.gesture = null
  else if (gesture) end(board, placeOf(board, event))
  if (event.pointerType !== "mouse") board.hover = null
  board.adopt()
  board.repaint()
}

/** What was drawn or changed is kept: also before a key that leaves the image, and when another one comes. */
function end(board, place) {
  const { gesture } = board
  board.gesture = null
  if (!gesture) return
  if (gesture.corner === true) addCorner(board, place ?? gesture.from)
  else if (gesture.drawn?.shape === "brush") {
    const { erases, role, points, width } = gesture.drawn
    const line = simplified(points, 0.25 / board.view.scale)
    if (erases) tell(board, { do: "erase", points: line, width })
    else if (isMeant("brush", points, board.view.scale)) {
      change(board, { add: [{ shape: "brush", role, points: line, width }] })
    }
  } else if (gesture.drawn) {
    const { points, role } = gesture.drawn, meant = isMeant("box", points, board.view.scale)
    if (!meant && !(board.tool === "outline" && board.clicks)) return
    if (board.tool === "outline") {
      board.guess = null
      tell(board, { do: "outline", points: meant ? points : points.slice(1), role })
      board.dress()
    }
    else change(board, { add: [gesture.drawn] })
  } else if (gesture.moved) {
    change(board, { put: [[gesture.before.name, gesture.region]] })
  }
}

// --- polygons, corner by corner

function addCorner(board, place) {
  const point = onImage(board, toImage(board.view, place))
  const { open } = board
  if (!open) {
    board.open = { name: null, role: board.role, points: [point] }
    return
  }
  const near = (corner, far) => apart(toPlace(board.view, corner), place) <= far
  const again = near(open.points[open.points.length - 1], STILL) // a double click ends it, too
  if (open.points.length > 2 && (again || near(open.points[0], GRIP + 3))) return closePolygon(board)
  if (again) return
  open.points.push(point)
  keepOpen(board)
}

/** The server knows the polygon so far: it is not lost, whatever comes next. */
function keepOpen(board) {
  const { open } = board
  const region = { shape: "polygon", role: open.role, points: [...open.points] }
  if (open.points.length < 3) {
    if (open.name) change(board, { remove: [open.name], same: true })
    open.name = null
  } else {
    const there = open.name && board.regions.find((one) => one.name === open.name || one.alias === open.name)
    const changed = there
      ? change(board, { put: [[there.name, region]], same: true })
      : change(board, { add: [region] })
    open.name = changed[0].name
  }
}

function closePolygon(board) {
  const { open } = board
  board.open = null
  const isClick = open?.name && !isMeant("polygon", open.points, board.view.scale)
  if (isClick) change(board, { remove: [open.name], same: true })
  board.repaint()
}

function dropPolygon(board) {
  const { open } = board
  board.open = null
  if (open?.name) tell(board, { do: "undo" })
  board.repaint()
}

function takeCorner(board) {
  board.open.points.pop()
  if (board.open.points.length) keepOpen(board)
  else board.open = null
  board.repaint()
}

// --- editing without a gesture

function select(board, index) {
  board.corner = index === board.selected ? board.corner : -1
  board.selected = index
  board.dress()
}

function removeCorner(board) {
  const region = board.regions[board.selected]
  if (region.points.length < 4) return
  const points = region.points.filter((_, n) => n !== board.corner)
  board.corner = -1
  change(board, { put: [[region.name, { ...region, points }]] })
  board.repaint()
}

function remove(board) {
  const region = board.regions[board.selected]
  if (board.corner >= 0 && hasCorners(region) && region.points.length > 3) return removeCorner(board)
  if (!region) return
  select(board, -1)
  change(board, { remove: [region.name] })
  board.repaint()
}

/** By so many screen pixels: moved, or with `stretch` its right and lower side. */
function nudge(board, dx, dy, stretch) {
  const region = board.regions[board.selected]
  if (!region) return
  const [x, y] = [dx / board.view.scale, dy / board.view.scale]
  const bounds = boundsOf(region.points)
  const after = boundsAfter(bounds, 4, [bounds[2] + x, bounds[3] + y], board.size)
  const there = stretch ? stretched(region, bounds, after) : shifted(region, x, y, board.size)
  const same = performance.now() - (board.nudged ?? -Infinity) < 800
  board.nudged = performance.now()
  change(board, { put: [[region.name, there]], same })
  board.repaint()
}

/** A box in the middle of what is seen, for keys to move and stretch. */
function placeBox(board) {
  const middle = board.room.map((side) => side / 2), half = Math.min(...board.room) / 6
  const corners = [-half, half].map((by) => onImage(board, toImage(board.view, middle.map((at) => at + by))))
  change(board, { add: [{ shape: "box", role: board.role, points: corners }] })
  setTool(board, "select")
  select(board, board.regions.length - 1)
  board.repaint()
}

// --- two fingers

const halfway = (one, other) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2]

function pinch(board) {
  const [one, other] = [...board.pointers.values()]
  board.gesture = { pinch: true, apart: apart(one, other), middle: halfway(one, other) }
}

function pinched(board) {
  const [one, other] = [...board.pointers.values()], { gesture } = board
  if (!other) return
  const middle = halfway(one, other), far = apart(one, other)
  const [dx, dy] = [middle[0] - gesture.middle[0], middle[1] - gesture.middle[1]]
  const { scale, ...moved } = panned(board.view, dx, dy, board.size, board.room)
  const next = (scale * far) / Math.max(1, gesture.apart)
  board.look(zoomed({ scale, ...moved }, next, middle, board.size, board.room))
  Object.assign(gesture, { apart: far, middle })
}

/** The pointer's shape says what pressing would do. */
function point(board, place) {
  let cursor = "crosshair"
  if (!board.drawable || board.space) cursor = "grab"
  else if (board.tool === "brush" || board.tool === "eraser") cursor = "none"
  else if (board.tool === "select") {
    const region = board.regions[board.selected]
    const onHandle = region && handlePlaces(region, board.view).findIndex((at) => apart(place, at) <= GRIP)
    const sizes = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"]
    const under = regionAt(board.regions, toImage(board.view, place), board.view.scale)
    cursor = region && onHandle >= 0 ? sizes[onHandle % 4] : under < 0 ? "grab" : "move"
  }
  board.shapes.style.cursor = cursor
}
