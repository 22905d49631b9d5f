// What is seen: the photograph on one canvas, the shapes on another above it, in the screen's own pixels.

const HALO = "rgba(0, 0, 0, .6)" // under each line, so that it shows on light photographs, too
const DASH = [8, 5] // of what is to be ignored: told apart without colours
const SHARP = 3 // screen pixels per image pixel from which pixels are shown as squares

function paint(board) {
  const ratio = window.devicePixelRatio || 1
  for (const canvas of [board.picture, board.shapes]) {
    const width = Math.round(board.room[0] * ratio), height = Math.round(board.room[1] * ratio)
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width
      canvas.height = height
      board.pictureShown = null
    }
  }
  paintPicture(board, ratio)
  paintShapes(board, ratio)
  const extent = board.size.map((side) => side * board.view.scale)
  board.shapes.dataset.photograph = [board.view.x, board.view.y, ...extent].join(" ")
  sayZoom(board, ratio)
}

function paintPicture(board, ratio) {
  const { view, size } = board
  const source = pictureFor(board, view.scale * ratio)
  const shown = `${source?.src} ${view.scale} ${view.x} ${view.y} ${ratio}`
  if (shown === board.pictureShown) return
  board.pictureShown = shown
  const context = board.picture.getContext("2d")
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, ...board.room)
  if (!source) return
  context.imageSmoothingEnabled = (view.scale * ratio * size[0]) / source.naturalWidth < SHARP
  context.imageSmoothingQuality = "high"
  // Only what is seen of it: a large picture is drawn quickly then.
  const [left, top] = toImage(view, [0, 0]).map((value) => Math.max(0, Math.floor(value)))
  const corner = toImage(view, board.room)
  const right = Math.min(size[0], Math.ceil(corner[0])), bottom = Math.min(size[1], Math.ceil(corner[1]))
  if (right <= left || bottom <= top) return
  const across = source.naturalWidth / size[0], down = source.naturalHeight / size[1]
  context.drawImage(
    source, left * across, top * down, (right - left) * across, (bottom - top) * down,
    ...toPlace(view, [left, top]), (right - left) * view.scale, (bottom - top) * view.scale,
  )
}

function paintShapes(board, ratio) {
  const context = board.shapes.getContext("2d")
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, board.shapes.width, board.shapes.height)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  const { gesture, open } = board
  board.regions.forEach((region, index) => {
    const edited = gesture?.edits === index ? gesture.region : region
    const hidden = open?.name && (region.name === open.name || region.alias === open.name)
    if (!hidden) paintRegion(context, board, edited, index === board.selected)
  })
  if (board.guess) paintGuess(context, board)
  if (board.selected >= 0 && board.regions[board.selected] && board.tool === "select") {
    paintHandles(context, board, gesture?.edits >= 0 ? gesture.region : board.regions[board.selected])
  }
  if (gesture?.drawn) paintRegion(context, board, gesture.drawn, false)
  if (open) paintOpen(context, board)
  paintPointer(context, board)
}

function traced(context, board, points, closed) {
  context.beginPath()
  points.forEach((point, n) => {
    const [x, y] = toPlace(board.view, point)
    if (n) context.lineTo(x, y)
    else context.moveTo(x, y)
  })
  if (points.length === 1) context.lineTo(...toPlace(board.view, [points[0][0] + 0.001, points[0][1]]))
  if (closed) context.closePath()
}

function paintRegion(context, board, region, selected) {
  const colour = board.colours[region.role], ignored = region.role === "ignore_this"
  context.save()
  context.lineJoin = context.lineCap = "round"
  if (region.shape === "brush") {
    traced(context, board, region.points, false)
    context.lineWidth = Math.max(1, region.width * board.view.scale)
    context.strokeStyle = region.erases ? "rgba(255, 255, 255, .6)" : `${colour}80`
    context.stroke()
    if (ignored && !region.erases) {
      context.strokeStyle = hatch(context, colour)
      context.stroke()
    }
    if (selected) {
      context.lineWidth = 2
      context.strokeStyle = "#ffffff"
      context.stroke()
    }
    context.restore()
    return
  }
  traced(context, board, cornersOf(region), true)
  context.fillStyle = ignored ? hatch(context, colour) : `${colour}38`
  context.fill("evenodd")
  outlined(context, colour, ignored ? DASH : [], selected ? 3 : 2)
  context.restore()
}

function outlined(context, colour, dash, width) {
  context.lineCap = "butt"
  context.setLineDash([])
  context.lineWidth = width + 2
  context.strokeStyle = HALO
  context.stroke()
  context.setLineDash(dash)
  context.lineWidth = width
  context.strokeStyle = colour
  context.stroke()
  context.setLineDash([])
}

const hatches = new Map()
function hatch(context, colour) {
  const ratio = window.devicePixelRatio || 1, key = `${colour} ${ratio}`
  if (!hatches.has(key)) {
    const side = Math.round(9 * ratio)
    const tile = document.createElement("canvas")
    tile.width = tile.height = side
    const lines = tile.getContext("2d")
    lines.fillStyle = `${colour}26`
    lines.fillRect(0, 0, side, side)
    lines.strokeStyle = `${colour}c0`
    lines.lineWidth = 1.6 * ratio
    for (const shift of [-side, 0, side]) {
      lines.beginPath()
      lines.moveTo(shift - 1, side + 1)
      lines.lineTo(shift + side + 1, -1)
      lines.stroke()
    }
    hatches.set(key, tile)
  }
  const pattern = context.createPattern(hatches.get(key), "repeat")
  pattern.setTransform(new DOMMatrix().scale(1 / ratio))
  return pattern
}

function paintGuess(context, board) {
  context.save()
  for (const part of board.guess.parts) {
    traced(context, board, part, true)
    context.fillStyle = `${board.colours[board.guess.role]}55`
    context.fill("evenodd")
    outlined(context, "#ffffff", [4, 4], 2)
  }
  context.restore()
}

function paintHandles(context, board, region) {
  context.save()
  context.strokeStyle = "#1b1f24"
  context.fillStyle = "#ffffff"
  context.lineWidth = 1.5
  if (region.shape !== "box") {
    const [left, top, right, bottom] = boundsOf(region.points)
    const [x1, y1] = toPlace(board.view, [left, top]), [x2, y2] = toPlace(board.view, [right, bottom])
    context.beginPath()
    context.rect(x1, y1, x2 - x1, y2 - y1)
    outlined(context, "#ffffff", [3, 3], 1)
    context.strokeStyle = "#1b1f24"
    context.lineWidth = 1.5
  }
  for (const [x, y] of handlePlaces(region, board.view)) {
    context.fillRect(x - 4, y - 4, 8, 8)
    context.strokeRect(x - 4, y - 4, 8, 8)
  }
  if (hasCorners(region)) {
    region.points.forEach((point, n) => {
      const [x, y] = toPlace(board.view, point)
      context.beginPath()
      context.arc(x, y, n === board.corner ? 6 : 4.5, 0, 2 * Math.PI)
      context.fillStyle = n === board.corner ? "#ffd33d" : "#ffffff"
      context.fill()
      context.stroke()
    })
  }
  context.restore()
}

function paintOpen(context, board) {
  const { open, hover } = board
  const colour = board.colours[open.role]
  const points = hover ? [...open.points, toImage(board.view, hover)] : open.points
  context.save()
  traced(context, board, points, false)
  outlined(context, colour, open.role === "ignore_this" ? DASH : [], 2)
  const first = toPlace(board.view, open.points[0])
  const closes = hover && open.points.length > 2 && apart(first, hover) <= GRIP + 3
  open.points.forEach((point, n) => {
    context.beginPath()
    context.arc(...toPlace(board.view, point), n === 0 && closes ? 8 : 4, 0, 2 * Math.PI)
    context.fillStyle = n === 0 && closes ? colour : "#ffffff"
    context.fill()
    context.lineWidth = 1.5
    context.strokeStyle = "#1b1f24"
    context.stroke()
  })
  context.restore()
}

/** The brush's size where the pointer is. */
function paintPointer(context, board) {
  if (!board.hover || board.gesture?.pans || !board.drawable) return
  if (board.tool !== "brush" && board.tool !== "eraser") return
  context.save()
  context.beginPath()
  context.arc(...board.hover, (brushWidth(board) * board.view.scale) / 2, 0, 2 * Math.PI)
  outlined(context, "#ffffff", board.tool === "eraser" ? [4, 3] : [], 1.5)
  context.restore()
}
